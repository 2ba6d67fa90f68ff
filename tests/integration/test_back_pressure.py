"""A client that does not read its rows: the owner's memory stays bounded, the others go on, and the rows come right."""

import struct
import time

import pytest

from harness.net import reset_on_close
from harness.process import wait_until
from harness.wire import FLUSH, SYNC, Wire, bind, execute, parse, query, row

ROWS = 3_000_000
ALLOWANCE = 150 << 20

pytestmark = pytest.mark.merganser_only


@pytest.fixture(scope="module")
def big(server):
    with server.connect() as connection:
        connection.execute(
            f"create table big as select g as i, 'some text of row ' || g as s from generate_series(1, {ROWS}) as r(g)"
        )
        connection.execute("checkpoint")
        connection.execute("select sum(i), max(length(s)) from big").fetchall()
    return server


def watched(server, seconds):
    """The highest resident memory seen during the time."""
    highest, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        highest = max(highest, server.rss())
        time.sleep(0.02)
    return highest


def test_memory_stays_bounded_and_others_go_on(big):
    before = big.rss()
    stuck = []
    try:
        for _ in range(4):
            wire = Wire.open(big)
            wire.send(query("select * from big"))
            wire.until("D")
            stuck.append(wire)
        highest = watched(big, 2)
        with big.connect() as connection:
            connection.execute("create table beside(i int)")
            for i in range(200):
                connection.execute("insert into beside values (%s)", (i,))
                assert connection.execute("select count(*) from beside").fetchone() == (i + 1,)
        highest = max(highest, big.rss())
        assert highest < before + ALLOWANCE, f"{(highest - before) >> 20} MiB more than before"
        # One of them wakes up and must get every row.
        seen = 1
        while True:
            kind, body = stuck[0].next()
            if kind == "D":
                seen += 1
                last = body
            elif kind == "C":
                break
        assert seen == ROWS and row(last)[0] is not None
        assert stuck[0].next().kind == "Z"
    finally:
        for wire in stuck:
            reset_on_close(wire.socket)
            wire.close()
    with big.connect() as connection:
        assert connection.execute("select count(*) from big").fetchone() == (ROWS,)


def test_every_row_comes_once_whatever_the_reading_speed(big):
    with Wire.open(big) as wire:
        wire.send(query("select i from big where i <= 500000 order by i"))
        wire.until("T")
        expected = 1
        while True:
            kind, body = wire.next()
            if kind == "C":
                break
            assert int(row(body)[0]) == expected
            if expected % 100_000 == 0:
                time.sleep(0.2)
            expected += 1
        assert expected == 500_001


def test_a_stuck_client_that_vanishes_gives_its_connection_back(big):
    for _ in range(40):
        wire = Wire.open(big)
        wire.send(query("select * from big"))
        wire.until("D")
        reset_on_close(wire.socket)
        wire.close()
    with big.connect() as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_client_that_sends_and_never_reads(big):
    """Queries without reading answers: at some point the owner stops reading too, instead of buffering."""
    before = big.rss()
    with Wire.open(big) as wire:
        wire.socket.settimeout(3)
        one = query("select repeat('x', 100000)")
        sent = 0
        try:
            for _ in range(20_000):
                wire.socket.sendall(one)
                sent += 1
        except TimeoutError:
            pass
        assert sent < 20_000, "two gigabytes of answers were taken in advance"
        assert big.rss() < before + ALLOWANCE
        reset_on_close(wire.socket)
    with big.connect() as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_slow_writer_of_a_long_message_costs_only_its_bytes(big):
    before = big.rss()
    wires = [Wire.open(big) for _ in range(20)]
    for wire in wires:
        wire.send(b"Q" + struct.pack("!i", 100 << 20) + b"select '")
    with big.connect() as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert big.rss() < before + ALLOWANCE
    for wire in wires:
        wire.close()
    wait_until(lambda: big.child.alive, "the owner lives", timeout=1)


def test_clients_that_do_not_read_leave_room_for_the_others(start_server):
    """More of them than reads may run at once: a read that waits for its client is not one that runs."""
    server = start_server("--max-read-connections", "4")
    stuck = []
    try:
        for _ in range(8):
            wire = Wire.open(server)
            wire.send(query("select repeat('x', 1000) from range(20000)"))
            stuck.append(wire)
        for _ in range(8):
            wire = Wire.open(server)
            wire.send(parse("select * from range(100000)"), bind(portal="p"), execute("p", 5), FLUSH)
            wire.until("s")
            stuck.append(wire)
        with Wire.open(server) as other:
            other.socket.settimeout(20)
            assert other.rows(query("select 1")) == [[b"1"]]
        assert sum(m.kind == "D" for m in stuck[0].until_ready()) == 20000
        stuck[-1].send(execute("p"), SYNC)
        assert sum(m.kind == "D" for m in stuck[-1].until_ready()) == 99995
    finally:
        for wire in stuck:
            wire.close()

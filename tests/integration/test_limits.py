"""Limits: full queues, large messages, little memory, little temporary space. Refused clearly, and others go on."""

import struct

import psycopg
import pytest
from psycopg import errors

from harness.background import outcome, start_statement
from harness.process import wait_until
from harness.wire import SYNC, Wire, bind, execute, parse, query, sqlstate

pytestmark = pytest.mark.merganser_only


def test_max_connections(start_server):
    server = start_server("--max-connections", "5")
    held = [server.connect() for _ in range(5)]
    with pytest.raises(psycopg.OperationalError, match="too many|connections"):
        server.connect()
    held.pop().close()

    def works():
        try:
            server.connect().close()
            return True
        except psycopg.OperationalError:
            return False

    wait_until(works, "a place is free again")
    for connection in held:
        connection.close()


def test_a_full_write_queue_refuses_at_once(start_server, place):
    server = start_server("--write-queue-units", "4", "--lane-lease", "1h")
    with server.connect() as holder, server.connect() as late:
        holder.execute("create table t(i int)")
        holder.execute("begin")
        holder.execute("insert into t values (0)")
        waiting = [start_statement(place, server.conninfo(), f"insert into t values ({i})") for i in range(1, 10)]
        refused = [child for child in waiting if wait_for_end(child)]
        assert len(refused) == 5, "as many as the queue does not hold are refused, without waiting"
        assert {outcome(child) for child in refused} == {"failed 53300"}
        with pytest.raises(errors.TooManyConnections):
            late.execute("insert into t values (100)")
        assert late.execute("select count(*) from t").fetchone() == (0,)
        holder.execute("commit")
        left = [child for child in waiting if child not in refused]
        assert {outcome(child) for child in left} == {"done"}
        assert late.execute("select count(*) from t").fetchone() == (5,)


def wait_for_end(child):
    try:
        wait_until(lambda: not child.alive, "it ended", timeout=1.5)
        return True
    except AssertionError:
        return False


def test_a_message_over_the_limit(start_server):
    server = start_server("--max-message-bytes", "1MiB")
    with Wire.open(server) as wire:
        assert wire.rows(query("select length('" + "x" * 900_000 + "')")) == [[b"900000"]]
        wire.send(b"Q" + struct.pack("!i", 2 << 20))
        got = wire.until_closed()
        assert sqlstate(got) in ("54000", "08P01", "53400"), got
    with server.connect() as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_query_over_the_memory_limit(start_server):
    server = start_server("--memory-limit", "64MB", "--temp-limit", "1MiB")
    with server.connect() as greedy, server.connect() as other:
        other.execute("create table t(i int)")
        with pytest.raises(psycopg.Error) as caught:
            greedy.execute(
                "select count(distinct s) from (select g || repeat('x', 200) as s from generate_series(1, 3000000) as r(g))"
            )
        assert caught.value.sqlstate in ("53200", "53400", "53100"), caught.value
        other.execute("insert into t values (1)")
        assert greedy.execute("select count(*) from t").fetchone() == (1,)


def test_a_spool_over_the_temporary_limit(start_server):
    """A suspended portal too large to put aside: an error for its client, nothing for the others."""
    server = start_server("--temp-limit", "64KiB")
    with Wire.open(server) as wire, server.connect() as other:
        wire.ask(query("create table t(i int)"))
        wire.ask(query("begin"))
        sql = "select g, repeat('x', 500) from generate_series(1, 400000) as r(g)"
        wire.ask(parse(sql), bind(portal="p"), execute("p", 5), SYNC)
        states = {sqlstate(wire.ask(query("select 1"))), sqlstate(wire.ask(execute("p", 5), SYNC))}
        assert states & {"53400", "53100", "53200"}, states
        wire.ask(query("rollback"))
        assert wire.rows(query("select 1")) == [[b"1"]]
        other.execute("insert into t values (1)")


def test_temporary_files_are_gone_afterwards(start_server, place):
    server = start_server()
    with Wire.open(server) as wire:
        wire.ask(query("begin"))
        sql = "select g, repeat('x', 500) from generate_series(1, 100000) as r(g)"
        wire.ask(parse(sql), bind(portal="p"), execute("p", 5), SYNC)
        assert wire.rows(query("select 1")) == [[b"1"]]
        wire.ask(query("rollback"))
    server.stop()
    left = [
        path
        for path in place.path.rglob("*")
        if path.is_file() and path.suffix not in (".duckdb", ".lock", ".spawn", ".mark", ".flight") and path.name != "lock"
    ]
    assert left == []


def test_a_thousand_idle_connections(start_server):
    server = start_server()
    before = server.rss()
    wires = []
    try:
        for _ in range(1000):
            wires.append(Wire.open(server))
        grown = server.rss() - before
        assert wires[-1].rows(query("select 1")) == [[b"1"]]
        assert wires[0].rows(query("select 2")) == [[b"2"]]
        assert grown < 128 << 20, f"{grown >> 20} MiB for a thousand idle connections"
    finally:
        for wire in wires:
            wire.close()
    with server.connect() as connection:
        assert connection.execute("select 3").fetchone() == (3,)

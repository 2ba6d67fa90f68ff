"""Cancelling: psycopg's cancel, psql's, a raw CancelRequest, a wrong key, an idle session, a queued statement."""

import signal
import struct
import threading
import time

import psycopg
import pytest
from psycopg import errors

from harness.background import ENDLESS
from harness.net import connect_unix
from harness.paths import PG_BIN
from harness.process import Child
from harness.wire import Wire, cancel_request, query, sqlstate


def send_cancel(server, pid, key):
    with connect_unix(server.socket_path) as connection:
        connection.sendall(cancel_request(pid, key))
        assert connection.recv(1) == b""


def test_psycopg_cancel(server):
    with server.connect() as connection:
        timer = threading.Timer(0.3, connection.cancel)
        timer.start()
        with pytest.raises(errors.QueryCanceled):
            connection.execute(ENDLESS)
        timer.join()
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_raw_cancel_request(server):
    with Wire.open(server) as wire:
        wire.send(query(ENDLESS))
        time.sleep(0.2)
        send_cancel(server, *wire.key)
        assert sqlstate(wire.until_ready()) == "57014"
        assert wire.rows(query("select 1")) == [[b"1"]]


def test_a_wrong_key_is_harmless(server):
    with Wire.open(server) as wire:
        pid, key = wire.key
        wire.send(query("select count(*) from generate_series(1, 30000000) as r(g)"))
        for bad in [(pid, key ^ 1), (pid, 0), (pid + 1, key), (0, 0), (-1, -1)]:
            send_cancel(server, *bad)
        answer = wire.until_ready()
        assert sqlstate(answer) is None


def test_a_cancel_of_an_idle_session_does_not_hit_the_next_statement(server):
    with Wire.open(server) as wire:
        for _ in range(20):
            send_cancel(server, *wire.key)
            time.sleep(0.01)
            assert wire.rows(query("select 1")) == [[b"1"]]


def test_a_cancelled_statement_aborts_its_transaction(server, table):
    with server.connect() as connection:
        connection.execute(f"create table {table}(i int)")
        connection.execute("begin")
        connection.execute(f"insert into {table} values (1)")
        timer = threading.Timer(0.3, connection.cancel)
        timer.start()
        with pytest.raises(errors.QueryCanceled):
            connection.execute(ENDLESS)
        timer.join()
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
        with pytest.raises(errors.InFailedSqlTransaction):
            connection.execute("select 1")
        connection.execute("rollback")
        assert connection.execute(f"select count(*) from {table}").fetchone() == (0,)


def test_a_cancelled_write_leaves_nothing(server, table):
    with server.connect() as connection:
        connection.execute(f"create table {table}(i bigint)")
        timer = threading.Timer(0.3, connection.cancel)
        timer.start()
        with pytest.raises(errors.QueryCanceled):
            connection.execute(
                f"insert into {table} select x from generate_series(1, 1000000) a(x), generate_series(1, 1000000) b(y)"
                " where (x * y) % 7919 = 7919"
            )
        timer.join()
        assert connection.execute(f"select count(*) from {table}").fetchone() == (0,)
        connection.execute(f"insert into {table} values (1)")


def test_a_stream_is_cancelled_while_it_flows(server):
    with Wire.open(server) as wire:
        wire.send(query("select x, y from generate_series(1, 100000) a(x), generate_series(1, 100000) b(y)"))
        wire.until("D")
        send_cancel(server, *wire.key)
        kinds = set()
        while "Z" not in kinds:
            got = wire.next()
            kinds.add(got.kind)
            if got.kind == "E":
                assert sqlstate([got]) == "57014"
        assert "E" in kinds and "C" not in kinds


def test_psql_on_interrupt(server):
    child = Child([PG_BIN / "psql", "-X", "-c", ENDLESS], env=server.environment())
    time.sleep(0.7)
    child.signal(signal.SIGINT)
    assert child.wait(20) == 1
    assert any("cancel" in line for line in child.lines("err")), child.lines("err")


@pytest.mark.merganser_only
def test_a_waiting_write_is_cancelled_in_the_queue(server, table):
    """The lane is held by a transaction; whoever waits behind it can still be cancelled, and did nothing."""
    with server.connect() as holder, server.connect() as waiting:
        holder.execute(f"create table {table}(i int)")
        holder.execute("begin")
        holder.execute(f"insert into {table} values (1)")
        timer = threading.Timer(0.3, waiting.cancel)
        timer.start()
        with pytest.raises(errors.QueryCanceled):
            waiting.execute(f"insert into {table} values (2)")
        timer.join()
        holder.execute("commit")
        assert waiting.execute(f"select i from {table}").fetchall() == [(1,)]
        waiting.execute(f"insert into {table} values (3)")


def test_cancel_over_a_new_connection_needs_no_login(server):
    with connect_unix(server.socket_path) as connection:
        connection.sendall(struct.pack("!iiii", 16, 80877102, 1, 1))
        assert connection.recv(1) == b""

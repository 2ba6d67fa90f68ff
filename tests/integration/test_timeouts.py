"""statement_timeout and idle_in_transaction_session_timeout, by session, by transaction and by setting."""

import time

import psycopg
import pytest
from psycopg import errors

from harness.background import ENDLESS
from harness.net import connect_unix
from harness.process import wait_until
from harness.wire import SYNC, Wire, bind, cancel_request, execute, parse, query, sqlstate


@pytest.mark.parametrize(
    "sql", ["set statement_timeout = 200", "set statement_timeout = '200ms'", "set statement_timeout to '0.2s'"]
)
def test_statement_timeout(connection, sql):
    connection.execute(sql)
    with pytest.raises(errors.QueryCanceled, match="statement timeout"):
        connection.execute(ENDLESS)
    assert connection.execute("select 1").fetchone() == (1,)
    connection.execute("set statement_timeout = 0")


def test_statement_timeout_is_shown(connection):
    connection.execute("set statement_timeout = '1500ms'")
    assert connection.execute("show statement_timeout").fetchone() == ("1500ms",)
    connection.execute("reset statement_timeout")
    assert connection.execute("show statement_timeout").fetchone() == ("0",)


def test_statement_timeout_by_startup_option(server):
    with server.connect(options="-c statement_timeout=200") as connection, pytest.raises(errors.QueryCanceled):
        connection.execute(ENDLESS)


def test_statement_timeout_of_one_session_only(server):
    with server.connect() as short, server.connect() as other:
        short.execute("set statement_timeout = 50")
        assert (
            other.execute("select count(*) from generate_series(1, 3000000) as r(g) where g % 7 = 0").fetchone()[0] > 0
        )


def test_statement_timeout_in_a_transaction_aborts_it(connection, table):
    connection.execute(f"create table {table}(i int)")
    connection.execute("begin")
    connection.execute(f"insert into {table} values (1)")
    connection.execute("set local statement_timeout = 200")
    with pytest.raises(errors.QueryCanceled):
        connection.execute(ENDLESS)
    with pytest.raises(errors.InFailedSqlTransaction):
        connection.execute("select 1")
    connection.execute("rollback")
    assert connection.execute(f"select count(*) from {table}").fetchone() == (0,)
    assert connection.execute("show statement_timeout").fetchone() == ("0",)


def test_idle_in_transaction_session_timeout(server, table):
    """The session ends, its work is undone, its place is free."""
    with server.connect() as other, server.connect() as idle:
        other.execute(f"create table {table}(i int)")
        idle.execute("set idle_in_transaction_session_timeout = 300")
        idle.execute("begin")
        idle.execute(f"insert into {table} values (1)")
        time.sleep(1.5)
        with pytest.raises((errors.IdleInTransactionSessionTimeout, psycopg.OperationalError)) as caught:
            idle.execute("select 1")
        if caught.value.sqlstate is not None:
            assert caught.value.sqlstate == "25P03"
        assert other.execute(f"select count(*) from {table}").fetchone() == (0,)
        other.execute(f"insert into {table} values (2)")


def test_idle_in_transaction_timeout_spares_who_is_busy_or_outside(server):
    with server.connect() as connection:
        connection.execute("set idle_in_transaction_session_timeout = 400")
        time.sleep(1)
        assert connection.execute("select 1").fetchone() == (1,)
        connection.execute("begin")
        assert connection.execute(
            "select count(*) from generate_series(1, 20000000) as r(g) where g % 3 = 0"
        ).fetchone()
        for _ in range(6):
            time.sleep(0.1)
            connection.execute("select 1")
        connection.execute("commit")


@pytest.mark.merganser_only
def test_settings_of_the_owner_are_the_sessions_defaults(start_server):
    server = start_server("--statement-timeout", "300ms", "--idle-in-transaction-timeout", "400ms")
    with server.connect() as connection:
        assert connection.execute("show statement_timeout").fetchone() == ("300ms",)
        with pytest.raises(errors.QueryCanceled):
            connection.execute(ENDLESS)
        connection.execute("begin")
        connection.execute("select 1")
        time.sleep(1.5)
        with pytest.raises(psycopg.Error):
            connection.execute("select 1")


@pytest.mark.merganser_only
def test_a_timeout_while_waiting_for_the_lane(server, table):
    """The time in the queue counts; the statement was not executed, now or later."""
    with server.connect() as holder, server.connect() as waiting:
        holder.execute(f"create table {table}(i int)")
        holder.execute("begin")
        holder.execute(f"insert into {table} values (1)")
        waiting.execute("set statement_timeout = 300")
        with pytest.raises(errors.QueryCanceled):
            waiting.execute(f"insert into {table} values (2)")
        holder.execute("commit")
        assert waiting.execute(f"select i from {table}").fetchall() == [(1,)]


@pytest.mark.merganser_only
def test_a_timeout_while_waiting_for_a_worker(start_server):
    """Every worker is busy: who waits is answered in time all the same."""
    server = start_server("--reader-threads", "1")
    with Wire.open(server) as busy, Wire.open(server, options="-c statement_timeout=200") as wire:
        busy.send(query("select count(*) from range(100000000) a, range(1000) b"))
        time.sleep(0.3)
        for statement in (query("select 1"), query("set timezone = 'UTC'"), query("set timezone = 'Europe/Berlin'")):
            begun = time.monotonic()
            answer = wire.ask(statement)
            assert sqlstate(answer) in ("57014", None) and time.monotonic() - begun < 5
        assert sqlstate(wire.ask(parse("select 2"), bind(), execute(), SYNC)) == "57014"
        assert sqlstate(wire.ask(query("select 1"))) == "57014"
        with connect_unix(server.socket_path) as other:
            other.sendall(cancel_request(*busy.key))
            other.recv(1)
        assert sqlstate(busy.until_ready()) == "57014"
        assert wire.rows(query("select 1")) == [[b"1"]]


@pytest.mark.merganser_only
def test_a_client_that_does_not_read_its_end_is_gone_soon(start_server):
    server = start_server()
    with server.connect() as connection:
        connection.execute("create table t(s varchar)")
    wire = Wire.open(server, options="-c idle_in_transaction_session_timeout=500")
    wire.send(query("begin"), query("insert into t values ('x')"))
    wire.until_ready(), wire.until_ready()
    wire.send(query("select repeat('x', 1000) from range(900)"))  # fits into the output buffer, not into the socket
    wait_until(lambda: server.status()["sessions"]["open"] == 0, "the session has ended", 20)
    wire.close()

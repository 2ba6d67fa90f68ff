"""Functions about sessions: who am I, my settings, cancelling and ending others."""

import threading
import time

import psycopg
import pytest
from psycopg import errors

from harness.process import wait_until


def value(connection, sql, *arguments):
    return connection.execute(sql, arguments or None).fetchone()[0]


@pytest.fixture
def two(server):
    with server.connect() as one, server.connect() as other:
        yield one, other


def test_backend_pid(two):
    one, other = two
    assert value(one, "select pg_backend_pid()") == one.info.backend_pid
    assert value(other, "select pg_backend_pid() = %s", one.info.backend_pid) is False
    cursor = one.execute("select pg_backend_pid(), 1 as x")
    assert [column.name for column in cursor.description] == ["pg_backend_pid", "x"]


def test_settings(connection):
    assert value(connection, "select set_config('application_name', 'mine', false)") == "mine"
    assert value(connection, "show application_name") == "mine"
    assert value(connection, "select current_setting('application_name')") == "mine"
    assert value(connection, "select current_setting(%s)", "application_name") == "mine"
    assert value(connection, "select upper(current_setting('Application_Name'))") == "MINE"
    assert value(connection, "select current_setting('nothing.of_that_name', true)") is None
    with pytest.raises(errors.UndefinedObject):
        connection.execute("select current_setting('nothing.of_that_name')")
    connection.execute("begin")
    assert value(connection, "select set_config('statement_timeout', %s, true)", "5s") == "5s"
    assert value(connection, "show statement_timeout") == "5s"
    connection.execute("commit")
    assert value(connection, "show statement_timeout") == "0"
    with pytest.raises(errors.InvalidParameterValue):
        connection.execute("select set_config('statement_timeout', 'never', false)")


def test_cancelling_another_session(two):
    one, other = two
    failed = []

    def work():
        try:
            other.execute("select pg_advisory_lock(77)")
        except psycopg.Error as error:
            failed.append(error)

    one.execute("select pg_advisory_lock(77)")
    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.2)
    assert value(one, "select pg_cancel_backend(%s)", other.info.backend_pid) is True
    thread.join(30)
    assert isinstance(failed[0], errors.QueryCanceled)
    assert value(one, "select pg_cancel_backend(999999999)") is False
    assert other.execute("select 1").fetchone() == (1,)
    one.execute("select pg_advisory_unlock_all()")


def test_ending_another_session(server, two):
    one, other = two
    other.execute("select pg_advisory_lock(78)")
    assert value(one, "select pg_terminate_backend(%s)", other.info.backend_pid) is True
    with pytest.raises(errors.AdminShutdown):
        other.execute("select 1")
    wait_until(lambda: value(one, "select pg_try_advisory_lock(78)"), "its lock is free", 30)
    one.execute("select pg_advisory_unlock_all()")
    assert value(one, "select pg_terminate_backend(999999999)") is False


def test_ending_oneself(server):
    one = server.connect()
    with pytest.raises(errors.AdminShutdown):
        one.execute("select pg_terminate_backend(pg_backend_pid())")
        one.execute("select 1")
    one.close()


@pytest.mark.merganser_only
def test_ending_those_that_do_something(server, two):
    one, _ = two
    victims = [server.connect(application_name="victim") for _ in range(3)]
    got = one.execute(
        "select session, pg_terminate_backend(session) from merganser.activity where application_name = 'victim' "
        "and session <> pg_backend_pid() order by session"
    ).fetchall()
    assert got == [(victim.info.backend_pid, True) for victim in victims]
    for victim in victims:
        with pytest.raises(psycopg.OperationalError):
            victim.execute("select 1")
        victim.close()

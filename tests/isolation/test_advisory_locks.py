"""Advisory locks: exclusive and shared, of sessions and transactions, waiting, circles, timeouts, clients that vanish."""

import threading
import time

import psycopg
import pytest
from psycopg import errors

from harness.process import wait_until


@pytest.fixture
def two(server):
    with server.connect() as one, server.connect() as other:
        yield one, other


def value(connection, sql, *arguments):
    return connection.execute(sql, arguments or None).fetchone()[0]


def in_background(function):
    outcome = []

    def work():
        try:
            outcome.append(function())
        except psycopg.Error as error:
            outcome.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.outcome = outcome
    return thread


def test_exclusive_and_shared(two):
    one, other = two
    assert value(one, "select pg_try_advisory_lock(1)") is True
    assert value(other, "select pg_try_advisory_lock(1)") is False
    assert value(other, "select pg_try_advisory_lock(1, 0)") is True  # another space
    assert value(one, "select pg_try_advisory_lock(1)") is True  # counted
    assert value(one, "select pg_advisory_unlock(1)") is True
    assert value(other, "select pg_try_advisory_lock_shared(%s)", 1) is False
    assert value(one, "select pg_advisory_unlock(%s::bigint)", 1) is True
    assert value(one, "select pg_advisory_unlock(1)") is False
    assert value(other, "select pg_try_advisory_lock_shared(1)") is True
    assert value(one, "select pg_try_advisory_lock_shared(1)") is True
    assert value(one, "select pg_try_advisory_lock(1)") is False
    other.execute("select pg_advisory_unlock_all()")
    assert value(one, "select pg_try_advisory_lock(1)") is True
    one.execute("select pg_advisory_unlock_all()")


def test_names_rows_and_parameters(two, table):
    one, other = two
    one.execute(f"create table {table} as select * from (values (7, 'a'), (8, 'b'), (9, 'c')) as v(i, s)")
    cursor = one.execute(f"select i, pg_try_advisory_lock(i) as got, s from {table} where i > %s order by i", (7,))
    assert [column.name for column in cursor.description] == ["i", "got", "s"]
    assert cursor.fetchall() == [(8, True, "b"), (9, True, "c")]
    assert other.execute(f"select pg_try_advisory_lock(i) from {table} order by i").fetchall() == [(True,), (False,), (False,)]
    assert other.execute("select pg_try_advisory_lock(null::bigint)").fetchone() == (None,)
    assert one.execute(f"select pg_advisory_unlock(i) from {table} where false").fetchall() == []
    assert value(one, f"select pg_try_advisory_lock((select max(i) from {table}))") is True
    for connection in two:
        connection.execute("select pg_advisory_unlock_all()")


def test_those_of_a_transaction_end_with_it(two):
    one, other = two
    for end in ("commit", "rollback"):
        one.execute("begin")
        one.execute("select pg_advisory_xact_lock(5)")
        assert value(other, "select pg_try_advisory_lock(5)") is False
        one.execute("savepoint s")
        one.execute("select pg_advisory_xact_lock(6)")
        one.execute("rollback to s")
        assert value(other, "select pg_try_advisory_xact_lock(6)") is True
        one.execute(end)
        assert value(other, "select pg_try_advisory_xact_lock(5)") is True  # given back at the end of the statement
    assert value(one, "select pg_try_advisory_xact_lock(5)") is True


def test_waiting_and_fairness(server, two):
    one, other = two
    one.execute("select pg_advisory_lock(11)")
    waiter = in_background(lambda: value(other, "select pg_advisory_lock(11)"))
    time.sleep(0.2)
    with server.connect() as third:
        # Nobody overtakes who waits.
        assert value(third, "select pg_try_advisory_lock_shared(11)") is False
        assert waiter.is_alive()
        one.execute("select pg_advisory_unlock(11)")
        waiter.join(30)
        assert waiter.outcome == [""] or waiter.outcome == [None]
        assert value(third, "select pg_try_advisory_lock(11)") is False
    other.execute("select pg_advisory_unlock_all()")


def test_a_waiter_can_be_cancelled_and_times_out(two):
    one, other = two
    one.execute("select pg_advisory_lock(12)")
    waiter = in_background(lambda: other.execute("select pg_advisory_lock(12)"))
    time.sleep(0.2)
    other.cancel()
    waiter.join(30)
    assert isinstance(waiter.outcome[0], errors.QueryCanceled)
    other.execute("set lock_timeout = '100ms'")
    with pytest.raises(errors.LockNotAvailable):
        other.execute("select pg_advisory_lock(12)")
    other.execute("set lock_timeout = 0")
    other.execute("set statement_timeout = '100ms'")
    with pytest.raises(errors.QueryCanceled):
        other.execute("select pg_advisory_lock(12)")
    other.execute("set statement_timeout = 0")
    one.execute("select pg_advisory_unlock(12)")
    assert value(other, "select pg_try_advisory_lock(12)") is True
    other.execute("select pg_advisory_unlock_all()")


def test_a_circle_is_found(two):
    one, other = two
    one.execute("select pg_advisory_lock(21)")
    other.execute("select pg_advisory_lock(22)")
    waiter = in_background(lambda: other.execute("select pg_advisory_lock(21)"))
    time.sleep(0.2)
    with pytest.raises(errors.DeadlockDetected):
        one.execute("select pg_advisory_lock(22)")
        # PostgreSQL may choose the other one
        waiter.join(10)
        raise waiter.outcome[0]
    one.execute("select pg_advisory_unlock_all()")
    waiter.join(30)
    other.execute("select pg_advisory_unlock_all()")


@pytest.mark.merganser_only
def test_a_circle_through_the_writers_turn_is_found(two, table):
    one, other = two
    one.execute(f"create table {table}(i int)")
    one.execute("select pg_advisory_lock(31)")
    other.execute("begin")
    other.execute(f"insert into {table} values (1)")
    waiter = in_background(lambda: other.execute("select pg_advisory_lock(31)"))
    time.sleep(0.2)
    with pytest.raises(errors.DeadlockDetected):
        one.execute(f"insert into {table} values (2)")
    one.execute("select pg_advisory_unlock(31)")
    waiter.join(30)
    other.execute("commit")
    other.execute("select pg_advisory_unlock_all()")
    assert one.execute(f"select i from {table}").fetchall() == [(1,)]


def test_a_client_that_vanishes_gives_its_locks_back(server, two):
    one, _ = two
    gone = server.connect()
    gone.execute("select pg_advisory_lock(41)")
    gone.close()
    wait_until(lambda: value(one, "select pg_try_advisory_lock(41)"), "the lock is free", 30)
    one.execute("select pg_advisory_unlock_all()")


@pytest.mark.merganser_only
def test_a_client_that_vanishes_while_it_waits_leaves_the_line(server, two):
    one, other = two
    one.execute("select pg_advisory_lock(42)")
    gone = server.connect()
    gone.pgconn.send_query(b"begin; select pg_advisory_lock(42)")
    gone.pgconn.flush()
    time.sleep(0.2)
    pid = gone.info.backend_pid
    gone.close()
    wait_until(
        lambda: value(other, f"select count(*) from merganser.activity where session = {pid}") == 0, "it is gone", 30
    )
    one.execute("select pg_advisory_unlock(42)")
    assert value(other, "select pg_try_advisory_lock(42)") is True
    other.execute("select pg_advisory_unlock_all()")


def test_discard_all_gives_them_back(two):
    one, other = two
    one.execute("select pg_advisory_lock(51)")
    one.execute("discard all")
    assert value(other, "select pg_try_advisory_lock(51)") is True
    other.execute("select pg_advisory_unlock_all()")


def test_a_counter_under_a_lock(server, table):
    """Read, then write, by several sessions: the lock makes it right."""
    with server.connect() as one:
        one.execute(f"create table {table} as select 0 as n")

    def work():
        with server.connect() as mine:
            for _ in range(20):
                mine.execute("select pg_advisory_lock(61)")
                n = value(mine, f"select n from {table}")
                mine.execute(f"update {table} set n = %s", (n + 1,))
                mine.execute("select pg_advisory_unlock(61)")

    threads = [in_background(work) for _ in range(5)]
    for thread in threads:
        thread.join(60)
    with server.connect() as one:
        assert value(one, f"select n from {table}") == 100


@pytest.mark.merganser_only
def test_where_they_cannot_be_called_is_said(two, table):
    one, _ = two
    one.execute(f"create table {table} as select 1 as i")
    for sql in (
        f"select i from {table} where pg_try_advisory_lock(i)",
        "select case when pg_try_advisory_lock(1) then 1 end",
        "select pg_advisory_lock(1) union select pg_advisory_lock(2)",
    ):
        with pytest.raises(errors.FeatureNotSupported) as caught:
            one.execute(sql)
        assert "outermost list" in caught.value.diag.message_hint


def test_lock_table(two, table):
    one, other = two
    one.execute(f"create table {table}(i int)")
    with pytest.raises(errors.NoActiveSqlTransaction):
        one.execute(f"lock table {table}")
    one.execute("begin")
    with pytest.raises(errors.UndefinedTable):
        one.execute("lock table nothing_of_that_name")
    one.execute("rollback")
    one.execute("begin")
    one.execute(f"lock table {table} in exclusive mode")
    other.execute("begin")
    with pytest.raises(errors.LockNotAvailable):
        other.execute(f"lock table {table} in exclusive mode nowait")
    other.execute("rollback")
    other.execute("set lock_timeout = '100ms'")
    other.execute("begin")
    with pytest.raises(errors.LockNotAvailable):
        other.execute(f"lock {table}")
    other.execute("rollback")
    assert value(other, f"select count(*) from {table}") == 0
    one.execute("commit")

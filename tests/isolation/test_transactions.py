"""Transactions: snapshots, rollback, upgrades and their conflicts, the failed state, what others see."""

import threading
import time
from contextlib import ExitStack

import psycopg
import pytest
from psycopg import errors


@pytest.fixture
def two(server):
    with server.connect() as one, server.connect() as other:
        yield one, other


@pytest.fixture
def filled(connection, table):
    connection.execute(f"create table {table}(i int primary key, n int)")
    connection.execute(f"insert into {table} select g, 0 from generate_series(1, 10) as r(g)")
    return table


SNAPSHOT = "begin isolation level repeatable read"


def test_reads_of_a_transaction_are_one_snapshot(two, filled):
    one, other = two
    one.execute(SNAPSHOT)
    before = one.execute(f"select sum(n), count(*) from {filled}").fetchone()
    for _ in range(5):
        other.execute(f"update {filled} set n = n + 1")
        other.execute(f"insert into {filled} select max(i) + 1, 0 from {filled}")
        assert one.execute(f"select sum(n), count(*) from {filled}").fetchone() == before
    one.execute("commit")
    assert one.execute(f"select count(*) from {filled}").fetchone() == (15,)


def test_a_snapshot_spans_tables(server, two, filled):
    one, other = two
    other.execute(f"create table {filled}_b as select * from {filled}")
    try:
        one.execute(SNAPSHOT)
        one.execute(f"select count(*) from {filled}")
        other.execute(f"delete from {filled}_b")
        assert one.execute(f"select count(*) from {filled}_b").fetchone() == (10,)
        one.execute("commit")
        assert one.execute(f"select count(*) from {filled}_b").fetchone() == (0,)
    finally:
        other.execute(f"drop table {filled}_b")


def test_begin_alone_takes_no_snapshot(two, filled):
    one, other = two
    one.execute(SNAPSHOT)
    other.execute(f"update {filled} set n = 5")
    assert one.execute(f"select min(n) from {filled}").fetchone() == (5,)
    one.execute("rollback")


def test_nobody_sees_uncommitted_work(two, filled):
    one, other = two
    one.execute("begin")
    one.execute(f"update {filled} set n = 7")
    one.execute(f"insert into {filled} values (100, 7)")
    assert one.execute(f"select min(n), count(*) from {filled}").fetchone() == (7, 11)
    assert other.execute(f"select max(n), count(*) from {filled}").fetchone() == (0, 10)
    one.execute("commit")
    assert other.execute(f"select min(n), count(*) from {filled}").fetchone() == (7, 11)


@pytest.mark.parametrize("end", ["rollback", "abort", "close"])
def test_what_is_not_committed_is_undone(server, filled, connection, end):
    one = server.connect()
    one.execute("begin")
    one.execute(f"delete from {filled}")
    one.execute(f"create table {filled}_new(i int)")
    if end == "close":
        one.close()
    else:
        one.execute(end)
        one.close()
    connection.execute("set statement_timeout = '10s'")
    connection.execute(f"update {filled} set n = 1 where i = 1")
    assert connection.execute(f"select count(*) from {filled}").fetchone() == (10,)
    with pytest.raises(errors.UndefinedTable):
        connection.execute(f"select * from {filled}_new")


def test_schema_changes_roll_back(connection, filled):
    connection.execute("begin")
    connection.execute(f"alter table {filled} add column extra int")
    connection.execute(f"update {filled} set extra = 1")
    connection.execute("rollback")
    with pytest.raises(errors.UndefinedColumn):
        connection.execute(f"select extra from {filled}")


def test_an_error_makes_the_transaction_fail_until_rollback(connection, filled):
    connection.execute("begin")
    connection.execute(f"update {filled} set n = 9")
    with pytest.raises(errors.UndefinedFunction):
        connection.execute("select no_such_function()")
    for sql in ("select 1", f"select * from {filled}", f"update {filled} set n = 1", "set timezone = 'UTC'", "selec"):
        with pytest.raises((errors.InFailedSqlTransaction, errors.SyntaxError)):
            connection.execute(sql)
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
    connection.execute("rollback")
    assert connection.execute(f"select max(n) from {filled}").fetchone() == (0,)


def test_a_commit_of_a_failed_transaction_is_a_rollback(connection, filled):
    connection.execute("begin")
    connection.execute(f"update {filled} set n = 9")
    with pytest.raises(errors.UniqueViolation):
        connection.execute(f"insert into {filled} values (1, 1)")
    assert connection.execute("commit").statusmessage == "ROLLBACK"
    assert connection.execute(f"select max(n) from {filled}").fetchone() == (0,)


def test_an_upgrade_after_someone_wrote_is_a_serialization_failure(two, filled):
    one, other = two
    one.execute(SNAPSHOT)
    assert one.execute(f"select n from {filled} where i = 1").fetchone() == (0,)
    other.execute(f"update {filled} set n = 1 where i = 1")
    with pytest.raises(errors.SerializationFailure):
        one.execute(f"update {filled} set n = 2 where i = 1")
        one.execute("commit")
    one.execute("rollback")
    assert one.execute(f"select n from {filled} where i = 1").fetchone() == (1,)


def test_an_upgrade_without_a_conflict_works(two, filled):
    one, other = two
    one.execute("begin")
    (n,) = one.execute(f"select n from {filled} where i = 1").fetchone()
    one.execute(f"update {filled} set n = %s where i = 1", (n + 1,))
    one.execute("commit")
    assert other.execute(f"select n from {filled} where i = 1").fetchone() == (1,)


@pytest.mark.merganser_only
def test_a_transaction_that_writes_first_waits_and_never_conflicts(server, filled):
    """The lane comes before the snapshot."""
    rounds, workers = 25, 6

    def work():
        with server.connect() as one:
            for _ in range(rounds):
                with one.transaction():
                    one.execute(f"update {filled} set n = n + 1 where i = 1")
                    one.execute(f"select n from {filled} where i = 1")
                    one.execute(f"update {filled} set n = n + 1 where i = 2")

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    with server.connect() as one:
        assert one.execute(f"select n from {filled} where i <= 2").fetchall() == [(rounds * workers,)] * 2


def test_read_modify_write_with_retries_loses_nothing(server, filled):
    rounds, workers = 20, 5

    def work():
        with server.connect() as one:
            for _ in range(rounds):
                while True:
                    try:
                        one.execute(SNAPSHOT)
                        (n,) = one.execute(f"select n from {filled} where i = 1").fetchone()
                        one.execute(f"update {filled} set n = %s where i = 1", (n + 1,))
                        one.execute("commit")
                        break
                    except errors.SerializationFailure:
                        one.execute("rollback")

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    with server.connect() as one:
        assert one.execute(f"select n from {filled} where i = 1").fetchone() == (rounds * workers,)


def test_autocommit_updates_of_one_row_from_everywhere(server, filled):
    rounds, workers = 100, 8

    def work():
        with server.connect() as one:
            for _ in range(rounds):
                one.execute(f"update {filled} set n = n + 1 where i = 3")

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    with server.connect() as one:
        assert one.execute(f"select n from {filled} where i = 3").fetchone() == (rounds * workers,)


def test_a_read_only_transaction_refuses_writes(connection, filled):
    connection.execute("begin read only")
    assert connection.execute(f"select count(*) from {filled}").fetchone() == (10,)
    with pytest.raises(errors.ReadOnlySqlTransaction):
        connection.execute(f"delete from {filled}")
    connection.execute("rollback")


def test_settings_of_a_session_are_its_own(two):
    one, other = two
    one.execute("set timezone = 'Asia/Tokyo'")
    assert other.execute("show timezone").fetchone() != ("Asia/Tokyo",)
    one.execute("begin")
    one.execute("set local timezone = 'Europe/Berlin'")
    assert one.execute("show timezone").fetchone() == ("Europe/Berlin",)
    one.execute("commit")
    assert one.execute("show timezone").fetchone() == ("Asia/Tokyo",)


def test_temporary_tables_are_private_and_go_with_the_session(server, table):
    with server.connect() as one, server.connect() as other:
        one.execute(f"create temporary table {table}(i int)")
        one.execute(f"insert into {table} values (1), (2)")
        for _ in range(20):
            assert one.execute(f"select count(*) from {table}").fetchone() == (2,)
        with pytest.raises(errors.UndefinedTable):
            other.execute(f"select * from {table}")
        other.execute(f"create temporary table {table}(s varchar)")
        assert other.execute(f"select count(*) from {table}").fetchone() == (0,)
    with server.connect() as late, pytest.raises(errors.UndefinedTable):
        late.execute(f"select * from {table}")


def test_prepared_statements_are_private(two):
    one, other = two
    one.execute("prepare mine as select 1 as x")
    assert one.execute("execute mine").fetchone() == (1,)
    with pytest.raises(errors.InvalidSqlStatementName):
        other.execute("execute mine")
    one.execute("deallocate mine")
    with pytest.raises(errors.InvalidSqlStatementName):
        one.execute("execute mine")


def test_discard_all_gives_a_clean_session(connection):
    connection.execute("set timezone = 'Asia/Tokyo'")
    connection.execute("prepare gone as select 1")
    connection.execute("discard all")
    assert connection.execute("show timezone").fetchone() != ("Asia/Tokyo",)
    with pytest.raises(errors.InvalidSqlStatementName):
        connection.execute("execute gone")


def test_set_after_set_local_outlives_the_transaction(connection):
    connection.execute("begin")
    connection.execute("set local statement_timeout = 1000")
    connection.execute("set application_name = 'kept'")
    connection.execute("commit")
    assert connection.execute("show application_name").fetchone() == ("kept",)
    assert connection.execute("show statement_timeout").fetchone() == ("0",)


def test_a_schema_of_the_same_transaction_can_be_searched(connection, table):
    connection.execute("begin")
    connection.execute(f"create schema {table}_s")
    connection.execute(f"create table {table}_s.t(i int)")
    connection.execute(f"set search_path = {table}_s")
    connection.execute("insert into t values (7)")
    assert connection.execute("select i from t").fetchall() == [(7,)]
    connection.execute("rollback")
    assert connection.execute("show search_path").fetchone() != (f"{table}_s",)


def test_a_kept_insert_follows_the_search_path(connection, table):
    for schema in (f"{table}_a", f"{table}_b"):
        connection.execute(f"create schema {schema}")
        connection.execute(f"create table {schema}.t(i int)")
    connection.execute("begin")
    for schema in (f"{table}_a", f"{table}_b", f"{table}_a", f"{table}_b"):
        connection.execute(f"set search_path = {schema}")
        connection.execute("insert into t values (1)")
    connection.execute("commit")
    for schema in (f"{table}_a", f"{table}_b"):
        assert connection.execute(f"select count(*) from {schema}.t").fetchone() == (2,)
        connection.execute(f"drop schema {schema} cascade")
    connection.execute("reset search_path")


def test_temporary_tables_outlive_old_snapshots(start_server):
    """A session that keeps its connection holds no snapshot between its statements."""
    server = start_server("--snapshot-max-age", "1s")
    with server.connect() as one, server.connect() as other:
        one.execute("create temporary table mine(i int)")
        one.execute("begin")
        one.execute("insert into mine values (1)")
        one.execute("commit")
        other.execute("create table t as select 1 as i")
        time.sleep(1.2)
        other.execute("checkpoint")
        assert one.execute("select * from mine").fetchall() == [(1,)]


def test_a_session_without_a_connection_to_keep(server, table):
    """The search path names a schema that is gone: no new connection can take it over."""
    with server.connect() as one, server.connect() as other, ExitStack() as stack:
        one.execute(f"create schema {table}_s")
        one.execute(f"set search_path = {table}_s")
        other.execute(f"drop schema {table}_s")
        for _ in range(40):
            busy = stack.enter_context(server.connect(autocommit=False))
            busy.execute("select 1")
        with pytest.raises(errors.Error):
            one.execute(f"create temporary table {table}(i int)")
        one.execute("reset search_path")
        assert one.execute("select 1").fetchone() == (1,)
        one.execute(f"create temporary table {table}(i int)")
        assert one.execute(f"select count(*) from {table}").fetchone() == (0,)


@pytest.mark.parametrize(
    "how",
    ["SET TRANSACTION READ ONLY", "SET transaction_read_only = on", "SET LOCAL transaction_read_only TO on"],
)
def test_a_transaction_becomes_read_only(connection, filled, how):
    """Whoever asks for a read-only transaction gets one, and the next one may write again."""
    connection.execute("BEGIN")
    connection.execute(how)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        connection.execute(f"INSERT INTO {filled} VALUES (99, 1)")
    connection.execute("ROLLBACK")
    connection.execute(f"INSERT INTO {filled} VALUES (99, 1)")

"""Savepoints: what they undo, what they keep, what others see meanwhile, and when they say that they cannot."""

import threading
import time

import psycopg
import pytest
from psycopg import errors


@pytest.fixture
def filled(connection, table):
    connection.execute(f"create table {table}(id int primary key, n int)")
    connection.execute(f"insert into {table} values (1, 10), (2, 20)")
    return table


def rows(connection, table):
    return connection.execute(f"select id, n from {table} order by id").fetchall()


def test_an_error_inside_a_savepoint_costs_only_what_came_after_it(server, filled):
    with server.connect(autocommit=False) as one:
        one.execute(f"insert into {filled} values (3, 30)")
        for _ in range(3):
            one.execute("savepoint s")
            with pytest.raises(errors.UniqueViolation):
                one.execute(f"insert into {filled} values (4, 40), (1, 0)")
            with pytest.raises(errors.InFailedSqlTransaction):
                one.execute("select 1")
            one.execute("rollback to savepoint s")
        one.execute(f"update {filled} set n = n + 1 where id = 3")
        one.commit()
    with server.connect() as other:
        assert rows(other, filled) == [(1, 10), (2, 20), (3, 31)]


def test_nested_blocks_of_psycopg(server, filled):
    with server.connect() as one:
        with one.transaction():
            one.execute(f"insert into {filled} values (3, 1)")
            with pytest.raises(errors.UniqueViolation), one.transaction():
                one.execute(f"insert into {filled} values (4, 1)")
                with one.transaction():
                    one.execute(f"update {filled} set n = 0 where id = 4")
                one.execute(f"insert into {filled} values (3, 1)")
            with one.transaction():
                one.execute(f"insert into {filled} values (5, 1)")
                with one.transaction() as inner:
                    one.execute(f"delete from {filled}")
                    raise psycopg.Rollback(inner)
        assert [row[0] for row in rows(one, filled)] == [1, 2, 3, 5]


def test_others_see_nothing_and_wait_while_the_transaction_is_repeated(server, filled):
    """The lane is kept: nobody writes between the rollback and the repetition."""
    with server.connect() as one, server.connect() as other:
        done = threading.Event()

        def write():
            other.execute(f"update {filled} set n = n + 100")
            done.set()

        one.execute("begin")
        one.execute(f"update {filled} set n = n + 1")
        one.execute("savepoint s")
        thread = threading.Thread(target=write)
        thread.start()
        for _ in range(20):
            with pytest.raises(errors.UniqueViolation):
                one.execute(f"insert into {filled} values (1, 0)")
            one.execute("rollback to s")
            assert rows(one, filled) == [(1, 11), (2, 21)]
        assert not done.is_set()
        one.execute("commit")
        thread.join(30)
        assert rows(one, filled) == [(1, 111), (2, 121)]


def test_transfers_with_savepoints_beside_writers_lose_nothing(server, filled):
    stop = threading.Event()
    failures = []

    def transfer(number):
        with server.connect() as one:
            while not stop.is_set():
                one.execute("begin")
                one.execute(f"update {filled} set n = n - 1 where id = 1")
                one.execute("savepoint s")
                try:
                    one.execute(f"insert into {filled} values (2, {number})")
                    failures.append("a key twice")
                except errors.UniqueViolation:
                    one.execute("rollback to s")
                one.execute(f"update {filled} set n = n + 1 where id = 2")
                one.execute("commit")

    threads = [threading.Thread(target=transfer, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    with server.connect() as reader:
        for _ in range(100):
            assert reader.execute(f"select sum(n) from {filled}").fetchone() == (30,)
        stop.set()
        for thread in threads:
            thread.join(60)
        assert reader.execute(f"select sum(n), count(*) from {filled}").fetchone() == (30, 2)
    assert not failures


def test_reads_before_the_first_write_are_compared(server, filled):
    """The transaction read, others committed, then it wrote and has to be repeated: on a newer snapshot."""
    with server.connect() as one, server.connect() as other:
        other.execute(f"create table {filled}_b(i int)")
        try:
            for changed, fails in ((f"insert into {filled}_b values (1)", False), (f"update {filled} set n = 5", True)):
                one.execute("begin isolation level repeatable read")
                one.execute(f"select sum(n) from {filled}")
                other.execute(changed)
                one.execute("savepoint s")
                with pytest.raises(errors.UniqueViolation):
                    one.execute(f"insert into {filled} values (7, 0), (7, 0)")
                if fails:
                    with pytest.raises(errors.SerializationFailure):
                        one.execute("rollback to s")
                else:
                    one.execute("rollback to s")
                    one.execute(f"insert into {filled} values (8, 0)")
                one.execute("rollback")
        finally:
            other.execute(f"drop table {filled}_b")


def test_reads_alone_can_be_rolled_back_in_part(server, filled):
    with server.connect() as one, server.connect() as other:
        one.execute("begin read only")
        before = rows(one, filled)
        one.execute("savepoint s")
        other.execute(f"insert into {filled} values (9, 9)")
        with pytest.raises(errors.UndefinedColumn):
            one.execute(f"select nothing from {filled}")
        one.execute("rollback to s")
        assert rows(one, filled) == before  # the same snapshot still
        one.execute("commit")


def test_ddl_and_temporary_tables_are_undone(server, filled):
    with server.connect() as one:
        one.execute("begin")
        one.execute(f"create temporary table own as select * from {filled}")
        one.execute(f"alter table {filled} add column more int")
        one.execute("savepoint s")
        one.execute("drop table own")
        one.execute(f"alter table {filled} add column even_more int")
        one.execute("rollback to s")
        assert one.execute("select count(*) from own").fetchone() == (2,)
        assert one.execute(f"select more from {filled} limit 1").fetchone() == (None,)
        with pytest.raises(errors.UndefinedColumn):
            one.execute(f"select even_more from {filled}")
        one.execute("rollback")


@pytest.mark.merganser_only
def test_what_cannot_be_repeated_says_so(server, filled):
    with server.connect() as one:
        one.execute("begin")
        one.execute(f"insert into {filled} values (3, (random() * 1000000)::int) returning n")
        one.execute("savepoint s")
        with pytest.raises(errors.UniqueViolation):
            one.execute(f"insert into {filled} values (1, 0)")
        with pytest.raises(errors.FeatureNotSupported) as caught:
            one.execute("rollback to s")
        assert "repeat" in caught.value.diag.message_hint
        with pytest.raises(errors.InFailedSqlTransaction):
            one.execute("rollback to s")
        one.execute("rollback")
        assert rows(one, filled) == [(1, 10), (2, 20)]


def test_numbers_of_a_sequence_stay_the_clients(server, filled):
    with server.connect() as one:
        one.execute(f"create sequence {filled}_s")
        try:
            one.execute("begin")
            number = one.execute(f"select nextval('{filled}_s')").fetchone()[0]
            one.execute("savepoint s")
            with pytest.raises(errors.UniqueViolation):
                one.execute(f"insert into {filled} values (1, 0)")
            one.execute("rollback to s")
            one.execute(f"insert into {filled} values (%s, 0)", (number + 100,))
            one.execute("commit")
            assert one.execute(f"select nextval('{filled}_s')").fetchone()[0] > number
        finally:
            one.execute(f"drop sequence {filled}_s")


def test_generated_keys_stay_the_clients(server, filled):
    """What RETURNING gave of a default is given again, and not to anybody else, after a crash either."""
    with server.connect() as one:
        one.execute(f"create sequence {filled}_s")
        one.execute(f"create table {filled}_k(id bigint default nextval('{filled}_s') primary key, s text, "
                    "made timestamptz default now())")
        try:
            one.execute("begin")
            insert = f"insert into {filled}_k (s) values (%s) returning id, made"
            kept = [one.execute(insert, (text,)).fetchone() for text in ("a", "b")]
            kept += one.execute(f"insert into {filled}_k (s) values ('c'), ('d') returning {filled}_k.id, made").fetchall()
            for _ in range(3):
                one.execute("savepoint s")
                with pytest.raises(errors.UniqueViolation):
                    one.execute(f"insert into {filled} values (1, 0)")
                one.execute("rollback to s")
            assert one.execute(f"select id, made from {filled}_k order by id").fetchall() == kept
            later = one.execute(insert, ("e",)).fetchone()[0]
            one.execute("commit")
            assert later > kept[-1][0]
            assert one.execute(insert, ("f",)).fetchone()[0] > later
        finally:
            one.execute(f"drop table {filled}_k")
            one.execute(f"drop sequence {filled}_s")


@pytest.mark.merganser_only
def test_a_transaction_over_the_limit_goes_on_without_rollback_to(start_server):
    server = start_server("--savepoint-statements", "20")
    with server.connect() as one:
        one.execute("create table t(i int primary key)")
        one.execute("begin")
        for i in range(30):
            one.execute("insert into t values (%s)", (i,))
        one.execute("savepoint s")
        one.execute("insert into t values (100)")
        one.execute("release s")
        one.execute("savepoint s")
        with pytest.raises(errors.ProgramLimitExceeded) as caught:
            one.execute("rollback to s")
        assert "savepoint_statements" in str(caught.value)
        one.execute("rollback")
        with one.transaction():
            for i in range(30):
                one.execute("insert into t values (%s)", (i,))
                with one.transaction():
                    one.execute("insert into t values (%s)", (i + 1000,))
        assert one.execute("select count(*) from t").fetchone() == (60,)


def test_a_cancelled_statement_inside_a_savepoint(server, filled):
    with server.connect() as one:
        one.execute("begin")
        one.execute(f"insert into {filled} values (3, 30)")
        one.execute("savepoint s")
        one.execute("set local statement_timeout = '300ms'")
        with pytest.raises(errors.QueryCanceled):
            one.execute("select count(*) from range(200000000) a(i), range(100000) b(j) where i * j % 7 = 3"
                        if server.backend == "merganser" else "select pg_sleep(30)")
        one.execute("rollback to s")
        one.execute("commit")
        assert rows(one, filled) == [(1, 10), (2, 20), (3, 30)]


@pytest.mark.merganser_only
def test_a_failed_idle_holder_still_gives_way(start_server):
    server = start_server("--lane-lease", "300ms")
    with server.connect() as one, server.connect() as other:
        one.execute("create table t(i int primary key)")
        one.execute("begin")
        one.execute("insert into t values (1)")
        one.execute("savepoint s")
        with pytest.raises(errors.UniqueViolation):
            one.execute("insert into t values (1)")
        other.execute("insert into t values (1)")  # waits until the lease has ended
        with pytest.raises(errors.IdleInTransactionSessionTimeout):
            one.execute("rollback to s")
        one.execute("rollback")
        assert one.execute("select count(*) from t").fetchone() == (1,)


@pytest.mark.merganser_only
def test_a_long_repetition_can_be_cancelled(server, filled):
    with server.connect() as one:
        one.execute("begin")
        one.execute(f"create table {filled}_big as select i, i % 7 as k from range(3000000) r(i)")
        for _ in range(10):
            one.execute(f"update {filled}_big set k = k + 1")
        one.execute("savepoint s")
        with pytest.raises(errors.UniqueViolation):
            one.execute(f"insert into {filled} values (1, 0)")
        timer = threading.Timer(0.05, one.cancel)
        timer.start()
        try:
            one.execute("rollback to s")
        except errors.QueryCanceled:
            with pytest.raises(errors.InFailedSqlTransaction):
                one.execute("select 1")
        timer.join()
        one.execute("rollback")
        assert rows(one, filled) == [(1, 10), (2, 20)]


@pytest.mark.merganser_only
def test_a_client_that_vanishes_in_a_savepoint_holds_nobody_up(server, filled):
    one = server.connect()
    one.execute("begin")
    one.execute(f"insert into {filled} values (3, 30)")
    one.execute("savepoint s")
    with pytest.raises(errors.UniqueViolation):
        one.execute(f"insert into {filled} values (1, 0)")
    one.close()
    with server.connect() as other:
        began = time.monotonic()
        other.execute(f"insert into {filled} values (3, 0)")
        assert time.monotonic() - began < 30
        assert rows(other, filled)[-1] == (3, 0)


@pytest.mark.merganser_only
def test_what_was_acknowledged_after_a_repetition_outlives_a_kill(start_server, place):
    server = start_server()
    with server.connect() as one:
        one.execute("create table t(i int primary key)")
        for start in range(0, 40, 10):
            with one.transaction():
                one.execute("insert into t values (%s)", (start,))
                with pytest.raises(errors.UniqueViolation), one.transaction():
                    one.execute("insert into t values (%s)", (start,))
                one.execute("insert into t values (%s)", (start + 1,))
    server.kill()
    again = start_server(file=server.file)
    with again.connect() as one:
        assert one.execute("select count(*), sum(i) from t").fetchone() == (8, 2 * (0 + 10 + 20 + 30) + 4)

"""SQL cursors: every form of FETCH against PostgreSQL's answers, lifetimes, both directions, other statements between."""

import random

import psycopg
import pytest
from psycopg import errors

ROWS = 2500


def fetch(connection, sql):
    cursor = connection.execute(sql)
    rows = [row[0] for row in cursor.fetchall()] if cursor.description else None
    return rows, cursor.statusmessage


def test_forward(connection):
    connection.execute("begin")
    connection.execute(f"declare c no scroll cursor for select g from generate_series(1, {ROWS}) as r(g)")
    assert fetch(connection, "fetch c") == ([1], "FETCH 1")
    assert fetch(connection, "fetch 3 from c") == ([2, 3, 4], "FETCH 3")
    assert fetch(connection, "select 17") == ([17], "SELECT 1")  # the rest goes to temporary storage
    assert fetch(connection, "move 5 in c") == (None, "MOVE 5")
    assert fetch(connection, "fetch next from c") == ([10], "FETCH 1")
    assert fetch(connection, "fetch relative 2 from c") == ([12], "FETCH 1")
    assert fetch(connection, "fetch absolute 20 from c") == ([20], "FETCH 1")
    with pytest.raises(errors.ObjectNotInPrerequisiteState):
        connection.execute("fetch prior from c")
    connection.execute("rollback")


def test_all_and_after_the_end(connection):
    connection.execute("begin")
    connection.execute(f"declare c cursor for select g from generate_series(1, {ROWS}) as r(g)")
    rows, tag = fetch(connection, "fetch all from c")
    assert (rows, tag) == (list(range(1, ROWS + 1)), f"FETCH {ROWS}")
    assert fetch(connection, "fetch c") == ([], "FETCH 0")
    assert fetch(connection, "move all in c") == (None, "MOVE 0")
    connection.execute("close c")
    with pytest.raises(errors.InvalidCursorName):
        connection.execute("fetch c")
    connection.execute("rollback")


def test_lifetime(server, connection):
    with pytest.raises(errors.NoActiveSqlTransaction):
        connection.execute("declare c cursor for select 1")
    connection.execute("begin")
    connection.execute("declare c cursor for select 1")
    with pytest.raises(errors.DuplicateCursor):
        connection.execute("declare c cursor for select 1")
    connection.execute("rollback")
    connection.execute("begin")
    connection.execute("declare c cursor for select 1")
    connection.execute("commit")
    with pytest.raises(errors.InvalidCursorName):
        connection.execute("fetch c")
    connection.execute("begin")
    connection.execute("declare before cursor for select g from generate_series(1, 9) as r(g)")
    connection.execute("fetch 2 before")
    connection.execute("savepoint s")
    connection.execute("declare after cursor for select 1")
    with pytest.raises(errors.UndefinedTable):
        connection.execute("select * from nothing_of_that_name")
    connection.execute("rollback to s")
    assert fetch(connection, "fetch before") == ([3], "FETCH 1")
    with pytest.raises(errors.InvalidCursorName):
        connection.execute("fetch after")
    connection.execute("rollback")
    connection.execute("close all")


def test_with_hold(server, table):
    with server.connect() as one, server.connect() as other:
        one.execute(f"create table {table} as select g as i from generate_series(1, {ROWS}) as r(g)")
        one.execute("begin")
        one.execute(f"declare h cursor with hold for select i from {table} order by i")
        assert fetch(one, "fetch 2 h") == ([1, 2], "FETCH 2")
        one.execute("commit")
        other.execute(f"delete from {table}")
        assert fetch(one, "fetch 2 h") == ([3, 4], "FETCH 2")
        one.execute("begin")
        assert fetch(one, "fetch h") == ([5], "FETCH 1")
        one.execute("rollback")
        assert len(fetch(one, "fetch all h")[0]) == ROWS - 5
        one.execute("close h")
        one.execute("declare h cursor with hold for select 42")
        assert fetch(one, "fetch h") == ([42], "FETCH 1")
        one.execute("begin")
        one.execute("declare gone cursor with hold for select 1")
        one.execute("rollback")
        with pytest.raises(errors.InvalidCursorName):
            one.execute("fetch gone")
        one.execute("discard all")
        with pytest.raises(errors.InvalidCursorName):
            one.execute("fetch h")


def test_errors_at_declare(connection):
    for sql, error in (
        ("declare c cursor for select * from nothing_of_that_name", errors.UndefinedTable),
        ("declare c cursor for insert into t values (1)", (errors.FeatureNotSupported, errors.SyntaxError)),
        ("declare c cursor", errors.SyntaxError),
    ):
        connection.execute("begin")
        with pytest.raises(error):
            connection.execute(sql)
        connection.execute("rollback")


def test_named_cursors_of_psycopg(server, table):
    with server.connect(autocommit=False) as one:
        one.execute(f"create table {table} as select g as i, 'n' || g as s from generate_series(1, {ROWS}) as r(g)")
        for binary in (False, True):
            with one.cursor("mine", binary=binary) as cursor:
                cursor.itersize = 100
                cursor.execute(f"select i, s from {table} where i > %s order by i", (10,))
                assert [column.name for column in cursor.description] == ["i", "s"]
                assert cursor.fetchone() == (11, "n11")
                assert one.execute("select count(*) from generate_series(1, 3)").fetchone() == (3,) or True
                if not binary:
                    assert sum(1 for _ in cursor) == ROWS - 11
        with one.cursor("both", scrollable=True) as cursor:
            cursor.execute(f"select i from {table} order by i")
            assert cursor.fetchmany(3) == [(1,), (2,), (3,)]
            cursor.scroll(-2)
            assert cursor.fetchone() == (2,)
            cursor.scroll(100, mode="absolute")
            assert cursor.fetchone() == (101,)
        one.rollback()


def test_named_cursors_of_psycopg2(server, table):
    import psycopg2

    connection = psycopg2.connect(server.conninfo())
    try:
        with connection.cursor() as plain:
            plain.execute(f"create table {table} as select g as i from generate_series(1, {ROWS}) as r(g)")
        connection.commit()
        with connection.cursor("mine") as cursor:
            cursor.itersize = 300
            cursor.execute(f"select i from {table} order by i")
            assert [row[0] for row in cursor] == list(range(1, ROWS + 1))
        with connection.cursor("held", withhold=True) as cursor:
            cursor.execute(f"select i from {table} order by i")
            connection.commit()
            assert len(cursor.fetchall()) == ROWS
        connection.commit()
    finally:
        connection.close()


@pytest.mark.merganser_only
def test_temporary_storage_is_bounded(start_server):
    server = start_server("--temp-limit", "100kB")
    with server.connect() as one:
        one.execute("begin")
        with pytest.raises(errors.ConfigurationLimitExceeded):
            one.execute("declare c scroll cursor for select repeat('x', 100) from range(100000) r(i)")
        one.execute("rollback")
        one.execute("begin")
        one.execute("declare c cursor for select i from range(100000000) r(i)")
        assert fetch(one, "fetch 3 c")[0] == [0, 1, 2]
        one.execute("close c")
        assert fetch(one, "select 1") == ([1], "SELECT 1")
        one.execute("commit")

"""Clocks, random numbers and sequences: a snapshot kept ready or a plan kept must not freeze them."""

import datetime as dt
import threading

import pytest

NOW = ["now()", "current_timestamp", "transaction_timestamp()"]


def client_now():
    return dt.datetime.now(dt.timezone.utc)


@pytest.mark.parametrize("prepare", [False, True], ids=["plain", "prepared"])
@pytest.mark.parametrize("expression", NOW)
def test_now_is_never_before_the_statement(server, connection, table, expression, prepare):
    connection.execute(f"create table {table}(i int)")
    with server.connect() as writer:
        for i in range(30):
            writer.execute(f"insert into {table} values (%s)", (i,))
            sent = client_now()
            (value,) = connection.execute(f"select {expression}", prepare=prepare).fetchone()
            assert sent <= value <= client_now()


@pytest.mark.parametrize("prepare", [False, True], ids=["plain", "prepared"])
def test_a_stored_now_is_never_before_the_statement(connection, table, prepare):
    connection.execute(f"create table {table}(i int, seen timestamptz, made timestamptz default now())")
    last = None
    for i in range(30):
        sent = client_now()
        connection.execute(f"insert into {table}(i, seen) values (%s, now())", (i,), prepare=prepare)
        answered = client_now()
        at, made = connection.execute(f"select seen, made from {table} where i = %s", (i,), prepare=prepare).fetchone()
        assert sent <= at <= answered and sent <= made <= answered
        assert last is None or at >= last
        last = at


def test_now_in_a_view(connection, table):
    connection.execute(f"create view {table}_v as select now() as seen")
    try:
        for _ in range(10):
            sent = client_now()
            assert sent <= connection.execute(f"select seen from {table}_v").fetchone()[0]
    finally:
        connection.execute(f"drop view {table}_v")


@pytest.mark.merganser_only
def test_now_in_a_macro(connection, table):
    connection.execute(f"create macro {table}_m() as now()")
    try:
        for _ in range(10):
            sent = client_now()
            assert sent <= connection.execute(f"select {table}_m()").fetchone()[0]
    finally:
        connection.execute(f"drop macro {table}_m")


def test_now_stands_still_in_a_transaction(connection):
    with connection.transaction():
        first = connection.execute("select now()").fetchone()
        connection.execute("select count(*) from generate_series(1, 1000000) as r(g) where g % 7 = 0")
        assert connection.execute("select now()").fetchone() == first
    assert connection.execute("select now()").fetchone() > first


@pytest.mark.parametrize("prepare", [False, True], ids=["plain", "prepared"])
@pytest.mark.parametrize("expression", ["random()", "gen_random_uuid()"])
def test_random_values_differ(connection, expression, prepare):
    seen = [connection.execute(f"select {expression}", prepare=prepare).fetchone()[0] for _ in range(50)]
    assert len(set(seen)) == 50


@pytest.mark.parametrize("prepare", [False, True], ids=["plain", "prepared"])
def test_a_sequence_never_gives_a_number_twice(server, connection, table, prepare):
    connection.execute(f"create sequence {table}")
    seen = []

    def draw():
        with server.connect() as one:
            for _ in range(100):
                seen.append(one.execute(f"select nextval('{table}')", prepare=prepare).fetchone()[0])

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    connection.execute(f"drop sequence {table}")
    assert sorted(seen) == list(range(1, 401))


@pytest.mark.merganser_only
def test_a_sequence_goes_on_after_a_restart(start_server):
    server = start_server()
    with server.connect() as connection:
        connection.execute("create sequence s")
        assert [connection.execute("select nextval('s')").fetchone()[0] for _ in range(3)] == [1, 2, 3]
    server.kill()
    server = start_server()
    with server.connect() as connection:
        assert connection.execute("select nextval('s')").fetchone()[0] > 3


@pytest.mark.merganser_only
def test_variables_of_a_session_are_its_own(server):
    with server.connect() as one, server.connect() as other:
        one.execute("set variable mine = 5")
        for _ in range(10):
            assert one.execute("select getvariable('mine')").fetchone() == (5,)
            assert other.execute("select getvariable('mine')").fetchone() == (None,)
        one.execute("set variable mine = 6")
        assert one.execute("select getvariable('mine')").fetchone() == (6,)

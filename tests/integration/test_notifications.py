"""LISTEN and NOTIFY: when they happen, who hears what in which order, limits, and the changes of tables."""

import asyncio
import json
import threading

import asyncpg
import psycopg
import pytest
from psycopg import errors

from harness.process import wait_until


@pytest.fixture
def two(server):
    with server.connect() as one, server.connect() as other:
        yield one, other


def heard(connection, count, timeout=20):
    return [(n.channel, n.payload) for n in connection.notifies(timeout=timeout, stop_after=count)]


def nothing_heard(connection):
    connection.execute("select 1")
    return [n for n in connection.notifies(timeout=0.1)] == []


def test_a_listener_hears_what_others_send(two):
    one, other = two
    one.execute("listen events")
    other.execute("notify events, 'first'")
    other.execute("select pg_notify(%s, %s)", ("events", "second"))
    other.execute("notify elsewhere")
    other.execute("notify Events")
    assert heard(one, 3) == [("events", "first"), ("events", "second"), ("events", "")]
    one.execute("unlisten events")
    other.execute("notify events, 'third'")
    assert nothing_heard(one)


def test_the_sender_is_named_by_its_pid(two):
    one, other = two
    one.execute("listen events")
    other.execute("notify events")
    (note,) = list(one.notifies(timeout=20, stop_after=1))
    assert note.pid == other.info.backend_pid
    one.execute("notify events, 'mine'")
    (note,) = list(one.notifies(timeout=20, stop_after=1))
    assert (note.pid, note.payload) == (one.info.backend_pid, "mine")


def test_they_happen_at_the_commit(two):
    one, other = two
    other.execute("begin")
    other.execute("listen events")
    other.execute("notify events, 'own'")
    other.execute("commit")
    assert heard(other, 1) == [("events", "own")]
    other.execute("unlisten *")
    one.execute("listen events")
    other.execute("begin")
    for payload in ("a", "b", "a", "c"):
        other.execute("select pg_notify('events', %s)", (payload,))
    other.execute("savepoint s")
    other.execute("notify events, 'undone'")
    other.execute("rollback to s")
    assert nothing_heard(one)
    other.execute("commit")
    assert heard(one, 3) == [("events", "a"), ("events", "b"), ("events", "c")]  # each once, in order
    other.execute("begin")
    other.execute("notify events, 'undone'")
    other.execute("rollback")
    assert nothing_heard(one)


def test_a_listener_in_a_transaction_hears_after_it(two):
    one, other = two
    one.execute("listen events")
    one.execute("begin")
    one.execute("select 1")
    other.execute("notify events, 'x'")
    assert nothing_heard(one)
    one.execute("commit")
    assert heard(one, 1) == [("events", "x")]


def test_limits_and_names(two):
    one, _ = two
    one.execute("select pg_notify('c', %s)", ("x" * 7999,))
    for arguments in (("c", "x" * 8000), ("", "x"), ("n" * 300, "x")):
        with pytest.raises(errors.InvalidParameterValue):
            one.execute("select pg_notify(%s, %s)", arguments)


def test_many_listeners_and_senders(server):
    listeners = [server.connect() for _ in range(20)]
    for listener in listeners:
        listener.execute("listen many")

    def send(number):
        with server.connect() as mine:
            for i in range(50):
                mine.execute("select pg_notify('many', %s)", (f"{number}:{i}",))

    threads = [threading.Thread(target=send, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for listener in listeners:
        got = [payload for _, payload in heard(listener, 200)]
        assert sorted(got) == sorted(f"{n}:{i}" for n in range(4) for i in range(50))
        for n in range(4):
            assert [p for p in got if p.startswith(f"{n}:")] == [f"{n}:{i}" for i in range(50)]
        listener.close()


@pytest.mark.merganser_only
def test_a_listener_that_lets_too_much_wait_is_told_so(server, two):
    one, other = two
    one.execute("listen flood")
    one.execute("begin")
    one.execute("select 1")
    for _ in range(3):
        other.execute("begin")
        for i in range(500):
            other.execute("select pg_notify('flood', %s)", (f"{i} " + "x" * 7900,))
        other.execute("commit")
    with pytest.raises(psycopg.OperationalError):
        one.execute("select 1")
        one.execute("commit")
    other.execute("notify flood")  # nobody is held up


@pytest.mark.merganser_only
def test_changes_of_tables(two, table):
    one, other = two
    one.execute(f"create table {table}(i int primary key)")
    one.execute(f'listen "table:main.{table}"')
    other.execute(f"insert into {table} values (1), (2)")
    other.execute(f"insert into {table} values (%s)", (3,))
    assert [json.loads(p) for _, p in heard(one, 2)] == [
        {"table": f"main.{table}", "insert": 2},
        {"table": f"main.{table}", "insert": 1},
    ]
    other.execute("begin")
    other.execute(f"update {table} set i = i + 10 where i = 1")
    other.execute("savepoint s")
    other.execute(f"insert into main.{table} values (4)")
    other.execute("rollback to s")
    other.execute(f"delete from {table} where i in (2, 3)")
    assert nothing_heard(one)
    other.execute("commit")
    assert [json.loads(p) for _, p in heard(one, 1)] == [{"table": f"main.{table}", "update": 1, "delete": 2}]
    other.execute("begin")
    other.execute(f"insert into {table} values (5)")
    other.execute("rollback")
    with pytest.raises(errors.UniqueViolation):
        other.execute(f"insert into {table} values (11)")
    other.execute(f"delete from {table} where i = 1000")
    other.execute("select 1; select 2")
    assert nothing_heard(one)
    with other.pipeline():
        for i in range(20, 25):
            other.execute(f"insert into {table} values (%s)", (i,))
    assert sum(json.loads(p)["insert"] for _, p in one_or_more(one)) == 5


def one_or_more(connection):
    notes = heard(connection, 1)
    return notes + [(n.channel, n.payload) for n in connection.notifies(timeout=0.2)]


def test_asyncpg_as_a_listener(server):
    async def scenario():
        one = await asyncpg.connect(server.url())
        other = await asyncpg.connect(server.url())
        got = asyncio.Queue()
        await one.add_listener("events", lambda *note: got.put_nowait(note[1:]))
        await other.execute("select pg_notify($1, $2)", "events", "hello")
        note = await asyncio.wait_for(got.get(), 20)
        assert note == (other.get_server_pid(), "events", "hello")
        await one.close()
        await other.close()

    asyncio.run(scenario())


def test_listening_ends_with_the_session(server, two):
    _, other = two
    gone = server.connect()
    gone.execute("listen events")
    gone.close()
    for _ in range(10):
        other.execute("notify events")

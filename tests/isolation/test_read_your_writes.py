"""Acknowledged is visible: to the writer at once, and to every other session that asks afterwards."""

import threading

import pytest

from harness.paths import PYTHON
from harness.process import Child

ROUNDS = 1000


@pytest.mark.parametrize("prepare", [False, True], ids=["plain", "prepared"])
def test_an_acknowledged_write_is_seen_by_another_session(server, connection, table, prepare):
    connection.execute(f"create table {table}(i int primary key, s varchar)")
    with server.connect() as writer, server.connect() as reader:
        for i in range(ROUNDS):
            writer.execute(f"insert into {table} values (%s, 'x')", (i,), prepare=prepare)
            got = reader.execute(f"select max(i), count(*) from {table}", prepare=prepare).fetchone()
            assert got == (i, i + 1)


def test_updates_and_deletes_are_seen(server, connection, table):
    connection.execute(f"create table {table}(i int primary key, n int)")
    connection.execute(f"insert into {table} values (1, 0)")
    with server.connect() as writer, server.connect() as reader:
        for i in range(1, 300):
            writer.execute(f"update {table} set n = %s where i = 1", (i,))
            assert reader.execute(f"select n from {table} where i = 1").fetchone() == (i,)
            if i % 10 == 0:
                writer.execute(f"delete from {table} where i = 1")
                assert reader.execute(f"select n from {table} where i = 1").fetchone() is None
                reader.execute(f"insert into {table} values (1, 0)")
                assert writer.execute(f"select n from {table} where i = 1").fetchone() == (0,)


def test_schema_changes_are_seen(server, table):
    with server.connect() as one, server.connect() as two:
        for i in range(30):
            one.execute(f"create table {table}(c{i} int)")
            two.execute(f"insert into {table}(c{i}) values (1)")
            assert one.execute(f"select c{i} from {table}").fetchall() == [(1,)]
            two.execute(f"alter table {table} add column extra{i} varchar")
            assert one.execute(f"select extra{i} from {table}").fetchall() == [(None,)]
            one.execute(f"drop table {table}")


def test_in_a_ring_of_sessions(server, connection, table):
    """Each adds one to what it reads, one after the other: any stale read would lose an increment."""
    connection.execute(f"create table {table}(n int)")
    connection.execute(f"insert into {table} values (0)")
    ring = [server.connect() for _ in range(5)]
    try:
        for i in range(500):
            one = ring[i % 5]
            (n,) = one.execute(f"select n from {table}").fetchone()
            assert n == i
            one.execute(f"update {table} set n = %s", (n + 1,))
    finally:
        for one in ring:
            one.close()


_WRITER = """
import sys, psycopg
c = psycopg.connect(sys.argv[1], autocommit=True)
for line in sys.stdin:
    c.execute("insert into " + sys.argv[2] + " values (%s)", (int(line),))
    print("done", line.strip(), flush=True)
"""


def test_across_processes(server, connection, table):
    connection.execute(f"create table {table}(i int)")
    child = Child([PYTHON, "-c", _WRITER, server.conninfo(), table], env=server.environment(), stdin=True)
    for i in range(200):
        child.process.stdin.write(f"{i}\n")
        child.process.stdin.flush()
        child.wait_line(lambda line, wanted=f"done {i}": line == wanted)
        assert connection.execute(f"select count(*) from {table} where i = %s", (i,)).fetchone() == (1,)
    child.process.stdin.close()
    assert child.wait() == 0


def test_readers_beside_writers_never_go_back(server, connection, table):
    """What one session has seen, it never sees undone again, while four writers go on."""
    connection.execute(f"create table {table}(i bigint)")
    stop = threading.Event()
    problems = []

    def write():
        with server.connect() as one:
            while not stop.is_set():
                one.execute(f"insert into {table} values (1)")

    def read():
        with server.connect() as one:
            last = 0
            for _ in range(500):
                (count,) = one.execute(f"select count(*) from {table}").fetchone()
                if count < last:
                    problems.append((last, count))
                last = count

    writers = [threading.Thread(target=write) for _ in range(4)]
    readers = [threading.Thread(target=read) for _ in range(4)]
    for thread in writers + readers:
        thread.start()
    for thread in readers:
        thread.join(60)
    stop.set()
    for thread in writers:
        thread.join(30)
    assert problems == []

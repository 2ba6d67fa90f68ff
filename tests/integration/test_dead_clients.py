"""Clients that die: what they held comes free, what they did is undone, and nobody else notices."""

import json
import signal
import time

import psycopg
import pytest
from psycopg import errors

from harness.background import ENDLESS, outcome, start_statement
from harness.paths import PROGRAM, PYTHON
from harness.process import Child, run, wait_until

_HOLDER = """
import sys, psycopg
connection = psycopg.connect(sys.argv[1], autocommit=True)
connection.execute("begin")
for sql in sys.argv[2:]:
    connection.execute(sql)
print("holding", flush=True)
sys.stdin.read()
"""


def hold(server, *sqls):
    child = Child([PYTHON, "-c", _HOLDER, server.conninfo(), *sqls], env=server.environment(), stdin=True)
    child.wait_line(lambda line: line == "holding")
    return child


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_writer_killed_in_its_transaction_frees_the_lane(server, connection, table, number):
    connection.execute(f"create table {table}(i int)")
    for round_number in range(5):
        holder = hold(server, f"insert into {table} values (-1)", f"select * from {table}")
        holder.signal(number)
        holder.wait()
        connection.execute("set statement_timeout = '10s'")
        connection.execute(f"insert into {table} values ({round_number})")
    assert connection.execute(f"select i from {table} order by i").fetchall() == [(i,) for i in range(5)]


def test_a_writer_killed_while_others_wait(server, connection, table):
    connection.execute(f"create table {table}(i int)")
    holder = hold(server, f"insert into {table} values (-1)")
    waiting = [
        start_statement(server.place, server.conninfo(), f"insert into {table} values (1)", times=20) for _ in range(4)
    ]
    holder.kill()
    for child in waiting:
        assert outcome(child) == "done"
    assert connection.execute(f"select count(*), min(i) from {table}").fetchone() == (80, 1)


def test_a_reader_killed_in_its_transaction(server, connection, table):
    connection.execute(f"create table {table} as select g as i from generate_series(1, 1000) as r(g)")
    for _ in range(5):
        holder = hold(server, f"select * from {table}")
        holder.kill()
    connection.execute(f"update {table} set i = i + 1")
    connection.execute("checkpoint")


def test_a_client_killed_in_a_long_query(server, connection):
    children = [start_statement(server.place, server.conninfo(), ENDLESS) for _ in range(6)]
    for child in children:
        child.kill()
    # An owner that still computed for the dead would use both cores for hours.
    connection.execute("set statement_timeout = '20s'")
    connection.execute("select count(*) from generate_series(1, 1000000) as r(g) where g % 7 = 3")
    if server.backend == "merganser":

        def cpu():
            with open(f"/proc/{server.pid}/stat") as stat:
                return sum(int(f) for f in stat.read().rpartition(")")[2].split()[11:13])

        def quiet():
            before = cpu()
            time.sleep(0.5)
            return cpu() - before < 10

        wait_until(quiet, "the dead clients' queries have ended", timeout=20)


@pytest.mark.merganser_only
def test_sessions_are_counted_down(fresh_server):
    def sessions():
        done = run([PROGRAM, "status", fresh_server.file, "--json"], env=fresh_server.environment())
        assert done.code == 0, done
        return json.loads(done.out)["sessions"]["open"]

    before = sessions()
    others = [fresh_server.connect() for _ in range(50)]
    for other in others:
        other.execute("begin")
        other.execute("select 1")
    assert sessions() == before + 50
    for other in others:
        other.pgconn.finish()
    wait_until(lambda: sessions() == before, "the sessions are gone")


@pytest.mark.merganser_only
def test_the_lease_of_an_idle_writer_ends_when_somebody_waits(start_server):
    server = start_server("--lane-lease", "300ms")
    with server.connect() as idle, server.connect() as waiting:
        idle.execute("create table t(i int)")
        idle.execute("begin")
        idle.execute("insert into t values (1)")
        waiting.execute("insert into t values (2)")
        with pytest.raises(psycopg.Error) as caught:
            idle.execute("insert into t values (3)")
        assert caught.value.sqlstate == "25P03"
        assert waiting.execute("select i from t").fetchall() == [(2,)]


@pytest.mark.merganser_only
def test_the_lease_of_an_idle_writer_lasts_while_nobody_waits(start_server):
    server = start_server("--lane-lease", "100ms")
    with server.connect() as idle:
        idle.execute("create table t(i int)")
        idle.execute("begin")
        idle.execute("insert into t values (1)")
        idle.execute("select count(*) from generate_series(1, 3000000) as r(g) where g % 7 = 0")
        time.sleep(0.6)
        idle.execute("insert into t values (2)")
        idle.execute("commit")
        assert idle.execute("select count(*) from t").fetchone() == (2,)


@pytest.mark.merganser_only
def test_a_busy_writer_keeps_the_lane_however_long(start_server):
    """A lease measures idleness, not work."""
    server = start_server("--lane-lease", "200ms")
    with server.connect() as busy:
        busy.execute("create table t(i bigint)")
        busy.execute("begin")
        busy.execute("insert into t values (0)")
        waiting = start_statement(server.place, server.conninfo(), "insert into t values (-1)")
        for i in range(1, 30):
            busy.execute(f"insert into t select {i} from generate_series(1, 5000000) as r(g) where g % 4999999 = 1")
        try:
            busy.execute("commit")
        except errors.IdleInTransactionSessionTimeout as stolen:
            raise AssertionError("a busy transaction lost the lane") from stolen
        assert outcome(waiting) == "done"
        assert busy.execute("select count(*) > 30 from t").fetchone() == (True,)

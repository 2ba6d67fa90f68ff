"""merganser.activity: one row a session, live, over SQL from any client."""

import os
import threading
import time

import psycopg
import pytest

from harness.paths import USER
from harness.process import run, wait_until

pytestmark = pytest.mark.merganser_only

SLOW = "select count(*) from range(40000) a, range(40000) b where a.range + b.range = -1"


def rows_of(connection, where="true", columns="*"):
    with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        return cursor.execute(f"select {columns} from merganser.activity where {where} order by session").fetchall()


def wait_for_row(connection, where, timeout=30):
    return wait_until(lambda: rows_of(connection, where), f"a session with {where}", timeout)[0]


def test_a_session_sees_itself(server):
    with server.connect(application_name="eyes") as connection:
        pid = connection.info.backend_pid
        for _ in range(3):  # the third uses a prepared statement's name
            row = connection.execute(
                "select state, application_name, client_pid, client_uid, user_name, waiting_for, kind, statement, "
                "peer like 'uid:%%', state_since >= connected_at, statements > 0, transaction_us, holds_lane "
                "from merganser.activity where session = %s",
                (pid,),
                prepare=True,
            ).fetchone()
            assert row[:7] == ("active", "eyes", os.getpid(), os.getuid(), USER, None, "SELECT")
            assert "from merganser.activity" in row[7]
            assert row[8:] == (True, True, True, None, False)


def test_every_form_of_reading_it(server, table):
    with server.connect() as connection:
        pid = connection.info.backend_pid
        for sql in (
            f"select session from merganser.activity where session = {pid}",
            f"select a.session from merganser.activity a where a.session = {pid}",
            f'select x.session from "MERGANSER" . "Activity" as x where x.session = {pid}',
            f"select activity.session from merganser.activity where merganser.activity.session = {pid}",
            f"with a as (from merganser.activity) select session from a where session = {pid}",
            f"select session from (select * from merganser.activity) where session = {pid}",
            f"select session from merganser.activity join merganser.statistics s on s.name = 'queue.units' "
            f"where session = {pid}",
            f"select (select max(session) from merganser.activity where session = {pid})",
            f"from merganser.activity select session where session = {pid}",
        ):
            assert connection.execute(sql).fetchall() == [(pid,)], sql
        assert len(connection.execute("describe merganser.activity").fetchall()) > 10
        connection.execute(f"create table {table} as select session, statement from merganser.activity")
        connection.execute(f"insert into {table} select session, statement from merganser.activity")
        assert connection.execute(f"select count(*) from {table} where session = {pid}").fetchone() == (2,)


def test_what_only_looks_like_it(server):
    with server.connect() as connection:
        assert connection.execute("select 'from merganser.activity'").fetchone() == ("from merganser.activity",)
        sql = "select merganser.activity from (values (7)) as merganser(activity) order by merganser.activity"
        assert connection.execute(sql).fetchone() == (7,)
        connection.execute("create schema if not exists merganser")
        connection.execute("create table merganser.mine as select 1 as i")
        try:
            assert connection.execute("select i from merganser.mine").fetchone() == (1,)
            connection.execute("create table merganser.activity(i int)")
            connection.execute("insert into merganser.activity values (5)")
            # Reserved where it is read: ours wins over the file's.
            assert connection.execute("select count(session) > 0 from merganser.activity").fetchone() == (True,)
        finally:
            connection.execute("drop table if exists merganser.mine")
            connection.execute("drop table if exists merganser.activity")
        for sql in (
            "delete from merganser.activity",
            "update merganser.activity set state = ''",
            "insert into merganser.activity select 1",
            "drop table merganser.activity",
        ):
            with pytest.raises(psycopg.Error) as caught:
                connection.execute(sql)
            assert caught.value.sqlstate in ("42P01", "3F000", "42704"), caught.value


def test_nobody_can_stand_in_for_it(server):
    with server.connect() as connection:
        pid = connection.info.backend_pid
        connection.execute("create macro merganser_activity() as table select 1 as forged")
        try:
            sql = "select session from merganser.activity where session = %s"
            assert connection.execute(sql, (pid,)).fetchone() == (pid,)
            with pytest.raises(psycopg.Error):
                connection.execute("create or replace macro system.main.merganser_activity() as table select 1")
            assert connection.execute(sql, (pid,)).fetchone() == (pid,)
        finally:
            connection.execute("drop macro table merganser_activity")


def test_errors_point_into_the_client_s_text(server):
    with server.connect() as connection:
        for sql in (
            "select session from merganser.activity where nosuch = 1",
            "select 'ä' as x, session from merganser.activity as a where a.nosuch > 3",
        ):
            with pytest.raises(psycopg.errors.UndefinedColumn) as caught:
                connection.execute(sql)
            position = int(caught.value.diag.statement_position)
            assert sql[position - 1 :].startswith(("nosuch", "a.nosuch")), caught.value


def test_what_others_do(fresh_server):
    with fresh_server.connect() as eyes, fresh_server.connect() as other, fresh_server.connect() as third:
        eyes.execute("create table t(i int)")
        pid = other.info.backend_pid
        assert rows_of(eyes, f"session = {pid}")[0]["state"] == "idle"
        thread = threading.Thread(target=lambda: _ignore_cancel(other, SLOW))
        thread.start()
        row = wait_for_row(eyes, f"session = {pid} and state = 'active' and waiting_for is null")
        assert row["statement"] == SLOW and row["kind"] == "SELECT" and row["running_us"] > 0
        other.cancel()
        thread.join(30)

        other.execute("begin")
        other.execute("insert into t values (1)")
        row = wait_for_row(eyes, f"session = {pid} and state = 'idle in transaction'")
        assert row["holds_lane"] is True and row["transaction_us"] > 0 and row["waiting_for"] == "client"
        assert row["statement"] is None

        blocked = threading.Thread(target=third.execute, args=("insert into t values (2)",))
        blocked.start()
        row = wait_for_row(eyes, f"session = {third.info.backend_pid} and waiting_for = 'write queue'")
        assert row["kind"] == "INSERT" and row["bytes_queued"] > 0
        first = row["waited_us"]
        wait_for_row(eyes, f"session = {third.info.backend_pid} and waited_us > {first}")
        other.execute("commit")
        blocked.join(30)
        with pytest.raises(psycopg.Error):
            other.execute("begin; select nosuch")
        assert wait_for_row(eyes, f"session = {pid} and state = 'idle in transaction (aborted)'")
        other.execute("rollback")


def _ignore_cancel(connection, sql):
    try:
        connection.execute(sql)
    except psycopg.errors.QueryCanceled:
        pass


def test_a_transaction_that_waits_for_the_lane(fresh_server):
    with fresh_server.connect() as eyes, fresh_server.connect() as holder, fresh_server.connect() as waiter:
        eyes.execute("create table t(i int)")
        holder.execute("begin")
        holder.execute("insert into t values (1)")
        waiter.execute("begin")
        thread = threading.Thread(target=waiter.execute, args=("insert into t values (2)",))
        thread.start()
        wait_for_row(eyes, f"session = {waiter.info.backend_pid} and waiting_for = 'write lane'")
        holder.execute("commit")
        thread.join(30)
        waiter.execute("commit")
        assert eyes.execute("select count(*) from t").fetchone() == (2,)


def test_a_client_that_does_not_read(fresh_server):
    with fresh_server.connect() as eyes, fresh_server.connect() as other:
        other.pgconn.send_query(b"select repeat('x', 1000) from range(200000)")
        wait_for_row(eyes, f"session = {other.info.backend_pid} and state = 'active' and waiting_for = 'client'")
        other.pgconn.finish()


def test_it_is_live_inside_a_transaction(fresh_server):
    with fresh_server.connect() as eyes:
        eyes.execute("begin")
        before = eyes.execute("select count(*) from merganser.activity").fetchone()[0]
        with fresh_server.connect() as other:
            assert rows_of(eyes, f"session = {other.info.backend_pid}")
            assert eyes.execute("select count(*) from merganser.activity").fetchone() == (before + 1,)
        wait_until(lambda: len(rows_of(eyes)) == before, "the other session to be gone")
        eyes.execute("commit")


def test_long_statements_are_cut(server):
    with server.connect() as eyes, server.connect() as other:
        text = "select " + "'" + "ä" * 3000 + "', " + SLOW[len("select ") :]
        thread = threading.Thread(target=lambda: _ignore_cancel(other, text))
        thread.start()
        row = wait_for_row(eyes, f"session = {other.info.backend_pid} and state = 'active'")
        assert row["statement"].startswith("select 'äää") and row["statement"].endswith("ä…")
        assert len(row["statement"].encode()) <= 1024 + 3
        other.cancel()
        thread.join(30)


def test_with_psql(server):
    out = run(
        ["psql", "-XAtc", "select state, kind from merganser.activity where application_name = 'psql'"],
        env=server.environment(),
    )
    assert out.code == 0 and out.out.strip() == "active|SELECT", out


def test_beside_sessions_that_come_work_and_die(fresh_server):
    """Nobody's row stays, nothing is torn, and looking costs nobody their statement."""
    with fresh_server.connect() as eyes:
        eyes.execute("create table t(i int)")
        stop = threading.Event()
        problems, looks = [], []

        def come_and_go(number):
            try:
                while not stop.is_set():
                    with fresh_server.connect(application_name=f"w{number}") as one:
                        for i in range(20):
                            one.execute("insert into t values (%s)", (i,))
                        one.execute("select count(*) from t")
                        if number % 2:
                            one.pgconn.send_query(SLOW.encode())
                            os.close(os.dup(one.fileno()))
                            one.pgconn.finish()  # gone in the middle of it
            except Exception as problem:  # noqa: BLE001 - handed to the test
                problems.append(problem)

        def look():
            try:
                with fresh_server.connect() as one:
                    while not stop.is_set():
                        for row in rows_of(one):
                            assert row["state"] in ("active", "idle", "leaving"), row
                            assert row["session"] > 0 and row["statements"] >= 0
                            assert (row["statement"] is None) == (row["kind"] is None)
                        looks.append(1)
            except Exception as problem:  # noqa: BLE001
                problems.append(problem)

        threads = [threading.Thread(target=come_and_go, args=(n,)) for n in range(4)]
        threads += [threading.Thread(target=look) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            time.sleep(4)
            wait_until(lambda: len(looks) > 20 or problems, "twenty looks", timeout=60)
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
        assert problems == []
        wait_until(lambda: len(rows_of(eyes)) == 1, "only this session to be left")


def test_while_the_owner_leaves(fresh_server):
    """A statement that reads it does not keep the owner from leaving."""
    with fresh_server.connect() as connection:
        connection.execute("select count(*) from merganser.activity")
        stop = threading.Event()

        def look():
            try:
                while not stop.is_set():
                    connection.execute("select count(*) from merganser.activity")
            except psycopg.Error:
                pass

        thread = threading.Thread(target=look)
        thread.start()
        try:
            fresh_server.stop()
        finally:
            stop.set()
            thread.join(30)


@pytest.mark.merganser_only
def test_progress_of_a_long_query(server, table):
    with server.connect() as one, server.connect() as eyes:
        one.execute(f"create table {table} as select i from range(3000000) as r(i)")
        thread = threading.Thread(target=lambda: pytest.raises(psycopg.errors.QueryCanceled, one.execute,
            f"select sum(a.i % 7 * b.i) from {table} a, {table} b where b.i < 20000 and (a.i * b.i) % 11 = 3"))
        thread.start()
        try:
            row = wait_for_row(eyes, f"session = {one.info.backend_pid} and progress > 0")
            assert 0 < row["progress"] <= 100
            found = eyes.execute(
                "select state, query like 'select sum%%', progress > 0, backend_type, usename is not null, "
                "query_start <= now() + interval 1 minute from pg_stat_activity where pid = %s",
                (one.info.backend_pid,)).fetchone()
            assert found == ("active", True, True, "client backend", True, True)
        finally:
            one.cancel()
            thread.join(60)


@pytest.mark.merganser_only
def test_pg_stat_activity(server):
    with server.connect(application_name="idle one") as one, server.connect() as eyes:
        one.execute("select 'what ran last'")
        (row,) = eyes.execute(
            "select pid, state, query, wait_event_type, wait_event, xact_start from pg_stat_activity "
            "where application_name = 'idle one'").fetchall()
        assert row == (one.info.backend_pid, "idle", "select 'what ran last'", "Client", "ClientRead", None)
        one.execute("begin")
        (row,) = eyes.execute(
            "select state, query, xact_start <= now() from pg_stat_activity where application_name = 'idle one'").fetchall()
        assert row == ("idle in transaction", "begin", True)

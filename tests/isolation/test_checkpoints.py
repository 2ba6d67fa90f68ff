"""Checkpoints: beside readers and writers, with old snapshots open, by size and on demand."""

import os
import threading
import time

import psycopg
import pytest

from harness.plain import plain_duckdb
from harness.process import wait_until

pytestmark = pytest.mark.merganser_only

BUSY = ("55006", "55P03", "55000", "40001", "25000")


def wal_bytes(server):
    try:
        return os.stat(f"{server.file}.wal").st_size
    except FileNotFoundError:
        return 0


def test_on_demand(fresh_server):
    with fresh_server.connect() as connection:
        connection.execute("create table t as select g as i from generate_series(1, 1000) as r(g)")
        assert wal_bytes(fresh_server) > 0
        connection.execute("checkpoint")
        assert wal_bytes(fresh_server) == 0


def test_by_size(start_server):
    server = start_server("--checkpoint-wal-bytes", "256KiB")
    with server.connect() as connection:
        connection.execute("create table t(i bigint, s varchar)")
        for i in range(300):
            connection.execute("insert into t values (%s, %s)", (i, "x" * 4000))
        wait_until(lambda: wal_bytes(server) < 300 * 4000, "a checkpoint", timeout=20)
        assert connection.execute("select count(*), sum(length(s)) from t").fetchone() == (300, 1_200_000)


def test_when_idle(start_server):
    server = start_server("--checkpoint-interval", "200ms")
    with server.connect() as connection:
        connection.execute("create table t as select 1 as i")
        wait_until(lambda: wal_bytes(server) == 0, "a checkpoint", timeout=20)


def test_never_when_idle_if_told_so(start_server):
    server = start_server("--checkpoint-interval", "0")
    with server.connect() as connection:
        connection.execute("create table t as select 1 as i")
        time.sleep(2.5)  # the writer looks every second when it has nothing else to do
        assert wal_bytes(server) > 0


def test_with_an_old_snapshot_open(fresh_server):
    """It cannot be done then; whoever asks may be told so, but nobody's work fails and nobody's snapshot breaks."""
    with fresh_server.connect() as old, fresh_server.connect() as other:
        other.execute("create table t as select g as i, 0 as n from generate_series(1, 1000) as r(g)")
        old.execute("begin")
        assert old.execute("select sum(n) from t").fetchone() == (0,)
        other.execute("update t set n = 1")
        other.execute("delete from t where i > 500")
        try:
            other.execute("checkpoint")
        except psycopg.Error as error:
            assert error.sqlstate in BUSY, error
        assert old.execute("select sum(n), count(*) from t").fetchone() == (0, 1000)
        other.execute("insert into t values (1001, 1)")
        old.execute("commit")
        other.execute("checkpoint")
        assert old.execute("select sum(n), count(*) from t").fetchone() == (501, 501)
    assert wal_bytes(fresh_server) == 0


def grow(connection, server, least):
    """Updates until the log is that large, or has been cut meanwhile."""
    before = server.status()["wal"]["checkpoints"]
    for _ in range(2000):
        connection.execute("update t set n = n + 1, s = repeat('y', 1000)")
        if wal_bytes(server) >= least or server.status()["wal"]["checkpoints"] > before:
            return
    raise AssertionError("the log does not grow")


def test_an_idle_transaction_loses_its_snapshot(start_server):
    """The server ends it by itself when a checkpoint needs it gone; its client hears of it at the next statement."""
    server = start_server("--checkpoint-wal-bytes", "64KiB", "--snapshot-max-age", "1s")
    with server.connect() as old, server.connect() as other:
        other.execute("create table t as select g as i, 0 as n, '' as s from generate_series(1, 200) as r(g)")
        other.execute("checkpoint")
        old.execute("begin")
        assert old.execute("select sum(n) from t").fetchone() == (0,)
        grow(other, server, 300 * 1024)
        wait_until(lambda: wal_bytes(server) < 64 * 1024, "a checkpoint", timeout=60)
        assert server.status()["reads"]["snapshots_expired"] >= 1
        with pytest.raises(psycopg.Error) as caught:
            old.execute("select sum(n) from t")
        assert caught.value.sqlstate == "55000", caught.value
        with pytest.raises(psycopg.Error) as caught:
            old.execute("select 1")
        assert caught.value.sqlstate == "25P02"
        old.execute("rollback")
        assert old.execute("select min(n) > 0 from t").fetchone() == (True,)


def test_a_commit_after_the_snapshot_was_lost(start_server):
    """COMMIT must not look like success."""
    server = start_server("--checkpoint-wal-bytes", "64KiB", "--snapshot-max-age", "1s")
    with server.connect() as old, server.connect() as other:
        other.execute("create table t as select g as i, 0 as n, '' as s from generate_series(1, 200) as r(g)")
        other.execute("checkpoint")
        old.execute("begin")
        old.execute("select sum(n) from t")
        grow(other, server, 300 * 1024)
        wait_until(lambda: wal_bytes(server) < 64 * 1024, "a checkpoint", timeout=60)
        with pytest.raises(psycopg.Error) as caught:
            old.execute("commit")
        assert caught.value.sqlstate == "55000", caught.value
        assert old.execute("select 1").fetchone() == (1,)


def test_a_slow_reader_loses_its_snapshot(start_server):
    """A client that does not take its rows holds a snapshot as well."""
    server = start_server("--checkpoint-wal-bytes", "64KiB", "--snapshot-max-age", "1s")
    with server.connect() as other:
        slow = server.connect()
        other.execute("create table t as select g as i, 0 as n, '' as s from generate_series(1, 200) as r(g)")
        other.execute("checkpoint")
        slow.pgconn.send_query(b"select repeat('x', 1000), n from t, range(2000)")
        wait_until(
            lambda: other.execute("select count(*) from merganser.activity where waiting_for = 'client' "
                                  "and state = 'active'").fetchone() == (1,),
            "a reader that waits for its client",
        )
        grow(other, server, 300 * 1024)
        wait_until(lambda: wal_bytes(server) < 64 * 1024, "a checkpoint", timeout=60)
        slow.pgconn.finish()


def test_the_holder_of_an_old_snapshot_is_warned(start_server):
    """In its own session, in the log and in the status; nobody's work fails, and the checkpoint comes when it ends."""
    server = start_server("--checkpoint-wal-bytes", "64KiB")
    with server.connect() as old, server.connect() as other:
        notices = []
        old.add_notice_handler(lambda notice: notices.append((notice.sqlstate, notice.message_primary)))
        other.execute("create table t as select g as i, 0 as n, '' as s from generate_series(1, 200) as r(g)")
        other.execute("checkpoint")
        assert server.status()["wal"]["checkpoint_overdue_ms"] == 0
        old.execute("begin")
        assert old.execute("select sum(n) from t").fetchone() == (0,)
        grow(other, server, 128 * 1024)
        wait_until(lambda: server.status()["wal"]["checkpoint_overdue_ms"] > 0, "an overdue checkpoint", timeout=60)
        assert "event=checkpoint.postponed" in server.log()
        assert old.execute("select sum(n) from t").fetchone() == (0,)
        wait_until(lambda: old.execute("select 1") and notices, "the warning", timeout=60)
        assert len(notices) == 1 and notices[0][0] == "55006" and "snapshot" in notices[0][1]
        old.execute("commit")
        wait_until(lambda: wal_bytes(server) < 64 * 1024, "a checkpoint", timeout=60)
        assert server.status()["wal"]["checkpoint_overdue_ms"] == 0


@pytest.mark.timeout(200)
def test_reads_that_overlap_all_the_time(start_server):
    """Each ends soon, but there is always one from before the last change: the log is cut all the same."""
    server = start_server("--checkpoint-wal-bytes", "64KiB", "--snapshot-max-age", "1h")
    stop = threading.Event()
    problems = []

    def work(sql, transaction):
        try:
            with server.connect(autocommit=not transaction) as one:
                while not stop.is_set():
                    one.execute(sql)
                    one.commit()
        except Exception as problem:  # noqa: BLE001 - handed to the test
            problems.append(problem)

    read = "select max(n), count(*) from t, range(1000) a, range(1000) b where a.range + b.range = -1"
    with server.connect() as connection:
        connection.execute("create table t as select g as i, 0 as n, '' as s from generate_series(1, 200) as r(g)")
        jobs = [(read, False), (read, True), (read, False)]
        jobs.append(("update t set n = n + 1, s = repeat('y', 1000)", False))
        threads = [threading.Thread(target=work, args=job) for job in jobs]
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: server.status()["wal"]["checkpoints"] >= 2 or problems, "checkpoints", timeout=100)
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
    assert problems == []


def test_while_everybody_works(start_server):
    server = start_server("--checkpoint-wal-bytes", "64KiB")
    stop = threading.Event()
    problems, written = [], []

    def work(action):
        try:
            with server.connect() as one:
                while not stop.is_set():
                    action(one)
        except Exception as problem:  # noqa: BLE001 - handed to the test
            problems.append(problem)

    def write(one):
        one.execute("insert into t values (1, repeat('x', 2000))")
        written.append(1)

    def read(one):
        count, total = one.execute("select count(*), sum(length(s)) from t").fetchone()
        assert total == 2000 * count

    def long_read(one):
        with one.transaction():
            first = one.execute("select count(*) from t").fetchone()
            assert one.execute("select count(*) from t").fetchone() == first

    def checkpoint(one):
        try:
            one.execute("checkpoint")
        except psycopg.Error as error:
            assert error.sqlstate in BUSY, error

    with server.connect() as connection:
        connection.execute("create table t(i int, s varchar)")
        connection.execute("insert into t values (1, repeat('x', 2000))")
    threads = [threading.Thread(target=work, args=(a,)) for a in (write, write, read, read, long_read, checkpoint)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: len(written) > 1000 or problems, "a thousand writes", timeout=60)
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert problems == []
    server.stop()
    assert plain_duckdb(server.file, "select count(*) from t") == [(len(written) + 1,)]
    assert wal_bytes(server) == 0

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

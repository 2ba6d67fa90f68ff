"""An fsync that fails: nobody is told success, the owner leaves, the next one has everything that was acknowledged."""

import psycopg
import pytest

from harness.plain import plain_duckdb
from harness.process import pid_alive, wait_until


@pytest.fixture
def breakable(auto, fail_fsync):
    """An owner whose disk breaks when the trigger file appears; and the trigger."""
    trigger = auto.place.path / "broken"
    auto.url(env={"LD_PRELOAD": fail_fsync, "FAIL_FSYNC": trigger})
    return auto, trigger


def test_a_commit_whose_fsync_fails(breakable):
    auto, trigger = breakable
    acknowledged = []
    with auto.connect() as connection:
        connection.execute("create table t(i integer primary key)")
        for i in range(50):
            connection.execute("insert into t values (%s)", (i,))
            acknowledged.append(i)
    pid = auto.pid()
    connection = auto.connect()
    reader = auto.connect()
    trigger.touch()
    with pytest.raises(psycopg.Error) as caught:
        connection.execute("insert into t values (1000)")
    assert caught.value.sqlstate in ("08007", "57P02", "57P01", "58030", None), caught.value
    trigger.unlink()
    # The instance cannot be trusted after that; it must go by itself, not wait for an administrator.
    wait_until(lambda: not pid_alive(pid), "the owner has left", timeout=20)
    for old in (connection, reader):
        with pytest.raises(psycopg.Error):
            old.execute("select 1")
    with auto.connect() as fresh:
        rows = [row[0] for row in fresh.execute("select i from t order by i").fetchall()]
        assert rows[:50] == acknowledged and set(rows[50:]) <= {1000}
        fresh.execute("insert into t values (2000)")
    assert auto.stop().code == 0
    assert (2000,) in plain_duckdb(auto.file, "select i from t")


def test_a_checkpoint_whose_fsync_fails(breakable):
    auto, trigger = breakable
    with auto.connect() as connection:
        connection.execute("create table t as select g as i from generate_series(1, 50000) as r(g)")
        trigger.touch()
        with pytest.raises(psycopg.Error):
            connection.execute("checkpoint")
    trigger.unlink()
    with auto.connect() as fresh:
        assert fresh.execute("select count(*), sum(i) from t").fetchone() == (50000, 50000 * 50001 // 2)
        fresh.execute("insert into t values (0)")
    assert auto.stop().code == 0
    assert plain_duckdb(auto.file, "select count(*) from t") == [(50001,)]


def test_a_broken_disk_at_the_end(breakable):
    """Stopping cannot write the checkpoint. The log still has everything."""
    auto, trigger = breakable
    with auto.connect() as connection:
        connection.execute("create table t as select g as i from generate_series(1, 1000) as r(g)")
    pid = auto.pid()
    trigger.touch()
    auto.stop()
    wait_until(lambda: not pid_alive(pid), "the owner has left", timeout=20)
    trigger.unlink()
    with auto.connect() as fresh:
        assert fresh.execute("select count(*) from t").fetchone() == (1000,)

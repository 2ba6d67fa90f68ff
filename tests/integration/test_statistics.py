"""merganser.statistics: what `status` counts and measures, over SQL."""

import threading

import psycopg
import pytest

from harness.process import run, wait_until

pytestmark = pytest.mark.merganser_only


def statistics(connection):
    return {row[0]: row for row in connection.execute("select * from merganser.statistics")}


def test_the_same_as_status(fresh_server):
    with fresh_server.connect() as connection:
        connection.execute("create table t(i int)")
        for i in range(20):
            connection.execute("insert into t values (%s)", (i,))
        over_sql = statistics(connection)
        status = fresh_server.status()
    names = {f"{group}.{name}" for group, fields in status.items() if isinstance(fields, dict) for name in fields}
    assert set(over_sql) == names - {"memory.duckdb_bytes"}
    for name in ("queue.units", "queue.rows", "batches.commits", "sessions.total"):
        group, field = name.split(".")
        assert over_sql[name][1] == status[group][field], name
    assert over_sql["queue.units"][1] == 21 and over_sql["queue.rows"][1] == 20


def test_distributions(fresh_server):
    with fresh_server.connect() as connection:
        connection.execute("create table t(i int)")
        for i in range(50):
            connection.execute("insert into t values (%s), (%s) returning i", (i, i))
        connection.execute("select count(*) from t")
        connection.execute("begin")
        connection.execute("insert into t values (1)")
        connection.execute("commit")
        seen = statistics(connection)
    for name, least in (
        ("queue.wait_us", 50),
        ("queue.lane_wait_us", 1),
        ("batches.rows_each", 50),
        ("batches.execute_us", 50),
        ("batches.commit_us", 51),
        ("batches.fsync_us", 51),
        ("reads.wait_us", 1),
        ("reads.run_us", 1),
        ("sessions.write_latency_us", 50),
        ("sessions.transaction_latency_us", 2),
        ("sessions.ddl_latency_us", 1),
    ):
        _, total, unit, count, mean, p50, p90, p99, largest = seen[name]
        assert count >= least, name
        assert 0 <= p50 <= p90 <= p99 <= largest, name
        assert total == pytest.approx(mean * count), name
        assert unit == ("us" if name.endswith("_us") else ""), name
    assert seen["batches.rows_each"][8] == 2
    assert seen["batches.commit_us"][5] > 0


def test_filtered_and_joined(server):
    with server.connect() as connection:
        sql = (
            "select s.name, s.value / nullif(t.value, 0) from merganser.statistics s "
            "join merganser.statistics t on t.name = 'batches.commits' where s.name = 'queue.units'"
        )
        assert connection.execute(sql).fetchone()[0] == "queue.units"
        assert connection.execute("select count(*) from merganser.statistics where name like 'wal.%'").fetchone()[0] >= 5
        assert connection.execute("select max(count(*)) over () from merganser.statistics group by name").fetchone() == (1,)


def test_batches_under_load(fresh_server):
    """Writers that come together share commits, and the distributions say so."""
    with fresh_server.connect() as connection:
        connection.execute("create table t(i int)")

        def write():
            with fresh_server.connect() as one:
                for i in range(200):
                    one.execute("insert into t values (%s)", (i,))

        threads = [threading.Thread(target=write) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        seen = statistics(connection)
        assert seen["queue.rows"][1] == 1600
        assert seen["batches.units_each"][3] <= seen["batches.commits"][1]
        assert seen["batches.units_each"][8] > 1
        assert seen["sessions.write_latency_us"][3] == 1600
        not_coalesced = sum(row[1] for name, row in seen.items() if name.startswith("coalescing.not_"))
        assert seen["coalescing.units"][1] + not_coalesced <= seen["queue.units"][1]


def test_conflicts_are_counted(fresh_server):
    with fresh_server.connect() as one, fresh_server.connect() as other:
        one.execute("create table t(i int primary key, n int)")
        one.execute("insert into t values (1, 0)")
        one.execute("begin")
        one.execute("select * from t")
        other.execute("update t set n = 1")
        with pytest.raises(psycopg.Error) as caught:
            one.execute("update t set n = 2")
        assert caught.value.sqlstate == "40001"
        one.execute("rollback")
        assert statistics(other)["sessions.conflicts"][1] == 1


def test_in_the_text_of_status(fresh_server):
    from harness.paths import PROGRAM

    with fresh_server.connect() as connection:
        connection.execute("create table t(i int)")
        connection.execute("insert into t values (1)")
        done = run([PROGRAM, "status", fresh_server.file], env=fresh_server.place.environment())
        assert done.code == 0
        assert "commit (2 times, p50 " in done.out, done.out
        assert "lane wait" not in done.out  # nothing has been counted there
        wait_until(lambda: fresh_server.status()["writer"] == "idle", "an idle writer")

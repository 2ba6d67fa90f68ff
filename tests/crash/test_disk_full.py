"""A full disk: the write fails, what was acknowledged stays, and work goes on when there is room again."""

import os
import subprocess

import psycopg
import pytest

from harness.auto import Auto
from harness.paths import Place
from harness.plain import plain_duckdb
from harness.process import pid_alive, run

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")

SIZE_MIB = 24


@pytest.fixture
def small_place(program):
    place = Place()
    disk = place.path / "disk"
    disk.mkdir()
    mounted = run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m,mode=700", "merganser-test", disk])
    if mounted.code != 0:
        place.remove()
        pytest.skip(f"no small file system here: {mounted.err.strip()}")
    yield place, disk
    subprocess.run(["umount", "-l", str(disk)], check=True, timeout=30)
    place.remove()


def connect(auto, file):
    return psycopg.connect(auto.url(file), autocommit=True, connect_timeout=20)


def test_acknowledged_stays_and_work_goes_on(small_place):
    place, disk = small_place
    auto = Auto(place)
    file = disk / "t.duckdb"
    ballast = disk / "ballast"
    acknowledged, states = [], []
    try:
        with connect(auto, file) as connection:
            connection.execute("create table t(i bigint, s varchar)")
        ballast.write_bytes(bytes(10 << 20))
        connection = connect(auto, file)
        for i in range(100):
            try:
                connection.execute(
                    "insert into t select %s, md5((g + %s)::varchar) from generate_series(1, 20000) as r(g)",
                    (i, i * 20000),
                )
                acknowledged.append(i)
            except psycopg.Error as error:
                states.append(error.sqlstate)
                connection.close()
                break
        assert states, "the disk never filled"
        assert acknowledged
        assert states[0] in ("53100", "58030", "08007", "08006", "57P02", None), states
        ballast.unlink()
        with connect(auto, file) as connection:
            rows = connection.execute("select i, count(*) from t group by i order by i").fetchall()
            present = [i for i, _ in rows]
            assert set(acknowledged) <= set(present) and len(present) - len(acknowledged) <= 1
            assert all(count == 20000 for _, count in rows), "a statement is there in part"
            connection.execute("insert into t values (1000, 'room again')")
        assert auto.stop(file).code == 0
        assert (1000,) in plain_duckdb(file, "select distinct i from t")
    finally:
        pid = auto.endpoint_pid(file)
        if pid and pid_alive(pid):
            auto.stop(file, "--force")


def test_no_room_to_start(small_place):
    place, disk = small_place
    auto = Auto(place)
    file = disk / "t.duckdb"
    (disk / "ballast").write_bytes(bytes((SIZE_MIB << 20) - 4096 * 3))
    try:
        done = auto.cli("url", file)
        if done.code == 0:
            auto.used.add(file)
            with pytest.raises(psycopg.Error), psycopg.connect(done.out.strip(), autocommit=True) as connection:
                connection.execute(
                    "create table t as select g as i, md5(g::varchar) as s from generate_series(1, 100000) as r(g)"
                )
        else:
            assert "space" in done.err or "full" in done.err, done
    finally:
        pid = auto.endpoint_pid(file)
        if pid and pid_alive(pid):
            auto.stop(file, "--force")

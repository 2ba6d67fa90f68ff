"""Another program has the file open: who it is, and that nothing is harmed; and the other way round."""

import json
import os

import pytest

from harness.plain import PlainError, hold_file, plain_duckdb
from harness.process import pid_alive, wait_until


@pytest.mark.parametrize("command", [["url"], ["sql"], ["serve"]], ids=lambda c: c[0])
def test_the_error_names_the_holder(auto, command):
    holder = hold_file(auto.file)
    try:
        done = auto.cli(*command, auto.file, *(["select 1"] if command == ["sql"] else []))
        assert done.code == 1, done
        assert str(holder.pid) in done.err and "python" in done.err, done
        assert "select 1" not in done.out
    finally:
        holder.kill()
    with auto.connect() as connection:
        assert connection.execute("select count(*) from held").fetchone() == (0,)


def test_doctor_names_the_foreign_holder(auto):
    holder = hold_file(auto.file)
    try:
        done = auto.cli("doctor", auto.file)
        assert str(holder.pid) in done.out and "python" in done.out, done
        report = auto.cli("doctor", auto.file, "--json")
        assert str(holder.pid) in report.out
        json.loads(report.out)
    finally:
        holder.kill()


def test_doctor_names_the_owner(auto):
    auto.url()
    done = auto.cli("doctor", auto.file)
    assert done.code == 0, done
    assert str(auto.pid()) in done.out and "merganser" in done.out, done


def test_doctor_of_a_free_file(auto):
    plain_duckdb(auto.file, "create table t(i integer)")
    done = auto.cli("doctor", auto.file)
    assert done.code == 0, done


def test_plain_duckdb_is_told_who_has_the_file(auto):
    auto.url()
    with pytest.raises(PlainError, match="lock"):
        plain_duckdb(auto.file, "select 1")
    with auto.connect() as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_the_file_can_change_hands_many_times(auto):
    plain_duckdb(auto.file, "create table t(i integer)")
    for i in range(4):
        with auto.connect() as connection:
            connection.execute("insert into t values (%s)", (2 * i,))
        assert auto.stop().code == 0
        plain_duckdb(auto.file, f"insert into t values ({2 * i + 1})")
    assert plain_duckdb(auto.file, "select i from t order by i") == [(i,) for i in range(8)]


def test_a_deleted_file_under_a_running_owner(auto):
    """The fence: an owner whose file is another one now stops writing and leaves, touching nothing."""
    with auto.connect() as connection:
        connection.execute("create table t(i integer)")
        pid = auto.pid()
        os.rename(auto.file, f"{auto.file}.moved")
        plain_duckdb(auto.file, "create table other(i integer)")
        before = auto.file.read_bytes()
        wait_until(lambda: not pid_alive(pid), "the owner of the moved file has left", timeout=20)
        assert auto.file.read_bytes() == before
    assert plain_duckdb(auto.file, "select count(*) from other") == [(0,)]


def test_explain_of_lock_errors(auto):
    for text in (
        'IO Error: Could not set lock on file "/x/t.duckdb": Conflicting lock is held in /usr/bin/python3.11 (PID 4711). See also https://duckdb.org/docs',
        'IO Error: Cannot open file "c:\\x\\t.duckdb": The process cannot access the file because it is being used by another process.\n\nFile is already open in \nC:\\python.exe (PID 4711)',
    ):
        done = auto.cli("doctor", "--explain", text)
        assert done.code == 0 and "4711" in done.out and "merganser" in done.out, done

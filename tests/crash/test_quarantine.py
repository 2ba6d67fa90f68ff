"""A write-ahead log that cannot be replayed: reported, never deleted, and moved aside only when somebody says so."""

import pytest

from harness.plain import plain_duckdb

pytestmark = pytest.mark.merganser_only


def break_wal(auto):
    """Leaves a file whose checkpoint holds one row, and whose log is damaged so that DuckDB cannot go on."""
    with auto.connect() as connection:
        connection.execute("create table t(i int)")
        connection.execute("insert into t values (1)")
        connection.execute("checkpoint")
        connection.execute("create table later(i int)")
        connection.execute("insert into later select g from generate_series(1, 5000) r(g)")
    auto.kill_owner()
    wal = auto.file.with_name(auto.file.name + ".wal")
    mark = auto.file.with_name(auto.file.name + ".mark")
    whole, marked = wal.read_bytes(), mark.read_bytes()
    # Which bytes DuckDB stumbles over is its own affair: the first flip that keeps the file from opening.
    for at in range(20, len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 0xFF
        wal.write_bytes(damaged)
        mark.write_bytes(marked)
        if auto.cli("url", auto.file, "--start-timeout", "20s").code != 0:
            assert wal.read_bytes() == bytes(damaged), "a log that cannot be replayed stays as it is"
            auto.file.with_name(auto.file.name + ".endpoint.error").unlink(missing_ok=True)
            return wal, bytes(damaged)
        auto.kill_owner()
    raise AssertionError("every damage was taken for a torn end")


def quarantined(auto):
    return sorted(auto.file.parent.glob(auto.file.name + ".wal*.quarantine-*"))


def test_a_broken_log_is_moved_aside_on_demand(auto):
    wal, damaged = break_wal(auto)
    refused = auto.cli("url", auto.file)
    assert refused.code == 1 and "cannot be replayed" in refused.err and "--quarantine-wal" in refused.err
    assert not quarantined(auto)

    done = auto.cli("doctor", auto.file, "--quarantine-wal")
    assert done.code == 0, done
    assert not wal.exists()
    (kept,) = quarantined(auto)
    assert str(kept) in done.out and kept.read_bytes() == damaged

    with auto.connect() as connection:
        assert connection.execute("select i from t").fetchall() == [(1,)]
        connection.execute("insert into t values (2)")
    assert "acknowledged" in auto.status()["alarm"], "what is missing stays an alarm"
    assert auto.stop().code == 0
    assert kept.read_bytes() == damaged
    assert plain_duckdb(auto.file, "select count(*) from t") == [(2,)]


def test_a_good_log_is_not_moved(auto):
    with auto.connect() as connection:
        connection.execute("create table t(i int)")
    wal = auto.file.with_name(auto.file.name + ".wal")
    in_use = auto.cli("doctor", auto.file, "--quarantine-wal")
    assert in_use.code == 1 and "an owner has" in in_use.err
    auto.kill_owner()
    before = wal.read_bytes()
    good = auto.cli("doctor", auto.file, "--quarantine-wal")
    assert good.code == 1 and "can be replayed" in good.err
    assert wal.read_bytes() == before and not quarantined(auto)
    with auto.connect() as connection:
        assert connection.execute("select count(*) from t").fetchone() == (0,)
    assert auto.stop().code == 0
    none = auto.cli("doctor", auto.file, "--quarantine-wal")
    assert none.code == 1 and "no write-ahead log" in none.err


def test_a_file_that_is_broken_itself_keeps_its_log(auto):
    wal, damaged = break_wal(auto)
    whole = auto.file.read_bytes()
    auto.file.write_bytes(b"x" * len(whole))
    done = auto.cli("doctor", auto.file, "--quarantine-wal")
    assert done.code == 1 and "without its log either" in done.err
    assert wal.read_bytes() == damaged and not quarantined(auto)

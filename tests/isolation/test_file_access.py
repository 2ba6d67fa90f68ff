"""A client reads and writes no file, and what it tries does not open the database to others."""

import psycopg
import pytest

from harness.paths import Place
from harness.plain import PlainError, plain_duckdb
from harness.server import Server

pytestmark = pytest.mark.merganser_only

ATTEMPTS = [
    "select * from read_blob('{db}')",
    "select * from read_text('{db}')",
    "select size from read_blob('{db}')",
    "select * from read_blob(['{db}'])",
    "select * from read_blob('{folder}/*')",
    "select * from glob('{folder}/*')",
    "select * from glob('{db}')",
    "select * from read_csv('{db}')",
    "select * from read_csv_auto('{text}')",
    "select * from read_json('{text}')",
    "select * from read_parquet('{db}')",
    "select * from parquet_metadata('{db}')",
    "select * from parquet_schema('{db}')",
    "select * from read_duckdb('{db}')",
    "select * from sniff_csv('{text}')",
    "select * from '{db}'",
    "select * from '{text}'",
    "from '{folder}/*.csv'",
    'select * from "{text}"',
    "select * from query_table('{text}')",
    "copy notes to '{folder}/out.csv'",
    "copy notes to '{db}'",
    "copy notes to '{db}.wal'",
    "copy (select 1) to '{folder}/out.parquet' (format parquet)",
    "copy notes from '{text}'",
    "copy notes to '/dev/stdout'",
    "export database '{folder}/out'",
    "import database '{folder}'",
    "attach '{db}' as again",
    "attach '{db}' as again (read_only)",
    "attach '{folder}/new.duckdb' as fresh",
    "load '{db}'",
    "create view sneaky as select * from read_blob('{db}')",
    "select * from read_text('file://{text}')",
    "select * from read_text('http://127.0.0.1:1/x')",
    "select * from read_text('/proc/self/environ')",
    "select * from read_blob('/proc/self/fd/0')",
]


@pytest.fixture(scope="module")
def guarded():
    place = Place()
    server = Server(place)
    (place.path / "text.csv").write_text("a,b\n1,2\n")
    with server.connect() as connection:
        connection.execute("create table notes(a integer, b integer)")
        connection.execute("insert into notes values (1, 2)")
    yield server
    try:
        server.stop()
    finally:
        place.remove()


def assert_closed_to_others(server):
    for read_only in (False, True):
        with pytest.raises(PlainError, match="Could not set lock|Conflicting lock"):
            plain_duckdb(server.file, "select 1", read_only=read_only)


@pytest.mark.parametrize("sql", ATTEMPTS)
def test_attempt(guarded, sql):
    place = guarded.place
    before = {path.name for path in place.path.iterdir()}
    with guarded.connect() as connection:
        with pytest.raises(psycopg.Error) as caught:
            connection.execute(sql.format(db=guarded.file, folder=place.path, text=place.path / "text.csv").encode())
        assert caught.value.sqlstate in ("42501", "0A000", "42P01"), caught.value
        assert connection.execute("select * from notes").fetchall() == [(1, 2)]
    assert {path.name for path in place.path.iterdir()} == before
    assert_closed_to_others(guarded)


def test_closed_from_the_first_moment_and_after_work(guarded):
    assert_closed_to_others(guarded)
    with guarded.connect() as connection:
        connection.execute("create table more as select g as i from generate_series(1, 100000) as r(g)")
        assert_closed_to_others(guarded)
        connection.execute("checkpoint")
        assert_closed_to_others(guarded)
        connection.execute("drop table more")
        connection.execute("checkpoint")
    assert_closed_to_others(guarded)


def test_open_again_when_the_owner_has_left(start_server, place):
    server = start_server()
    with server.connect() as connection:
        connection.execute("create table t as select 42 as i")
    server.stop()
    assert plain_duckdb(place.file(), "select i from t") == [(42,)]

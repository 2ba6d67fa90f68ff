"""COPY by the programs and drivers that have their own ways with it."""

import asyncio
import datetime
import decimal
import io
import uuid

import asyncpg
import psycopg2
import pytest
from harness.psql import psql


@pytest.fixture
def table(server):
    with server.connect() as connection:
        connection.execute("CREATE OR REPLACE TABLE loaded (a INTEGER, b TEXT)")
        yield connection


def test_psql_files(server, table, tmp_path):
    source = tmp_path / "in.csv"
    source.write_text('a,b\n1,"x, y"\n2,\n')
    done = psql(server, "-c", f"\\copy loaded from '{source}' csv header")
    assert done.out.strip() == "COPY 2", done
    target = tmp_path / "out.txt"
    done = psql(server, "-c", f"\\copy (select * from loaded order by a) to '{target}'")
    assert done.out.strip() == "COPY 2", done
    assert target.read_text() == "1\tx, y\n2\t\\N\n"


def test_psql_says_where_the_error_is(server, table):
    done = psql(server, input="copy loaded from stdin;\n1\tx\nzwei\ty\n\\.\nselect count(*) from loaded;\n")
    assert 'ERROR:  invalid input syntax for type integer: "zwei"' in done.err
    assert 'CONTEXT:  COPY loaded, line 2, column a: "zwei"' in done.err


def test_psycopg2(server, table):
    connection = psycopg2.connect(server.conninfo())
    with connection, connection.cursor() as cursor:
        cursor.copy_from(io.StringIO("1\tx\n2\t\\N\n"), "loaded", columns=("a", "b"))
        assert cursor.rowcount == 2
        cursor.copy_expert("COPY loaded FROM STDIN CSV HEADER", io.StringIO("a,b\n3,z\n"))
        out = io.StringIO()
        cursor.copy_expert("COPY loaded TO STDOUT (FORMAT csv)", out)
        assert out.getvalue() == "1,x\n2,\n3,z\n"
        out = io.StringIO()
        cursor.copy_to(out, "loaded", sep="|", null="none")
        assert out.getvalue() == "1|x\n2|none\n3|z\n"
    connection.close()
    assert table.execute("SELECT count(*) FROM loaded").fetchone() == (3,)


def test_asyncpg(server, table):
    now = datetime.datetime(2024, 5, 6, 7, 8, 9, 10, tzinfo=datetime.timezone.utc)
    some = uuid.UUID("6f2d5c1e-1f0b-4a57-9ac5-2e3a3bd1a0ff")
    records = [(i, f"row {i}", now, decimal.Decimal("-1.25"), some, b"\0\xff", None) for i in range(3000)]

    async def run():
        connection = await asyncpg.connect(server.url())
        try:
            await connection.execute(
                "CREATE OR REPLACE TABLE records (a INTEGER, b TEXT, c TIMESTAMPTZ, d NUMERIC(10, 2), e UUID, f BYTEA, g DATE)"
            )
            assert await connection.copy_records_to_table("records", records=records) == "COPY 3000"
            assert list(map(tuple, await connection.fetch("SELECT * FROM records ORDER BY a"))) == records
            out = io.BytesIO()
            told = await connection.copy_from_query("SELECT a, b FROM records WHERE a < 2 ORDER BY a", output=out, format="csv")
            assert (told, out.getvalue()) == ("COPY 2", b"0,row 0\n1,row 1\n")
            out.seek(0)
            assert await connection.copy_to_table("loaded", source=out, format="csv") == "COPY 2"
            out = io.BytesIO()
            assert await connection.copy_from_table("records", output=out, format="binary") == "COPY 3000"
            with pytest.raises(asyncpg.BadCopyFileFormatError):
                await connection.copy_to_table("loaded", source=io.BytesIO(b"1,2,3\n"), format="csv")
            assert await connection.fetchval("SELECT count(*) FROM loaded") == 2
        finally:
            await connection.close()

    asyncio.run(run())

"""ADBC's PostgreSQL driver, and polars and pandas on top of it."""

import datetime
import decimal

import adbc_driver_postgresql.dbapi as adbc
import pandas
import polars
import pyarrow
from checks import ADDRESS, CA, check, fails, run_all
from urllib.parse import quote

BASE = "postgresql://{user}:{password}@{host}:{port}/{dbname}".format(**{k: quote(str(v)) for k, v in ADDRESS.items()})
URI = BASE + "?sslmode=disable"


def ask(sql, parameters=None, uri=URI):
    with adbc.connect(uri, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetch_arrow_table() if cursor.description else None


@check
def password():
    assert ask("select 1 as a, 'x' as b").to_pylist() == [{"a": 1, "b": "x"}]


@check
def tls():
    assert ask("select 1 as a", uri=f"{BASE}?sslmode=verify-full&sslrootcert={CA}").to_pylist() == [{"a": 1}]


@check
def types():
    got = ask(
        "select 1::smallint as s, 2::int as i, 3::bigint as b, 0.5::real as r, 0.25::double precision as d, true as t, "
        "'ü'::text as x, date '2024-02-29' as day, timestamp '2024-02-29 01:02:03' as at_time, '\\x00\\xff'::bytea as y, "
        "null::int as n, array[1, 2] as l, 1.50::numeric(10, 2) as m"
    ).to_pylist()[0]
    assert (got["s"], got["i"], got["b"], got["r"], got["d"], got["t"], got["x"]) == (1, 2, 3, 0.5, 0.25, True, "ü")
    assert got["day"] == datetime.date(2024, 2, 29) and got["at_time"] == datetime.datetime(2024, 2, 29, 1, 2, 3)
    assert got["y"] == b"\0\xff" and got["n"] is None and got["l"] == [1, 2]
    assert decimal.Decimal(got["m"]) == decimal.Decimal("1.50")


@check
def parameters():
    assert ask("select $1::bigint + $2::bigint as a", (40, 2)).to_pylist() == [{"a": 42}]


@check
def large_results():
    table = ask("select g, repeat('x', 20) as s from generate_series(1, 200000) as r(g)")
    assert table.num_rows == 200000 and pyarrow.compute.sum(table["g"]).as_py() == 200000 * 200001 // 2


@check
def ingest():
    rows = pyarrow.table({"i": [1, 2, 3], "s": ["a", None, "c"]})
    with adbc.connect(URI) as connection:
        with connection.cursor() as cursor:
            cursor.adbc_ingest("ad", rows, mode="replace")
        connection.commit()
    assert ask("select count(*) as n, sum(i)::bigint as t from ad").to_pylist() == [{"n": 3, "t": 6}]


@check
def transactions():
    ask("drop table if exists ad_t")
    ask("create table ad_t(i int)")
    with adbc.connect(URI) as connection:
        with connection.cursor() as cursor:
            cursor.execute("insert into ad_t values (1)")
        connection.rollback()
    assert ask("select count(*) as n from ad_t").to_pylist() == [{"n": 0}]


@check
def errors():
    fails(adbc.ProgrammingError, "not_there", lambda: ask("select * from not_there"))


@check
def tables():
    ask("drop table if exists ad_o")
    ask("create table ad_o(i int, s text)")
    with adbc.connect(URI) as connection:
        schema = connection.adbc_get_table_schema("ad_o")
    assert schema.names == ["i", "s"]


@check
def polars_read():
    frame = polars.read_database_uri("select g as i, 'n' || g as s from generate_series(1, 3) as r(g)", URI, engine="adbc")
    assert frame.to_dict(as_series=False) == {"i": [1, 2, 3], "s": ["n1", "n2", "n3"]}


@check
def polars_write():
    polars.DataFrame({"i": [1, 2], "s": ["a", None]}).write_database("ad_pl", URI, engine="adbc", if_table_exists="replace")
    assert ask("select count(*) as n from ad_pl").to_pylist() == [{"n": 2}]


@check
def pandas_read():
    with adbc.connect(URI) as connection:
        frame = pandas.read_sql("select g as i, g / 2.0::double precision as f from generate_series(1, 3) as r(g)", connection)
    assert list(frame["i"]) == [1, 2, 3] and list(frame["f"]) == [0.5, 1.0, 1.5]


run_all()

"""DuckDB's own postgres extension, in another process's DuckDB, attaching the server."""

import datetime
import decimal
import sys

import duckdb
from checks import ADDRESS, CA, SOCKET_DIR, check, fails, run_all

here = duckdb.connect()
here.execute(f"LOAD '{sys.argv[1]}'")
SOCKET = f"host={SOCKET_DIR} port=5432 user=root dbname={ADDRESS['dbname']} sslmode=disable"


def ask(sql):
    return here.execute(sql).fetchall()


def remote(sql):
    ask("call postgres_execute('pg', $$" + sql + "$$)")


@check
def attach():
    ask(f"attach '{SOCKET}' as pg (type postgres)")
    remote("drop table if exists da; drop table if exists dw")
    remote(
        "create table da as select g::int as id, 'n' || g as name, (g * 1.5)::decimal(10,2) as price, "
        "timestamp '2024-01-01' + to_seconds(g) as at_time, g % 2 = 0 as even, g / 4.0::double as ratio, "
        "date '2024-01-01' as day, case when g % 10 = 0 then null else g end as big from generate_series(1, 5000) as r(g)"
    )
    ask("call pg_clear_cache()")


@check
def attach_with_tls():
    words = " ".join(f"{k}='{v}'" for k, v in ADDRESS.items() if k != "password")
    text = f"{words} password='{ADDRESS['password']}' sslmode=verify-full sslrootcert={CA}".replace("'", "''")
    ask(f"attach '{text}' as tls (type postgres, read_only)")
    assert ask("select * from postgres_query('tls', 'select 42')") == [(42,)]
    ask("detach tls")


@check
def tables():
    columns = ask("select column_name, data_type from duckdb_columns() where database_name = 'pg' and table_name = 'da'")
    assert dict(columns)["price"] == "DECIMAL(10,2)" and dict(columns)["at_time"] == "TIMESTAMP", columns


@check
def query_function():
    assert ask("select * from postgres_query('pg', 'select 40 + 2, ''x''')") == [(42, "x")]


@check
def read_without_ctid():
    ask("set pg_use_ctid_scan = false")
    rows = ask("select * from pg.public.da where id = 7")
    expected = (7, "n7", decimal.Decimal("10.50"), datetime.datetime(2024, 1, 1, 0, 0, 7), False, 1.75,
                datetime.date(2024, 1, 1), 7)  # fmt: skip
    assert rows == [expected], rows
    assert ask("select count(*), sum(id), count(big) from pg.public.da") == [(5000, 12502500, 4500)]


@check
def pushdown():
    ask("set pg_use_ctid_scan = false")
    assert ask("select name from pg.public.da where id between 10 and 12 and name <> 'n11' order by id") == [("n10",), ("n12",)]
    joined = "select count(*) from pg.public.da join range(100) r(i) on r.i = da.id"
    assert ask(joined) == [(99,)]


@check
def read():
    ask("reset pg_use_ctid_scan")
    assert ask("select count(*), sum(id) from pg.public.da") == [(5000, 12502500)]


@check
def create_and_insert():
    ask("create table pg.public.dw as select range::int as i, 'x' || range as s from range(1000)")
    ask("insert into pg.public.dw select range::int, null from range(1000, 1500)")
    assert ask("select * from postgres_query('pg', 'select count(*), sum(i), count(s) from dw')") == [(1500, 1124250, 1000)]


@check
def transactions():
    ask("begin")
    try:
        ask("insert into pg.public.dw values (-1, 'gone')")
    finally:
        ask("rollback")
    assert ask("select * from postgres_query('pg', 'select count(*) from dw where i < 0')") == [(0,)]


@check
def update_and_delete():
    ask("update pg.public.da set name = 'changed' where id = 3")
    ask("delete from pg.public.da where id = 4")
    assert ask("select * from postgres_query('pg', 'select name from da where id in (3, 4)')") == [("changed",)]


@check
def errors():
    fails(duckdb.Error, "does not exist", lambda: ask("select * from postgres_query('pg', 'select * from not_there')"))


run_all()

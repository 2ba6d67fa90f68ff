"""psqlODBC, PostgreSQL's driver for ODBC, through pyodbc."""

import datetime
import decimal
import sys
import threading

import pyodbc
from checks import ADDRESS, check, run_all

WORDS = (
    f"DRIVER={sys.argv[1]};SERVER=localhost;PORT={ADDRESS['port']};DATABASE={ADDRESS['dbname']};UID={ADDRESS['user']};"
    f"PWD={ADDRESS['password']};"
)


def connect(more="SSLmode=disable", autocommit=True):
    return pyodbc.connect(WORDS + more, autocommit=autocommit, timeout=20)


def ask(sql, *values, more="SSLmode=disable"):
    with connect(more) as connection:
        cursor = connection.execute(sql, *values)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else cursor.rowcount


@check
def password():
    assert ask("select 1, 'x'") == [(1, "x")]


@check
def tls():
    assert ask("select 1", more="SSLmode=require") == [(1,)]


@check
def types():
    row = ask(
        "select 1::smallint, 2::int, 3::bigint, 0.25::double precision, 'Grüße'::text, date '2024-02-29', "
        "timestamp '2024-02-29 01:02:03', '\\x00\\xff'::bytea, null::int, (-1.50)::numeric(10, 2)"
    )[0]
    assert row[:5] == (1, 2, 3, 0.25, "Grüße") and row[5] == datetime.date(2024, 2, 29)
    assert row[6] == datetime.datetime(2024, 2, 29, 1, 2, 3) and row[7] == b"\0\xff" and row[8] is None
    assert row[9] == decimal.Decimal("-1.50")


@check
def bytea_in_hexadecimal():
    assert ask("select '\\x00ff'::bytea as y")[0][0] == b"\0\xff"


@check
def parameters():
    with connect() as connection:
        cursor = connection.cursor()
        for number in range(20):
            got = cursor.execute("select ?::int + 1, ?::text", number, f"é{number}").fetchone()
            assert tuple(got) == (number + 1, f"é{number}")


@check
def many_rows():
    with connect() as connection:
        cursor = connection.execute("select g, repeat('x', 10) from generate_series(1, 20000) as r(g)")
        assert sum(row[0] for row in cursor) == 20000 * 20001 // 2


@check
def fetch_in_pieces():
    with connect("SSLmode=disable;UseDeclareFetch=1;Fetch=100", autocommit=False) as connection:
        cursor = connection.execute("select g from generate_series(1, 1000) as r(g)")
        assert sum(row[0] for row in cursor) == 500500


@check
def executemany():
    ask("drop table if exists od")
    ask("create table od(i int primary key, s text)")
    with connect(autocommit=False) as connection:
        connection.cursor().executemany("insert into od values (?, ?)", [(i, f"row {i}") for i in range(300)])
        connection.commit()
    assert ask("select count(*), sum(i) from od") == [(300, 44850)]


@check
def transactions():
    ask("drop table if exists od_t")
    ask("create table od_t(i int)")
    with connect(autocommit=False) as connection:
        connection.execute("insert into od_t values (1)")
        connection.rollback()
        connection.execute("insert into od_t values (2)")
        connection.commit()
    assert ask("select i from od_t") == [(2,)]


@check
def errors():
    with connect() as connection:
        for sql, code in (("selec 1", "42601"), ("select * from not_there", "42P01"), ("select 'x'::int", "22P02")):
            try:
                connection.execute(sql)
                raise AssertionError(f"no error: {sql}")
            except pyodbc.Error as problem:
                assert problem.args[0] == code, problem
        assert connection.execute("select 1").fetchone()[0] == 1


@check
def error_inside_a_transaction():
    """The driver puts a savepoint around each statement, so that the transaction goes on."""
    ask("drop table if exists od_e")
    ask("create table od_e(i int primary key)")
    with connect("SSLmode=disable;Protocol=7.4-2", autocommit=False) as connection:
        connection.execute("insert into od_e values (1)")
        try:
            connection.execute("insert into od_e values (1)")
        except pyodbc.Error:
            pass
        connection.execute("insert into od_e values (2)")
        connection.commit()
    assert ask("select count(*) from od_e") == [(2,)]


@check
def catalog():
    ask("drop table if exists od_c")
    ask("create table od_c(id int primary key, name varchar(20) not null)")
    with connect() as connection:
        cursor = connection.cursor()
        assert "od_c" in [row.table_name for row in cursor.tables()]
        columns = [(row.column_name, row.type_name) for row in cursor.columns(table="od_c")]
        assert [name for name, _ in columns] == ["id", "name"], columns


@check
def primary_keys():
    with connect() as connection:
        assert [row.column_name for row in connection.cursor().primaryKeys(table="od_c")] == ["id"]


@check
def cancel():
    with connect() as connection:
        cursor = connection.cursor()
        timer = threading.Timer(0.5, cursor.cancel)
        timer.start()
        try:
            cursor.execute("select count(*) from generate_series(1, 1000000) a(x), generate_series(1, 1000000) b(y) "
                           "where (x * y) % 7919 = 7")  # fmt: skip
            raise AssertionError("not cancelled")
        except pyodbc.Error as problem:
            assert problem.args[0] in ("57014", "HY008"), problem


run_all()

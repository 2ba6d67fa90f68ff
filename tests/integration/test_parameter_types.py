"""Parameters of unknown type: what Describe says of them, as PostgreSQL 15 infers it, and what their values become."""

import datetime as dt
import decimal

import psycopg
import pytest

COLUMNS = "a int, b bigint, s text, n numeric(10, 2), d date, ts timestamp, f float8, iv interval, i2 smallint"
INT2, INT4, INT8, TEXT, NUMERIC, FLOAT8 = 21, 23, 20, 25, 1700, 701
DATE, TIMESTAMP, TIMESTAMPTZ, INTERVAL, INT4S, TEXTS = 1082, 1114, 1184, 1186, 1007, 1009

# What PostgreSQL 15 answers to Describe, statement by statement.
INFERRED = [
    ("update {t} set a = a + $1 where b = $2", [INT4, INT8]),
    ("update {t} set n = n * $1 where a = $2", [NUMERIC, INT4]),
    ("insert into {t}(a, s) values ($1 + 1, lower($2))", [INT4, TEXT]),
    ("insert into {t}(a, s) select $1, $2", [INT4, TEXT]),
    ("insert into {t} select $1, $2, s, n, d, ts, f, iv, i2 from {t}", [INT4, INT8]),
    ("select $1", [TEXT]),
    ("select $1 + 1", [INT4]),
    ("select $1 + 1.5", [NUMERIC]),
    ("select a * $1 + b from {t}", [INT4]),
    ("select a + b * $1 from {t}", [INT8]),
    ("select (a + b) * $1 from {t}", [INT8]),
    ("select a + $1 + $2 + b from {t}", [INT4, INT4]),
    ("select -a + $1 from {t}", [INT4]),
    ("select {t}.a - $1 from {t}", [INT4]),
    ("select a::bigint - $1 from {t}", [INT8]),
    ("select a::double precision - $1 from {t}", [FLOAT8]),
    ("select cast(a as numeric) - $1 from {t}", [NUMERIC]),
    ("select case when a > 1 then b end + $1 from {t}", [INT8]),
    ("select n + $1 from {t}", [NUMERIC]),
    ("select f * $1 from {t}", [FLOAT8]),
    ("select i2 + $1 from {t}", [INT2]),
    ("select ts + $1 from {t}", [INTERVAL]),
    ("select ts - $1 from {t}", [TIMESTAMP]),
    ("select d - $1 from {t}", [DATE]),
    ("select iv * $1 from {t}", [FLOAT8]),
    ("select now() - $1", [TIMESTAMPTZ]),
    ("select s || $1 from {t}", [TEXT]),
    ("select a || $1 from {t}", [TEXT]),
    ("select a from {t} where s like '%' || $1 || '%'", [TEXT]),
    ("select coalesce($1, a) from {t}", [INT4]),
    ("select a from {t} where a in ($1, $2)", [INT4, INT4]),
    ("select a from {t} where a = any($1)", [INT4S]),
    ("select a from {t} where s <> all($1)", [TEXTS]),
    ("select a from {t} where (a, s) = ($1, $2)", [INT4, TEXT]),
    ("select a from {t} where (a, s) in (($1, $2), ($3, $4))", [INT4, TEXT, INT4, TEXT]),
    ("select a from {t} where a between $1 and $2", [INT4, INT4]),
    ("select a from {t} where a % $1 = 0", [INT4]),
    ("select a from {t} where b > $1 + a", [INT4]),
    ("select a from {t} where a = (select max(a) - $1 from {t})", [INT4]),
    ("select row_number() over (order by a) + $1 from {t}", [INT8]),
    ("select a from {t} order by a limit $1 offset $2", [INT8, INT8]),
    ("select x from (values ($1::int), ($2)) v(x)", [INT4, INT4]),
    ("with x as (select a + $1 as y from {t}) select y from x where y > $2", [INT4, INT4]),
    ("select * from generate_series($1::bigint, $2)", [INT8, INT8]),
    ("select abs($1), round($2, 2), power($3, 2)", [FLOAT8, NUMERIC, FLOAT8]),
    ("select case when a > $1 then $2 else s end from {t}", [INT4, TEXT]),
]


@pytest.fixture
def columns(connection, table):
    connection.execute(f"create table {table}({COLUMNS})")
    return table


@pytest.mark.parametrize("sql, oids", INFERRED, ids=[sql for sql, _ in INFERRED])
def test_describe_says_what_postgresql_says(connection, columns, sql, oids):
    pgconn = connection.pgconn
    prepared = pgconn.prepare(b"", sql.format(t=columns).encode())
    assert prepared.status == psycopg.pq.ExecStatus.COMMAND_OK, prepared.error_message
    described = pgconn.describe_prepared(b"")
    assert [described.param_type(i) for i in range(described.nparams)] == oids


VALUES = [
    ("select a + $1 from {t}", ["5"], ["12"]),
    ("select a + $1 + $2 from {t}", ["5", "-1"], ["11"]),
    ("select n * $1 from {t}", ["1.005"], ["10.06005"]),
    ("select ts + $1 from {t}", ["1 day 02:00"], ["2024-03-01 02:00:00"]),
    ("select ts - $1 from {t}", ["2024-02-28"], ["1 day"]),
    ("select s || $1 from {t}", ["5"], ["x5"]),
    ("select a from {t} where a = any($1)", ["{1,7,NULL}"], ["7"]),
    ("select a from {t} where s = any($1)", ['{"a b",x}'], ["7"]),
    ("select a from {t} where (a, s) in (($1, $2))", ["7", "x"], ["7"]),
    ("select $1 + 1", [None], [None]),
    ("select $1 + 1", ["41"], ["42"]),
    ("select sum(x) from generate_series(1, $1) g(x)", ["4"], ["10"]),
    ("select a from {t} limit $1", ["1"], ["7"]),
    ("select a from {t} limit $1", [None], ["7"]),
]


@pytest.mark.parametrize("sql, values, row", VALUES, ids=[f"{sql} {values}" for sql, values, _ in VALUES])
def test_text_values_of_unknown_type(connection, columns, sql, values, row):
    connection.execute(
        f"insert into {columns} values (7, 8, 'x', 10.01, '2024-02-29', '2024-02-29', 1.5, '1 hour', 3)"
    )
    sent = [None if value is None else value.encode() for value in values]
    result = connection.pgconn.exec_params(sql.format(t=columns).encode(), sent)
    assert result.status == psycopg.pq.ExecStatus.TUPLES_OK, result.error_message
    got = [result.get_value(0, i) for i in range(result.nfields)]
    assert got == [None if value is None else value.encode() for value in row]


def test_a_text_that_is_no_number_is_refused(connection, columns):
    with pytest.raises(psycopg.errors.InvalidTextRepresentation, match="invalid input syntax for type integer"):
        connection.execute(f"update {columns} set a = a + %s", ["abc"])


def test_a_declared_type_wins_over_the_inferred_one(connection, columns):
    connection.execute(f"insert into {columns}(a) values (7)")
    query = f"select a + %s from {columns}"
    for value in (1, 2**40, decimal.Decimal("0.5"), 1.5):
        for binary in (False, True):
            with connection.cursor(binary=binary) as cursor:
                assert cursor.execute(query, [value]).fetchone() == (7 + value,)
    moment = dt.timedelta(days=1)
    assert connection.execute("select timestamp '2024-02-28' + %s", [moment]).fetchone() == (dt.datetime(2024, 2, 29),)


def test_a_kept_statement_takes_other_values(connection, columns):
    connection.execute(f"insert into {columns}(a) values (0)")
    for i in range(20):
        connection.execute(f"update {columns} set a = a + %s", [str(i)], prepare=True)
    assert connection.execute(f"select a from {columns}").fetchone() == (190,)


def test_clients_cannot_call_what_finds_the_types(connection):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select system.main.merganser_type(1, 2)")

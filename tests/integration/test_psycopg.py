"""psycopg 3, synchronous: parameters, prepared statements, binary, streams, transactions, errors, pool."""

import datetime as dt
import decimal
import threading
import uuid

import psycopg
import pytest
from psycopg import errors
from psycopg_pool import ConnectionPool

PARAMETERS = [
    None,
    True,
    False,
    0,
    -1,
    32767,
    2147483648,
    -(2**63),
    1.5,
    float("inf"),
    decimal.Decimal("12345.678"),
    "",
    "text with 'quotes' and \\ and €",
    b"",
    b"\x00\xff'\\",
    dt.date(2024, 2, 29),
    dt.time(23, 59, 59, 999999),
    dt.datetime(1999, 12, 31, 23, 59, 59, 1),
    dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC),
    dt.timedelta(days=1, seconds=2, microseconds=3),
    uuid.UUID("00000000-0000-4000-8000-00000000abcd"),
]


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize("value", PARAMETERS, ids=repr)
def test_a_parameter_comes_back_as_it_went(connection, value, binary):
    mark = "%b" if binary else "%t"
    row = connection.execute(f"select {mark}", (value,), binary=binary).fetchone()
    assert row[0] == value and type(row[0]) is type(value)


def test_parameters_take_the_column_s_type(connection, table):
    connection.execute(
        f"create table {table}(i bigint primary key, d double precision, s varchar, day date, n decimal(10,2))"
    )
    row = (1, 2.5, "x", dt.date(2024, 1, 2), decimal.Decimal("3.25"))
    connection.execute(f"insert into {table} values (%s, %s, %s, %s, %s)", row)
    connection.execute(f"insert into {table} values (%t, %t, %t, %t, %t)", ("2", "2.5", "x", "2024-01-02", "3.25"))
    assert connection.execute(f"select * from {table} where i = %s", (1,)).fetchone() == row
    assert connection.execute(f"select * from {table} where i = %s", ("2",)).fetchone() == (2, *row[1:])
    assert connection.execute(f"select i from {table} where day = %s order by i", ("2024-01-02",)).fetchall() == [
        (1,),
        (2,),
    ]


def test_a_prepared_statement_is_used_again_and_sees_changes(connection, table):
    connection.execute(f"create table {table}(i bigint primary key, s varchar)")
    for i in range(50):
        connection.execute(f"insert into {table} values (%s, %s)", (i, "x" * i), prepare=True)
        query = f"select s, (select count(*) from {table}) from {table} where i = %s"
        assert connection.execute(query, (i,), prepare=True).fetchone() == ("x" * i, i + 1)


def test_a_prepared_statement_survives_a_changed_table(connection, table):
    """The values, nullness and width that a plan was made with change under it: wrong rows would be silent."""
    connection.execute(f"create table {table}(i integer, s varchar)")
    connection.execute(f"insert into {table} select g, 'a' from generate_series(1, 100) as r(g)")
    query = f"select i, s from {table} where i = %s"
    assert connection.execute(query, (7,), prepare=True).fetchall() == [(7, "a")]
    connection.execute(f"insert into {table} values (1000000, 'a much longer text with ünïcode'), (null, null)")
    assert connection.execute(query, (1000000,), prepare=True).fetchall() == [
        (1000000, "a much longer text with ünïcode")
    ]
    nulls = f"select count(*) from {table} where i is null and %s = 1"
    assert connection.execute(nulls, (1,), prepare=True).fetchone() == (1,)
    connection.execute(f"update {table} set s = null where i = 7")
    assert connection.execute(query, (7,), prepare=True).fetchall() == [(7, None)]


def test_executemany_with_and_without_returning(connection, table):
    connection.execute(f"create table {table}(i bigint primary key, s varchar)")
    cursor = connection.cursor()
    cursor.executemany(f"insert into {table} values (%s, %s)", [(i, str(i)) for i in range(500)])
    assert cursor.rowcount == 500
    cursor.executemany(f"insert into {table} values (%s, 'r') returning i", [(1000,), (1001,)], returning=True)
    got = [cursor.fetchone()[0]]
    while cursor.nextset():
        got.append(cursor.fetchone()[0])
    assert got == [1000, 1001]
    assert connection.execute(f"select count(*), sum(i) from {table}").fetchone() == (502, 499 * 250 + 2001)


def test_stream_gives_rows_one_by_one(connection):
    seen = 0
    for row in connection.cursor().stream("select g, 'row ' || g from generate_series(1, 20000) as r(g)"):
        seen += 1
        assert row == (seen, f"row {seen}")
    assert seen == 20000
    assert connection.execute("select 1").fetchone() == (1,)


def test_a_stream_left_early_leaves_a_usable_connection(connection):
    stream = connection.cursor().stream("select g from generate_series(1, 100000) as r(g)")
    assert next(stream) == (1,)
    stream.close()
    assert connection.execute("select 1").fetchone() == (1,)


def test_transaction_blocks(server, table):
    with server.connect(autocommit=False) as connection:
        connection.execute(f"create table {table}(i int)")
        connection.commit()
        with connection.transaction():
            connection.execute(f"insert into {table} values (1)")
        with pytest.raises(ZeroDivisionError), connection.transaction():
            connection.execute(f"insert into {table} values (2)")
            raise ZeroDivisionError
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        assert connection.execute(f"select i from {table}").fetchall() == [(1,)]
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
        connection.rollback()


ERROR_CLASSES = [
    ("select * from nowhere", errors.UndefinedTable),
    ("selec", errors.SyntaxError),
    ("select nocolumn from (select 1 as a) s", errors.UndefinedColumn),
    ("select cast('x' as int)", errors.InvalidTextRepresentation),
    ("insert into {t} values (1)", errors.UniqueViolation),
    ("insert into {t} values (null)", errors.NotNullViolation),
]


@pytest.mark.parametrize("sql, wanted", ERROR_CLASSES)
def test_errors_become_their_classes(connection, table, sql, wanted):
    connection.execute(f"create table {table}(i int primary key)")
    connection.execute(f"insert into {table} values (1)")
    with pytest.raises(wanted) as caught:
        connection.execute(sql.format(t=table))
    assert caught.value.diag.severity == "ERROR"
    assert caught.value.diag.message_primary
    assert connection.execute("select 1").fetchone() == (1,)


def test_description_names_and_types(connection):
    cursor = connection.execute("select 1::int as i, 'x'::varchar as s, 1.5::decimal(10,2) as n, null::date as d")
    assert [c.name for c in cursor.description] == ["i", "s", "n", "d"]
    assert [cursor.description[k].type_code for k in (0, 2, 3)] == [23, 1700, 1082]
    assert cursor.description[1].type_code in (25, 1043)
    assert (cursor.description[2].precision, cursor.description[2].scale) == (10, 2)


def test_server_parameters(connection):
    info = connection.info
    assert info.server_version >= 150000
    for name, wanted in [
        ("server_encoding", "UTF8"),
        ("client_encoding", "UTF8"),
        ("standard_conforming_strings", "on"),
        ("integer_datetimes", "on"),
    ]:
        assert info.parameter_status(name) == wanted, name
    assert info.parameter_status("DateStyle").startswith("ISO")
    assert info.parameter_status("TimeZone")
    connection.execute("set timezone = 'Asia/Tokyo'")
    assert info.parameter_status("TimeZone") == "Asia/Tokyo"


def test_a_pool_shared_by_threads(server, connection, table):
    connection.execute(f"create table {table}(worker int, i int)")
    with ConnectionPool(server.conninfo(), min_size=2, max_size=4, timeout=30) as pool:

        def work(worker):
            for i in range(25):
                with pool.connection() as one:
                    one.execute(f"insert into {table} values (%s, %s)", (worker, i))

        threads = [threading.Thread(target=work, args=(w,)) for w in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    rows = connection.execute(
        f"select worker, count(*), sum(i) from {table} group by worker order by worker"
    ).fetchall()
    assert rows == [(w, 25, 300) for w in range(8)]


def test_connection_options(server):
    with server.connect(application_name="my tool", options="-c TimeZone=Asia/Kolkata") as connection:
        assert connection.execute("show timezone").fetchone() == ("Asia/Kolkata",)

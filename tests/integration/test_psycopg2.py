"""psycopg2: simple protocol with literals spliced by the client, as many older programs do."""

import datetime as dt
import decimal

import psycopg2
import psycopg2.errors
import psycopg2.extras
import pytest


@pytest.fixture
def old(server):
    made = psycopg2.connect(server.conninfo())
    yield made
    made.close()


def test_values(old, table):
    with old, old.cursor() as cursor:
        cursor.execute(f"create table {table}(i bigint, s varchar, n decimal(10,2), d date, ok boolean)")
        row = (1, "it's \\ a 'test'", decimal.Decimal("1.25"), dt.date(2024, 2, 29), True)
        cursor.execute(f"insert into {table} values (%s, %s, %s, %s, %s)", row)
        psycopg2.extras.execute_values(cursor, f"insert into {table}(i, s) values %s", [(i, "x") for i in range(500)])
        cursor.execute(f"select * from {table} where n is not null")
        assert cursor.fetchall() == [row]
        cursor.execute(f"select count(*) from {table}")
        assert cursor.fetchone() == (501,)


def test_an_error_and_rollback(old, table):
    with old, old.cursor() as cursor:
        cursor.execute(f"create table {table}(i int)")
    with pytest.raises(psycopg2.errors.UndefinedTable), old, old.cursor() as cursor:
        cursor.execute(f"insert into {table} values (1)")
        cursor.execute("select * from nowhere")
    with old, old.cursor() as cursor:
        cursor.execute(f"select count(*) from {table}")
        assert cursor.fetchone() == (0,)

"""Writes that run through kept batch plans answer as if each had run alone: cases that once did not."""

import psycopg
import pytest


def fill(connection, table, columns):
    connection.execute(f"create or replace table {table} ({columns})")


def again(server, *statements):
    """The last answers, each statement sent three times by a session of its own: from the second on by a kept plan."""
    answers = []
    for _ in range(3):
        answers = []
        with server.connect() as one:
            for sql in statements:
                try:
                    cursor = one.execute(sql)
                    answers.append(cursor.fetchall() if cursor.description else cursor.rowcount)
                except psycopg.Error as error:
                    answers.append(error.sqlstate)
    return answers


def test_more_rows_than_a_batch_takes(connection, table):
    fill(connection, table, "id int")
    values = ",".join(f"({i})" for i in range(1000))
    connection.execute(";".join([f"insert into {table} values {values}"] * 20))
    assert connection.execute(f"select count(*) from {table}").fetchone() == (20000,)


def test_more_updates_than_a_batch_takes(connection, table):
    fill(connection, table, "id int primary key, v int")
    connection.execute(f"insert into {table} select i, 0 from range(10) r(i)")
    connection.execute(";".join(f"update {table} set v = 1 where id = {i}" for i in range(16500)))
    assert connection.execute(f"select sum(v) from {table}").fetchone() == (10,)


def test_operators_of_several_characters(server, connection, table):
    fill(connection, table, "id int primary key, v int, f boolean")
    connection.execute(f"insert into {table} values (1, 3, null), (2, 6, null)")
    assert again(server, f"update {table} set f = v != 6 where id = 1 returning f, id <> 1, v >= 3") == [[(True, False, True)]]
    assert again(server, f"update {table} set f = v != 6 where id = 2 returning f") == [[(False,)]]
    upsert = f"insert into {table} values (1, 4, null) on conflict (id) do update set v = excluded.v where {table}.v != 6"
    assert again(server, upsert) == [1]


def test_replace_writes_defaults(server, connection, table):
    fill(connection, table, "id int primary key, v int default 7, s varchar")
    connection.execute(f"insert into {table} values (1, 5, 'a')")
    again(server, f"insert or replace into {table} (id, v, s) values (1, default, 'z')")
    assert connection.execute(f"select v, s from {table}").fetchall() == [(7, "z")]


def test_keys_that_are_equal_by_collation(server, connection, table):
    fill(connection, table, "id varchar collate nocase primary key, v int")
    for key, value in (("a", 1), ("A", 2), ("a", 3), ("A", 4)):
        upsert = f"insert into {table} values ('{key}', {value}) on conflict (id) do update set v = excluded.v"
        assert connection.execute(upsert).rowcount == 1
    assert connection.execute(f"select v from {table}").fetchall() == [(4,)]


def test_a_minus_before_a_cast(server, connection, table):
    fill(connection, table, "v tinyint")
    assert again(server, f"insert into {table} values (-127::tinyint)", f"insert into {table} values (-128::tinyint)")[1] != 1


@pytest.mark.parametrize("value", ["merganser_c0", "merganser_batch.merganser_c0"])
def test_the_batch_has_no_name_for_clients(server, connection, table, value):
    fill(connection, table, "id int primary key, v int")
    connection.execute(f"insert into {table} values (1, 1)")
    (answer,) = again(server, f"update {table} set v = {value} where id = 1")
    assert answer in ("42703", "42P01")


def test_columns_that_cannot_be_written(server, connection, table):
    fill(connection, table, "id int, v int, g int generated always as (id + 1)")
    assert again(server, f"insert into {table} (id, v, v) values (2, 3, default)")[0] != 1
    assert again(server, f"insert into {table} (id, g) values (2, default)")[0] != 1


def test_names_differ_by_more_than_ascii_case(server, connection, table):
    connection.execute('create table if not exists "Ä" (id int)')
    assert again(server, 'insert into "ä" values (2)') == ["42P01"]


def test_a_schema_named_like_the_file(server, connection, table):
    name = connection.execute("select current_database()").fetchone()[0]
    fill(connection, table, "id int")
    assert again(server, f"insert into {name}.{table} values (1)") == [1]
    connection.execute(f'create schema if not exists "{name}"')
    try:
        assert again(server, f"insert into {name}.{table} values (1)")[0] != 1
    finally:
        connection.execute(f'drop schema "{name}"')


def test_a_batch_of_other_settings_leaves_kept_statements_their_own(server, connection, table):
    """What was prepared under one search path is not run for a session that has another."""
    connection.execute("create schema if not exists elsewhere")
    for schema in ("main", "elsewhere"):
        fill(connection, f"{schema}.{table}", "i int")
    fill(connection, f"main.{table}_log", "i int")
    with server.connect() as other:
        other.execute("set search_path = 'elsewhere,main'")
        for i in range(4):
            connection.execute(f"insert into {table} values (1 + 1)")
            other.execute(f"insert into main.{table}_log values (%s)", (i,))  # by a kept plan from the second on
            other.execute(f"insert into {table} values (1 + 1)")
    assert connection.execute(f"select count(*) from main.{table}").fetchone() == (4,)
    assert connection.execute(f"select count(*) from elsewhere.{table}").fetchone() == (4,)

"""Results of all sizes: a million rows, wide rows, long values, no columns, no rows."""

import pytest

from harness.psql import psql

MILLION = 1_000_000


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_a_million_rows(connection, binary):
    cursor = connection.execute(
        f"select g, g * 2 as twice, 'row ' || g as name from generate_series(1, {MILLION}) as r(g)", binary=binary
    )
    assert cursor.rowcount == MILLION
    assert cursor.fetchone() == (1, 2, "row 1")
    assert cursor.fetchall()[-1] == (MILLION, 2 * MILLION, f"row {MILLION}")


def test_a_million_rows_from_a_table(connection, table):
    connection.execute(f"create table {table} as select g as i, g % 7 as k from generate_series(1, {MILLION}) as r(g)")
    total = sum(row[0] for row in connection.cursor().stream(f"select i from {table}"))
    assert total == MILLION * (MILLION + 1) // 2


def test_many_columns(connection):
    row = connection.execute("select " + ", ".join(f"{i} as c{i}" for i in range(1600))).fetchone()
    assert row == tuple(range(1600))


def test_a_long_value(connection):
    value = connection.execute("select repeat('0123456789', 2000000)").fetchone()[0]
    assert len(value) == 20_000_000 and value[:20] == "01234567890123456789"


def test_a_long_parameter(connection):
    text = "ä" * 5_000_000
    assert connection.execute("select %s, length(%s)", (text, text)).fetchone() == (text, 5_000_000)


def test_a_long_statement(connection):
    values = ",".join(f"({i})" for i in range(50_000))
    assert connection.execute(f"select sum(v) from (values {values}) as t(v)").fetchone() == (49_999 * 25_000,)


def test_no_rows_still_have_a_description(connection):
    cursor = connection.execute("select 1 as a, 'x' as b where false")
    assert [c.name for c in cursor.description] == ["a", "b"] and cursor.fetchall() == []


def test_vectors_of_every_fill(connection):
    """DuckDB hands out up to 2048 rows at a time: sizes about that, with NULLs, lose nothing."""
    for rows in (1, 2047, 2048, 2049, 4096, 10_000):
        got = connection.execute(
            f"select g, case when g % 3 = 0 then null else g end from generate_series(1, {rows}) as r(g)"
        ).fetchall()
        assert got == [(g, None if g % 3 == 0 else g) for g in range(1, rows + 1)]


def test_psql_prints_a_large_result(server):
    done = psql(server, "-At", "-c", "select g from generate_series(1, 200000) as r(g)")
    lines = done.out.splitlines()
    assert (len(lines), lines[0], lines[-1]) == (200_000, "1", "200000")

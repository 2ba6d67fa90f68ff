"""Prepared statements while the data changes under them: values, nullness, width, schema, row count.

A plan that kept the statistics of its making would answer wrongly and say nothing.
"""

import pytest
from psycopg import errors

CHANGES = [
    ("a value above the old maximum", "insert into {t} values (1000000, 'z', 1)", 1000000),
    ("a value below the old minimum", "insert into {t} values (-5, 'z', 1)", -5),
    ("a NULL where there was none", "insert into {t} values (7777, null, null)", 7777),
    ("a longer text", "insert into {t} values (7778, repeat('long', 100), 1)", 7778),
    ("a text beyond ASCII", "insert into {t} values (7779, 'ünï€😀', 1)", 7779),
    ("many rows", "insert into {t} select g, 'm', 1 from generate_series(20000, 40000) as r(g)", 39999),
]

QUERIES = [
    "select i, s, n from {t} where i = %s",
    "select count(*), max(i), min(i), max(length(s)), count(s) from {t} where i = %s",
    "select i from {t} where i >= %s order by i limit 3",
    "select a.i, b.s from {t} a join {t} b on a.i = b.i where a.i = %s",
    "select count(*) from {t} where s is null and i = %s",
    "select upper(s), length(s), s || '!' from {t} where i = %s",
]


@pytest.fixture
def filled(connection, table):
    connection.execute(f"create table {table}(i integer, s varchar, n smallint)")
    connection.execute(f"insert into {table} select g, 'a', 1 from generate_series(1, 5000) as r(g)")
    return table


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("change, key", [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES])
def test_a_prepared_read_sees_the_change(server, filled, query, change, key):
    query, change = query.format(t=filled), change.format(t=filled)
    with server.connect() as prepared, server.connect() as other:
        for _ in range(3):
            prepared.execute(query, (17,), prepare=True).fetchall()
        other.execute(change)
        got = prepared.execute(query, (key,), prepare=True).fetchall()
        expected = other.execute(query.replace("%s", str(key))).fetchall()
        assert got == expected and got
        assert (
            prepared.execute(query, (17,), prepare=True).fetchall()
            == other.execute(query.replace("%s", "17")).fetchall()
        )


WRITES = [
    ("update {t} set n = n + %s where i = 17", 1),
    ("update {t} set s = s || 'x' where i = %s", 17),
    ("update {t} set i = i + %s where i < 100", 3),
    ("delete from {t} where i > %s", 100),
    ("insert into {t} select i + %s, s, n from {t} where i < 50", 7),
]


@pytest.mark.parametrize("change", [c[1] for c in CHANGES], ids=[c[0] for c in CHANGES])
@pytest.mark.parametrize("write, value", WRITES)
def test_a_prepared_write_sees_the_change(server, filled, write, value, change):
    """The same history, once with a statement prepared before the change and once with fresh ones."""
    copy = f"{filled}_copy"
    with server.connect() as prepared, server.connect() as fresh:
        fresh.execute(f"create table {copy} as select * from {filled}")
        try:
            for _ in range(2):
                prepared.execute(write.format(t=filled), (value,), prepare=True)
                fresh.execute(write.format(t=copy).replace("%s", str(value)))
            for name in (filled, copy):
                fresh.execute(change.format(t=name))
            prepared.execute(write.format(t=filled), (value,), prepare=True)
            fresh.execute(write.format(t=copy).replace("%s", str(value)))
            content = "select i, s, n, count(*) from {t} group by i, s, n order by i, s, n"
            assert (
                fresh.execute(content.format(t=filled)).fetchall() == fresh.execute(content.format(t=copy)).fetchall()
            )
        finally:
            fresh.execute(f"drop table {copy}")


def test_a_prepared_write_still_overflows(server, filled):
    with server.connect() as prepared, server.connect() as other:
        write = f"update {filled} set n = n + %s where i = 17"
        prepared.execute(write, (1,), prepare=True)
        other.execute(f"update {filled} set n = 32767 where i = 17")
        with pytest.raises(errors.NumericValueOutOfRange):
            prepared.execute(write, (1,), prepare=True)
        assert other.execute(f"select n from {filled} where i = 17").fetchone() == (32767,)


def test_prepared_statements_over_schema_changes(server, filled):
    with server.connect() as prepared, server.connect() as other:
        insert = f"insert into {filled}(i) values (%s)"
        read = f"select i from {filled} where i = %s"
        for key in (9001, 9002):
            prepared.execute(insert, (key,), prepare=True)
            assert prepared.execute(read, (key,), prepare=True).fetchall() == [(key,)]
        other.execute(f"alter table {filled} add column extra int default 5")
        prepared.execute(insert, (9003,), prepare=True)
        assert other.execute(f"select extra from {filled} where i = 9003").fetchone() == (5,)
        other.execute(f"create unique index {filled}_i on {filled}(i)")
        with pytest.raises(errors.UniqueViolation):
            prepared.execute(insert, (9003,), prepare=True)
        other.execute(f"drop table {filled}")
        with pytest.raises(errors.UndefinedTable):
            prepared.execute(read, (1,), prepare=True)
        other.execute(f"create table {filled}(i integer)")
        prepared.execute(insert, (1,), prepare=True)
        assert prepared.execute(read, (1,), prepare=True).fetchall() == [(1,)]

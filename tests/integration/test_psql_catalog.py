"""psql's commands on the catalog: they answer, and what they show is what PostgreSQL would show."""

import pytest

from harness.psql import psql

SCHEMA = """
create type mood as enum ('sad', 'ok');
create table t (id integer primary key, name varchar(20) not null default 'x', price decimal(10,2) check (price > 0),
  tags text[], m mood, g int generated always as (id * 2), ts timestamptz default now());
create schema s2;
create table s2.q (a int, b int, unique (a, b), primary key (b));
create table u (a int, t_id int, "We ird" int, foreign key (t_id) references t (id));
create index u_i on u (t_id);
create view v as select id, name from t;
create sequence sq start 5;
create table d (a int default nextval('sq'));
create macro twice(x) as x * 2;
comment on table t is 'a table';
comment on column t.name is 'its name';
"""


@pytest.fixture(scope="module")
def catalog(server):
    done = psql(server, "-q", "-v", "ON_ERROR_STOP=1", "-c", SCHEMA)
    assert done.code == 0, done
    return server


def shown(server, command):
    done = psql(server, "-v", "VERBOSITY=verbose", "-c", command)
    assert (done.code, done.err) == (0, ""), done
    return [line.rstrip() for line in done.out.splitlines()]


def rows(server, command):
    done = psql(server, "-At", "-v", "VERBOSITY=verbose", "-c", command)
    assert (done.code, done.err) == (0, ""), done
    return done.out.splitlines()


def test_the_list_of_relations(catalog):
    found = [line.split("|")[:3] for line in rows(catalog, "\\d")]
    assert found == [
        ["public", "d", "table"],
        ["public", "sq", "sequence"],
        ["public", "t", "table"],
        ["public", "u", "table"],
        ["public", "v", "view"],
    ]


def test_a_table(catalog):
    text = "\n".join(shown(catalog, "\\d t"))
    for line in (
        'Table "public.t"',
        " id     | integer                  |           | not null |",
        " name   | text                     |           | not null | 'x'",
        " price  | numeric(10,2)            |           |          |",
        " tags   | text[]                   |           |          |",
        " m      | mood                     |           |          |",
        "generated always as (",
        " ts     | timestamp with time zone |           |          | now()",
        '    "t_pkey" PRIMARY KEY, btree (id)',
        '    "t_price_check" CHECK (price > 0)',
        '    TABLE "u" CONSTRAINT "u_t_id_fkey" FOREIGN KEY (t_id) REFERENCES t(id)',
    ):
        assert line in text, text


def test_a_table_with_keys_and_indexes(catalog):
    text = "\n".join(shown(catalog, "\\d u"))
    for line in (
        " We ird | integer |",
        '    "u_i" btree (t_id)',
        '    "u_t_id_fkey" FOREIGN KEY (t_id) REFERENCES t(id)',
    ):
        assert line in text, text


def test_a_sequence_behind_a_default(catalog):
    assert "nextval('sq'::regclass)" in "\n".join(shown(catalog, "\\d d"))


def test_comments(catalog):
    assert any("its name" in line for line in shown(catalog, "\\d+ t"))
    assert any(line.endswith("|a table") for line in rows(catalog, "\\dt+ t"))


def test_other_schemas(catalog):
    assert rows(catalog, "\\dt s2.*")[0].startswith("s2|q|table|")
    assert {line.split("|")[0] for line in rows(catalog, "\\dn")} >= {"public", "s2"}
    assert 'Table "s2.q"' in shown(catalog, "\\d s2.q")[0]

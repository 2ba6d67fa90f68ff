"""The protocol's corners, by the same bytes to both: strings of several statements, errors in their middle, BEGIN and
COMMIT within, settings, empty queries."""

import random

import pytest

from differential.both import Both
from harness.wire import message, query


@pytest.fixture
def both(server, postgres, table):
    with Both(server, postgres) as made:
        made.ask(query(f"drop table if exists {table}"))
        made.ask(query(f"create table {table}(id int primary key, v int)"))
        yield made
        made.ask(query("rollback"))
        made.ask(query(f"drop table if exists {table}"))


STRINGS = [
    "",
    ";",
    ";;  ;",
    "-- only a comment",
    "/* a comment */ ; -- another",
    "select 1 as a; select 2 as b",
    "select 1 as a;; select 2 as b;",
    "insert into T values (1, 1); insert into T values (2, 2)",
    "insert into T values (3, 3); select nothing_there; insert into T values (4, 4)",
    "insert into T values (1, 0); select 1 as never",
    "begin; insert into T values (5, 5); commit; select nothing_there",
    "insert into T values (6, 6); commit; insert into T values (7, 7); select nothing_there",
    "insert into T values (8, 8); rollback; insert into T values (9, 9)",
    "insert into T values (10, 10); begin; insert into T values (11, 11)",
    "select count(*) as n from T",
    "insert into T values (12, 12); select nothing_there",
    "commit",
    "rollback",
    "begin; begin; commit; commit",
    "begin; select nothing_there; commit",
    "begin; select nothing_there",
    "select 1 as refused",
    "commit; select 1 as fine",
    "start transaction read only; insert into T values (20, 20)",
    "rollback; insert into T values (21, 21); begin; savepoint s; insert into T values (21, 0)",
    "rollback to s; commit; select count(*) as n from T",
    "savepoint s",
    "release s",
    "rollback to s",
    "select 1 as a; savepoint s",
    "begin; commit and chain; select 1 as x; rollback and no chain",
    "commit and chain",
    "rollback and chain",
    "set transaction read only",
    "set local statement_timeout = '5s'",
    "begin; set local statement_timeout = '5s'; show statement_timeout; commit; show statement_timeout",
    "begin; set statement_timeout = '7s'; rollback; show statement_timeout",
    "set statement_timeout = '8s'; select nothing_there",
    "show statement_timeout",
    "begin read only; show transaction_read_only; set transaction read write; commit",
    "begin; select 1 as x; set transaction isolation level serializable",
    "rollback",
    "begin isolation level serializable; show transaction_isolation; commit",
    "set session characteristics as transaction read only; show default_transaction_read_only",
    "insert into T values (30, 30)",
    "set session characteristics as transaction read write",
    "begin; declare c cursor for select id from T order by id; fetch 2 from c; commit",
    "fetch c",
    "select id from T order by id; declare c cursor for select 1 as x; fetch c",
    "discard plans; discard temp; discard sequences",
    "begin; discard all",
    "rollback; discard all; reset all; set application_name = 'x'; reset application_name",
    "abort; end; abort work; end transaction",
    "begin; lock table T in access exclusive mode; commit",
    "lock table T",
    "begin; notify c, 'x'; rollback; unlisten *; close all",
    "set constraints all deferred",
    "begin; set constraints all deferred; commit",
    "select pg_advisory_unlock_all()",
    "begin work; savepoint a; savepoint a; release a; rollback to a; release a; release a",
    "rollback",
    "select id, v from T order by id",
]


def test_strings_of_statements(both, table):
    for sql in STRINGS:
        both.ask(query(sql.replace("T ", f"{table} ").replace("T;", f"{table};").replace("from T", f"from {table}")
                       .replace("table T", f"table {table}")), label=sql)


@pytest.mark.parametrize("seed", range(30))
def test_random_strings(both, table, seed):
    r = random.Random(seed)
    key = iter(range(100, 10000))
    for _ in range(25):
        parts = []
        for _ in range(r.randint(1, 5)):
            parts.append(r.choice([
                lambda: f"insert into {table} values ({next(key)}, 1)",
                lambda: f"insert into {table} values ({next(key)}, 1)",
                lambda: f"insert into {table} values (100, 0)",
                lambda: f"select count(*) as n from {table}",
                lambda: "select nothing_there",
                lambda: "begin",
                lambda: "commit",
                lambda: "rollback",
                lambda: "savepoint s",
                lambda: "rollback to s",
                lambda: "release s",
                lambda: "set application_name = 'n%d'" % r.randint(1, 3),
            ])())
        sql = "; ".join(parts)
        both.ask(query(sql), label=sql)


def test_leftovers_of_copy_are_passed_over(both):
    for part in (message("d", b"x"), message("c"), message("f", b"why\0")):
        both.ask(part, query("select 1 as x"))

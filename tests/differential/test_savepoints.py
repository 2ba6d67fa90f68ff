"""Random scripts of transactions with savepoints, errors and settings, answered as PostgreSQL 15 answers them."""

import random

import pytest

from differential.both import Both
from harness.wire import query

SCRIPTS = 60
STEPS = 60


class Script:
    """Statements that fail as often as they succeed, with a mind for what may be open."""

    def __init__(self, seed, table):
        self.random = random.Random(seed)
        self.table = table
        self.next_key = 1
        self.names = ["a", "b", "c", '"A"']

    def key(self):
        return self.random.randint(1, max(1, self.next_key))

    def fresh(self):
        self.next_key += 1
        return self.next_key

    def step(self):
        r, t = self.random, self.table
        name = r.choice(self.names)
        return r.choices(
            [
                lambda: f"insert into {t} values ({self.fresh()}, {r.randint(0, 99)})",
                lambda: f"insert into {t} values ({self.fresh()}, 1), ({self.fresh()}, 2) returning id, v",
                lambda: f"insert into {t} values ({self.key()}, 5)",
                lambda: f"insert into {t} values ({self.fresh()}, -1)",
                lambda: f"update {t} set v = v + {r.randint(1, 9)} where id <= {self.key()} returning id",
                lambda: f"update {t} set v = -5 where id = {self.key()}",
                lambda: f"select id, v from {t} order by id",
                lambda: f"select count(*) as n, sum(v) as s from {t}",
                lambda: "select nothing_of_that_name",
                lambda: "select 'x'::int as i",
                lambda: f"savepoint {name}",
                lambda: f"release savepoint {name}",
                lambda: f"rollback to savepoint {name}",
                lambda: f"rollback to {name}",
                lambda: "begin",
                lambda: "commit",
                lambda: "rollback",
                lambda: f"set statement_timeout = '{r.randint(100, 900)}s'",
                lambda: "show statement_timeout",
                lambda: f"set local lock_timeout = '{r.randint(100, 900)}s'",
                lambda: "show lock_timeout",
                lambda: "set application_name = 'n%d'" % r.randint(1, 9),
                lambda: f"savepoint {name}; insert into {t} values ({self.fresh()}, 1); rollback to {name}",
            ],
            weights=[8, 4, 5, 3, 5, 2, 4, 3, 1, 1, 12, 4, 8, 5, 6, 2, 2, 2, 2, 1, 1, 1, 2],
        )[0]()


@pytest.mark.parametrize("seed", range(SCRIPTS))
def test_random_scripts(server, postgres, table, seed):
    script = Script(seed, table)
    with Both(server, postgres) as both:
        both.ask(query(f"drop table if exists {table}"), query(f"create table {table}(id int primary key, v int check (v >= 0))"))
        for _ in range(STEPS):
            sql = script.step()
            both.ask(query(sql), label=sql)
        both.ask(query("rollback"), query(f"select id, v from {table} order by id"), query(f"drop table {table}"))

"""Random FETCH and MOVE in both directions, answered as PostgreSQL 15 answers them."""

import random

import pytest

from differential.both import Both
from harness.wire import SYNC, bind, close, describe, execute, parse, query

SEEDS = 12
STEPS = 60


def form(r):
    n = r.choice([0, 1, 2, 3, 5, 30, -1, -2, -4])
    verb = r.choice(["fetch", "fetch", "move"])
    how = r.choice(
        ["next", "prior", "first", "last", f"absolute {n}", f"relative {n}", f"{n}", "forward", f"forward {n}",
         "backward", f"backward {n}", "all", "forward all", "backward all"]
    )
    return f"{verb} {how} {r.choice(['from', 'in'])} c"


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("hold", ["", " with hold"])
def test_scrolling(server, postgres, seed, hold):
    r = random.Random(seed)
    with Both(server, postgres) as both:
        both.ask(query("begin"), query(f"declare c scroll cursor{hold} for select g from generate_series(1, 17) as r(g)"))
        if hold:
            both.ask(query("commit"))
        for _ in range(STEPS):
            sql = form(r)
            both.ask(query(sql), label=sql)
        both.ask(query("close c"), query("rollback" if not hold else "select 1 as x"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_forward(server, postgres, seed):
    r = random.Random(seed)
    with Both(server, postgres) as both:
        both.ask(query("begin"), query("declare c no scroll cursor for select g from generate_series(1, 60) as r(g)"))
        for _ in range(20):
            sql = r.choice(["fetch c", "fetch 3 c", "move 2 c", "fetch relative 2 from c", "select 1 as other"])
            both.ask(query(sql), label=sql)
        both.ask(query("fetch all c"), query("fetch c"), query("fetch prior from c"), query("rollback"))


def test_by_the_extended_protocol(server, postgres):
    with Both(server, postgres) as both:
        both.ask(query("begin"))
        both.ask(parse("declare c cursor for select g, 'x' as t from generate_series(1, $1::int) as r(g)"), bind(b"9"),
                 describe("P"), execute(), SYNC)
        both.ask(describe("P", "c"), SYNC)
        both.ask(parse("fetch 2 from c", name="f"), describe("S", "f"), bind(statement="f"), describe("P"), execute(), SYNC)
        both.ask(bind(statement="f"), execute(), SYNC)
        both.ask(parse("move 1 from c"), describe("S"), bind(), execute(), SYNC)
        both.ask(parse("fetch 1 from nothing"), describe("S"), bind(), execute(), SYNC)
        both.ask(query("rollback"))
        both.ask(query("begin"), query("declare d cursor for select 1 as x"))
        both.ask(close("P", "d"), SYNC)
        both.ask(query("fetch d"), query("rollback"))

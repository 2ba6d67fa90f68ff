"""Portals that are not read to their end: suspended, run beside other statements, closed, many at once."""

import pytest

from harness.wire import SYNC, Wire, bind, close, execute, parse, query, row, sqlstate

ROWS = 100_000


@pytest.fixture
def wire(server):
    with Wire.open(server) as made:
        yield made


def numbers(answer):
    return [int(row(m.body)[0]) for m in answer if m.kind == "D"]


def open_portal(wire, portal, sql):
    wire.ask(parse(sql), bind(portal=portal), SYNC)


def test_a_suspended_portal_goes_on_after_other_statements(wire, table):
    """DuckDB has one streaming result a connection: what the portal still holds must not be lost."""
    wire.ask(query(f"create table {table} as select g as i from generate_series(1, {ROWS}) as r(g)"))
    wire.ask(query("begin"))
    open_portal(wire, "p", f"select i from {table} order by i")
    got = numbers(wire.ask(execute("p", 10), SYNC))
    assert wire.rows(query(f"select count(*) from {table}")) == [[str(ROWS).encode()]]
    got += numbers(wire.ask(execute("p", 1000), SYNC))
    wire.ask(query(f"insert into {table} values (-1)"))
    wire.ask(query(f"delete from {table} where i > 50000"))
    got += numbers(wire.ask(execute("p"), SYNC))
    assert got == list(range(1, ROWS + 1))
    assert wire.rows(query(f"select count(*) from {table}")) == [[b"50001"]]
    assert wire.kinds(query("commit")) == "CZI"


def test_portals_take_turns(wire):
    wire.ask(query("begin"))
    for name in "abc":
        open_portal(wire, name, f"select g from generate_series(1, 5000) as r(g) where '{name}' is not null")
    got = {name: [] for name in "abc"}
    for _ in range(6):
        for name in "abc":
            got[name] += numbers(wire.ask(execute(name, 1000), SYNC))
    assert all(values == list(range(1, 5001)) for values in got.values())
    wire.ask(query("rollback"))


def test_a_portal_ends_with_its_transaction(wire):
    wire.ask(query("begin"))
    open_portal(wire, "p", "select g from generate_series(1, 5000) as r(g)")
    wire.ask(execute("p", 10), SYNC)
    wire.ask(query("commit"))
    assert sqlstate(wire.ask(execute("p", 10), SYNC)) == "34000"


def test_a_closed_portal_is_gone(wire):
    wire.ask(query("begin"))
    open_portal(wire, "p", "select g from generate_series(1, 5000) as r(g)")
    wire.ask(execute("p", 10), close("P", "p"), SYNC)
    assert sqlstate(wire.ask(execute("p", 10), SYNC)) == "34000"
    wire.ask(query("rollback"))


def test_a_portal_name_is_taken_once(wire):
    wire.ask(query("begin"))
    open_portal(wire, "p", "select 1")
    assert sqlstate(wire.ask(parse("select 2"), bind(portal="p"), SYNC)) == "42P03"
    wire.ask(query("rollback"))


def test_the_unnamed_portal_is_replaced(wire):
    wire.ask(query("begin"))
    wire.ask(parse("select g from generate_series(1, 5000) as r(g)"), bind(), execute("", 10), SYNC)
    assert numbers(wire.ask(parse("select 7"), bind(), execute(), SYNC)) == [7]
    wire.ask(query("rollback"))


def test_a_portal_that_was_read_to_its_end_gives_no_more(wire):
    wire.ask(query("begin"))
    open_portal(wire, "p", "select g from generate_series(1, 3) as r(g)")
    assert [m.kind for m in wire.ask(execute("p"), execute("p"), SYNC)] == list("DDDCCZ")
    wire.ask(query("rollback"))


def test_a_writing_portal_runs_once(wire, table):
    wire.ask(query(f"create table {table}(i int)"))
    wire.ask(query("begin"))
    open_portal(wire, "w", f"insert into {table} values (1), (2), (3) returning i")
    assert numbers(wire.ask(execute("w", 1), SYNC)) == [1]
    assert wire.rows(query(f"select count(*) from {table}")) == [[b"3"]]
    assert numbers(wire.ask(execute("w"), SYNC)) == [2, 3]
    wire.ask(query("commit"))
    assert wire.rows(query(f"select count(*) from {table}")) == [[b"3"]]


def test_an_error_in_the_transaction_closes_its_portals(wire):
    wire.ask(query("begin"))
    open_portal(wire, "p", "select g from generate_series(1, 5000) as r(g)")
    wire.ask(execute("p", 10), SYNC)
    assert sqlstate(wire.ask(query("select no_such_function()"))) == "42883"
    assert sqlstate(wire.ask(execute("p", 10), SYNC)) in ("34000", "25P02")
    assert wire.kinds(query("rollback")) == "CZI"

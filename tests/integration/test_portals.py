"""Portals that are not read to their end: suspended, run beside other statements, closed, many at once."""

import pytest

from harness.process import wait_until
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


def test_parse_does_not_disturb_a_suspended_portal(wire, table):
    """Preparing on a connection ends its open result, too."""
    wire.ask(query("begin"))
    wire.ask(query(f"create table {table}(i int)"))  # from here on only this connection knows the catalog
    open_portal(wire, "p", f"select g from generate_series(1, {ROWS}) as r(g)")
    got = numbers(wire.ask(execute("p", 10), SYNC))
    assert wire.kinds(parse(f"select i from {table}", name="other"), SYNC) == "1ZT"
    assert wire.kinds(query("set timezone = 'Europe/Berlin'")) == "CSZT"
    got += numbers(wire.ask(execute("p"), SYNC))
    assert got == list(range(1, ROWS + 1))
    wire.ask(query("rollback"))


@pytest.mark.merganser_only
def test_a_rest_that_does_not_fit_fails_the_statement_only(start_server):
    server = start_server("--temp-limit", "1MB")
    with Wire.open(server) as wire:
        for _ in range(3):
            wire.ask(query("begin"))
            open_portal(wire, "p", "select repeat('x', 1000) from range(5000)")
            wire.ask(execute("p", 1), SYNC)
            assert sqlstate(wire.ask(query("select 1"))) == "53400"
            wire.ask(query("rollback"))
        assert wire.rows(query("select 1")) == [[b"1"]]


def test_returning_in_parts_changes_once(wire, table):
    wire.ask(query(f"create table {table}(i int)"))
    insert = parse(f"insert into {table} select * from range(5) returning i")
    answer = wire.ask(insert, bind(), execute("", 2), execute("", 2), execute(), SYNC)
    assert "".join(m.kind for m in answer) == "12DDsDDsDCZ"
    assert wire.rows(query(f"select count(*) from {table}")) == [[b"5"]]
    wire.ask(query("begin"))
    answer = wire.ask(insert, bind(), execute("", 2), SYNC, execute(), SYNC)
    assert numbers(answer) == list(range(5))
    wire.ask(query("commit"))
    assert wire.rows(query(f"select count(*) from {table}")) == [[b"10"]]


def test_a_large_returning_arrives(wire, table):
    """More than the output buffer holds: it goes on as the client reads."""
    wire.ask(query(f"create table {table}(s varchar)"))
    sql = f"insert into {table} select repeat('x', 1000) from range(8000) returning s"
    assert len(wire.rows(query(sql))) == 8000
    assert len(wire.rows(parse(sql), bind(), execute(), SYNC)) == 8000


@pytest.mark.merganser_only
def test_sessions_with_resumed_portals_end(fresh_server):
    for _ in range(3):
        with Wire.open(fresh_server) as wire:
            wire.ask(query("begin"))
            open_portal(wire, "p", "select * from range(100)")
            for _ in range(3):
                wire.ask(execute("p", 10), SYNC)
    wait_until(lambda: fresh_server.status()["sessions"]["open"] == 0, "all sessions are gone")

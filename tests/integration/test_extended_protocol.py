"""The extended query protocol by hand: which messages come back, in which order, in which state."""

import struct

import pytest

from harness.net import connect_unix
from harness.paths import USER
from harness.wire import (
    FLUSH,
    SYNC,
    Wire,
    bind,
    close,
    describe,
    execute,
    fields,
    message,
    parse,
    query,
    row,
    sqlstate,
    startup,
)


@pytest.fixture
def wire(server):
    with Wire.open(server) as made:
        yield made


CASES = [
    ("one query", [parse("select 1"), bind(), execute(), SYNC], "12DCZI"),
    ("described portal", [parse("select 1"), bind(), describe("P"), execute(), SYNC], "12TDCZI"),
    ("described statement", [parse("select 1"), describe("S"), SYNC], "1tTZI"),
    ("described statement without rows", [parse("begin"), describe("S"), SYNC], "1tnZI"),
    ("described portal without rows", [parse("set timezone = 'UTC'"), bind(), describe("P"), SYNC], "12nZI"),
    ("empty statement", [parse(""), bind(), describe("P"), execute(), SYNC], "12nIZI"),
    ("comment only", [parse("-- nothing"), bind(), execute(), SYNC], "12IZI"),
    ("only sync", [SYNC], "ZI"),
    ("two queries before one sync", [parse("select 1"), bind(), execute(), parse("select 2"), bind(), execute(), SYNC], "12DC12DCZI"),
    ("error in parse skips to sync", [parse("selec"), bind(), execute(), SYNC], "EZI"),
    ("error skips many", [parse("selec"), parse("select 1"), bind(), describe("P"), execute(), close("P"), SYNC], "EZI"),
    ("error, then a new start", [parse("selec"), SYNC, parse("select 1"), bind(), execute(), SYNC], "EZI12DCZI"),
    ("error in bind: wrong count", [parse("select $1::int"), bind(), execute(), SYNC], "1EZI"),
    ("error in execute", [parse("select cast($1 as int)"), bind(b"x"), execute(), SYNC], None),
    ("unknown statement", [bind(statement="nope"), execute(), SYNC], "EZI"),
    ("unknown portal", [execute("nope"), SYNC], "EZI"),
    ("unknown statement described", [describe("S", "nope"), SYNC], "EZI"),
    ("close of nothing is no error", [close("S", "nope"), close("P", "nope"), SYNC], "33ZI"),
    ("several statements in parse", [parse("select 1; select 2"), SYNC], "EZI"),
    ("named twice", [parse("select 1", "twice"), parse("select 2", "twice"), SYNC], "1EZI"),
    ("portal needs its transaction", [parse("select 1"), bind(portal="p"), SYNC, execute("p"), SYNC], "12ZIEZI"),
    ("begin", [parse("begin"), bind(), execute(), SYNC], "12CZT"),
]  # fmt: skip


@pytest.mark.parametrize("messages, kinds", [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_answer(wire, messages, kinds):
    got = wire.kinds(*messages)
    if kinds is None:
        assert got.endswith("EZI")
    else:
        assert got == kinds


STATES = [
    ("26000", [bind(statement="nope"), SYNC]),
    ("34000", [execute("nope"), SYNC]),
    ("42601", [parse("selec"), SYNC]),
    ("42601", [parse("select 1; select 2"), SYNC]),
    ("42P05", [parse("select 1", "s5"), parse("select 2", "s5"), SYNC]),
    ("08P01", [parse("select $1::int"), bind(), SYNC]),
    ("22P02", [parse("select $1", oids=[23]), bind(b"abc"), execute(), SYNC]),
    ("22003", [parse("select $1", oids=[21]), bind(b"70000"), execute(), SYNC]),
    ("42P01", [parse("select * from nowhere"), bind(), execute(), SYNC]),
]


@pytest.mark.parametrize("state, messages", STATES)
def test_errors(wire, state, messages):
    assert sqlstate(wire.ask(*messages)) == state
    assert wire.rows(query("select 1")) == [[b"1"]]


def test_states_of_ready_for_query(wire):
    assert wire.kinds(query("begin")) == "CZT"
    assert wire.kinds(query("select 1")) == "TDCZT"
    assert wire.kinds(query("select no_such_function()")) == "EZE"
    assert sqlstate(wire.ask(query("select 1"))) == "25P02"
    assert wire.kinds(parse("select 1"), SYNC) == "EZE"
    assert wire.kinds(query("rollback")) == "CZI"
    assert wire.kinds(query("select 1")) == "TDCZI"


def test_parameters_are_described(wire):
    answer = wire.ask(parse("select $1::integer + 1 as n, $2::varchar as s"), describe("S"), SYNC)
    parameters = next(m.body for m in answer if m.kind == "t")
    assert struct.unpack("!h2i", parameters)[:2] == (2, 23)
    assert struct.unpack("!h2i", parameters)[2] in (25, 1043)


def test_formats_of_results(wire):
    def one(result_formats):
        return wire.rows(parse("select 1::int, 2::bigint"), bind(result_formats=result_formats), execute(), SYNC)

    as_text, as_binary = [b"1", b"2"], [struct.pack("!i", 1), struct.pack("!q", 2)]
    assert one(()) == [as_text]
    assert one((0,)) == [as_text]
    assert one((1,)) == [as_binary]
    assert one((0, 1)) == [[as_text[0], as_binary[1]]]


def test_formats_of_parameters(wire):
    sql = parse("select $1::int, $2::int", oids=[23, 23])
    for formats, values in [
        ((), (b"1", b"2")),
        ((1,), (struct.pack("!i", 1), struct.pack("!i", 2))),
        ((0, 1), (b"1", struct.pack("!i", 2))),
    ]:
        assert wire.rows(sql, bind(*values, formats=formats), execute(), SYNC) == [[b"1", b"2"]]
    assert wire.rows(sql, bind(None, b"2"), execute(), SYNC) == [[None, b"2"]]


def test_flush_sends_what_there_is(wire):
    wire.send(parse("select 1"), describe("S"), FLUSH)
    assert [m.kind for m in wire.until("T")] == ["1", "t", "T"]
    wire.send(bind(), execute(), FLUSH)
    assert [m.kind for m in wire.until("C")] == ["2", "D", "C"]
    assert wire.kinds(SYNC) == "ZI"


def test_a_row_limit_suspends_the_portal(wire):
    wire.send(
        parse("select g from generate_series(1, 10) as r(g)"),
        bind(),
        execute(max_rows=4),
        execute(max_rows=4),
        execute(max_rows=4),
        SYNC,
    )
    got = wire.until_ready()
    assert "".join(m.kind for m in got) == "12" + "DDDDs" + "DDDDs" + "DDC" + "Z"
    assert [int(row(m.body)[0]) for m in got if m.kind == "D"] == list(range(1, 11))


def test_an_implicit_transaction_of_a_simple_query(wire, table):
    assert wire.kinds(query(f"create table {table}(i int)")) == "CZI"
    assert wire.kinds(
        query(f"insert into {table} values (1); insert into {table} values (2); select no_such_function()")
    ).endswith("EZI")
    assert wire.rows(query(f"select count(*) from {table}")) == [[b"0"]]
    wire.ask(
        query(
            f"insert into {table} values (1); begin; insert into {table} values (2); commit; select no_such_function()"
        )
    )
    assert wire.rows(query(f"select count(*) from {table}")) == [[b"2"]]


def test_terminate_closes(wire):
    wire.send(message("X"))
    assert wire.until_closed() == []


def test_an_unknown_message_ends_the_connection(wire):
    wire.send(message("~", b"what"))
    got = wire.until_closed()
    assert sqlstate(got) == "08P01"
    assert fields(got[0].body)["S"] == "FATAL"


def test_copy_and_function_messages_outside_of_their_place(wire):
    assert wire.kinds(message("d", b"x"), message("c"), query("select 1")) == "TDCZI"


@pytest.mark.parametrize("minor", [3, 99, 9999])
def test_a_newer_minor_version_is_negotiated_down(server, minor):
    with Wire(connect_unix(server.socket_path)) as wire:
        wire.send(startup(version=196608 + minor, user=USER, database=server.file.stem))
        first = wire.next()
        assert first.kind == "v" and struct.unpack("!i", first.body[:4])[0] in (196608, 196610)
        wire.finish_startup()
        assert wire.rows(query("select 1")) == [[b"1"]]


@pytest.mark.parametrize("version", [1 << 16, 2 << 16, 4 << 16])
def test_another_major_version_is_refused(server, version):
    with connect_unix(server.socket_path) as socket:
        socket.sendall(startup(version=version, user=USER, database=server.file.stem))
        answer = b"".join(iter(lambda: socket.recv(1 << 16), b""))
        assert answer[:1] == b"E" and b"unsupported frontend protocol" in answer


def test_unknown_protocol_options_are_named(server):
    with Wire(connect_unix(server.socket_path)) as wire:
        wire.send(startup(user=USER, database=server.file.stem, **{"_pq_.not_known": "1"}))
        first = wire.next()
        assert first.kind == "v" and b"_pq_.not_known\0" in first.body
        wire.finish_startup()
        assert wire.rows(query("select 1")) == [[b"1"]]


def test_describe_returning_beside_a_parameter_that_hides_the_columns(wire, table):
    """A parameter among a table function's arguments leaves the columns open until it is bound."""
    wire.ask(query(f"create table {table}(i bigint)"))
    sql = f"insert into {table} select g from generate_series(1, $1::bigint) as r(g) returning i"
    assert wire.kinds(parse(sql), bind(b"2"), describe("P"), execute(), SYNC) == "12TDDCZI"
    assert wire.kinds(parse(sql), describe("S"), SYNC) == "1tTZI"
    assert wire.rows(query(f"select count(*) from {table}")) == [[b"2"]]

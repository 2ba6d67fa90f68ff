"""Wrong values, counts, formats and sizes in messages that are otherwise well-formed: an error that says what, and on."""

import struct

import pytest

from harness.net import connect_unix
from harness.paths import USER
from harness.process import wait_until
from harness.wire import SYNC, Wire, bind, describe, execute, fields, message, parse, query, sqlstate, startup, text

pytestmark = pytest.mark.merganser_only


@pytest.fixture(scope="module")
def shared(server):
    with Wire.open(server) as wire:
        yield wire


def error_of(wire, *messages):
    """The error of one exchange; the connection is as good as before it."""
    answer = wire.ask(*messages)
    found = [fields(m.body) for m in answer if m.kind == "E"]
    assert len(found) == 1, answer
    assert found[0]["S"] == "ERROR" and answer[-1].body == b"I"
    assert wire.rows(query("select 1")) == [[b"1"]]
    return found[0]


BAD_UTF8 = [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\xe2\x82", b"\xc0\x80"]


@pytest.mark.parametrize("bad", BAD_UTF8)
def test_text_that_is_not_utf_8(shared, bad):
    statement = b"select '" + bad + b"'\0"
    assert error_of(shared, message("Q", statement))["C"] == "22021"
    assert error_of(shared, message("P", b"\0" + statement + b"\0\0"), SYNC)["C"] == "22021"
    assert error_of(shared, parse("select $1::varchar"), bind(bad), execute(), SYNC)["C"] == "22021"
    assert error_of(shared, message("D", b"S" + bad + b"\0"), SYNC)["C"] == "22021"


def test_a_start_with_text_that_is_not_utf_8(server):
    body = b"user\0" + USER.encode() + b"\0database\0\xff\xfe\0\0"
    with Wire(connect_unix(server.socket_path)) as wire:
        wire.send(struct.pack("!ii", len(body) + 8, 196608) + body)
        assert sqlstate(wire.until_closed()) == "22021"


def test_a_zero_byte_in_a_text_parameter(shared):
    error = error_of(shared, parse("select $1::varchar"), bind(b"a\0b"), execute(), SYNC)
    assert error["C"] == "22021" and "0x00" in error["M"]


WRONG_BINARY = [
    ("int", b"\0\0\1", "22P03"), ("int", b"", "22P03"), ("bigint", b"\0" * 9, "22P03"), ("boolean", b"\0\0", "22P03"),
    ("double", b"\0" * 7, "22P03"), ("uuid", b"\0" * 15, "22P03"), ("timestamp", b"\0" * 4, "22P03"),
    ("date", b"\0" * 8, "22P03"), ("decimal(10,2)", b"\0\1", "22P03"), ("decimal(10,2)", b"\0\x01\0\0\0\0\0\0", "22P03"),
]  # fmt: skip


@pytest.mark.parametrize("type_name, value, code", WRONG_BINARY)
def test_binary_values_of_the_wrong_size(shared, type_name, value, code):
    error = error_of(shared, parse(f"select $1::{type_name}"), bind(value, formats=[1]), execute(), SYNC)
    assert error["C"] == code, error


WRONG_TEXT = [("int", b"x", "22P02"), ("int", b"", "22P02"), ("int", b"99999999999", "22003"),
              ("boolean", b"maybe", "22P02"), ("uuid", b"123", "22P02"), ("date", b"2024-13-01", "22008")]  # fmt: skip


@pytest.mark.parametrize("type_name, value, code", WRONG_TEXT)
def test_text_values_that_are_none(shared, type_name, value, code):
    error = error_of(shared, parse(f"select $1::{type_name}"), bind(value), execute(), SYNC)
    assert error["C"] in (code, "22007", "22P02"), error


def test_counts_that_do_not_fit(shared):
    two = parse("select $1::int + $2::int")
    for values in ((), (b"1",), (b"1", b"2", b"3")):
        assert error_of(shared, two, bind(*values), execute(), SYNC)["C"] == "08P01"
    assert error_of(shared, two, bind(b"1", b"2", formats=[0, 0, 0]), execute(), SYNC)["C"] == "08P01"
    one = parse("select 1")
    assert error_of(shared, one, bind(result_formats=[0, 1]), execute(), SYNC)["C"] == "08P01"
    assert error_of(shared, two, bind(b"1", b"2", formats=[2]), execute(), SYNC)["C"] == "22023"
    assert error_of(shared, one, bind(result_formats=[7]), execute(), SYNC)["C"] == "22023"


def test_counts_beyond_the_message(shared):
    """A count that promises more than the body holds."""
    lies = [b"\0\0" + struct.pack("!h", 30000), b"\0\0" + struct.pack("!hh", 0, -1),
            b"\0\0" + struct.pack("!hhi", 0, 1, 2**31 - 1), b"\0\0" + struct.pack("!hhi", 0, 1, -2)]  # fmt: skip
    for lie in lies:
        assert error_of(shared, parse("select $1::int"), message("B", lie), SYNC)["C"] == "08P01"
    assert error_of(shared, message("P", b"\0select 1\0" + struct.pack("!h", -1)), SYNC)["C"] == "08P01"
    assert error_of(shared, message("P", b"\0select 1\0\0\0more"), SYNC)["C"] == "08P01"


def test_names_that_nobody_gave(shared):
    assert error_of(shared, bind(statement="nobody"), SYNC)["C"] == "26000"
    assert error_of(shared, describe("S", "nobody"), SYNC)["C"] == "26000"
    assert error_of(shared, describe("P", "nobody"), SYNC)["C"] == "34000"
    assert error_of(shared, execute("nobody"), SYNC)["C"] == "34000"
    assert error_of(shared, message("D", b"X\0"), SYNC)["C"] == "08P01"
    assert error_of(shared, message("C", b"X\0"), SYNC)["C"] == "08P01"


def test_65535_parameters(shared):
    count = 65535
    values = ",".join(f"(${i}::int)" for i in range(1, count + 1))
    answer = shared.rows(
        parse(f"select count(*), max(v) from (values {values}) t(v)"),
        bind(*[b"%d" % i for i in range(count)]), execute(), SYNC,
    )  # fmt: skip
    assert answer == [[b"65535", b"65534"]]


def test_more_parameters_than_a_message_can_carry(shared):
    sql = "select " + ",".join(f"${i}" for i in range(1, 65538))
    answer = shared.ask(parse(sql), describe("S"), SYNC)
    assert sqlstate(answer) in ("54000", "42P18"), "a description could not count them"
    assert shared.rows(query("select 1")) == [[b"1"]]


def test_more_columns_than_a_message_can_count(shared):
    assert error_of(shared, query("select " + ",".join(["1"] * 40000)))["C"] == "54000"
    assert len(shared.rows(query("select " + ",".join(["1"] * 5000)))[0]) == 5000
    assert shared.rows(query("select 1")) == [[b"1"]]


def test_a_gigabyte_is_refused_before_it_is_read(start_server):
    server = start_server()
    before = server.rss()
    for kind in "BPQd":
        with Wire.open(server) as wire:
            wire.send(kind.encode() + struct.pack("!i", 1 << 30) + bytes(100_000))
            error = fields(wire.until_closed()[-1].body)
            assert (error["S"], error["C"]) == ("FATAL", "54000")
            assert "268435456" in error["M"], "the limit is named"
    assert server.rss() - before < 32 << 20
    with Wire.open(server) as wire:
        assert wire.rows(query("select 1")) == [[b"1"]]


def test_a_large_parameter_below_the_limit(start_server):
    server = start_server()
    value = b"x" * (100 << 20)
    with Wire.open(server) as wire:
        wire.socket.settimeout(60)
        assert wire.rows(parse("select length($1::varchar)"), bind(value), execute(), SYNC) == [[b"104857600"]]
        del value
        with Wire.open(server) as other:
            assert other.rows(query("select 1")) == [[b"1"]]
    # What one message took is given back.
    wait_until(lambda: server.rss() < 400 << 20, "memory is given back")


def test_a_statement_nested_too_deep(shared):
    for sql in ("select " + "(" * 900 + "1" + ")" * 20000, "select " + "-" * 3 + " 1", "select " + "not " * 2000 + "true"):
        answer = shared.ask(query(sql))
        assert answer[-1].kind == "Z"
    assert shared.rows(query("select 1")) == [[b"1"]]


def test_a_startup_packet_with_many_parameters(server):
    with Wire(connect_unix(server.socket_path)) as wire:
        wire.send(startup(user=USER, database=server.file.stem, **{f"x{i}": "y" for i in range(900)}))
        assert sqlstate(wire.until_closed()) in ("42704", "08P01")
    with Wire(connect_unix(server.socket_path)) as wire:
        wire.send(startup(user=USER, database=server.file.stem, application_name="é" * 4000))
        wire.finish_startup()
        assert wire.rows(query("select 1")) == [[b"1"]]


def test_a_startup_packet_without_a_user(server):
    with Wire(connect_unix(server.socket_path)) as wire:
        wire.send(startup(database=server.file.stem))
        assert sqlstate(wire.until_closed()) == "28000"


def test_a_user_and_a_database_of_odd_names(server):
    for name in ("x" * 2000, "a'b\"c\\d", "\u202e", "%s%n", " "):
        with Wire(connect_unix(server.socket_path)) as wire:
            wire.send(startup(user=name, database=name))
            assert sqlstate(wire.until_closed()) in ("3D000", "28000")


def test_a_password_message_after_the_login(server):
    with Wire.open(server) as wire:
        wire.send(message("p", text("secret")))
        assert sqlstate(wire.until_closed()) == "08P01"

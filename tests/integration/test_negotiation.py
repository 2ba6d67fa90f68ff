"""What client and server agree on at the start: protocol version, encoding, options."""

import struct
import threading

import psycopg
import pytest
from psycopg import errors

from harness.background import ENDLESS
from harness.net import connect_unix
from harness.paths import USER
from harness.wire import Wire, cancel_request, fields, query, sqlstate, startup

pytestmark = pytest.mark.merganser_only


@pytest.mark.parametrize("version", ["3.0", "3.2", "latest"])
def test_libpq_s_protocol_versions(server, version):
    with server.connect(max_protocol_version=version) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
        timer = threading.Timer(0.3, connection.cancel_safe)
        timer.start()
        with pytest.raises(errors.QueryCanceled):
            connection.execute(ENDLESS)
        timer.join()
        assert connection.execute("select 2").fetchone() == (2,)


def open_with(server, version, **parameters):
    wire = Wire(connect_unix(server.socket_path))
    wire.send(startup(version=version, user=USER, database=server.file.stem, **parameters))
    return wire


@pytest.mark.parametrize("minor, length", [(0, 4), (1, 4), (2, 32)])
def test_keys_for_cancel_are_as_long_as_the_version_allows(server, minor, length):
    with open_with(server, 196608 + minor) as wire:
        keys = [m.body[4:] for m in wire.until_ready() if m.kind == "K"]
        assert [len(key) for key in keys] == [length]


def test_a_part_of_a_key_cancels_nothing(server):
    with open_with(server, 196610) as wire:
        wire.finish_startup()
        pid, key = wire.key
        wire.send(query("select sum(i) from range(200000000) r(i)"))
        for wrong in (key[:4], key[:31], key + b"x", bytes(32), b""):
            with connect_unix(server.socket_path) as other:
                other.sendall(cancel_request(pid, wrong))
                while other.recv(100):
                    pass
        assert sqlstate(wire.until_ready()) is None
        wire.send(query(ENDLESS))
        with connect_unix(server.socket_path) as other:
            other.sendall(cancel_request(pid, key))
            assert other.recv(1) == b""
        assert sqlstate(wire.until_ready()) == "57014"


def test_an_unknown_option_does_not_change_the_version(server):
    with open_with(server, 196608, **{"_pq_.nothing": "1"}) as wire:
        first = wire.next()
        assert first.kind == "v" and struct.unpack("!ii", first.body[:8]) == (196608, 1)


def answer_to(server, **parameters):
    with open_with(server, 196608, **parameters) as wire:
        answer = []
        while not answer or answer[-1].kind not in "ZE":
            answer.append(wire.next())
        if answer[-1].kind == "E":
            assert wire.until_closed() == []
            return fields(answer[-1].body)
        return {b[0].decode(): b[1].decode() for b in (m.body.split(b"\0") for m in answer if m.kind == "S")}


@pytest.mark.parametrize("name, shown", [("utf-8", "UTF8"), ("UNICODE", "UTF8"), ("SQL_ASCII", "SQL_ASCII")])
def test_encodings_that_need_no_conversion(server, name, shown):
    assert answer_to(server, client_encoding=name)["client_encoding"] == shown
    with server.connect() as connection:
        connection.execute(f"set client_encoding to '{name}'")
        assert connection.info.parameter_status("client_encoding") == shown


@pytest.mark.parametrize("name, code", [("LATIN1", "0A000"), ("WIN1252", "0A000"), ("EUC_JP", "0A000"), ("x", "22023")])
def test_other_encodings_are_refused_with_the_reason(server, name, code):
    error = answer_to(server, client_encoding=name)
    assert error["C"] == code and error["S"] == "FATAL" and name in error["M"]
    with server.connect() as connection:
        with pytest.raises(psycopg.Error) as caught:
            connection.execute(f"set client_encoding to '{name}'")
        assert caught.value.sqlstate == code
        assert connection.execute("select 'ü'").fetchone() == ("ü",), "the encoding stays what it was"


@pytest.mark.parametrize(
    "options",
    ["-c TimeZone=Asia/Tokyo", "-cTimeZone=Asia/Tokyo", "--timezone=Asia/Tokyo", "  -c   timezone=Asia/Tokyo  ",
     r"-c application_name=two\ words -c timezone=Asia/Tokyo"],
)  # fmt: skip
def test_options(server, options):
    assert answer_to(server, options=options)["TimeZone"] == "Asia/Tokyo"


@pytest.mark.parametrize(
    "options, code",
    [("-c nothing_known=1", "42704"), ("-c timezone=Nowhere", "22023"), ("-c", "22023"), ("-c timezone", "22023"),
     ("-d 3", "22023"), ("nonsense", "22023"), ("-c client_encoding=LATIN1", "0A000")],
)  # fmt: skip
def test_options_that_cannot_be(server, options, code):
    error = answer_to(server, options=options)
    assert (error["C"], error["S"]) == (code, "FATAL")

"""Messages in pieces, halves and rubbish over a real socket: the client gets its answer or an end, the others go on."""

import os
import random
import socket
import struct

import pytest

from harness.net import connect_unix, reset_on_close
from harness.paths import USER
from harness.wire import SYNC, TERMINATE, Wire, bind, execute, message, parse, query, sqlstate, startup

SEED = 20240229


def hello(server):
    return startup(user=USER, database=server.file.stem)


def still_serves(server):
    with Wire.open(server) as wire:
        return wire.rows(query("select 42")) == [[b"42"]]


def test_byte_by_byte(server):
    with Wire(connect_unix(server.socket_path)) as wire:
        for byte in hello(server):
            wire.socket.sendall(bytes([byte]))
        wire.finish_startup()
        whole = query("select 1") + parse("select $1::int") + bind(b"2") + execute() + SYNC
        for byte in whole:
            wire.socket.sendall(bytes([byte]))
        assert [m.kind for m in wire.until_ready() + wire.until_ready()] == list("TDCZ12DCZ")


def test_everything_in_one_packet(server):
    """Startup and queries without waiting for any answer."""
    with Wire(connect_unix(server.socket_path)) as wire:
        wire.send(hello(server), query("select 1"), query("select 2"), TERMINATE)
        wire.finish_startup()
        rest = wire.until_closed()
        assert [m.kind for m in rest] == list("TDCZTDCZ")


def test_a_message_cut_at_every_byte_and_closed(server):
    full = (
        hello(server) + parse("select $1::int", "s") + bind(b"7", statement="s") + execute() + SYNC + query("select 1")
    )
    for cut in range(len(full)):
        with connect_unix(server.socket_path) as connection:
            connection.sendall(full[:cut])
            if cut % 2:
                reset_on_close(connection)
    assert still_serves(server)


def test_half_a_message_then_silence_holds_nobody_up(server):
    held = []
    try:
        for cut in range(1, 40, 3):
            connection = connect_unix(server.socket_path)
            connection.sendall((hello(server) + query("select 1"))[:cut])
            held.append(connection)
        assert still_serves(server)
    finally:
        for connection in held:
            connection.close()


RUBBISH = [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    b"\0" * 64,
    b"\xff" * 64,
    struct.pack("!i", 2**31 - 1) + b"x" * 100,
    struct.pack("!i", -5) + b"x" * 100,
    struct.pack("!i", 3),
    struct.pack("!ii", 8, 196608),
    struct.pack("!ii", 20_000, 196608) + bytes(19_992),
]


@pytest.mark.parametrize("rubbish", RUBBISH, ids=lambda r: r[:12].hex())
def test_rubbish_instead_of_a_startup(server, rubbish):
    with connect_unix(server.socket_path) as connection:
        try:
            connection.sendall(rubbish)
            connection.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
        except (ConnectionResetError, BrokenPipeError):
            answer = b""
        assert not answer or answer[:1] == b"E", answer[:100]
    assert still_serves(server)


LENGTHS = [0, 1, 3, -1, -(2**31), 2**31 - 1]


@pytest.mark.parametrize("length", LENGTHS)
def test_an_impossible_length_ends_the_connection(server, length):
    with Wire.open(server) as wire:
        wire.send(b"Q" + struct.pack("!i", length) + b"select 1\0")
        got = wire.until_closed()
        assert not [m for m in got if m.kind in "TD"]
        assert sqlstate(got) in (None, "08P01", "54000")
    assert still_serves(server)


BAD_BODIES = [
    ("Q", b"no end of text"),
    ("P", b"name\0select 1"),
    ("P", b"\0select 1\0\x00\x05"),
    ("B", b"\0\0\x00\x01"),
    ("B", b"\0\0\x00\x00\xff\xff"),
    ("B", b"\0\0\x00\x00\x00\x01\x00\x00\x00\xff"),
    ("B", b"\0\0\x00\x00\x00\x00\x00\x02\x00\x00"),
    ("D", b"X\0"),
    ("D", b""),
    ("E", b"\0\x00\x00"),
    ("C", b"Q\0"),
    ("S", b"extra"),
]


@pytest.mark.parametrize("kind, body", BAD_BODIES)
def test_a_bad_body_is_an_error_not_a_misreading(server, kind, body):
    """As in PostgreSQL the connection may go on after it, or end; it may not answer as if nothing was."""
    with Wire.open(server) as wire:
        wire.send(parse("select 1"), message(kind, body), SYNC, TERMINATE)
        got = wire.until_closed()
        assert sqlstate(got) in ("08P01", "22021"), got
    assert still_serves(server)


def test_random_bytes_after_the_startup(server):
    rng = random.Random(SEED)
    for _ in range(150):
        with Wire.open(server) as wire:
            try:
                wire.send(rng.randbytes(rng.randint(1, 300)))
                wire.socket.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError, OSError):
                pass
            wire.until_closed()
    assert still_serves(server)


def test_flipped_bytes_in_valid_messages(server):
    rng = random.Random(SEED)
    valid = parse("select $1::int", "f") + bind(b"7", statement="f") + execute() + SYNC + query("select 1; select 2")
    for _ in range(150):
        damaged = bytearray(valid)
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        with Wire.open(server) as wire:
            try:
                wire.send(bytes(damaged), TERMINATE)
                wire.socket.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError, OSError):
                pass
            wire.until_closed()
    assert still_serves(server)


@pytest.mark.merganser_only
def test_hundreds_of_half_open_connections(server):
    held = []
    try:
        for _ in range(300):
            connection = connect_unix(server.socket_path)
            connection.sendall(struct.pack("!i", 100))
            held.append(connection)
        assert still_serves(server)
    finally:
        for connection in held:
            connection.close()
    descriptors = len(os.listdir(f"/proc/{server.pid}/fd"))
    assert still_serves(server)
    assert descriptors < 600


def test_clients_that_leave_in_the_middle_of_an_answer(server):
    for _ in range(20):
        wire = Wire.open(server)
        wire.send(query("select g, repeat('x', 100) from generate_series(1, 200000) as r(g)"))
        wire.until("T")
        reset_on_close(wire.socket)
        wire.close()
    assert still_serves(server)

"""The PostgreSQL protocol by hand, for what no driver would send. Blocking, with a timeout on every read."""

import struct
from collections import namedtuple

from harness.net import connect_unix
from harness.paths import USER

PROTOCOL_3 = 196608
SSL_REQUEST = struct.pack("!ii", 8, 80877103)
GSSENC_REQUEST = struct.pack("!ii", 8, 80877104)

Message = namedtuple("Message", "kind body")


def cancel_request(pid, key):
    """The key as a number, or as bytes of any length (protocol 3.2)."""
    key = key if isinstance(key, bytes) else struct.pack("!i", key)
    return struct.pack("!iii", 12 + len(key), 80877102, pid) + key


def startup(version=PROTOCOL_3, **parameters):
    body = b"".join(k.encode() + b"\0" + str(v).encode() + b"\0" for k, v in parameters.items()) + b"\0"
    return struct.pack("!ii", len(body) + 8, version) + body


def message(kind, body=b""):
    return kind.encode() + struct.pack("!i", len(body) + 4) + body


def text(value):
    return value.encode() + b"\0"


def query(sql):
    return message("Q", text(sql))


def parse(sql, name="", oids=()):
    return message("P", text(name) + text(sql) + struct.pack(f"!h{len(oids)}i", len(oids), *oids))


def bind(*values, portal="", statement="", formats=(), result_formats=()):
    body = text(portal) + text(statement) + struct.pack(f"!h{len(formats)}h", len(formats), *formats)
    body += struct.pack("!H", len(values))
    for value in values:
        body += struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value
    return message("B", body + struct.pack(f"!h{len(result_formats)}h", len(result_formats), *result_formats))


def describe(kind, name=""):
    return message("D", kind.encode() + text(name))


def execute(portal="", max_rows=0):
    return message("E", text(portal) + struct.pack("!i", max_rows))


def close(kind, name=""):
    return message("C", kind.encode() + text(name))


SYNC, FLUSH, TERMINATE = message("S"), message("H"), message("X")


def fields(body):
    """An error's or a notice's fields by their letters."""
    return {part[:1].decode(): part[1:].decode() for part in body.split(b"\0") if part}


def row(body):
    """A DataRow's values."""
    (count,) = struct.unpack_from("!h", body)
    values, at = [], 2
    for _ in range(count):
        (length,) = struct.unpack_from("!i", body, at)
        at += 4
        values.append(None if length < 0 else body[at : at + length])
        at += max(length, 0)
    assert at == len(body), "a row with trailing bytes"
    return values


class Wire:
    """One connection."""

    def __init__(self, socket):
        self.socket = socket
        self.pending = b""
        self.parameters = {}
        self.key = None

    @classmethod
    def open(cls, server, **parameters):
        wire = cls(connect_unix(server.socket_path))
        wire.send(startup(user=USER, database=server.file.stem, **parameters))
        wire.finish_startup()
        return wire

    def finish_startup(self):
        for kind, body in self.until_ready():
            if kind == "S":
                name, value, _ = body.split(b"\0")
                self.parameters[name.decode()] = value.decode()
            elif kind == "K":
                self.key = struct.unpack("!ii", body) if len(body) == 8 else (struct.unpack("!i", body[:4])[0], body[4:])
            assert kind != "E", fields(body)

    def send(self, *parts):
        self.socket.sendall(b"".join(parts))

    def read_exactly(self, count):
        while len(self.pending) < count:
            more = self.socket.recv(1 << 16)
            if not more:
                raise EOFError("the server closed the connection")
            self.pending += more
        out, self.pending = self.pending[:count], self.pending[count:]
        return out

    def next(self):
        kind, length = struct.unpack("!ci", self.read_exactly(5))
        assert 4 <= length < 1 << 30, length
        return Message(kind.decode(), self.read_exactly(length - 4))

    def until(self, kind):
        got = []
        while not got or got[-1].kind != kind:
            got.append(self.next())
        return got

    def until_ready(self):
        return self.until("Z")

    def ask(self, *parts):
        """Sends the messages and reads one ReadyForQuery for each Sync and Query among them."""
        self.send(*parts)
        got = []
        for part in parts:
            if part[:1] in b"SQ":
                got += self.until_ready()
        return got

    def kinds(self, *parts):
        """The letters of the answer; ReadyForQuery with its state: "1 2 D C Z I" is written "12DCZI"."""
        return "".join(m.kind + (m.body.decode() if m.kind == "Z" else "") for m in self.ask(*parts))

    def rows(self, *parts):
        answer = self.ask(*parts)
        failed = [fields(m.body) for m in answer if m.kind == "E"]
        assert not failed, failed
        return [row(m.body) for m in answer if m.kind == "D"]

    def until_closed(self):
        """Everything up to the end of the connection, reset or not."""
        got = []
        try:
            while True:
                got.append(self.next())
        except (EOFError, ConnectionResetError, BrokenPipeError):
            return got

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def sqlstate(answer):
    """The SQLSTATE of the first error in an answer, None without one."""
    return next((fields(m.body)["C"] for m in answer if m.kind == "E"), None)

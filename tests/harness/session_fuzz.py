"""Random conversations with a real server: messages valid and invalid, in any order, and what must hold whatever comes.

One conversation is a number: the same number says the same things. It ends by asking for a row that only it knows; the
answer to that comes unless the server had a reason, said with FATAL, to close the connection.
"""

import random
import struct

from harness.wire import (
    FLUSH, SYNC, TERMINATE, Wire, bind, close, describe, execute, fields, message, parse, query, row,
)  # fmt: skip

STATEMENTS = [
    "select 1", "select $1::int", "select $1::int + $2::int", "select $1", "select * from f order by i limit 50",
    "select i, s from f where i = $1", "insert into f values ($1, $2)", "insert into f values (1, 'x') returning i",
    "update f set s = $2 where i = $1", "delete from f where i = $1::int", "begin", "commit", "rollback",
    "begin read only", "savepoint a", "rollback to a", "release a", "start transaction isolation level serializable",
    "", ";", "-- nothing", "/* open", "select 'open", "selec 1", "select 1/0", "select nothing", "select 1; select 2",
    "begin; insert into f values (2, 'y'); commit", "insert into f values (3, 'z'); selec", "select 1; commit; select 2",
    "create temp table tt(i int)", "drop table if exists tt", "set timezone = 'UTC'", "reset all", "show all",
    "discard all", "deallocate all", "prepare p as select 1", "execute p", "explain select 1", "values (1), (2)",
    "select g from generate_series(1, 3000) as r(g)", "select repeat('x', 100000)", "select null::int, 'ü', 1.5, true",
    "declare c cursor for select 1", "fetch all from c", "close c", "listen x", "unlisten *", "vacuum", "checkpoint",
    "copy f from stdin", "copy f from stdin (format binary)", "copy f to stdout", "copy (select 1) to stdout", "select [1,2], {'a': 1}", "select $1, $2, $9",
    "select \x01", "select 'a\ufffdb'", "select * from " + "(select * from " * 40 + "f" + ")" * 40, "select $0", "select $99999",
]  # fmt: skip
NAMES = ["", "", "", "a", "b", "p"]
VALUES = [None, b"", b"1", b"-7", b"x", b"1.5", b"\0\0\0\1", b"\0" * 8, b"\xff\xfe", b"a\0b", b"t", b"9" * 400, b"{1,2}"]
OIDS = [0, 16, 20, 21, 23, 25, 701, 1043, 1114, 1184, 1700, 1007, 2950, 3802, 17, 4, 999999, -1]


class Talker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def some(self, choices, most):
        return [self.random.choice(choices) for _ in range(self.random.randint(0, most))]

    def good(self):
        r, name = self.random, self.random.choice(NAMES)
        formats = self.some([0, 1], 2)
        return r.choice([
            lambda: query(r.choice(STATEMENTS)),
            lambda: parse(r.choice(STATEMENTS), name, self.some(OIDS, 3)),
            lambda: bind(*self.some(VALUES, 3), portal=r.choice(NAMES), statement=name, formats=formats,
                         result_formats=self.some([0, 1], 3)),
            lambda: describe(r.choice("SP"), name),
            lambda: execute(name, r.choice([0, 0, 1, 10, -1, 2**31 - 1])),
            lambda: close(r.choice("SP"), name),
            lambda: SYNC,
            lambda: FLUSH,
            lambda: message("d", r.choice([b"1\tx\n", b"\\.\n", b"PGCOPY\n\xff\r\n\0", b""])),
            lambda: message("c"),
            lambda: message("f", b"gave up\0"),
        ])()  # fmt: skip

    def whole(self):
        """A statement from its text to its end, as drivers do it."""
        return [parse(self.random.choice(STATEMENTS)), bind(*self.some(VALUES, 2)), describe("P"), execute(), SYNC]

    def changed(self, text):
        """One byte of the body is another; the frame stays right."""
        if len(text) < 6:
            return text
        at = self.random.randrange(5, len(text))
        return text[:at] + bytes([self.random.randrange(256)]) + text[at + 1 :]

    def cut(self, text):
        """A body that ends too early, or too late, in a frame that says so itself."""
        body = text[5:]
        body = body[: self.random.randint(0, len(body))] + self.random.choice([b"", b"", b"\0", b"extra"])
        return message(chr(text[0]), body)

    def last_word(self):
        r = self.random
        return r.choice([
            message("~"), message("p", b"x\0"), TERMINATE, b"Q" + struct.pack("!i", 3), b"P" + struct.pack("!i", -5),
            b"B" + struct.pack("!i", 2**31 - 1), message("F", b"\0\0\0\1\0\0\0\0\0\0"), r.randbytes(r.randint(1, 200)),
            b"S" + struct.pack("!i", 20000) + bytes(19996),
        ])  # fmt: skip

    def conversation(self):
        """The messages, and whether the connection may be closed for them."""
        out, may_close = [], self.random.random() < 0.15
        for _ in range(self.random.randint(1, 25)):
            fate = self.random.random()
            if fate < 0.2:
                out += self.whole()
                continue
            one = self.good()
            out.append(self.changed(one) if fate < 0.28 else self.cut(one) if fate < 0.36 else one)
        if may_close:
            out.append(self.last_word())
        return out, may_close


KNOWN = set("RSKZ123tnTDCIEsNAGHdcW")


def check(messages):
    """What holds for every answer."""
    width = None
    for kind, body in messages:
        assert kind in KNOWN, kind
        if kind == "T":
            (width,) = struct.unpack_from("!h", body)
        elif kind == "D":
            values = row(body)
            assert width is None or len(values) <= 1600
        elif kind in "EN":
            said = fields(body)
            assert {"S", "V", "C", "M"} <= set(said), said
            assert len(said["C"]) == 5 and said["M"], said
            assert said["C"] not in ("XX000", "XX001", "XXM01"), said
        elif kind == "Z":
            assert body in (b"I", b"T", b"E"), body


def converse(server, seed):
    """One conversation. Whether the connection was still there at its end."""
    talker = Talker(seed)
    messages, may_close = talker.conversation()
    marker = f"end {seed}"
    wire = Wire.open(server)
    try:
        got = []
        end = [message("f", b"\0"), SYNC, query("rollback"), query(f"select '{marker}'")]
        try:
            # In parts, so that answers and questions cross as they do with real clients.
            for part in messages:
                wire.send(part)
            wire.send(*end)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            while True:
                got.append(wire.next())
                if got[-1].kind == "D" and row(got[-1].body) == [marker.encode()]:
                    wire.until_ready()
                    check(got)
                    return True
        except TimeoutError:
            answered = "".join(m.kind for m in got)
            errors = [fields(m.body) for m in got if m.kind == "E"]
            raise AssertionError(f"no answer after {answered} {errors[-1:]} to {messages}") from None
        except (EOFError, ConnectionResetError, BrokenPipeError):
            check(got)
            fatal = any(m.kind == "E" and fields(m.body)["S"] == "FATAL" for m in got)
            assert fatal or may_close, f"closed without a word: {messages}"
            return False
    finally:
        wire.close()

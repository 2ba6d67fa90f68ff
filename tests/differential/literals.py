"""Values of every type, spelled in every way that a statement may hold them, good and bad, and as parameters.

A spelling is a function of (rng, number) that answers SQL text; `number` is a small integer that the value is made
from, so that keys can meet on purpose. A parameter is (oid, format, bytes).
"""

import datetime as dt
import decimal
import struct
import uuid

BOOL, BYTEA, INT8, INT2, INT4, TEXT, JSON, FLOAT8, VARCHAR, DATE, TIMESTAMP, TIMESTAMPTZ, NUMERIC, UUID = (
    16, 17, 20, 21, 23, 25, 114, 701, 1043, 1082, 1114, 1184, 1700, 2950
)  # fmt: skip
MOODS = ("sad", "ok", "happy")


def day(n):
    return f"2024-{n % 12 + 1:02}-{n % 28 + 1:02}"


def clock(n):
    return f"{n % 24:02}:{n % 60:02}:00"


def identifier(n):
    return str(uuid.UUID(int=n * 7919 + 1))


def integers(low, high):
    good = [
        lambda r, n: str(n), lambda r, n: str(n), lambda r, n: str(n), lambda r, n: str(-n), lambda r, n: f"- {n}",
        lambda r, n: f"+{n}", lambda r, n: f"00{n}", lambda r, n: f"0x{n:X}", lambda r, n: f"{n}_0", lambda r, n: f"{n}.0",
        lambda r, n: f"{n}.5", lambda r, n: f"{n}e0", lambda r, n: f"'{n}'", lambda r, n: f"' {n} '", lambda r, n: f"{n}::int",
        lambda r, n: f"'{n}'::bigint", lambda r, n: f"CAST({n} AS SMALLINT)", lambda r, n: f"({n})", lambda r, n: f"{n}+1",
        lambda r, n: "TRUE", lambda r, n: f"{n} / 2", lambda r, n: f"(SELECT {n})", lambda r, n: f"abs(-{n})", lambda r, n: f"{n}.1e1",
        lambda r, n: f"/* {n} */ {n}", lambda r, n: f"{n}::DECIMAL(9,1)", lambda r, n: f"'{n}.4'", lambda r, n: f"$${n}$$",
    ]  # fmt: skip
    bad = [
        lambda r, n: "'x'", lambda r, n: str(high + 1 + n), lambda r, n: f"'{low - 1 - n}'", lambda r, n: "1e30", lambda r, n: "''",
        lambda r, n: f"'{n}x'", lambda r, n: "99999999999999999999999999999999999999999", lambda r, n: "DATE '2024-01-01'",
    ]  # fmt: skip
    return good, bad


INTEGERS = {"BIGINT": (-(2**63), 2**63 - 1), "INTEGER": (-(2**31), 2**31 - 1), "UTINYINT": (0, 255)}

TEXTS = [
    lambda r, n: f"'v{n}'", lambda r, n: f"'v{n}'", lambda r, n: f"'it''s {n}'", lambda r, n: f"E'a\\n{n}'", lambda r, n: f"$${n}'$$",
    lambda r, n: f"$t${n}$$t$t$", lambda r, n: f"{n}.10", lambda r, n: "1e3", lambda r, n: f"00{n}", lambda r, n: "0x1F", lambda r, n: "1_000",
    lambda r, n: "TRUE", lambda r, n: str(n), lambda r, n: f"-{n}", lambda r, n: "''", lambda r, n: f"'ünï🦆{n}'", lambda r, n: f"'a' || '{n}'",
    lambda r, n: f"upper('v{n}')", lambda r, n: f"DATE '{day(n)}'", lambda r, n: f"'v{n}'::varchar", lambda r, n: f"'{'long ' * 30}{n}'",
    lambda r, n: "12345678901234567890123", lambda r, n: "-0.0", lambda r, n: "[1, 2]", lambda r, n: f"'NULL{n}'", lambda r, n: f"'back\\slash{n}'",
    lambda r, n: f"'--{n}'", lambda r, n: f"'/*{n}'", lambda r, n: f"(SELECT 'sub{n}')", lambda r, n: f"'$1 {n}'", lambda r, n: f"' {n} '",
]  # fmt: skip

# type → (good spellings, bad spellings)
SPELLINGS = {
    **{name: integers(*bounds) for name, bounds in INTEGERS.items()},
    "VARCHAR": (TEXTS, []),
    "DOUBLE": (
        [lambda r, n: f"{n}.25", lambda r, n: f"{n}e10", lambda r, n: "-0.0", lambda r, n: "0.1", lambda r, n: str(n),
         lambda r, n: "'nan'", lambda r, n: "'inf'::double", lambda r, n: f"'{n}.5'", lambda r, n: "1e300", lambda r, n: f"{n}/4"],
        [lambda r, n: "'x'", lambda r, n: f"'1e{n}99999'", lambda r, n: "TIMESTAMP '2024-01-01'"],
    ),
    "DECIMAL(8,2)": (
        [lambda r, n: f"{n}.10", lambda r, n: f"{n}.105", lambda r, n: "-0.005", lambda r, n: "1e2", lambda r, n: f"{n}",
         lambda r, n: f"'{n}.345'", lambda r, n: "123456.78", lambda r, n: f"{n}.5::double", lambda r, n: "0.015", lambda r, n: f"'{n}'"],
        [lambda r, n: f"1234567{n}.891", lambda r, n: "'abc'", lambda r, n: "1e9", lambda r, n: "'1e9'", lambda r, n: "999999.999"],
    ),
    "BOOLEAN": (
        [lambda r, n: "TRUE", lambda r, n: "false", lambda r, n: "1", lambda r, n: "0", lambda r, n: "'yes'", lambda r, n: "'t'", lambda r, n: f"{n} > 3"],
        [lambda r, n: "'maybe'", lambda r, n: "'2'"],
    ),
    "DATE": (
        [lambda r, n: f"'{day(n)}'", lambda r, n: f"DATE '{day(n)}'", lambda r, n: f"'{day(n)}'::date", lambda r, n: f"TIMESTAMP '{day(n)} {clock(n)}'",
         lambda r, n: "'epoch'", lambda r, n: f"'{day(n)} {clock(n)}'", lambda r, n: "'infinity'"],
        [lambda r, n: "'2024-02-30'", lambda r, n: "'x'", lambda r, n: str(n), lambda r, n: "''"],
    ),
    "TIMESTAMP": (
        [lambda r, n: f"'{day(n)} {clock(n)}'", lambda r, n: f"TIMESTAMP '{day(n)} {clock(n)}.123456'", lambda r, n: f"DATE '{day(n)}'",
         lambda r, n: f"'{day(n)}T{clock(n)}'", lambda r, n: f"'{day(n)} {clock(n)}'::timestamp"],
        [lambda r, n: "'x'", lambda r, n: "'2024-13-01 00:00:00'", lambda r, n: str(n)],
    ),
    # Without an offset the session's TimeZone decides; 02:30 on the last day of March is skipped in some of them.
    "TIMESTAMPTZ": (
        [lambda r, n: f"'{day(n)} {clock(n)}'", lambda r, n: "'2024-03-31 02:30:00'", lambda r, n: f"'{day(n)} {clock(n)}+05'",
         lambda r, n: f"TIMESTAMP '{day(n)} {clock(n)}'", lambda r, n: f"TIMESTAMPTZ '{day(n)} {clock(n)} Europe/Berlin'", lambda r, n: f"DATE '{day(n)}'"],
        [lambda r, n: "'x'", lambda r, n: "'2024-13-01'"],
    ),
    "INTERVAL": (
        [lambda r, n: f"INTERVAL {n} DAYS", lambda r, n: f"INTERVAL '{n} hours'", lambda r, n: f"'{n} months'"],
        [lambda r, n: "'x'", lambda r, n: "TRUE"],
    ),
    "UUID": ([lambda r, n: f"'{identifier(n)}'", lambda r, n: f"'{identifier(n).upper()}'", lambda r, n: f"'{identifier(n)}'::uuid"],
             [lambda r, n: "'x'", lambda r, n: f"'{identifier(n)}0'"]),
    "mood": ([lambda r, n: f"'{MOODS[n % 3]}'", lambda r, n: f"'{MOODS[n % 3]}'::mood"], [lambda r, n: "'angry'", lambda r, n: "''", lambda r, n: str(n)]),
    "JSON": (
        [lambda r, n: f"'{{\"a\": {n}}}'", lambda r, n: f"'[{n},  2]'", lambda r, n: "'null'", lambda r, n: f"'{n}'", lambda r, n: "'\"text\"'", lambda r, n: f"{n}"],
        [lambda r, n: "'{a'", lambda r, n: "''"],
    ),
    "BIGINT[]": (
        [lambda r, n: f"[{n}, 2]", lambda r, n: "[]", lambda r, n: f"'[{n}, 2]'", lambda r, n: f"ARRAY[{n}]", lambda r, n: f"[{n}, NULL]", lambda r, n: f"list_value({n})"],
        [lambda r, n: "['x']", lambda r, n: "'[1, x]'", lambda r, n: str(n)],
    ),
    "STRUCT(a INTEGER, b VARCHAR)": (
        [lambda r, n: f"{{'a': {n}, 'b': 'x{n}'}}", lambda r, n: f"ROW({n}, 'x')", lambda r, n: f"struct_pack(a := {n}, b := 'p')"],
        [lambda r, n: "{'a': 'x', 'b': 'y'}", lambda r, n: str(n)],
    ),
    "BLOB": ([lambda r, n: f"'\\x{n % 256:02X}AB'::blob", lambda r, n: f"'abc{n}'::blob", lambda r, n: f"'abc{n}'"], [lambda r, n: "'\\xZZ'", lambda r, n: str(n)]),
}  # fmt: skip

# The same number spelled so that DuckDB finds the same key.
KEY_SPELLINGS = {
    "BIGINT": ["{n}", "{n}", "{n}", "'{n}'", "00{n}", "{n}.0", "{n}::bigint", "({n})", "+{n}", "{n}::int", "{n}e0"],
    "VARCHAR": ["'k{n}'", "'k{n}'", "'k{n}'", "'k{n}'::varchar", "E'k{n}'", "$$k{n}$$", "'k' || '{n}'"],
}
KEY_SPELLINGS["INTEGER"] = KEY_SPELLINGS["BIGINT"]


def key_literal(rng, sql_type, number, style=None):
    if sql_type in KEY_SPELLINGS:
        return (style or rng.choice(KEY_SPELLINGS[sql_type])).format(n=number)
    if sql_type == "DATE":
        return f"'{2000 + number}-01-01'"
    return f"'{identifier(number)}'"


def key_bytes(sql_type, number):
    """The text that a client sends for the key."""
    return {"VARCHAR": f"k{number}", "DATE": f"{2000 + number}-01-01", "UUID": identifier(number)}.get(sql_type, str(number)).encode()


OIDS = {
    "BIGINT": (0, INT8, INT4, TEXT), "INTEGER": (0, INT4, INT8, INT2), "UTINYINT": (0, INT2), "VARCHAR": (0, TEXT, VARCHAR, INT4),
    "DOUBLE": (0, FLOAT8, NUMERIC), "DECIMAL(8,2)": (0, NUMERIC, FLOAT8), "BOOLEAN": (0, BOOL), "DATE": (0, DATE, TEXT), "TIMESTAMP": (0, TIMESTAMP),
    "TIMESTAMPTZ": (0, TIMESTAMPTZ, TEXT), "UUID": (0, UUID, TEXT), "mood": (0, TEXT), "JSON": (0, JSON, TEXT), "BLOB": (0, BYTEA),
    "BIGINT[]": (0,), "STRUCT(a INTEGER, b VARCHAR)": (0,), "INTERVAL": (0,),
}  # fmt: skip


def text_of(sql_type, n):
    return {
        "VARCHAR": f"p{n}", "DOUBLE": f"{n}.25", "DECIMAL(8,2)": f"{n}.10", "BOOLEAN": "tf"[n % 2], "DATE": day(n), "BLOB": f"\\x{n % 256:02x}ab",
        "TIMESTAMP": f"{day(n)} {clock(n)}", "TIMESTAMPTZ": f"{day(n)} {clock(n)}", "UUID": identifier(n), "mood": MOODS[n % 3], "JSON": f'{{"p": {n}}}',
        "BIGINT[]": f"{{{n},NULL}}", "STRUCT(a INTEGER, b VARCHAR)": f'{{"a": {n}, "b": "p"}}', "INTERVAL": f"{n} days",
    }.get(sql_type, str(n))  # fmt: skip


BINARY = {INT2: "!h", INT4: "!i", INT8: "!q", FLOAT8: "!d"}


def parameter(rng, sql_type, oid, n, bad):
    """(format, bytes) of a value for a parameter that was declared with this oid."""
    if bad:
        return 0, rng.choice([b"x", b"", b"99999999999999999999999", b"2024-02-30", b"1e400", str(n).encode()])
    if oid in BINARY and rng.random() < 0.5 and (oid != INT2 or n < 30000):
        return 1, struct.pack(BINARY[oid], n)
    if oid in (TEXT, VARCHAR, JSON) and rng.random() < 0.5:
        return 1, text_of(sql_type, n).encode()
    if oid == UUID and rng.random() < 0.5:
        return 1, uuid.UUID(identifier(n)).bytes
    if oid in BINARY:
        return 0, (f"{n}.5" if oid == FLOAT8 else str(n)).encode()
    return 0, text_of(sql_type, n).encode()


def python_value(sql_type, n):
    made = {
        "DOUBLE": n + 0.25, "DECIMAL(8,2)": decimal.Decimal(n) / 4, "BOOLEAN": n % 2 == 0, "DATE": dt.date(2024, n % 12 + 1, n % 28 + 1),
        "TIMESTAMP": dt.datetime(2024, n % 12 + 1, n % 28 + 1, n % 24), "UUID": uuid.UUID(identifier(n)), "BLOB": bytes([n % 256, 0, 1]),
        "TIMESTAMPTZ": dt.datetime(2024, n % 12 + 1, n % 28 + 1, n % 24, tzinfo=dt.timezone(dt.timedelta(hours=n % 9))),
        "BIGINT[]": [n, 2], "INTERVAL": dt.timedelta(days=n, seconds=n), "BIGINT": n, "INTEGER": n, "UTINYINT": n,
    }  # fmt: skip
    return made.get(sql_type, text_of(sql_type, n))


def python_key(sql_type, n):
    return {"VARCHAR": f"k{n}", "UUID": uuid.UUID(identifier(n))}.get(sql_type, n)

"""The same COPY data to Merganser and to a real PostgreSQL: the same rows, which go out the same, or the same error at the
same place."""

import random

import psycopg
import pytest
from harness.paths import PG_BIN, Place
from harness.reference import ReferenceServer
from harness.server import Server

# Pieces that the formats give a meaning, more often than they come by chance.
TEXT = ["\\", "\t", "\n", "\r", "\r\n", "N", ".", "\\.", "\\N", "a", "b", "\\x4", "\\101", "\\t", "é", ";", "1", " ", "\\\n", "\\\\"]
CSV = ['"', '""', ",", "\n", "\r", "\r\n", "\\", "\\.", "a", "b", "'", "é", ";", "1", " ", "\\.\n", '","', "\\N"]
TEXT_OPTIONS = ["", "(DELIMITER ';')", "(NULL 'a')", "(HEADER)", "(NULL '')"]
CSV_OPTIONS = [
    "(FORMAT csv)", "(FORMAT csv, HEADER)", "(FORMAT csv, QUOTE '''')", "(FORMAT csv, ESCAPE '\\')", "(FORMAT csv, DELIMITER ';')",
    "(FORMAT csv, NULL 'a')", "(FORMAT csv, FORCE_NULL (b))", "(FORMAT csv, FORCE_NOT_NULL (b))", "(FORMAT csv, ESCAPE 'b')",
]  # fmt: skip
VALUES = {
    "integer": ["0", "-1", "+7", " 12 ", "2147483648", "1e3", "0x10", "", "1 2", "007", "-2147483648"],
    "bigint": ["9223372036854775807", "9223372036854775808", "-9223372036854775808", "12a"],
    "double precision": ["1e400", "-1e-400", "NaN", "Infinity", "-inf", ".5", "5.", "1e5", "+1", "1_000", "- 1", "1e", " 2.5 "],
    "numeric(6,2)": ["1.005", "-1.005", "9999.994", "9999.995", "1e3", "NaN", "abc", ".5", "", "00012.3", "1e-5"],
    "boolean": ["t", "f", "true", "FALSE", "yes", "off", "1", "0", "2", " t ", ""],
    "date": ["2024-02-29", "2023-02-29", "0001-01-01", "2024-13-01", "20240101", "infinity", "0044-03-15 BC", "2024-1-2"],
    "timestamp": ["2024-01-01 00:00:00", "2024-01-01T23:59:59.9999999", "2024-01-01 24:00:00", "2024-01-01 25:00:00", "2024-01-01", "-infinity", "2024-01-01 12:34"],
    "time": ["00:00:00", "23:59:59.999999", "24:00:00", "24:00:01", "12:30", "7:05:09"],
    "uuid": ["6f2d5c1e-1f0b-4a57-9ac5-2e3a3bd1a0ff", "{6F2D5C1E1F0B4A579AC52E3A3BD1A0FF}", "6f2d5c1e"],
    "bytea": ["\\\\x00ff", "\\\\xzz", "abc", "\\\\x0"],
}  # fmt: skip


@pytest.fixture(scope="module")
def both():
    if not (PG_BIN / "initdb").exists():
        pytest.skip("PostgreSQL is not installed")
    places = [Place(), Place()]
    servers = []
    try:
        servers.append(Server(places[0]))
        servers.append(ReferenceServer(places[1]))
        connections = [server.connect(autocommit=True) for server in servers]
        for connection in connections:
            connection.execute("CREATE TABLE lines (a TEXT, b TEXT)")
            connection.execute("CREATE TABLE alone (b TEXT)")
        yield connections
        for connection in connections:
            connection.close()
        for server in servers:
            server.stop()
    finally:
        for place in places:
            place.remove()


def outcome(connection, table, statement, data, cut):
    try:
        with connection.cursor() as cursor:
            with cursor.copy(statement) as copy:
                for at in range(0, len(data), cut):
                    copy.write(data[at : at + cut])
    except psycopg.Error as error:
        return error.sqlstate, error.diag.message_primary, error.diag.context
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} TO STDOUT") as copy:
        rows = [bytes(row) for row in copy]
    connection.execute(f"DELETE FROM {table}")
    return rows


def compare(both, table, statement, data, cut=1 << 20):
    ours, theirs = (outcome(connection, table, statement, data, cut) for connection in both)
    assert ours == theirs, (statement, data)


@pytest.mark.parametrize("seed", range(6))
def test_random_lines(both, seed):
    chance = random.Random(seed)
    for _ in range(150):
        csv = chance.random() < 0.5
        pieces, options = (CSV, CSV_OPTIONS) if csv else (TEXT, TEXT_OPTIONS)
        table = chance.choice(["lines", "alone"])
        data = "".join(chance.choice(pieces) for _ in range(chance.randrange(14)))
        if chance.random() < 0.5:
            data = data.replace("\r", "")
        if table == "lines" and chance.random() < 0.7:  # lines that have two fields
            separator = "," if csv else "\t"
            data = "\n".join(line + separator + line for line in data.split("\n"))
        compare(both, table, f"COPY {table} FROM STDIN {chance.choice(options)}", data.encode(), chance.choice([1, 3, 1 << 20]))


@pytest.mark.parametrize("kind", VALUES)
def test_values(both, kind):
    ours, theirs = both
    for connection in both:
        connection.execute(f"DROP TABLE IF EXISTS typed; CREATE TABLE typed (v {kind})")
    for value in VALUES[kind]:
        data = value.encode() + b"\n"
        found = [outcome(connection, "typed", "COPY typed FROM STDIN", data, 99) for connection in (ours, theirs)]
        if kind.startswith("numeric") and value == "NaN":
            assert found[0][0] == "22003"  # a DECIMAL has none
            continue
        assert repr(found[0]) == repr(found[1]), value

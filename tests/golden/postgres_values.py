#!/usr/bin/env python3
"""Asks a real PostgreSQL how it reads and prints values, and writes the answers as a C++ table.

    tests/golden/postgres_values.py > src/pgwire/postgres_values_golden.inc

The table is checked in; this runs only when the list of values below changes. It needs PostgreSQL's server programs
(Debian: postgresql-15) and starts a cluster of its own on a Unix socket in a temporary folder.
"""
import json
import os
import pathlib
import pwd
import random
import shutil
import struct
import subprocess
import sys
import tempfile

BIN = os.environ.get("PG_BIN", "/usr/lib/postgresql/15/bin")

# type, send function, oid, literals
FLOATS = ["0", "-0", "0.1", "1e23", "1e15", "1e14", "123456789012345678", "1e-4", "1e-5", "9007199254740993", "NaN", " nan ",
          "inf", "-Infinity", "+infinity", ".5", "5.", " 1.5 ", "1e", "e5", "", "-", "+-1", "1.5x", "1 5", "1e400", "-1e400", "1e-400",
          "1.7976931348623157e308", "5e-324", "2.2250738585072014e-308", "1e38", "3.4028235e38", "1e39", "1e-45", "1e-46",
          "16777216", "33554432", "123456", "1234567", "0.3", "1e6", "4294967296", "1e22", "8.5", "18014398509481985"]
VALUES = [
    ("bool", "boolsend", 16, ["t", "true", "TRUE", "y", "yes", "on", "of", "off", "0", "1", "tr", "maybe", " f ", "o", "", "n", "10"]),
    ("int2", "int2send", 21, ["0", "-0", "32767", "32768", "-32768", "-32769", "+5", " 5 ", "5 5", "0x10", "1e3", "", "00012", "-", "1.0"]),
    ("int4", "int4send", 23, ["0", "2147483647", "2147483648", "-2147483648", "-2147483649", "abc", "\t7\n", "99999999999999999999"]),
    ("int8", "int8send", 20, ["0", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809"]),
    ("float4", "float4send", 700, FLOATS),
    ("float8", "float8send", 701, FLOATS),
    ("numeric", "numeric_send", 1700,
     ["0", "0.00", "-0.5", "1e10", "1.5e-5", "123456789012345678901234567890.12345678", "00012.50", ".5", "5.", "1e", " 1 ", "+1",
      "-", "", "1.2.3", "10000", "9999.9999", "0.0001", "-0.00001", "100000000", "12345678.9", "1e-20", "NaN", "x", "--1",
      "99999999999999999999999999999999999999", "0.00000000000000000000000000000000000001", "-0", "1e0", "12e-2", "-1.5e+3"]),
    ("date", "date_send", 1082,
     ["2000-01-01", "1999-12-31", "2024-02-29", "2024-02-30", "2023-02-29", "0001-01-01", "0001-01-01 BC", "0044-03-15 BC",
      "5874897-12-31", "4713-01-01 BC", "infinity", "-infinity", "epoch", "20240229", "2024-1-5", "2024-02-29 10:00:00",
      "1999-12-31T23:59:59Z", "2024-13-01", "2024-00-10", "0000-01-01", " 2024-01-01 ", "12024-01-01", "2024-01-01 AD"]),
    ("time", "time_send", 1083,
     ["00:00", "24:00:00", "23:59:59.999999", "23:59:60", "12:34:56.7890", "24:00:01", "25:00:00", "12:60:00", "1:02:03",
      "12:34:56.1234567", "23:59:59.9999999", " 10:00 "]),
    ("timetz", "timetz_send", 1266,
     ["12:00:00+05:30", "12:00:00-08", "12:00:00.5Z", "00:00:00+15:59:59", "23:59:59.999999-15:59:59", "10:00+0530", "24:00:00+00"]),
    ("timestamp", "timestamp_send", 1114,
     ["2000-01-01 00:00:00", "1999-12-31 23:59:59.999999", "2024-01-01 10:00:00.1234567", "2024-01-01T10:00", "2024-01-01",
      "294246-12-31 23:59:59.999999", "4713-01-01 00:00:00 BC", "0001-01-01 00:00:00", "0001-12-31 23:59:59.5 BC", "infinity",
      "-infinity", "epoch", "2024-06-30 23:59:60", "2024-12-31 24:00:00", "2024-01-01 10:00:00+05:30", "2024-01-01 24:00:01",
      "2024-02-30 00:00:00", "12024-01-01 00:00:00", "1000-01-01 00:00:00.000001", "1969-12-31 23:59:59.999999",
      "20240101 10:00:00", "2024-01-01 10:00:00.000Z"]),
    ("interval", "interval_send", 1186,
     ["1 year 2 mons 3 days 04:05:06.789", "-1 year -2 mons -3 days -04:05:06.789", "1 year -2 mons +3 days -04:05:06.7", "0",
      "00:00:00", "-1 mons", "1 mon -1 days", "-1 days +02:03:00", "1 day 2 hours ago", "@ 1 year 1 day", "P1Y2M3DT4H5M6.5S", "PT0.5S",
      "P1W", "P-1Y-2M3DT-4H", "1.5 hours", "90 minutes", "36 hours", "1000:00:00", "-00:00:00.000001", "3d 7s 12us", "1 week 2 days",
      "1 decade", "04:05", "1.5 days", "13 months", "-13 months", "1 ms", "1500 ms", "100000000:00:00", "2147483647 days",
      "-2147483648 days", "9999999999 years", "2147483648 days", "1 day 25:61:00", "1.000001 s", "0.0000004 s", "1 month 1 second"]),
    ("uuid", "uuid_send", 2950,
     ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}", "a0eebc999c0b4ef8bb6d6bb9bd380a11",
      "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
      "x", "", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1", " a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
      "a0eebc99--9c0b-4ef8-bb6d-6bb9bd380a11"]),
    ("bytea", "byteasend", 17,
     ["\\x", "\\x00ff", "\\xDEADbeef", "\\x0 0", "\\x00 ff", "abc", "a\\\\b", "a\\001\\377", "\\x0", "\\xzz", "a\\b", "a\\400", "", "zwölf"]),
    ("text", "textsend", 25, ["", "plain", "zwölf 🦆", " spaces ", "quote ' \" \\ back"]),
]
ZONES = {
    "UTC": ["2000-01-01 00:00:00", "2024-06-01 12:00:00+02", "2024-06-01T12:00:00.000Z", "infinity", "2024-06-01 12:00:00 Asia/Tokyo",
            "0044-03-15 10:00:00 BC", "2024-06-01 12:00:00-0330", "2024-06-01 12:00:00+15:59:59", "2024-06-01 12:00:00 UTC"],
    "Europe/Berlin": ["2024-01-01 12:00:00", "2024-07-01 12:00:00", "2024-03-31 02:30:00", "2024-10-27 02:30:00", "2024-10-27 01:59:59",
                      "2024-10-27 00:30:00Z", "2024-10-27 01:30:00Z", "1800-01-01 00:00:00", "1945-05-24 12:00:00", "1980-04-06 12:00:00",
                      "2037-10-25 12:00:00", "2038-07-01 12:00:00", "2500-07-01 12:00:00", "12024-07-01 12:00:00", "0001-01-01 00:00:00",
                      "0044-03-15 10:00:00 BC", "1893-03-31 23:59:59", "1893-04-01 00:03:00"],
    "America/New_York": ["2024-01-01 12:00:00", "2024-07-01 12:00:00", "2024-03-10 02:30:00", "2024-11-03 01:30:00", "1883-11-18 12:00:00",
                         "2150-07-01 00:00:00.5"],
    "Asia/Kathmandu": ["2024-01-01 12:00:00", "1985-12-31 23:59:59", "1986-01-01 00:20:00"],
    "Australia/Lord_Howe": ["2024-01-01 12:00:00", "2024-07-01 12:00:00", "2090-01-01 12:00:00", "2024-10-06 02:15:00"],
    "Africa/Casablanca": ["2024-03-20 12:00:00", "2024-07-01 12:00:00", "2087-07-01 12:00:00"],
}

PROBE = """
CREATE FUNCTION probe(t text, send text, lit text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE txt text; hex text; state text; msg text;
BEGIN
  EXECUTE format('SELECT concat(%L::%s), encode(%s(%L::%s), ''hex'')', lit, t, send, lit, t) INTO txt, hex;
  RETURN jsonb_build_object('text', txt, 'hex', hex);
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, msg = MESSAGE_TEXT;
  RETURN jsonb_build_object('state', state, 'msg', msg);
END $$;
"""


class Cluster:
    """PostgreSQL in a temporary folder; refuses to run as root, so root lends it the user postgres."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="mrg-golden-")
        self.user = pwd.getpwnam("postgres") if os.getuid() == 0 else None
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)

    def run(self, *command, text=None):
        switch = {"user": self.user.pw_uid, "group": self.user.pw_gid} if self.user else {}
        done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=self.folder, **switch)
        if done.returncode != 0:
            raise SystemExit(f"{command[0]}: {done.stderr}")
        return done.stdout

    def __enter__(self):
        self.run(f"{BIN}/initdb", "-D", f"{self.folder}/data", "-A", "trust", "-N", "-U", "golden", "-E", "UTF8", "--locale=C.UTF-8")
        options = f"-c listen_addresses='' -k {self.folder} -c fsync=off"
        # pg_ctl's server keeps its output open: into the log, not into a pipe of ours.
        self.run(f"{BIN}/pg_ctl", "-D", f"{self.folder}/data", "-l", f"{self.folder}/log", "-o", options, "-w", "start")
        return self

    def sql(self, text):
        return self.run(f"{BIN}/psql", "-h", self.folder, "-U", "golden", "-d", "postgres", "-AtqX", "-v", "ON_ERROR_STOP=1",
                        "-f", "-", text=text)

    def __exit__(self, *_):
        self.run(f"{BIN}/pg_ctl", "-D", f"{self.folder}/data", "-m", "immediate", "stop")
        shutil.rmtree(self.folder)


def c_string(text):
    if text is None:
        return "nullptr"
    out = []
    for byte in text.encode():
        char = chr(byte)
        out.append("\\" + char if char in '"\\' else char if 32 <= byte < 127 else f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


def quoted(text):
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def random_floats():
    # The same numbers each time: the table changes only when the list does.
    source = random.Random(20000101)
    doubles = [struct.unpack(">d", source.randbytes(8))[0] for _ in range(150)]
    return [repr(number) for number in doubles if number == number]


def main():
    cases = [("UTC", *group) for group in VALUES]
    cases += [("UTC", "float8", "float8send", 701, random_floats())]
    cases += [(zone, "timestamptz", "timestamptz_send", 1184, texts) for zone, texts in ZONES.items()]
    with Cluster() as cluster:
        cluster.sql(PROBE)
        version = cluster.sql("SHOW server_version;").split()[0]
        rows = []
        for zone, kind, send, oid, texts in cases:
            asked = "".join(f"SELECT probe('{kind}', '{send}', {quoted(text)});\n" for text in texts)
            answers = cluster.sql(f"SET TimeZone = '{zone}';\n{asked}").splitlines()
            assert len(answers) == len(texts)
            rows += [(zone, oid, text, json.loads(answer)) for text, answer in zip(texts, answers)]
    print(f"// Answers of PostgreSQL {version}, written by tests/{pathlib.Path(__file__).parent.name}/{pathlib.Path(__file__).name}.")
    print("// zone, oid, literal, text, binary in hexadecimal, SQLSTATE, message")
    for zone, oid, text, answer in rows:
        fields = [c_string(zone), str(oid), c_string(text)] + [c_string(answer.get(k)) for k in ("text", "hex", "state", "msg")]
        print("{" + ", ".join(fields) + "},")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""COPY … FROM STDIN: what it stores, what it refuses and with which words, and that nothing is left of what failed."""

import io
import os
import threading
import time

import psycopg
import pytest
from harness.process import wait_until
from harness.server import Server


@pytest.fixture
def rows(server):
    with server.connect(autocommit=True) as connection:
        connection.execute("CREATE OR REPLACE TABLE t (a INTEGER, b TEXT, c DOUBLE, d TIMESTAMP)")
        yield connection


def copy_in(connection, statement, data):
    with connection.cursor() as cursor:
        with cursor.copy(statement) as copy:
            if data:
                copy.write(data)
        return cursor.rowcount


def all_rows(connection):
    return connection.execute("SELECT * FROM t ORDER BY a").fetchall()


def failure(connection, statement, data):
    with pytest.raises(psycopg.Error) as caught:
        copy_in(connection, statement, data)
    return caught.value


def test_text(rows):
    assert copy_in(rows, "COPY t FROM STDIN", b"1\tx\\ty\\\\\\x41\\102\t1.5\t2024-01-01 00:00:00.25\n2\t\\N\t\\N\t\\N") == 2
    assert [tuple(map(str, row)) for row in all_rows(rows)] == [
        ("1", "x\ty\\AB", "1.5", "2024-01-01 00:00:00.250000"),
        ("2", "None", "None", "None"),
    ]


def test_csv(rows):
    data = b'b;a\r\n"q""u;o\r\nt";1\r\n;2\r\n"";3\r\nnone;4\r\n'
    count = copy_in(rows, "COPY t (b, a) FROM STDIN (FORMAT csv, HEADER, DELIMITER ';', NULL 'none')", data)
    assert count == 4
    assert [row[:2] for row in all_rows(rows)] == [(1, 'q"u;o\r\nt'), (2, ""), (3, ""), (4, None)]


def test_forced_nulls(rows):
    copy_in(rows, "COPY t (a, b) FROM STDIN (FORMAT csv, FORCE_NOT_NULL (b))", b"1,\n")
    copy_in(rows, "COPY t (a, b) FROM STDIN (FORMAT csv, FORCE_NULL (b))", b'2,""\n')
    copy_in(rows, "COPY t (a, b) FROM STDIN WITH CSV NULL 'x' FORCE NOT NULL b", b"3,x\n")
    assert [row[1] for row in all_rows(rows)] == ["", None, "x"]


def test_a_header_that_has_to_match(rows):
    copy_in(rows, "COPY t (a, b) FROM STDIN (HEADER MATCH)", b"a\tb\n1\tx\n")
    error = failure(rows, "COPY t (a, b) FROM STDIN (HEADER MATCH)", b"a\tc\n1\tx\n")
    assert error.sqlstate == "22P04"
    assert error.diag.message_primary == 'column name mismatch in header line field 2: got "c", expected "b"'
    assert len(all_rows(rows)) == 1


def test_binary_there_and_back(rows):
    rows.execute(
        "CREATE OR REPLACE TABLE source AS SELECT i::INTEGER AS a, repeat('ab', i::INT) AS b, i / 3.0 AS c, "
        "TIMESTAMP '2001-01-01' + to_seconds(i) AS d FROM range(5000) r(i)"
    )
    with rows.cursor() as cursor, cursor.copy("COPY source TO STDOUT (FORMAT binary)") as copy:
        data = b"".join(bytes(part) for part in copy)
    assert copy_in(rows, "COPY t FROM STDIN BINARY", data) == 5000
    assert rows.execute("(SELECT * FROM t EXCEPT SELECT * FROM source) UNION ALL SELECT * FROM source EXCEPT SELECT * FROM t").fetchall() == []


def test_every_type_by_text_and_binary(server):
    types = {
        "boolean": "true", "tinyint": "-7", "smallint": "300", "integer": "-70000", "bigint": "9007199254740993",
        "utinyint": "200", "usmallint": "60000", "uinteger": "4000000000", "ubigint": "18446744073709551615",
        "hugeint": "-170141183460469231731687303715884105727", "float": "1.5", "double": "1e-300",
        "decimal(4,1)": "99.9", "decimal(9,4)": "-12345.6789", "decimal(18,2)": "1234567890123.45",
        "decimal(38,10)": "1234567890123456789012345678.0123456789", "varchar": "'ünï\\N\t'", "blob": "'\\x00\\xff'",
        "date": "'0044-03-15'", "time": "'23:59:59.999999'", "timestamp": "'1999-12-31 23:59:59.5'",
        "timestamptz": "'2024-03-31 01:30:00+02'", "interval": "'1 year 2 days 03:04:05'",
        "uuid": "'6f2d5c1e-1f0b-4a57-9ac5-2e3a3bd1a0ff'", "json": "'{\"a\": [1, null]}'", "bit": "'10101'",
        "timestamp_s": "'2020-02-02 02:02:02'", "timestamp_ms": "'2020-02-02 02:02:02.123'",
        "timestamp_ns": "'2020-02-02 02:02:02.123456789'", "timetz": "'10:00:00+01'", "integer[]": "[1, NULL, 3]",
        "varchar[]": "['a', 'b,c', NULL, '\"q\"']", "struct(x integer, y varchar)": "{'x': 1, 'y': 'z'}",
        "map(varchar, integer)": "map {'k': 1}", "mood": "'glad'",
    }  # fmt: skip
    with server.connect(autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS every; DROP TABLE IF EXISTS copied; DROP TYPE IF EXISTS mood")
        connection.execute("CREATE TYPE mood AS ENUM ('sad', 'glad')")
        columns = ", ".join(f"c{i} {name}" for i, name in enumerate(types))
        connection.execute(f"CREATE TABLE every (n INTEGER, {columns})")
        connection.execute(f"CREATE TABLE copied (n INTEGER, {columns})")
        values = ", ".join(f"CAST({value} AS {name})" for name, value in types.items())
        connection.execute(f"INSERT INTO every SELECT 1, {values}")
        connection.execute("INSERT INTO every (n) VALUES (2)")
        for form in ("text", "csv", "binary"):
            connection.execute("DELETE FROM copied")
            with connection.cursor() as cursor, cursor.copy(f"COPY every TO STDOUT (FORMAT {form})") as copy:
                data = b"".join(bytes(part) for part in copy)
            assert copy_in(connection, f"COPY copied FROM STDIN (FORMAT {form})", data) == 2
            for i, name in enumerate(types):
                different = connection.execute(
                    f"SELECT e.c{i}::VARCHAR, c.c{i}::VARCHAR FROM every e JOIN copied c USING (n) "
                    f"WHERE e.c{i}::VARCHAR IS DISTINCT FROM c.c{i}::VARCHAR"
                ).fetchall()
                assert different == [], (form, name)


def test_defaults_and_generated_columns(server):
    with server.connect(autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS made; CREATE OR REPLACE SEQUENCE numbers START 10")
        connection.execute(
            "CREATE TABLE made (id INTEGER DEFAULT nextval('numbers'), a INTEGER, "
            "twice INTEGER GENERATED ALWAYS AS (a * 2), made_at TIMESTAMPTZ DEFAULT now(), note TEXT DEFAULT 'none')"
        )
        copy_in(connection, "COPY made (a) FROM STDIN", b"1\n2\n")
        found = connection.execute("SELECT id, a, twice, note, made_at IS NOT NULL FROM made ORDER BY a").fetchall()
        assert found == [(10, 1, 2, "none", True), (11, 2, 4, "none", True)]
        copy_in(connection, "COPY made FROM STDIN CSV", b"7,3,2024-01-01 00:00:00+00,x\n")
        assert connection.execute("SELECT twice FROM made WHERE id = 7").fetchone() == (6,)
        error = failure(connection, "COPY made (twice) FROM STDIN", b"1\n")
        assert error.sqlstate == "42P10"


def test_names_with_schemas_and_quotes(server, rows):
    rows.execute('CREATE SCHEMA IF NOT EXISTS "Odd one"')
    rows.execute('CREATE OR REPLACE TABLE "Odd one"."my ""table""" ("a b" INTEGER, "select" TEXT)')
    assert copy_in(rows, 'COPY "Odd one"."my ""table""" ("select", "a b") FROM STDIN', b"x\t1\n") == 1
    assert copy_in(rows, 'COPY "Odd one"."my ""table""" FROM STDIN', b"2\ty\n") == 1
    assert rows.execute('SELECT * FROM "Odd one"."my ""table"""').fetchall() == [(1, "x"), (2, "y")]
    assert copy_in(rows, "COPY public.t (A) FROM STDIN", b"1\n") == 1
    assert copy_in(rows, "COPY main.T (a) FROM STDIN", b"2\n") == 1
    rows.execute("CREATE TEMP TABLE mine (a INTEGER)")
    assert copy_in(rows, "COPY mine FROM STDIN", b"1\n2\n") == 2
    assert rows.execute("SELECT sum(a) FROM mine").fetchone() == (3,)
    before = server.status()["sessions"]["copied_in_rows"]
    assert before >= 6


def test_what_is_no_table(rows):
    rows.execute("CREATE OR REPLACE VIEW seen AS SELECT 1 AS a")
    assert failure(rows, "COPY seen FROM STDIN", b"1\n").sqlstate == "42809"
    assert rows.execute("SELECT 1").fetchone() == (1,)


def test_reads_after_it_see_it(server, rows):
    for n in range(1, 4):
        assert rows.execute("SELECT count(*) FROM t").fetchone() == (n - 1,)
        copy_in(rows, "COPY t (a) FROM STDIN", b"%d\n" % n)
        for _ in range(3):
            assert rows.execute("SELECT count(*) FROM t").fetchone() == (n,)
            with rows.cursor() as cursor, cursor.copy("COPY (SELECT count(*) FROM t) TO STDOUT") as copy:
                assert b"".join(map(bytes, copy)) == b"%d\n" % n


def test_a_condition(rows):
    assert copy_in(rows, "COPY t (a, b) FROM STDIN WHERE a % 2 = 0 AND b <> 'x'", b"1\tq\n2\tq\n4\tx\n6\ty\n") == 2
    assert [row[0] for row in all_rows(rows)] == [2, 6]


WRONG = [
    ("COPY t FROM STDIN", b"1\tx\n", "22P04", 'missing data for column "c"', 'COPY t, line 1: "1\tx"'),
    ("COPY t (a) FROM STDIN", b"1\n2\tx\n", "22P04", "extra data after last expected column", 'COPY t, line 2: "2\tx"'),
    ("COPY t (a) FROM STDIN", b"1\n2x\n", "22P02", 'invalid input syntax for type integer: "2x"', 'COPY t, line 2, column a: "2x"'),
    ("COPY t (a) FROM STDIN", b"99999999999\n", "22003", 'value "99999999999" is out of range for type integer', 'COPY t, line 1, column a: "99999999999"'),
    ("COPY t (d) FROM STDIN", b"yesterday noon\n", "22007", 'invalid input syntax for type timestamp: "yesterday noon"', 'COPY t, line 1, column d: "yesterday noon"'),
    ("COPY t (a) FROM STDIN CSV", b'1\n"2\n3\n', "22P04", "unterminated CSV quoted field", 'COPY t, line 4: ""2\n3\n"'),
    ("COPY t (a) FROM STDIN", b"1\r\n2\n", "22P04", "literal newline found in data", "COPY t, line 2"),
    ("COPY t (a) FROM STDIN", b"1\n2\r3\n", "22P04", "literal carriage return found in data", None),
    ("COPY t (a) FROM STDIN", b"1\n\\.x\n", "22P04", "end-of-copy marker corrupt", None),
    ("COPY t (b) FROM STDIN", b"good\nb\xffd\n", "22021", 'invalid byte sequence for encoding "UTF8": 0xff', "COPY t, line 2"),
    ("COPY t (b) FROM STDIN", b"a\0b\n", "22021", 'invalid byte sequence for encoding "UTF8": 0x00', "COPY t, line 1"),
    ("COPY t (b) FROM STDIN", b"\\xff\n", "22021", 'invalid byte sequence for encoding "UTF8": 0xff', 'COPY t, line 1: "\\xff"'),
    ("COPY t FROM STDIN BINARY", b"nothing of the kind", "22P04", "COPY file signature not recognized", None),
    ("COPY t (a) FROM STDIN BINARY", b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\0\2", "22P04", "row field count is 2, expected 1", "COPY t, line 1"),
    ("COPY t (a) FROM STDIN BINARY", b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\0\1\0\0\0\3abc", "22P03", "incorrect binary data format", "COPY t, line 1, column a"),
    ("COPY t (a) FROM STDIN BINARY", b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\0\1\0\0\0\4abc", "22P04", "unexpected EOF in COPY data", "COPY t, line 1"),
    ("COPY t (nope) FROM STDIN", b"", "42703", 'column "nope" of relation "t" does not exist', None),
    ("COPY t (a, a) FROM STDIN", b"", "42701", 'column "a" specified more than once', None),
    ("COPY nope FROM STDIN", b"", "42P01", None, None),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "data", "state", "message", "context"), WRONG)
def test_what_is_wrong_is_named_and_nothing_is_kept(rows, statement, data, state, message, context):
    error = failure(rows, statement, data)
    assert error.sqlstate == state
    if message:
        assert error.diag.message_primary == message
    if context:
        assert error.diag.context == context
    assert all_rows(rows) == []


def test_what_duckdb_casts(server):
    with server.connect(autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS cast_; DROP TYPE IF EXISTS hue; CREATE TYPE hue AS ENUM ('red', 'blue')")
        connection.execute("CREATE TABLE cast_ (a INTEGER, h hue)")
        error = failure(connection, "COPY cast_ FROM STDIN", b"1\tred\n2\tgreen\n3\tblue\n")
        assert (error.sqlstate, error.diag.context) == ("22P02", "COPY cast_, line 2")
        assert "green" in error.diag.message_primary and "merganser" not in error.diag.message_primary
        assert connection.execute("SELECT count(*) FROM cast_").fetchone() == (0,)


def test_a_kill_in_the_middle(place):
    server = Server(place)
    with server.connect() as connection:
        connection.execute("CREATE TABLE t (a INTEGER)")
        copy_in(connection, "COPY t FROM STDIN", b"1\n2\n")
        with pytest.raises(psycopg.OperationalError), connection.cursor() as cursor:
            with cursor.copy("COPY t FROM STDIN") as copy:
                copy.write(b"7\n" * 8_000_000)
                server.kill()
                copy.write(b"7\n" * 8_000_000)
    server = Server(place)
    with server.connect() as connection:
        assert connection.execute("SELECT a FROM t ORDER BY a").fetchall() == [(1,), (2,)]
        copy_in(connection, "COPY t FROM STDIN", b"3\n")
    server.stop()


def test_constraints(server):
    with server.connect(autocommit=True) as connection:
        connection.execute("CREATE OR REPLACE TABLE kept (id INTEGER PRIMARY KEY, v INTEGER NOT NULL CHECK (v < 100))")
        connection.execute("INSERT INTO kept VALUES (1, 1)")
        error = failure(connection, "COPY kept FROM STDIN", b"2\t1\n3\t\\N\n")
        assert (error.sqlstate, error.diag.context) == ("23502", "COPY kept, line 2")
        assert failure(connection, "COPY kept FROM STDIN", b"2\t1\n1\t2\n").sqlstate == "23505"
        assert failure(connection, "COPY kept FROM STDIN", b"2\t1\n2\t2\n").sqlstate == "23505"
        assert failure(connection, "COPY kept FROM STDIN", b"2\t100\n").sqlstate == "23514"
        assert connection.execute("SELECT * FROM kept").fetchall() == [(1, 1)]


def test_in_a_transaction_that_is_rolled_back(rows):
    with rows.transaction(force_rollback=True):
        rows.execute("INSERT INTO t (a) VALUES (1)")
        assert copy_in(rows, "COPY t (a) FROM STDIN", b"2\n3\n") == 2
        assert len(all_rows(rows)) == 3
    assert all_rows(rows) == []


def test_a_failed_copy_fails_its_transaction(rows):
    with pytest.raises(psycopg.errors.InvalidTextRepresentation), rows.transaction():
        rows.execute("INSERT INTO t (a) VALUES (1)")
        with pytest.raises(psycopg.errors.InvalidTextRepresentation) as caught:
            copy_in(rows, "COPY t (a) FROM STDIN", b"x\n")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            rows.execute("SELECT 1")
        raise caught.value
    assert all_rows(rows) == []


def test_a_copy_that_the_client_gives_up(rows):
    with pytest.raises(KeyError), rows.cursor() as cursor, cursor.copy("COPY t (a) FROM STDIN") as copy:
        copy.write(b"1\n")
        raise KeyError("no more")
    pg = rows.pgconn
    pg.send_query(b"COPY t (a) FROM STDIN")
    assert pg.get_result().status == psycopg.pq.ExecStatus.COPY_IN
    pg.put_copy_data(b"1\n")
    pg.put_copy_end(b"I had enough")
    result = pg.get_result()
    assert result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"57014"
    assert b"COPY from stdin failed: I had enough" in result.error_message
    assert pg.get_result() is None
    assert all_rows(rows) == []


def test_a_client_that_vanishes(server, rows):
    other = server.connect()
    copy = other.cursor().copy("COPY t (a) FROM STDIN")
    copy.__enter__().write(b"1\n" * 8_000_000)  # more than waits in memory: its transaction has begun
    os.close(other.fileno())
    wait_until(lambda: server.status()["sessions"]["open"] == 1, "its session has ended")
    assert all_rows(rows) == []
    rows.execute("INSERT INTO t (a) VALUES (1)")


def test_cancel(server, rows):
    with server.connect() as other:
        with pytest.raises(psycopg.errors.QueryCanceled), other.cursor() as cursor:
            with cursor.copy("COPY t (a) FROM STDIN") as copy:
                copy.write(b"1\n")
                other.cancel_safe()
                for _ in range(20):  # the error comes while more is sent
                    copy.write(b"1\n" * 100_000)
        assert other.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_statement_timeout(server, rows):
    with server.connect() as other:
        other.execute("SET statement_timeout = '300ms'")
        with pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"), other.cursor() as cursor:
            with cursor.copy("COPY t (a) FROM STDIN") as copy:
                copy.write(b"1\n")
                time.sleep(1)


def test_a_slow_sender_holds_nobody_up(server, rows):
    """Also one that has sent more than waits in memory."""
    for first in (b"1\n", b"1\n" * 8_000_000):
        rows.execute("DELETE FROM t")
        with server.connect() as slow, slow.cursor() as cursor, cursor.copy("COPY t (a) FROM STDIN") as copy:
            copy.write(first)
            for i in range(20):
                rows.execute("INSERT INTO t (a) VALUES (%s)", (1000 + i,))
            assert rows.execute("SELECT count(*) FROM t").fetchone() == (20,)
            copy.write(b"2\n")
        assert rows.execute("SELECT count(*) FROM t").fetchone() == (21 + len(first) // 2,)


def test_an_idle_copy_in_a_transaction_gives_the_lane_back(server, rows):
    with server.connect(autocommit=False) as slow:
        slow.execute("INSERT INTO t (a) VALUES (1)")
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout), slow.cursor() as cursor:
            with cursor.copy("COPY t (a) FROM STDIN") as copy:
                copy.write(b"1\n")
                rows.execute("INSERT INTO t (a) VALUES (2)")  # comes when the lane has been taken from the copy
        slow.rollback()
    assert [row[0] for row in all_rows(rows)] == [2]


def test_many_at_once(server, rows):
    def one(number):
        with server.connect() as connection:
            for _ in range(5):
                copy_in(connection, "COPY t (a, b) FROM STDIN", b"".join(b"%d\tx%d\n" % (number, i) for i in range(3000)))

    threads = [threading.Thread(target=one, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = rows.execute("SELECT a, count(*) FROM t GROUP BY a ORDER BY a").fetchall()
    assert counts == [(i, 15000) for i in range(8)]


def test_a_string_with_copy_in_the_middle(server):
    """As libpq's simple protocol allows it; the whole is one implicit transaction."""
    with server.connect() as connection:
        connection.execute("CREATE OR REPLACE TABLE t (a INTEGER)")
        pg = connection.pgconn
        for data, kept in ((b"1\n2\n", 4), (b"1\nx\n", 0)):
            connection.execute("DELETE FROM t")
            pg.send_query(b"INSERT INTO t VALUES (7); COPY t FROM STDIN; INSERT INTO t VALUES (8)")
            states = []
            while (result := pg.get_result()) is not None:
                states.append(result.status)
                if result.status == psycopg.pq.ExecStatus.COPY_IN:
                    pg.put_copy_data(data)
                    pg.put_copy_end()
            assert connection.execute("SELECT count(*) FROM t").fetchone() == (kept,), states


def test_by_the_extended_protocol(server):
    with server.connect() as connection:
        connection.execute("CREATE OR REPLACE TABLE t (a INTEGER)")
        pg = connection.pgconn
        pg.send_query_params(b"COPY t FROM STDIN", [])
        result = pg.get_result()
        assert result.status == psycopg.pq.ExecStatus.COPY_IN
        pg.put_copy_data(b"1\n2\n")
        pg.put_copy_end()
        result = pg.get_result()
        assert (result.status, result.command_tuples) == (psycopg.pq.ExecStatus.COMMAND_OK, 2)
        assert pg.get_result() is None
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (2,)


def test_read_only(server, rows):
    with server.connect(autocommit=False) as connection:
        connection.read_only = True
        assert failure(connection, "COPY t (a) FROM STDIN", b"1\n").sqlstate == "25006"
    assert failure(rows, "COPY merganser.idempotency_keys FROM STDIN", b"").sqlstate == "42501"


def test_a_wide_row_and_a_long_value(server):
    long = "x" * 20_000_000
    with server.connect() as connection:
        connection.execute("CREATE OR REPLACE TABLE wide (a TEXT, b TEXT)")
        assert copy_in(connection, "COPY wide FROM STDIN", f"{long}\ty\n1\t2\n".encode()) == 2
        assert connection.execute("SELECT max(length(a)) FROM wide").fetchone() == (20_000_000,)
        columns = ", ".join(f"c{i} INTEGER" for i in range(1000))
        connection.execute(f"CREATE OR REPLACE TABLE wide ({columns})")
        line = "\t".join(map(str, range(1000))) + "\n"
        assert copy_in(connection, "COPY wide FROM STDIN", line.encode() * 5000) == 5000
        assert connection.execute("SELECT sum(c999) FROM wide").fetchone() == (999 * 5000,)


def test_memory_stays_bounded(server):
    rows = b"".join(b"%d\t%s\n" % (i, b"some text that is not short %d" % (i % 977)) for i in range(100_000))
    with server.connect() as connection:
        connection.execute("CREATE OR REPLACE TABLE big (a BIGINT, b TEXT)")
        before = server.peak_rss() if hasattr(server, "peak_rss") else 0
        with connection.cursor() as cursor:
            with cursor.copy("COPY big FROM STDIN") as copy:
                for _ in range(40):
                    copy.write(rows)
            assert cursor.rowcount == 4_000_000
        assert connection.execute("SELECT count(*), count(DISTINCT a) FROM big").fetchone() == (4_000_000, 100_000)
        connection.execute("DROP TABLE big")
        assert before >= 0


def test_io_objects(rows):
    source = io.BytesIO(b"1\tx\n2\ty\n")
    with rows.cursor() as cursor, cursor.copy("COPY t (a, b) FROM STDIN") as copy:
        while part := source.read(3):
            copy.write(part)
    assert [row[:2] for row in all_rows(rows)] == [(1, "x"), (2, "y")]


def test_rows_from_python(rows):
    with rows.cursor() as cursor, cursor.copy("COPY t (a, b, c) FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(["int4", "text", "float8"])
        for i in range(1000):
            copy.write_row((i, f"row {i}" if i % 3 else None, i / 7))
    found = rows.execute("SELECT count(*), count(b), sum(a) FROM t").fetchone()
    assert found == (1000, 666, 499500)

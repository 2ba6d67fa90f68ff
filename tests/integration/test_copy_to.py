"""COPY … TO STDOUT: text, CSV and binary, byte for byte as PostgreSQL writes them."""

import psycopg
import pytest


@pytest.fixture
def rows(server):
    with server.connect(autocommit=True) as connection:
        connection.execute("CREATE OR REPLACE TABLE t (a INTEGER, b TEXT, c DOUBLE, d TIMESTAMP)")
        connection.execute(
            "INSERT INTO t VALUES (1, 'x' || chr(9) || 'y\\z', 1.5, '2024-01-01 01:02:03'), (2, NULL, NULL, NULL), "
            "(3, 'q\"u,o' || chr(10) || 't', -3, '2024-02-03'), (4, '', 0, NULL), (5, '\\N', 0, NULL)"
        )
        yield connection


def copied(connection, statement):
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        data = b"".join(bytes(part) for part in copy)
        return data, cursor


def test_text(rows):
    data, _ = copied(rows, "COPY t TO STDOUT")
    assert data == (
        b"1\tx\\ty\\\\z\t1.5\t2024-01-01 01:02:03\n"
        b"2\t\\N\t\\N\t\\N\n"
        b'3\tq"u,o\\nt\t-3\t2024-02-03 00:00:00\n'
        b"4\t\t0\t\\N\n"
        b"5\t\\\\N\t0\t\\N\n"
    )


def test_csv(rows):
    data, _ = copied(rows, "COPY t (b, a) TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE (a))")
    assert data == b'b,a\nx\ty\\z,"1"\n,"2"\n"q""u,o\nt","3"\n"","4"\n\\N,"5"\n'


def test_the_old_syntax(rows):
    data, _ = copied(rows, "COPY t (a, b) TO STDOUT WITH DELIMITER ';' NULL AS 'none' CSV QUOTE '''' HEADER")
    assert data == b"a;b\n1;x\ty\\z\n2;none\n3;'q\"u,o\nt'\n4;\n5;\\N\n"


def test_binary(rows):
    data, _ = copied(rows, "COPY (SELECT a, b FROM t WHERE a < 3 ORDER BY a) TO STDOUT (FORMAT binary)")
    assert data == (
        b"PGCOPY\n\xff\r\n\x00" + bytes(8) + b"\x00\x02\x00\x00\x00\x04\x00\x00\x00\x01\x00\x00\x00\x05x\ty\\z"
        b"\x00\x02\x00\x00\x00\x04\x00\x00\x00\x02\xff\xff\xff\xff\xff\xff"
    )


def test_no_rows(rows):
    assert copied(rows, "COPY (SELECT 1 WHERE false) TO STDOUT")[0] == b""
    data, _ = copied(rows, "COPY (SELECT 1 WHERE false) TO STDOUT BINARY")
    assert data == b"PGCOPY\n\xff\r\n\x00" + bytes(8) + b"\xff\xff"


def test_one_message_a_row_and_the_count(rows):
    with rows.cursor() as cursor:
        with cursor.copy("COPY (SELECT * FROM range(5000)) TO STDOUT") as copy:
            assert [bytes(part) for part in copy] == [b"%d\n" % i for i in range(5000)]
        assert cursor.rowcount == 5000


def test_typed_rows(rows):
    with rows.cursor() as cursor, cursor.copy("COPY (SELECT a, b FROM t ORDER BY a) TO STDOUT (FORMAT binary)") as copy:
        copy.set_types(["int4", "text"])
        assert list(copy.rows())[:2] == [(1, "x\ty\\z"), (2, None)]


def test_a_change_with_returning(rows):
    data, cursor = copied(rows, "COPY (UPDATE t SET c = 9 WHERE a < 3 RETURNING a) TO STDOUT")
    assert sorted(data.splitlines()) == [b"1", b"2"]
    assert rows.execute("SELECT count(*) FROM t WHERE c = 9").fetchone() == (2,)


@pytest.mark.parametrize(
    ("statement", "state"),
    [
        ("COPY t TO '/tmp/x'", "42501"),
        ("COPY t TO PROGRAM 'cat'", "42501"),
        ("COPY t FROM '/etc/passwd'", "42501"),
        ("COPY FROM DATABASE a TO b", "42501"),
        ("COPY t TO STDOUT (FORMAT parquet)", "22023"),
        ("COPY t TO STDOUT (DELIMITER 'ab')", "0A000"),
        ("COPY t TO STDOUT (QUOTE '#')", "0A000"),
        ("COPY t TO STDOUT (FORMAT csv, FORMAT csv)", "42601"),
        ("COPY t TO STDOUT (FORMAT csv, DELIMITER '\"')", "22023"),
        ("COPY t TO STDOUT (FORMAT csv, FORCE_QUOTE (nope))", "42P10"),
        ("COPY t TO STDOUT (ENCODING 'LATIN1')", "0A000"),
        ("COPY t TO STDOUT (DEFAULT 'x')", "42601"),
        ("COPY (DELETE FROM t) TO STDOUT", "0A000"),
        ("COPY (SELECT nope FROM t) TO STDOUT", "42703"),
        ("COPY nope TO STDOUT", "42P01"),
        ("COPY (SELECT * FROM read_text('/etc/passwd')) TO STDOUT", "42501"),
    ],
)
def test_refused(rows, statement, state):
    with pytest.raises(psycopg.Error) as caught:
        copied(rows, statement)
    assert caught.value.sqlstate == state
    assert rows.execute("SELECT 1").fetchone() == (1,)


def test_an_error_in_the_middle(rows):
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        copied(rows, "COPY (SELECT CAST(CASE WHEN i = 90000 THEN 'x' ELSE '1' END AS INT) FROM range(100000) r(i)) TO STDOUT")
    assert rows.execute("SELECT 1").fetchone() == (1,)


def test_within_a_transaction_and_a_string(rows):
    with rows.transaction():
        rows.execute("DELETE FROM t WHERE a > 1")
        assert copied(rows, "COPY (SELECT a FROM t) TO STDOUT")[0] == b"1\n"
        raise psycopg.Rollback
    assert len(copied(rows, "COPY t TO STDOUT")[0].splitlines()) == 5

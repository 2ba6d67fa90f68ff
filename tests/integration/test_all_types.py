"""Every DuckDB type, through the wire in text and in binary: the rows of DuckDB's own test_all_types()."""

import json
import struct

import pytest

from harness.plain import plain_duckdb

pytestmark = pytest.mark.merganser_only

DUCKS = "🦆" * 6
INTS = [42, 999, None, None, -42]
STRUCT, NULL_STRUCT = {"a": 42, "b": DUCKS}, {"a": None, "b": None}

# column: (oid, the first row's text, the second row's text); the third row is NULL in every column.
SCALARS = {
    "bool": (16, "f", "t"),
    "tinyint": (21, "-128", "127"),
    "smallint": (21, "-32768", "32767"),
    "int": (23, "-2147483648", "2147483647"),
    "bigint": (20, "-9223372036854775808", "9223372036854775807"),
    "hugeint": (1700, str(-(2**127)), str(2**127 - 1)),
    "uhugeint": (1700, "0", str(2**128 - 1)),
    "utinyint": (21, "0", "255"),
    "usmallint": (23, "0", "65535"),
    "uint": (20, "0", "4294967295"),
    "ubigint": (1700, "0", "18446744073709551615"),
    "date": (1082, "5877642-06-25 BC", "5881580-07-10"),
    "time": (1083, "00:00:00", "24:00:00"),
    "timestamp": (1114, "290309-12-22 00:00:00 BC", "294247-01-10 04:00:54.775806"),
    "timestamp_s": (1114, "290309-12-22 00:00:00 BC", "294247-01-10 04:00:54"),
    "timestamp_ms": (1114, "290309-12-22 00:00:00 BC", "294247-01-10 04:00:54.775"),
    "timestamp_ns": (25, "1677-09-22 00:00:00", "2262-04-11 23:47:16.854775806"),
    "time_tz": (1266, "00:00:00+15:59:59", "24:00:00-15:59:59"),
    "timestamp_tz": (1184, "290309-12-22 00:00:00+00 BC", "294247-01-10 04:00:54.775806+00"),
    "float": (700, "-3.4028235e+38", "3.4028235e+38"),
    "double": (701, "-1.7976931348623157e+308", "1.7976931348623157e+308"),
    "dec_4_1": (1700, "-999.9", "999.9"),
    "dec_9_4": (1700, "-99999.9999", "99999.9999"),
    "dec_18_6": (1700, "-999999999999.999999", "999999999999.999999"),
    "dec38_10": (1700, "-9999999999999999999999999999.9999999999", "9999999999999999999999999999.9999999999"),
    "uuid": (2950, "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    "interval": (1186, "00:00:00", "83 years 3 mons 999 days 00:16:39.999999"),
    "varchar": (25, DUCKS, "goo\0se"),
    "blob": (17, "\\x" + b"thisisalongblob\0withnullbytes".hex(), "\\x00000061"),
    "bit": (1562, "0010001001011100010101011010111", "10101"),
    "small_enum": (25, "DUCK_DUCK_ENUM", "GOOSE"),
    "medium_enum": (25, "enum_0", "enum_299"),
    "large_enum": (25, "enum_0", "enum_69999"),
    "time_ns": (25, "00:00:00", "24:00:00"),
    "int_array": (1007, "{}", "{42,999,NULL,NULL,-42}"),
    "double_array": (1022, "{}", "{42,NaN,Infinity,-Infinity,NULL,-42}"),
    "date_array": (1182, "{}", "{1970-01-01,infinity,-infinity,NULL,2022-05-12}"),
    "timestamp_array": (1115, "{}", '{"1970-01-01 00:00:00",infinity,-infinity,NULL,"2022-05-12 16:23:45"}'),
    "timestamptz_array": (1185, "{}", '{"1970-01-01 00:00:00+00",infinity,-infinity,NULL,"2022-05-12 23:23:45+00"}'),
    "varchar_array": (1009, "{}", '{' + DUCKS + ',goose,NULL,""}'),
    "fixed_int_array": (1007, "{NULL,2,3}", "{4,5,6}"),
    "fixed_varchar_array": (1009, "{a,NULL,c}", "{d,e,f}"),
}  # fmt: skip

# column: the two values as JSON; their oid is json's.
NESTED = {
    "nested_int_array": ([], [[], INTS, None, [], INTS]),
    "struct": (NULL_STRUCT, STRUCT),
    "struct_of_arrays": (NULL_STRUCT, {"a": INTS, "b": [DUCKS, "goose", None, ""]}),
    "array_of_structs": ([], [NULL_STRUCT, STRUCT, None]),
    "map": ({}, {"key1": DUCKS, "key2": "goose"}),
    "fixed_nested_int_array": ([[None, 2, 3], None, [None, 2, 3]], [[4, 5, 6], [None, 2, 3], [4, 5, 6]]),
    "fixed_nested_varchar_array": (
        [["a", None, "c"], None, ["a", None, "c"]],
        [["d", "e", "f"], ["a", None, "c"], ["d", "e", "f"]],
    ),
    "fixed_struct_array": ([NULL_STRUCT, STRUCT, NULL_STRUCT], [STRUCT, NULL_STRUCT, STRUCT]),
    "struct_of_fixed_array": ({"a": [None, 2, 3], "b": ["a", None, "c"]}, {"a": [4, 5, 6], "b": ["d", "e", "f"]}),
    "fixed_array_of_int_list": ([[], INTS, []], [INTS, [], INTS]),
    "list_of_fixed_int_array": ([[None, 2, 3], [4, 5, 6], [None, 2, 3]], [[4, 5, 6], [None, 2, 3], [4, 5, 6]]),
    "union": ({"name": "Frank"}, {"age": 5}),
}

# Their text is DuckDB's own, too long to print here.
AS_DUCKDB = {"bignum": 1700, "geometry": 25}


def fetch(connection, column, binary=False):
    sql = f'select "{column}" from test_all_types()'.encode()
    result = connection.pgconn.exec_params(sql, None, result_format=1 if binary else 0)
    assert result.error_message == b"", result.error_message
    assert result.nfields == 1 and result.ntuples == 3
    assert result.fformat(0) == (1 if binary else 0)
    return result.ftype(0), [result.get_value(row, 0) for row in range(3)]


@pytest.fixture
def utc(connection):
    connection.execute("set timezone = 'UTC'")
    return connection


def test_the_tables_here_name_every_type(place):
    columns = {row[0] for row in plain_duckdb(place.file(), "describe from test_all_types()")}
    assert columns == set(SCALARS) | set(NESTED) | set(AS_DUCKDB)


@pytest.mark.parametrize("column", SCALARS)
def test_text(utc, column):
    oid, first, second = SCALARS[column]
    assert fetch(utc, column) == (oid, [first.encode(), second.encode(), None])


@pytest.mark.parametrize("column", NESTED)
def test_nested_types_are_json(utc, column):
    oid, (first, second, third) = fetch(utc, column)
    assert oid == 114
    assert (json.loads(first), json.loads(second), third) == (*NESTED[column], None)


@pytest.mark.parametrize("column", AS_DUCKDB)
def test_text_is_duckdb_s_own(utc, place, column):
    rows = plain_duckdb(place.file(), f'select "{column}"::varchar from test_all_types()')
    assert fetch(utc, column) == (AS_DUCKDB[column], [None if r[0] is None else r[0].encode() for r in rows])


def test_a_whole_row_at_once(utc):
    result = utc.pgconn.exec_(b"select * from test_all_types()")
    assert result.error_message == b""
    names = [result.fname(i).decode() for i in range(result.nfields)]
    for i, name in enumerate(names):
        if name in SCALARS:
            assert result.ftype(i) == SCALARS[name][0], name
            assert [result.get_value(r, i) for r in range(2)] == [v.encode() for v in SCALARS[name][1:]], name
        assert result.get_value(2, i) is None, name


# What psycopg makes of the binary form must be what it makes of the text form. Python has no dates so far away,
# and no 24 o'clock; psycopg knows no binary bits. These columns are looked at below.
BEYOND_PYTHON = {"date", "time", "timestamp", "timestamp_s", "timestamp_ms", "time_tz", "timestamp_tz", "interval",
                 "date_array", "timestamp_array", "timestamptz_array", "float", "bit"}  # fmt: skip


@pytest.mark.parametrize("column", [c for c in (*SCALARS, *NESTED, *AS_DUCKDB) if c not in BEYOND_PYTHON])
def test_binary_says_the_same_as_text(utc, column):
    sql = f'select "{column}" from test_all_types()'
    text = utc.execute(sql, binary=False).fetchall()
    binary = utc.execute(sql, binary=True).fetchall()
    assert repr(text) == repr(binary)


def int_of(value):
    return int.from_bytes(value, "big", signed=True)


def test_binary_of_bits_and_floats(utc):
    assert fetch(utc, "bit", binary=True)[1] == [bytes.fromhex("0000001f225c55ae"), bytes.fromhex("00000005a8"), None]
    assert fetch(utc, "float", binary=True)[1] == [
        struct.pack("!f", -3.4028235e38),
        struct.pack("!f", 3.4028235e38),
        None,
    ]


def test_binary_of_times(utc):
    assert [int_of(v) for v in fetch(utc, "time", binary=True)[1][:2]] == [0, 86_400_000_000]
    first, second, _ = fetch(utc, "time_tz", binary=True)[1]
    # PostgreSQL counts seconds west of Greenwich.
    assert (int_of(first[:8]), int_of(first[8:])) == (0, -57599)
    assert (int_of(second[:8]), int_of(second[8:])) == (86_400_000_000, 57599)
    first, second, _ = fetch(utc, "interval", binary=True)[1]
    assert first == bytes(16)
    assert (int_of(second[:8]), int_of(second[8:12]), int_of(second[12:])) == (999_999_999, 999, 999)


def test_binary_of_infinite_dates_and_timestamps(utc):
    row = utc.pgconn.exec_params(
        b"select 'infinity'::date, '-infinity'::date, 'infinity'::timestamp, '-infinity'::timestamptz,"
        b" date '2000-01-01', timestamp '1999-12-31 23:59:59', date '0001-01-01' - 1",
        None,
        result_format=1,
    )
    assert row.error_message == b"", row.error_message
    got = [int_of(row.get_value(0, i)) for i in range(7)]
    assert got == [2**31 - 1, -(2**31), 2**63 - 1, -(2**63), 0, -1_000_000, -730120]

"""Values at the edge: text as PostgreSQL prints it, where both have the type."""

import datetime as dt
import decimal
import math

import pytest

duck = pytest.mark.merganser_only

# SQL that both understand, and PostgreSQL's text.
TEXTS = [
    ("select 'NaN'::float8, 'Infinity'::float8, '-Infinity'::float8", ["NaN", "Infinity", "-Infinity"]),
    ("select 'NaN'::real, 'inf'::real", ["NaN", "Infinity"]),
    ("select 0::float8, '-0'::float8, 1e15::float8, 1e16::float8, 1e-4::float8, 1e-5::float8",
     ["0", "-0", "1e+15", "1e+16", "0.0001", "1e-05"]),
    ("select 0.1::float8 + 0.2::float8, 0.1::real, 123456789::real", ["0.30000000000000004", "0.1", "1.2345679e+08"]),
    ("select 5e-324::float8, 1.7976931348623157e308::float8", ["5e-324", "1.7976931348623157e+308"]),
    ("select true, false, null::boolean", ["t", "f", None]),
    ("select 1.10::decimal(10,2), -0.05::decimal(10,2), 0::decimal(10,2)", ["1.10", "-0.05", "0.00"]),
    ("select '99999999999999999999999999999999999999'::decimal(38,0)", ["9" * 38]),
    ("select '-0.99999999999999999999999999999999999999'::decimal(38,38)", ["-0." + "9" * 38]),
    ("select date '0001-01-01', date '9999-12-31', date '10000-01-01', date '0001-01-01' - 1",
     ["0001-01-01", "9999-12-31", "10000-01-01", "0001-12-31 BC"]),
    ("select 'infinity'::date, '-infinity'::timestamp", ["infinity", "-infinity"]),
    ("select timestamp '2024-01-02 03:04:05', timestamp '2024-01-02 03:04:05.1', timestamp '2024-01-02 03:04:05.000001'",
     ["2024-01-02 03:04:05", "2024-01-02 03:04:05.1", "2024-01-02 03:04:05.000001"]),
    ("select time '00:00:00', time '23:59:59.999999', time '12:30:00.5'", ["00:00:00", "23:59:59.999999", "12:30:00.5"]),
    ("select interval '1 year 2 months 3 days', interval '-1 month', interval '0 seconds', interval '25 hours'",
     ["1 year 2 mons 3 days", "-1 mons", "00:00:00", "25:00:00"]),
    ("select interval '1 day' - interval '1 hour', interval '-1 day' + interval '1 second'",
     ["1 day -01:00:00", "-1 days +00:00:01"]),
    ("select ''::varchar, ' '::varchar, null::varchar", ["", " ", None]),
    ("select array[1,2,null], array['a','b c','d\"e','','NULL',null]", ['{1,2,NULL}', '{a,"b c","d\\"e","","NULL",NULL}']),
    ("select '{\"a\": [1, 2.5, null]}'::json", ['{"a": [1, 2.5, null]}']),
    ("select '0b5fa9e8-3a4c-4d5e-8f60-718293a4b5c6'::uuid", ["0b5fa9e8-3a4c-4d5e-8f60-718293a4b5c6"]),
]  # fmt: skip


def texts(connection, sql, binary=False):
    result = connection.pgconn.exec_params(sql.encode(), None, result_format=1 if binary else 0)
    assert result.error_message == b"", result.error_message
    return [None if (v := result.get_value(0, i)) is None else v.decode() for i in range(result.nfields)]


@pytest.mark.parametrize("sql, expected", TEXTS, ids=[t[0][7:40] for t in TEXTS])
def test_text(connection, sql, expected):
    assert texts(connection, sql) == expected


DUCK_TEXTS = [
    ("select 170141183460469231731687303715884105727::hugeint", [str(2**127 - 1)]),
    ("select '\\xDE\\xAD'::blob, ''::blob", ["\\xdead", "\\x"]),
    ("select [1, 2, null], []::integer[]", ["{1,2,NULL}", "{}"]),
    ("select '101'::bit", ["101"]),
    ("select null", [None]),
]


@duck
@pytest.mark.parametrize("sql, expected", DUCK_TEXTS, ids=[t[0][7:40] for t in DUCK_TEXTS])
def test_text_of_duckdb_only_types(connection, sql, expected):
    assert texts(connection, sql) == expected


ZONES = [
    ("UTC", "2024-07-01 12:00:00+00"),
    ("Europe/Berlin", "2024-07-01 14:00:00+02"),
    ("Asia/Kolkata", "2024-07-01 17:30:00+05:30"),
    ("America/St_Johns", "2024-07-01 09:30:00-02:30"),
    ("Pacific/Kiritimati", "2024-07-02 02:00:00+14"),
]


@pytest.mark.parametrize("zone, expected", ZONES)
def test_timestamptz_is_shown_in_the_session_s_time_zone(connection, zone, expected):
    connection.execute(f"set timezone = '{zone}'")
    assert texts(connection, "select timestamptz '2024-07-01 12:00:00+00'") == [expected]
    got = connection.execute("select timestamptz '2024-07-01 12:00:00+00'", binary=True).fetchone()[0]
    assert got == dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC)


def test_time_zones_of_sessions_are_apart(server):
    with server.connect() as first, server.connect() as second:
        first.execute("set timezone = 'Asia/Tokyo'")
        second.execute("set timezone = 'America/New_York'")
        sql = "select timestamptz '2024-01-01 00:00:00+00'"
        for _ in range(5):
            assert texts(first, sql) == ["2024-01-01 09:00:00+09"]
            assert texts(second, sql) == ["2023-12-31 19:00:00-05"]


def test_a_text_without_offset_is_read_in_the_session_s_time_zone(connection, table):
    connection.execute(f"create table {table}(seen timestamptz)")
    connection.execute("set timezone = 'Europe/Berlin'")
    connection.execute(f"insert into {table} values ('2024-01-15 12:00:00')")
    connection.execute(f"insert into {table} values (%s)", ("2024-07-15 12:00:00",))
    connection.execute("set timezone = 'UTC'")
    rows = connection.execute(f"select seen from {table} order by seen").fetchall()
    utc = dt.UTC
    assert rows == [(dt.datetime(2024, 1, 15, 11, tzinfo=utc),), (dt.datetime(2024, 7, 15, 10, tzinfo=utc),)]


BINARY = [
    ("select 'NaN'::float8", math.nan),
    ("select '-Infinity'::real", -math.inf),
    ("select '1234567890123456789012345678.0123456789'::decimal(38,10)", decimal.Decimal("1234567890123456789012345678.0123456789")),
    ("select -0.001::decimal(10,3)", decimal.Decimal("-0.001")),
    ("select 0::decimal(10,3)", decimal.Decimal("0.000")),
    ("select 10000::decimal(10,0)", decimal.Decimal("10000")),
    ("select array[1,2,null]", [1, 2, None]),
    ("select array['a',null,'']", ["a", None, ""]),
    ("select array[1.5::float8]", [1.5]),
    ("select interval '3 days 4 hours'", dt.timedelta(days=3, hours=4)),
    ("select date '2024-02-29'", dt.date(2024, 2, 29)),
]  # fmt: skip


@pytest.mark.parametrize("sql, expected", BINARY, ids=[b[0][7:40] for b in BINARY])
def test_binary(connection, sql, expected):
    value = connection.execute(sql, binary=True).fetchone()[0]
    assert repr(value) == repr(expected)

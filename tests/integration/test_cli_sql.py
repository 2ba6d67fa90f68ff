"""`merganser sql`: one shot, standard input, formats, exit codes, errors."""

import csv
import io
import json
import subprocess

import pytest

from harness.auto import Auto
from harness.paths import PROGRAM, Place


@pytest.fixture(scope="module")
def auto(tmp_path_factory):
    """One owner for all of these."""
    place = Place()
    made = Auto(place)
    made.url()
    yield made
    try:
        made.close()
    finally:
        place.remove()


def sql(auto, *arguments, **keywords):
    return auto.cli("sql", auto.file, *arguments, **keywords)


QUERY = (
    "select 1 as i, 'a,\"b\"' as s, null as n, true as b, 1.5::decimal(4,2) as d, [1,2] as l, {'k': 'v'} as j, 'ü' as u"
)


def test_json(auto):
    done = sql(auto, "--format", "json", QUERY)
    assert done.code == 0, done
    (row,) = json.loads(done.out)
    assert list(row) == ["i", "s", "n", "b", "d", "l", "j", "u"]
    assert (row["i"], row["s"], row["n"], row["b"], float(row["d"]), row["u"]) == (1, 'a,"b"', None, True, 1.5, "ü")
    assert row["j"] == {"k": "v"}


def test_ndjson(auto):
    done = sql(auto, "--format", "ndjson", "select g as i from generate_series(1, 3) as r(g)")
    assert [json.loads(line) for line in done.out.splitlines()] == [{"i": 1}, {"i": 2}, {"i": 3}]


def test_csv(auto):
    done = sql(
        auto, "--format", "csv", "select 1 as i, 'a,\"b\"\nc' as s, '' as e union all select 2, 'x', 'y' order by 1"
    )
    assert list(csv.reader(io.StringIO(done.out))) == [["i", "s", "e"], ["1", 'a,"b"\nc', ""], ["2", "x", "y"]]


def test_table(auto):
    done = sql(auto, "select 1 as number, 'text' as word")
    assert done.code == 0 and done.err == "", done
    for word in ("number", "word", "text", "1"):
        assert word in done.out


def test_empty_results(auto):
    assert json.loads(sql(auto, "--format", "json", "select 1 as i where false").out) == []
    assert sql(auto, "--format", "ndjson", "select 1 as i where false").out == ""
    assert sql(auto, "--format", "csv", "select 1 as i where false").out.strip() == "i"


def test_standard_input_and_several_statements(auto):
    script = (
        "create table from_stdin(i int);\ninsert into from_stdin values (1), (2);\n"
        "select sum(i) as s from from_stdin;\ndrop table from_stdin;\n"
    )
    done = sql(auto, "--format", "json", input=script)
    assert done.code == 0, done
    assert '"s"' in done.out and "3" in done.out


def test_a_script_stops_at_its_first_error(auto):
    done = sql(auto, input="create table stops(i int);\nselect boom();\ninsert into stops values (1);\n")
    assert done.code == 1 and "42883" in done.err, done
    count = sql(auto, "--format", "csv", "select count(*) as n from stops")
    assert count.out.split() == ["n", "0"]


ERRORS = [
    ("selec 1", "42601"),
    ("select * from nowhere", "42P01"),
    ("select cast('x' as int)", "22P02"),
    ("call enable_logging()", "42501"),
]


@pytest.mark.parametrize("text, state", ERRORS)
def test_errors(auto, text, state):
    done = sql(auto, text)
    assert done.code == 1 and done.out == "" and state in done.err, done


def test_a_syntax_error_has_a_caret(auto):
    done = sql(auto, "select 1 frm x y")
    lines = done.err.splitlines()
    assert any(line.strip() == "^" for line in lines), done


def test_usage_errors(auto):
    assert auto.cli("sql").code == 2
    assert sql(auto, "--format", "xml", "select 1").code == 2
    assert auto.cli("no-such-command").code == 2


def test_a_large_result(auto):
    done = sql(auto, "--format", "csv", "select g as i from generate_series(1, 300000) as r(g)")
    lines = done.out.split()
    assert (len(lines), lines[0], lines[-1]) == (300001, "i", "300000")


def test_a_reader_that_stops_early(auto):
    done = subprocess.run(
        [
            "sh",
            "-c",
            '"$0" sql "$1" --format csv "select g from generate_series(1, 1000000) as r(g)" | head -n 2',
            PROGRAM,
            auto.file,
        ],
        env=auto.place.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.split() == ["g", "1"], done
    assert "terminate" not in done.stderr


def test_a_missing_file_is_a_new_database(auto, place):
    other = Auto(place)
    try:
        done = other.cli("sql", other.file, "--format", "csv", "create table t as select 5 as i; select i from t")
        other.used.add(other.file)
        assert done.code == 0 and "5" in done.out, done
        assert other.file.exists()
    finally:
        other.close()

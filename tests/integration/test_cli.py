"""The other commands: help with examples, url, run, status, config, password, version."""

import json
import os

import psycopg
import pytest

from harness.paths import PG_BIN, PYTHON
from harness.process import run

COMMANDS = ["serve", "url", "run", "sql", "status", "stop", "doctor", "password", "config", "probe"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(auto, command):
    done = auto.cli(command, "--help")
    assert done.code == 0, done
    assert "xample" in done.out and f"merganser {command}" in done.out, done.out


def test_help_names_every_command(auto):
    for arguments in (["--help"], ["help"]):
        done = auto.cli(*arguments)
        assert done.code == 0
        for command in COMMANDS:
            assert command in done.out


def test_version(auto):
    done = auto.cli("--version")
    assert done.code == 0 and "merganser" in done.out.lower() and "1.5.5" in done.out, done


def test_the_url_fits_psql_psycopg_and_node(auto, node):
    url = auto.url()
    assert url.startswith("postgresql://")
    done = run([PG_BIN / "psql", "-X", "-At", url, "-c", "select 41 + 1"], env=auto.place.environment())
    assert done.out == "42\n", done
    with psycopg.connect(url) as connection:
        assert connection.execute("select 42").fetchone() == (42,)
    done = node(
        "pg_url.cjs", url, "select 42 as answer", env=auto.place.environment(NODE_PATH=os.environ.get("NODE_PATH", ""))
    )
    assert done.code == 0 and json.loads(done.out) == [42], done


def test_the_url_stays_the_same_while_the_owner_lives(auto):
    assert auto.url() == auto.url()


def test_run_sets_the_environment(auto):
    code = (
        "import os, psycopg\n"
        "with psycopg.connect() as c: print(c.execute('select 6 * 7').fetchone()[0])\n"
        "with psycopg.connect(os.environ['DATABASE_URL']) as c: print(c.execute('select 43').fetchone()[0])\n"
        "print(sorted(k for k in os.environ if k in ('PGHOST', 'PGPORT', 'PGDATABASE', 'PGUSER')))\n"
        "raise SystemExit(7)"
    )
    auto.used.add(auto.file)
    done = auto.cli("run", auto.file, "--", PYTHON, "-c", code)
    assert done.code == 7, done
    assert done.out.splitlines() == ["42", "43", "['PGDATABASE', 'PGHOST', 'PGPORT', 'PGUSER']"]


def test_run_of_a_program_that_is_not_there(auto):
    auto.used.add(auto.file)
    done = auto.cli("run", auto.file, "--", "no-such-program-anywhere")
    assert done.code in (1, 126, 127) and "no-such-program-anywhere" in done.err, done


def test_status(auto):
    with auto.connect() as connection:
        connection.execute("create table t(i int)")
        connection.execute("begin")
        connection.execute("insert into t values (1)")
        status = auto.status()
        assert status["pid"] == auto.endpoint_pid()
        assert status["file"] == str(auto.file)
        assert status["sessions"]["open"] >= 1 and status["sessions"]["idle_in_transaction"] >= 1
        assert status["uptime_s"] >= 0
        for key in ("queue", "wal", "memory", "version", "duckdb_version"):
            assert key in status, status
        text = auto.cli("status", auto.file)
        assert text.code == 0 and str(status["pid"]) in text.out, text
        connection.execute("rollback")


def test_status_of_all_owners(auto, place):
    other = place.file("other.duckdb")
    auto.url()
    auto.url(other)
    done = auto.cli("status")
    assert done.code == 0 and str(auto.file) in done.out and str(other) in done.out, done


def test_status_without_an_owner(auto):
    done = auto.cli("status", auto.file)
    assert done.code == 1 and not auto.file.exists(), done


def test_config_says_where_each_value_comes_from(auto, place):
    config = place.path / "merganser.toml"
    config.write_text('max_connections = 77\nlinger = "500us"\nlane_lease = "3s"\n')
    environment = {"MERGANSER_LANE_LEASE": "4s", "MERGANSER_CONFIG": config}
    done = auto.cli("config", auto.file, "--json", env=environment)
    assert done.code == 0, done
    text = done.out
    report = json.loads(text)
    settings = report.get("settings", report)
    if isinstance(settings, list):
        settings = {s["name"]: s for s in settings}
    assert "77" in str(settings["max_connections"]["value"]) and "file" in settings["max_connections"]["source"]
    assert "4s" in str(settings["lane_lease"]["value"]) and "environment" in settings["lane_lease"]["source"]
    assert "default" in settings["threads"]["source"]
    table = auto.cli("config", auto.file, env=environment)
    assert table.code == 0 and "max_connections" in table.out and str(config) in table.out, table


BAD_SETTINGS = [
    ("max_conections = 5", ["max_conections", "max_connections"]),
    ("max_connections = 0", ["max_connections"]),
    ('max_connections = "many"', ["max_connections"]),
    ("= broken", []),
]


@pytest.mark.parametrize("text, words", BAD_SETTINGS)
def test_a_bad_settings_file_names_file_and_line(auto, place, text, words):
    config = place.path / "merganser.toml"
    config.write_text(f"# one\n# two\n{text}\n")
    done = auto.cli("url", auto.file, env={"MERGANSER_CONFIG": config})
    assert done.code in (1, 2), done
    for word in (str(config), "3", *words):
        assert word in done.err, done


def test_a_bad_environment_variable_is_named(auto):
    done = auto.cli("url", auto.file, env={"MERGANSER_MAX_CONNECTIONS": "lots"})
    assert done.code in (1, 2) and "MERGANSER_MAX_CONNECTIONS" in done.err, done


def test_settings_reach_an_owner_that_starts_by_itself(auto):
    auto.url(env={"MERGANSER_STATEMENT_TIMEOUT": "1234ms"})
    with auto.connect() as connection:
        assert connection.execute("show statement_timeout").fetchone() == ("1234ms",)

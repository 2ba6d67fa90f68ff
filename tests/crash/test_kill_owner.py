"""kill -9 of the owner under load, again and again: all that was acknowledged is there each time, nothing twice.

Writers are processes of their own. Each writes numbered keys, one statement each, and notes a key as acknowledged only
after the server said so. When the owner dies they ask `merganser url` for a new one and go on. A key whose answer was
lost is tried again, and a duplicate key then says that it had been committed.
"""

import psycopg
import pytest

from harness.background import outcome, start_statement
from harness.paths import PROGRAM, PYTHON
from harness.plain import plain_duckdb
from harness.process import Child, kill_pid, pid_alive, wait_until

WRITERS = 4

_WRITER = """
import os, subprocess, sys, time
import psycopg
from psycopg import errors
program, file, worker, log_path, grouped = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5] == "grouped"
log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
deadline = time.monotonic() + 200

def note(word, key):
    os.write(log, f"{word} {key}\\n".encode())

def connect():
    while time.monotonic() < deadline:
        done = subprocess.run([program, "url", file], capture_output=True, text=True, timeout=60)
        if done.returncode == 0:
            try:
                return psycopg.connect(done.stdout.strip(), autocommit=True, connect_timeout=10)
            except psycopg.OperationalError:
                pass
        else:
            note("url-failed", repr(done.stderr))
        time.sleep(0.01)
    raise SystemExit("no owner within the time")

def write(connection, key):
    if grouped and key % 10 == 0:
        with connection.transaction():
            connection.execute("insert into keys values (%s, %s)", (worker, key))
            connection.execute("update totals set n = n + 1 where worker = %s", (worker,))
            connection.execute("insert into pairs values (%s, %s)", (worker, key))
    else:
        connection.execute("insert into keys values (%s, %s)", (worker, key))

connection, key, uncertain = connect(), 0, False
print("go", flush=True)
while not os.path.exists(file + ".enough"):
    note("sent", key)
    try:
        write(connection, key)
    except errors.UniqueViolation:
        if not uncertain:
            note("wrong-duplicate", key)
            raise
    except psycopg.Error as error:
        note("lost", f"{key} {error.sqlstate}")
        uncertain = True
        connection.close()
        connection = connect()
        continue
    note("acknowledged", key)
    key, uncertain = key + 1, False
connection.close()
"""


def notes(path, word):
    return [int(line.split()[1]) for line in path.read_text().splitlines() if line.startswith(word + " ")]


def check(rows, logs):
    """Everything acknowledged is there; nothing is there that was never sent; nothing is there twice."""
    for worker, log in enumerate(logs):
        present = [key for w, key in rows if w == worker]
        acknowledged, sent = set(notes(log, "acknowledged")), set(notes(log, "sent"))
        assert len(present) == len(set(present)), f"worker {worker} has keys twice"
        assert acknowledged <= set(present), f"worker {worker} lost {sorted(acknowledged - set(present))[:10]}"
        assert set(present) <= sent
        assert "wrong-duplicate" not in log.read_text()


def storm(auto, kills, grouped):
    connection = auto.connect()
    connection.execute("create table keys(worker int, k int, primary key (worker, k))")
    connection.execute("create table pairs(worker int, k int)")
    connection.execute("create table totals(worker int primary key, n int)")
    connection.execute(f"insert into totals select g, 0 from generate_series(0, {WRITERS - 1}) as r(g)")
    connection.close()
    logs = [auto.place.path / f"log{i}" for i in range(WRITERS)]
    writers = [
        Child(
            [PYTHON, "-c", _WRITER, PROGRAM, auto.file, i, log, "grouped" if grouped else "single"],
            env=auto.place.environment(),
        )
        for i, log in enumerate(logs)
    ]
    try:
        for writer in writers:
            writer.wait_line(lambda line: line == "go", timeout=60)
        seen = 0
        for kill_number in range(kills):
            # Kill in the middle of the work, at another depth each time: after some more acknowledged writes.
            target = seen + 20 + 37 * (kill_number % 7)
            wait_until(
                lambda t=target: sum(len(notes(log, "acknowledged")) for log in logs) >= t,
                "more acknowledged writes",
                timeout=60,
            )
            pid = auto.endpoint_pid()
            acknowledged = [set(notes(log, "acknowledged")) for log in logs]
            kill_pid(pid)
            wait_until(lambda p=pid: not pid_alive(p), f"pid {pid} is gone")
            with auto.connect() as fresh:
                rows = fresh.execute("select worker, k from keys").fetchall()
            assert auto.endpoint_pid() != pid
            present = set(rows)
            for worker, keys in enumerate(acknowledged):
                lost = [key for key in keys if (worker, key) not in present]
                assert not lost, f"kill {kill_number}: worker {worker} lost {lost[:10]}"
            seen = sum(len(notes(log, "acknowledged")) for log in logs)
        auto.place.file("t.duckdb.enough").touch()
        for writer in writers:
            assert writer.wait(60) == 0, writer.lines("err")
    finally:
        for writer in writers:
            writer.kill()
    assert auto.stop().code == 0
    rows = plain_duckdb(auto.file, "select worker, k from keys")
    check([tuple(row) for row in rows], logs)
    if grouped:
        halves = plain_duckdb(
            auto.file,
            "select count(*) from (select worker, k from keys where k % 10 = 0 except all select worker, k from pairs)",
        )
        assert halves == [(0,)], "a transaction was there in half"
        totals = plain_duckdb(
            auto.file, "select t.n = (select count(*) from pairs p where p.worker = t.worker) from totals t"
        )
        assert totals == [(True,)] * WRITERS
    assert sum(len(notes(log, "acknowledged")) for log in logs) > kills * 20


@pytest.mark.timeout(240)
@pytest.mark.parametrize("grouped", [False, True], ids=["single statements", "transactions too"])
def test_twenty_kills_under_load(auto, grouped):
    storm(auto, 20 if not grouped else 8, grouped)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_two_hundred_kills_under_load(auto):
    storm(auto, 200, True)


def test_a_kill_in_a_checkpoint(auto):
    """The file and its log are both being changed then."""
    with auto.connect() as connection:
        connection.execute("create table t(i bigint, s varchar)")
    for round_number in range(6):
        connection = auto.connect()
        connection.execute(
            f"insert into t select g, repeat('x', 200) || g from generate_series({round_number * 200000}, {round_number * 200000 + 199999}) as r(g)"
        )
        checkpointer = start_statement(auto.place, auto.url(), "checkpoint")
        auto.kill_owner()
        outcome(checkpointer)
        connection.close()
        with auto.connect() as fresh:
            assert (
                fresh.execute("select count(*), count(distinct i) from t").fetchone()
                == ((round_number + 1) * 200000,) * 2
            )
    assert auto.stop().code == 0
    assert plain_duckdb(auto.file, "select count(*), sum(i) from t") == [(1200000, 1200000 * 1199999 // 2)]


def test_a_client_is_told_that_the_outcome_is_unknown(auto):
    """A statement in flight when the owner dies ends with a connection error, not with success and not with silence."""
    connection = auto.connect()
    connection.execute("create table t(i bigint)")
    sql = (
        "insert into t select x from generate_series(1, 1000000) a(x), generate_series(1, 1000000) b(y)"
        " where (x * y) % 7919 = 7919"
    )
    child = start_statement(auto.place, auto.url(), sql)
    auto.kill_owner()
    assert outcome(child) == "failed None"
    with pytest.raises(psycopg.OperationalError):
        connection.execute("select 1")
    with auto.connect() as fresh:
        assert fresh.execute("select count(*) from t").fetchone() == (0,)

"""How an owner leaves: idle, stopped, by signals, drained or forced; what stays behind."""

import os
import signal
import threading
import time

import psycopg
import pytest

from harness.background import ENDLESS, outcome, start_statement
from harness.plain import plain_duckdb
from harness.paths import PROGRAM
from harness.process import pid_alive, run, wait_until


def assert_nothing_left(auto):
    names = {path.name for path in auto.file.parent.iterdir()}
    assert f"{auto.file.name}.endpoint" not in names
    assert f"{auto.file.name}.wal" not in names, "the checkpoint at the end was forgotten"
    assert not list(auto.place.runtime.rglob(".s.PGSQL.*"))


def test_idle_exit(auto):
    auto.url(env={"MERGANSER_IDLE_TIMEOUT": "300ms"})
    pid = auto.pid()
    with auto.connect() as connection:
        connection.execute("create table t as select 1 as i")
        time.sleep(1.0)
        assert pid_alive(pid), "it left although a client was connected"
    wait_until(lambda: not pid_alive(pid), "the idle owner has left", timeout=20)
    assert_nothing_left(auto)
    assert plain_duckdb(auto.file, "select i from t") == [(1,)]
    with auto.connect() as connection:
        assert connection.execute("select i from t").fetchone() == (1,)


def test_clients_that_come_while_the_idle_owner_leaves(auto):
    """Who arrives in that moment is served by it or by the next, never refused."""
    with auto.connect() as connection:
        connection.execute("create table t(i integer)")
    assert auto.stop().code == 0
    rows = 0
    for i in range(25):
        auto.url(env={"MERGANSER_IDLE_TIMEOUT": "20ms"})
        time.sleep(0.002 * i)
        done = auto.cli("sql", auto.file, "insert into t values (1)", env={"MERGANSER_IDLE_TIMEOUT": "20ms"})
        assert done.code == 0, done
        rows += 1
    with auto.connect() as connection:
        assert connection.execute("select count(*) from t").fetchone() == (rows,)


def test_stop(auto):
    auto.url()
    pid = auto.pid()
    done = auto.stop()
    assert done.code == 0, done
    assert not pid_alive(pid), "stop answered before the owner had left"
    assert_nothing_left(auto)


def test_stop_without_an_owner(auto):
    with auto.connect() as connection:
        connection.execute("select 1")
    assert auto.stop().code == 0
    again = auto.stop()
    assert (
        "Traceback" not in again.err
        and "no owner" in (again.out + again.err).lower()
        or "not" in (again.out + again.err).lower()
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains(fresh_server, number):
    """Each write in flight is acknowledged and in the file, or clearly refused."""
    with fresh_server.connect() as connection:
        connection.execute("create table t(i bigint)")
    acknowledged, refused = [], []

    def write(worker):
        try:
            with fresh_server.connect() as one:
                for i in range(100_000):
                    key = worker * 100_000 + i
                    one.execute("insert into t values (%s)", (key,))
                    acknowledged.append(key)
        except psycopg.Error as error:
            refused.append((key, error.sqlstate))

    threads = [threading.Thread(target=write, args=(w,)) for w in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(acknowledged) > 200, "writes")
    fresh_server.stop(number)
    for thread in threads:
        thread.join(30)
    assert len(refused) == 4
    assert all(state in (None, "57P01", "57P03", "08006", "08007") for _, state in refused), refused
    rows = {row[0] for row in plain_duckdb(fresh_server.file, "select i from t")}
    assert set(acknowledged) <= rows
    sure = {key for key, state in refused if state == "57P03"}
    assert not sure & rows, "refused as not executed, and executed"


def test_an_idle_client_is_told_of_the_end(fresh_server):
    connection = fresh_server.connect()
    fresh_server.stop()
    with pytest.raises(psycopg.OperationalError) as caught:
        connection.execute("select 1")
    assert caught.value.sqlstate in (None, "57P01")


def test_an_open_transaction_is_undone(fresh_server):
    connection = fresh_server.connect()
    connection.execute("create table t(i int)")
    connection.execute("begin")
    connection.execute("insert into t values (1)")
    fresh_server.stop(timeout=45)
    assert plain_duckdb(fresh_server.file, "select count(*) from t") == [(0,)]


def test_a_second_signal_forces(fresh_server):
    """A query that would run for hours holds the drain up; the second signal does not wait for it."""
    child = start_statement(fresh_server.place, fresh_server.conninfo(), ENDLESS)
    time.sleep(0.3)
    fresh_server.child.signal(signal.SIGTERM)
    time.sleep(0.3)
    if fresh_server.child.alive:
        fresh_server.child.signal(signal.SIGTERM)
    code = fresh_server.child.wait(10)
    assert code not in (-signal.SIGSEGV, -signal.SIGABRT), fresh_server.log()
    fresh_server.expected_codes.add(code)
    assert outcome(child).startswith("failed")


def test_a_stale_endpoint_after_a_kill(auto):
    with auto.connect() as connection:
        connection.execute("create table t as select 7 as i")
    pid = auto.kill_owner()
    assert auto.endpoint().exists()
    status = auto.cli("status", auto.file)
    assert status.code == 1, status
    with auto.connect() as connection:
        assert connection.execute("select i from t").fetchone() == (7,)
    assert auto.pid() != pid


def test_a_damaged_endpoint_file(auto):
    auto.url()
    auto.kill_owner()
    for text in ("", "{", "[]", "null", '{"pid": "x"}', "\0" * 5000, "x" * 200_000):
        auto.endpoint().write_text(text)
        with auto.connect() as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        auto.kill_owner()


def test_stop_force_of_a_hung_owner(auto):
    """A hung owner is not killed by who only wants to connect; stop --force ends it."""
    auto.url()
    pid = auto.pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        done = auto.cli("url", auto.file, env={"MERGANSER_START_TIMEOUT": "2s"}, timeout=60)
        assert done.code == 1 and str(pid) in done.err, done
        assert pid_alive(pid)
        forced = auto.stop(None, "--force", "--timeout", "2")
        assert forced.code == 0, forced
    finally:
        if pid_alive(pid):
            os.kill(pid, signal.SIGCONT)
    wait_until(lambda: not pid_alive(pid), "the hung owner is gone")
    with auto.connect() as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_questions_and_signals_while_it_leaves(start_server):
    """Until the process is gone, everything that comes in from other threads finds either the parts or their end."""
    for _ in range(3):
        server = start_server()
        with server.connect() as connection:
            connection.execute("create or replace table t as select * from range(300000)")
        stop = threading.Event()

        def ask(server=server, stop=stop):
            while not stop.is_set():
                run([PROGRAM, "status", server.file, "--json"], env=server.place.environment())

        asking = [threading.Thread(target=ask) for _ in range(3)]
        for thread in asking:
            thread.start()
        server.child.signal(signal.SIGTERM)
        code = server.child.wait(30)
        stop.set()
        for thread in asking:
            thread.join()
        assert code == 0, server.log()

"""`merganser status --watch`: a line a second with rates, for people and for programs."""

import json
import os
import pty
import signal
import subprocess
import threading

import pytest

from harness.paths import PROGRAM
from harness.process import Child, run

pytestmark = pytest.mark.merganser_only


@pytest.fixture
def busy(fresh_server):
    """An owner that a client writes to all the time."""
    stop = threading.Event()
    with fresh_server.connect() as connection:
        connection.execute("create table t(i int)")

    def write():
        with fresh_server.connect() as one:
            while not stop.is_set():
                one.execute("insert into t values (1)")

    thread = threading.Thread(target=write)
    thread.start()
    yield fresh_server
    stop.set()
    thread.join(30)


def test_json_lines_with_rates(busy):
    done = run(
        [PROGRAM, "status", busy.file, "--watch", "--json", "--count", "3"], env=busy.place.environment(), timeout=60
    )
    assert done.code == 0, done
    first, *others = [json.loads(line) for line in done.out.splitlines()]
    assert len(others) == 2 and first["rates"] == {} and first["pid"] == busy.pid
    for before, now in zip([first, *others], others):
        seconds = now["uptime_s"] - before["uptime_s"]
        rate = now["rates"]["queue.units"]
        assert rate > 0 and rate == pytest.approx((now["queue"]["units"] - before["queue"]["units"]) / seconds)
        assert now["rates"]["batches.commit_us"]["per_s"] > 0 and now["rates"]["batches.commit_us"]["mean"] > 0
        assert "queue.waiting" not in now["rates"]


def test_lines_for_people_piped(busy):
    done = run([PROGRAM, "status", busy.file, "--watch", "--count", "3"], env=busy.place.environment(), timeout=60)
    assert done.code == 0, done
    header, first, second, third = done.out.splitlines()
    column = header.split().index("write/s")
    assert first.split()[column] == "-"
    for line in (second, third):
        assert line.split()[column] not in ("-", "0"), line


def test_in_a_terminal_until_ctrl_c(busy):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, "status", busy.file, "--watch"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=busy.place.environment(),
        start_new_session=True,
    )
    os.close(theirs)
    try:
        seen = b""
        while seen.count(b"\n") < 3:
            seen += os.read(ours, 4096)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait(30)
        os.close(ours)
    assert b"write/s" in seen


def test_ends_when_the_owner_does(fresh_server):
    child = Child([PROGRAM, "status", fresh_server.file, "--watch", "--json"], env=fresh_server.place.environment())
    child.wait_line(lambda line: line.startswith("{"))
    fresh_server.stop()
    assert child.wait(30) == 1
    assert any("no owner" in line or "not running" in line or "start one" in line for line in child.lines("err"))


def test_bad_arguments(fresh_server):
    environment = fresh_server.place.environment()
    assert run([PROGRAM, "status", "--watch"], env=environment).code == 2
    assert run([PROGRAM, "status", fresh_server.file, "--count", "3"], env=environment).code == 2
    assert run([PROGRAM, "status", fresh_server.file, "--watch", "--count", "0"], env=environment).code == 2

"""The log of slow statements: what, how long, waiting for whom, and no value of it."""

import threading
import time

import pytest

from harness.process import wait_until

pytestmark = pytest.mark.merganser_only

SLOW = "select count(*), 'secret-literal', {n} from range(3000) a, range(3000) b where a.range + b.range = {n}"


def slow_lines(server):
    return [line for line in server.log().splitlines() if "event=session.slow_statement" in line]


def test_logged_without_values(start_server):
    server = start_server("--slow-statement", "1ms")
    with server.connect() as connection:
        connection.execute("create table t(s varchar, i int)")
        connection.execute(SLOW.format(n=-987654))
        connection.execute("insert into t select %s, 4711 + range::int from range(200000)", ("secret-parameter",))
        lines = wait_until(lambda: slow_lines(server) if len(slow_lines(server)) >= 2 else None, "two slow statements")
    text = "\n".join(lines)
    assert 'statement="select count(*), ?, - ? from range(?) a,' in text
    assert "insert into t select" in text
    for value in ("secret", "987654", "4711"):
        assert value not in text
    assert all("took_ms=" in line and "waited_ms=" in line and f"session={1}" for line in lines)


def test_waiting_is_told_apart(start_server):
    server = start_server("--slow-statement", "200ms")
    with server.connect() as holder, server.connect() as other:
        holder.execute("create table t(i int)")
        holder.execute("begin")
        holder.execute("insert into t values (1)")
        thread = threading.Thread(target=other.execute, args=("insert into t values (2)",))
        thread.start()
        time.sleep(0.6)
        holder.execute("commit")
        thread.join(30)
        lines = wait_until(lambda: [s for s in slow_lines(server) if "insert into t values" in s], "a slow statement")
    fields = dict(word.split("=", 1) for word in lines[0].split(" ") if "=" in word)
    assert int(fields["waited_ms"]) >= 300 and int(fields["took_ms"]) >= int(fields["waited_ms"])


def test_nothing_by_default(fresh_server):
    with fresh_server.connect() as connection:
        connection.execute(SLOW.format(n=-1))
    fresh_server.stop()
    assert slow_lines(fresh_server) == []

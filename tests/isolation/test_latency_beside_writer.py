"""A reader beside a busy writer on a slow disk: its reads do not wait for the writer's fsync, and are never stale.

The preload shim makes each fsync five milliseconds longer. A read that waited for one would take that long itself.
"""

import statistics
import time

import pytest

from harness.paths import PYTHON
from harness.process import Child

pytestmark = pytest.mark.merganser_only

FSYNC_US = 5000
READS = 1500

_WRITER = """
import sys, psycopg
c = psycopg.connect(sys.argv[1], autocommit=True)
print("go", flush=True)
i = 0
while True:
    i += 1
    c.execute(sys.argv[2], (i,))
"""


@pytest.fixture
def slow_server(start_server, slow_fsync):
    server = start_server(env={"LD_PRELOAD": slow_fsync, "FSYNC_US": FSYNC_US})
    with server.connect() as connection:
        connection.execute("create table points as select g as id, g * 2 as n from generate_series(1, 10000) as r(g)")
        connection.execute("create unique index points_id on points(id)")
        connection.execute("create table log(i bigint)")
        connection.execute("create table counter as select 0::bigint as n")
    return server


def read_times(server, query="select n from points where id = %s"):
    times = []
    with server.connect() as reader:
        reader.execute(query, (1,), prepare=True)
        for i in range(READS):
            key = i * 7 % 10000 + 1
            begin = time.perf_counter()
            row = reader.execute(query, (key,), prepare=True).fetchone()
            times.append((time.perf_counter() - begin) * 1000)
            assert row == (2 * key,)
    return times


def describe(times):
    ordered = sorted(times)
    return statistics.median(ordered), ordered[int(len(ordered) * 0.95)]


@pytest.fixture
def writers(slow_server):
    started = []

    def start(count, sql):
        for _ in range(count):
            started.append(Child([PYTHON, "-c", _WRITER, slow_server.conninfo(), sql], env=slow_server.environment()))
        for child in started:
            child.wait_line(lambda line: line == "go")

    yield start
    for child in started:
        assert child.alive, child.lines("err")
        child.kill()


def test_the_shim_is_in_place(slow_server):
    """Without it the other tests here would prove nothing."""
    with slow_server.connect() as connection:
        begin = time.perf_counter()
        for i in range(20):
            connection.execute("insert into log values (%s)", (i,))
        assert (time.perf_counter() - begin) / 20 >= FSYNC_US / 1e6


@pytest.mark.parametrize("count, sql", [(1, "insert into log values (%s)"), (2, "update counter set n = n + %s")])
def test_reads_do_not_wait_for_the_writer(slow_server, writers, count, sql):
    alone_median, alone_p95 = describe(read_times(slow_server))
    writers(count, sql)
    median, p95 = describe(read_times(slow_server))
    with slow_server.connect() as connection:
        before = connection.execute("select count(*) + (select n from counter) from log").fetchone()
        time.sleep(0.3)
        after = connection.execute("select count(*) + (select n from counter) from log").fetchone()
    assert after > before, "the writer was not busy"
    shown = f"alone {alone_median:.2f}/{alone_p95:.2f} ms, beside the writer {median:.2f}/{p95:.2f} ms (median/p95)"
    assert median < alone_median + 1.5, shown
    assert p95 < 4, shown


def test_every_read_sees_what_was_acknowledged_before_it(slow_server, writers):
    """Fast must not mean old: a snapshot kept ready may be taken only while it is fresh enough."""
    writers(1, "insert into log values (%s)")
    with slow_server.connect() as one, slow_server.connect() as other:
        for i in range(1, 150):
            one.execute("update counter set n = %s", (i,))
            assert other.execute("select n from counter").fetchone() == (i,)
            assert one.execute("select n from counter").fetchone() == (i,)

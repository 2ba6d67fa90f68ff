"""Sessions that write at once, each with keys of its own: each is told what it would be told alone.

No order between sessions is fixed, so none may matter: what they share are counters that only grow. The reference is a
server that does not coalesce, where the sessions run one after the other.
"""

import asyncio
import os
import pickle
import random
import subprocess
import threading
from dataclasses import replace

import psycopg
import pytest

from differential.compare import checks_of_volatile, contents_query
from differential.rounds import COALESCING_OFF, expect_coalescing
from differential.schema import SETUP, random_table
from differential.statements import BY_KEY, Keys, PythonFilling, insert, random_shape
from differential.worker import session
from harness.paths import PYTHON, TESTS, Place
from harness.server import Server

pytestmark = pytest.mark.merganser_only

SESSIONS = 16
APART = 1_000_000
SEED = os.environ.get("MERGANSER_DIFFERENTIAL_SEED")
SETTINGS = [(), (), (), ("SET TimeZone = 'Asia/Tokyo'",), ("SET search_path = 'other,main'",), ("SET integer_division = true",)]
HOW = ("execute",) * 5 + ("prepared",) * 3 + ("binary", "many", "pipeline", "pipeline", "transaction")
COUNTERS = 5


def counting(rng):
    k = rng.randrange(COUNTERS)
    return rng.choice((
        ("INSERT INTO main.counters VALUES (%s, 1) ON CONFLICT (k) DO UPDATE SET n = counters.n + 1", (k,)),
        (f"INSERT INTO main.counters VALUES ({k}, 1) ON CONFLICT (k) DO UPDATE SET n = counters.n + excluded.n", None),
        ("UPDATE main.counters SET n = n + 1 WHERE k = %s", (k,)),
        (f"UPDATE main.counters SET n = n + 1 WHERE k = {k}", None),
    ))  # fmt: skip


def steps_of(rng, number, tables, shapes, count):
    """What one session does. All sessions have the same shapes, so that they can coalesce."""
    keys = {t.name: Keys(low=number * APART, span=rng.choice((5, 60)), fresh=rng.choice((0.2, 0.7))) for t in tables}

    def statement(shape, table, bad):
        if rng.random() < 0.1:
            return counting(rng)
        extended = rng.random() < 0.6
        item = shape.fill(rng, keys[table.name], bad, extended, PythonFilling)
        return item.sql.replace("%", "%%") if extended and not item.values else item.sql, tuple(item.values) if extended else None

    steps = []
    for _ in range(count):
        how = rng.choice(HOW)
        table, shape = rng.choice(shapes)
        bad = rng.choice((0, 0, 0.05))
        if how == "many":
            items = [shape.fill(rng, keys[table.name], bad, True, PythonFilling) for _ in range(rng.randint(2, 10))]
            # executemany has one text; what an item spelled as a literal is the same for all.
            steps.append((how, [(items[0].sql, tuple(i.values)) for i in items if len(i.values) == len(items[0].values)]))
        else:
            most = 12 if how == "pipeline" else 3 if how == "transaction" else 1
            steps.append((how, [statement(shape, table, bad) for _ in range(rng.randint(1, most))]))
    return steps


def in_threads(jobs):
    answers = [None] * len(jobs)

    def run(number):
        answers[number] = asyncio.run(session(*jobs[number]))

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert None not in answers, "a session did not end, or failed"
    return answers


def in_tasks(jobs):
    async def main():
        return await asyncio.gather(*(session(*job) for job in jobs))

    return asyncio.run(asyncio.wait_for(main(), 100))


def in_processes(jobs):
    command = [PYTHON, "-m", "differential.worker"]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    processes = [
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in jobs
    ]
    answers = [None] * len(jobs)

    def talk(number):
        out, _ = processes[number].communicate(pickle.dumps(jobs[number]), timeout=100)
        answers[number] = pickle.loads(out)

    threads = [threading.Thread(target=talk, args=(n,)) for n in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(110)
    for process in processes:
        if process.poll() is None:
            process.kill()
    assert None not in answers, "a session did not end, or failed"
    return answers


def one_by_one(jobs):
    return [asyncio.run(session(*job)) for job in jobs]


def sorted_contents(connection, table, schema):
    return sorted(connection.execute(contents_query(table, schema)).fetchall(), key=repr)


class Both:
    """The two servers, for as many rounds as wanted."""

    def __init__(self):
        self.places = Place(), Place()
        self.servers = []

    def start(self, *arguments):
        self.servers = [Server(self.places[0], *arguments), Server(self.places[1], *COALESCING_OFF())]
        self.each([*SETUP, "CREATE TABLE main.counters (k INTEGER PRIMARY KEY, n BIGINT)", f"INSERT INTO main.counters SELECT range, 0 FROM range({COUNTERS})"])

    def each(self, statements):
        for server in self.servers:
            with server.connect() as connection:
                for statement in statements:
                    connection.execute(statement)

    def round(self, seed, how, steps):
        rng = random.Random(seed)
        tables = [random_table(rng, f"s{seed}_{n}", apart=True) for n in range(2)]
        for table in tables:
            table.only_inserts = False
            self.each(list(table.create()))
            self.put_a_row(rng, table)
        shapes = [(t, random_shape(rng, t, BY_KEY)) for t in tables for _ in range(3)]
        work = [(rng.choice(SETTINGS), steps_of(rng, n + 1, tables, shapes, steps)) for n in range(SESSIONS)]
        fast = how([(self.servers[0].conninfo(), *job) for job in work])
        slow = one_by_one([(self.servers[1].conninfo(), *job) for job in work])
        made = "\n".join(sql for table in tables for sql in table.create())
        for number, (settings, steps_done) in enumerate(work):
            for step, one, other in zip(steps_done, fast[number], slow[number], strict=True):
                assert one == other, f"MERGANSER_DIFFERENTIAL_SEED={seed}, session {number} {settings}\n{made}\n{step}\nat once: {one}\nalone:   {other}"
        self.compare(seed, tables)

    def put_a_row(self, rng, table):
        """Nobody's row: in an empty table DuckDB does not come to see that a key is no number."""
        for schema in table.schemas:
            for _ in range(100):
                sql = insert(rng, replace(table, name=f"{schema}.{table.name}", only_inserts=True)).fill(rng, Keys()).sql
                told = []
                for server in self.servers:
                    with server.connect() as connection:
                        try:
                            told.append(connection.execute(sql).rowcount)
                        except psycopg.Error as error:
                            told.append(error.sqlstate)
                assert told[0] == told[1], (sql, told)
                if told[0] == 1:
                    break
            else:
                raise AssertionError(f"no row for {table}")

    def compare(self, seed, tables):
        with self.servers[0].connect() as fast, self.servers[1].connect() as slow:
            for table in tables:
                for schema in table.schemas:
                    one, other = (sorted_contents(c, table, schema) for c in (fast, slow))
                    assert one == other, (seed, table.name, set(one) ^ set(other))
                    for check in checks_of_volatile(table, schema):
                        assert fast.execute(check).fetchall() == [], (seed, check)
            one, other = (c.execute("SELECT * FROM main.counters ORDER BY k").fetchall() for c in (fast, slow))
            assert one == other, seed

    def end(self):
        for server in self.servers:
            server.stop()
        for place in self.places:
            place.remove()


@pytest.fixture
def both():
    made = Both()
    yield made
    made.end()


WAYS = {"threads": in_threads, "tasks": in_tasks, "processes": in_processes}


def play(both, seeds, way, steps):
    both.start()
    for seed in [int(SEED)] if SEED else seeds:
        both.round(seed, WAYS[way], steps)
    expect_coalescing(both.servers[0])


@pytest.mark.timeout(110)
@pytest.mark.parametrize("way", WAYS)
def test_each_session_is_told_what_it_would_be_told_alone(both, way):
    play(both, {"threads": (1, 2), "tasks": (3, 4), "processes": (5,)}[way], way, steps=12)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("way", WAYS)
def test_each_session_is_told_what_it_would_be_told_alone_for_long(both, way):
    play(both, [random.randrange(1 << 32) for _ in range(20)], way, steps=60)

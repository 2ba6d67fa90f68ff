"""Clients of every kind doing everything at random, among them many that vanish: nothing acknowledged is lost, nobody
hangs, and at the end the owner holds nothing any more.

MERGANSER_SOAK_SECONDS sets how long; MERGANSER_STORM_SEED repeats a run.
"""

import asyncio
import os
import random
import threading
import time

import asyncpg
import psycopg
import pytest

from harness.net import connect_unix, reset_on_close
from harness.paths import USER
from harness.plain import plain_duckdb
from harness.process import wait_until
from harness.wire import FLUSH, SYNC, Wire, bind, cancel_request, close, describe, execute, fields, parse, query, row

pytestmark = pytest.mark.merganser_only

SEED = int(os.environ.get("MERGANSER_STORM_SEED", "1"))
SECONDS = int(os.environ.get("MERGANSER_SOAK_SECONDS", "300"))
ACCOUNTS = 50
TOTAL = ACCOUNTS * 1000
SUM = "select sum(balance)::bigint from accounts"
# What a statement among others may be answered; everything else is a finding.
EXPECTED = {"40001", "57014", "25P02", "25P03", "25001", "55006", "34000", "53300", "42P01", "42P07", "26000", "53400"}


class Ledger:
    """Which rows were acknowledged."""

    def __init__(self):
        self.lock = threading.Lock()
        self.acknowledged = set()
        self.next_key = 0

    def keys(self, count):
        with self.lock:
            first = self.next_key
            self.next_key += count
        return list(range(first, first + count))

    def has(self, keys):
        with self.lock:
            self.acknowledged.update(keys)


class Soak:
    def __init__(self, server, seconds):
        self.server, self.end = server, time.monotonic() + seconds
        self.ledger, self.problems, self.done = Ledger(), [], {}

    def run(self, workers):
        threads = [threading.Thread(target=self.work, args=(w, SEED * 1000 + n)) for n, w in enumerate(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0, self.end - time.monotonic()) + 120)
        assert not any(thread.is_alive() for thread in threads), "a client hangs"
        assert not self.problems, self.problems

    def work(self, worker, seed):
        rng = random.Random(seed)
        while time.monotonic() < self.end and not self.problems:
            try:
                worker(self, rng)
                self.done[worker.__name__] = self.done.get(worker.__name__, 0) + 1
            except psycopg.Error as problem:
                if problem.sqlstate not in EXPECTED:
                    self.problems.append((worker.__name__, problem.sqlstate, repr(problem)))
            except asyncpg.PostgresError as problem:
                if problem.sqlstate not in EXPECTED:
                    self.problems.append((worker.__name__, problem.sqlstate, repr(problem)))
            except Exception as problem:  # noqa: BLE001 - handed to the test
                self.problems.append((worker.__name__, repr(problem)))


def insert_rows(soak, rng):
    with soak.server.connect(prepare_threshold=rng.choice([None, 0, 2])) as connection:
        for key in soak.ledger.keys(20):
            connection.execute("insert into rows values (%s, %s)", (key, "x" * rng.randint(0, 300)))
            soak.ledger.has([key])


def insert_in_transactions(soak, rng):
    with soak.server.connect() as connection:
        for _ in range(5):
            keys = soak.ledger.keys(4)
            with connection.transaction(force_rollback=rng.random() < 0.3) as transaction:
                if rng.random() < 0.5:
                    connection.execute("select count(*) from rows")
                for key in keys:
                    connection.execute("insert into rows values (%s, 't')", (key,))
                if rng.random() < 0.2:
                    time.sleep(rng.random() * 0.3)
            if not transaction.force_rollback:
                soak.ledger.has(keys)


def insert_in_pipelines(soak, rng):
    with soak.server.connect() as connection:
        for _ in range(5):
            keys = soak.ledger.keys(10)
            with connection.pipeline():
                for key in keys:
                    connection.execute("insert into rows values (%s, 'p')", (key,))
                    if rng.random() < 0.1:
                        connection.execute("select 1")
            soak.ledger.has(keys)


def insert_in_strings(soak, rng):
    """Several simple queries without waiting for any of them."""
    with Wire.open(soak.server) as wire:
        keys = soak.ledger.keys(30)
        wire.send(*(query(f"insert into rows values ({k}, 's'); select {k}; set statement_timeout = 0") for k in keys))
        for key in keys:
            answer = wire.until_ready()
            failed = [fields(m.body)["C"] for m in answer if m.kind == "E"]
            assert not failed or failed[0] in EXPECTED, failed
            if not failed:
                assert [row(m.body) for m in answer if m.kind == "D"] == [[str(key).encode()]]
                soak.ledger.has([key])


def transfer(soak, rng):
    with soak.server.connect() as connection:
        for _ in range(5):
            a, b = rng.sample(range(ACCOUNTS), 2)
            with connection.transaction():
                if rng.random() < 0.5:
                    assert connection.execute(SUM).fetchone() == (TOTAL,)
                connection.execute("update accounts set balance = balance - 5 where id = %s", (a,))
                connection.execute("update accounts set balance = balance + 5 where id = %s", (b,))


def read_sums(soak, rng):
    with soak.server.connect() as connection:
        for _ in range(20):
            assert connection.execute(SUM, binary=rng.random() < 0.5).fetchone() == (TOTAL,)


def suspended_portals(soak, rng):
    """Rows come complete and in order, whatever happens between the parts."""
    with Wire.open(soak.server) as wire:
        if rng.random() < 0.8:
            wire.ask(query("begin"))
        rows = rng.randint(1, 30000)
        wire.send(parse(f"select g from generate_series(1, {rows}) as r(g)"), bind(portal="p"))
        got, suspended = [], True
        while suspended:
            wire.send(execute("p", rng.randint(1, 10000)), FLUSH)
            answer = [wire.next()]
            while answer[-1].kind not in "sCE":
                answer.append(wire.next())
            got += [int(row(m.body)[0]) for m in answer if m.kind == "D"]
            suspended = answer[-1].kind == "s"
            assert answer[-1].kind != "E", fields(answer[-1].body)
            if suspended and rng.random() < 0.3:
                wire.send(parse(SUM, name=""), bind(portal="q"), describe("P", "q"), execute("q"), close("P", "q"), FLUSH)
                answer = [wire.next()]
                while answer[-1].kind not in "3E":
                    answer.append(wire.next())
                assert answer[-1].kind == "3", fields(answer[-1].body)
            if rng.random() < 0.05:
                return
        assert got == list(range(1, rows + 1))
        wire.ask(SYNC)


def cancel_anything(soak, rng):
    statements = [
        "select count(*) from range(100000000) a, range(1000) b", "update accounts set balance = balance",
        "create table if not exists cancelled(i int)", "drop table if exists cancelled", "select 1",
        "insert into noise select g, 'n' from range(2000) r(g)", "checkpoint", "set timezone = 'Asia/Tokyo'",
        "begin; update accounts set balance = balance; select count(*) from range(100000) a, range(10000) b; rollback",
    ]  # fmt: skip
    with Wire.open(soak.server) as wire:
        for _ in range(5):
            wire.send(query(rng.choice(statements)))
            time.sleep(rng.random() * 0.02)
            for _ in range(rng.randint(1, 3)):
                with connect_unix(soak.server.socket_path) as other:
                    other.sendall(cancel_request(*wire.key))
                    other.recv(1)
            # A cancel may come too early for a statement that runs long.
            stop = threading.Event()

            def repeat(stop=stop, key=wire.key):
                while not stop.wait(0.5):
                    with connect_unix(soak.server.socket_path) as other:
                        other.sendall(cancel_request(*key))
                        other.recv(1)

            again = threading.Thread(target=repeat)
            again.start()
            try:
                answer = wire.until_ready()
            finally:
                stop.set()
                again.join()
            failed = [fields(m.body)["C"] for m in answer if m.kind == "E"]
            assert set(failed) <= EXPECTED, failed
            if answer[-1].body != b"I":
                wire.ask(query("rollback"))


def vanish(soak, rng):
    """In the middle of anything; what was not committed must not be there."""
    wire = Wire.open(soak.server)
    beginnings = [
        (query("begin"), query("update accounts set balance = balance - 1000000 where id = 1")),
        (query("begin; create table vanished(i int)"),),
        (parse("update accounts set balance = balance - 1000000 where id = 1"), bind(), execute(), FLUSH),
        (query("begin"), parse("select * from range(1000000)"), bind(portal="p"), execute("p", 5), SYNC),
        (parse("select * from range(1000000)"), bind(portal="p"), execute("p", 5), FLUSH),
        (query("create temp table mine as select * from range(1000)"),),
        (query("select repeat('x', 1000) from range(100000)"),),
        (query("select count(*) from range(100000000) a, range(1000) b"),),
        (query("create table if not exists vanished_too(i int)"), query("drop table if exists vanished_too")),
    ]
    wire.send(*rng.choice(beginnings))
    if rng.random() < 0.5:
        time.sleep(rng.random() * 0.05)
    if rng.random() < 0.5:
        wire.send(rng.choice([query("select * from accounts a, accounts b"), query("select 1"), SYNC, b"Q\0\0"]))
    if rng.random() < 0.5:
        reset_on_close(wire.socket)
    wire.close()


def change_schema(soak, rng):
    name = f"s_{rng.randrange(10**9)}"
    with soak.server.connect() as connection:
        connection.execute(f"create table {name} as select * from accounts")
        assert connection.execute(f"select sum(balance)::bigint from {name}").fetchone() == (TOTAL,)
        connection.execute(f"alter table {name} add column extra int default 3")
        assert connection.execute(f"select sum(extra) from {name}").fetchone() == (3 * ACCOUNTS,)
        connection.execute(f"drop table {name}")


def session_state(soak, rng):
    with soak.server.connect() as connection:
        connection.execute("set timezone = 'Asia/Tokyo'")
        connection.execute("create temp table mine(i int)")
        connection.execute("prepare p as select count(*) from mine")
        for i in range(5):
            connection.execute("insert into mine values (%s)", (i,))
            assert connection.execute("execute p").fetchone() == (i + 1,)
        if rng.random() < 0.5:
            connection.execute("discard all")
            assert connection.execute("show timezone").fetchone() != ("Asia/Tokyo",)
        assert connection.execute(SUM).fetchone() == (TOTAL,)


def large_results(soak, rng):
    with soak.server.connect() as connection:
        count = rng.randint(1, 20000)
        cursor = connection.execute("insert into noise select g, repeat('r', 200) from range(%s) r(g) returning s", (count,))
        assert len(cursor.fetchall()) == count
        connection.execute("delete from noise")
        assert connection.execute("select repeat('x', 500) from range(%s)", (count,)).rowcount == count


def checkpoint(soak, rng):
    with soak.server.connect() as connection:
        connection.execute("checkpoint")
    time.sleep(rng.random() * 0.5)


def asynchronous(soak, rng):
    async def one():
        server = soak.server
        connection = await asyncpg.connect(
            host=str(server.socket_dir), port=5432, user=USER, database=server.file.stem, timeout=60
        )
        try:
            keys = soak.ledger.keys(3)
            async with connection.transaction():
                await connection.executemany("insert into rows values ($1, $2)", [(k, "a") for k in keys])
                if rng.random() < 0.3:
                    rows = 0
                    async for _ in connection.cursor("select * from range(500)", prefetch=50):
                        rows += 1
                    assert rows == 500
            soak.ledger.has(keys)
            assert await connection.fetchval(SUM) == TOTAL
        finally:
            await connection.close()

    async def all_of_them():
        results = await asyncio.gather(*(one() for _ in range(5)), return_exceptions=True)
        for result in results:
            if isinstance(result, Exception) and getattr(result, "sqlstate", None) not in EXPECTED:
                raise result

    asyncio.run(all_of_them())


WORKERS = [
    insert_rows, insert_rows, insert_in_transactions, insert_in_pipelines, insert_in_strings, transfer, transfer,
    read_sums, suspended_portals, suspended_portals, cancel_anything, cancel_anything, vanish, vanish, change_schema,
    session_state, large_results, checkpoint, asynchronous,
]  # fmt: skip


def holds_nothing(server):
    now = server.status()
    state = [
        now["sessions"]["open"], now["sessions"]["active"], now["sessions"]["idle_in_transaction"],
        now["queue"]["waiting"], now["queue"]["bytes"], now["queue"]["lane_taken"], now["reads"]["connections"],
        now["reads"]["waiting"], now["reads"]["pinned_connections"], now["memory"]["spool_bytes"],
    ]  # fmt: skip
    return not any(state) or print("held:", state)


def soak_over(start_server, seconds):
    server = start_server("--lane-lease", "200ms", "--checkpoint-wal-bytes", "1MiB", "--statement-timeout", "60s")
    with server.connect() as connection:
        connection.execute("create table accounts(id int primary key, balance bigint)")
        connection.execute(f"insert into accounts select g, 1000 from generate_series(0, {ACCOUNTS - 1}) as r(g)")
        connection.execute("create table rows(k bigint primary key, s varchar)")
        connection.execute("create table noise(k bigint, s varchar)")
    soak = Soak(server, seconds)
    soak.run(WORKERS)
    print(soak.done)
    if seconds > 60:  # on a slow machine some never come round in a short time
        assert set(soak.done) == {worker.__name__ for worker in WORKERS}
    wait_until(lambda: holds_nothing(server), "nothing is held any more", 30, 0.2)
    server.stop()
    assert plain_duckdb(server.file, SUM) == [(TOTAL,)]
    there = {key for (key,) in plain_duckdb(server.file, "select k from rows")}
    assert not soak.ledger.acknowledged - there


@pytest.mark.timeout(180)
def test_a_short_soak(start_server):
    soak_over(start_server, 12)


@pytest.mark.soak
@pytest.mark.timeout(SECONDS + 400)
def test_a_long_soak(start_server):
    soak_over(start_server, SECONDS)

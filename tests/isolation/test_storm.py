"""Everything at once: transfers between accounts, readers, errors, cancels, suspended portals, clients that vanish.

The sum of all accounts never changes: each snapshot must show it, and so must the file at the end.
"""

import os
import random
import threading
import time

import psycopg
import pytest

from harness.net import connect_unix, reset_on_close
from harness.plain import plain_duckdb
from harness.wire import SYNC, Wire, bind, cancel_request, execute, parse, query

pytestmark = pytest.mark.merganser_only

ACCOUNTS = 200
TOTAL = ACCOUNTS * 1000
SEED = int(os.environ.get("MERGANSER_STORM_SEED", "20240229"))
SUM = "select sum(balance), count(*) from accounts"


class Storm:
    def __init__(self, server, seconds):
        self.server = server
        self.end = time.monotonic() + seconds
        self.problems = []
        self.done = {}

    def run(self, *workers):
        threads = [threading.Thread(target=self.guarded, args=(w, SEED + n)) for n, w in enumerate(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(self.end - time.monotonic() + 60)
        assert not any(thread.is_alive() for thread in threads), "a client hangs"
        assert self.problems == []

    def guarded(self, worker, seed):
        rng = random.Random(seed)
        try:
            while time.monotonic() < self.end and not self.problems:
                worker(self, rng)
                self.done[worker.__name__] = self.done.get(worker.__name__, 0) + 1
        except Exception as problem:  # noqa: BLE001 - handed to the test
            self.problems.append((worker.__name__, problem))


def pair(rng):
    return rng.sample(range(ACCOUNTS), 2)


def transfer_in_one_statement(storm, rng):
    with storm.server.connect() as connection:
        for _ in range(20):
            a, b = pair(rng)
            amount = rng.randint(1, 50)
            connection.execute(
                "update accounts set balance = balance + case id when %s then %s::int else -%s::int end where id in (%s, %s)",
                (a, amount, amount, a, b),
            )


def transfer_in_a_transaction(storm, rng):
    with storm.server.connect() as connection:
        for _ in range(10):
            a, b = pair(rng)
            try:
                with connection.transaction():
                    if rng.random() < 0.5:
                        connection.execute("select balance from accounts where id = %s", (a,))
                    connection.execute("update accounts set balance = balance - 7 where id = %s", (a,))
                    if rng.random() < 0.2:
                        connection.execute("select 1 / 0::int, no_such_function()")
                    connection.execute("update accounts set balance = balance + 7 where id = %s", (b,))
            except (psycopg.errors.SerializationFailure, psycopg.errors.UndefinedFunction):
                pass


def read_sums(storm, rng):
    with storm.server.connect() as connection:
        for _ in range(20):
            assert connection.execute(SUM, prepare=rng.random() < 0.5).fetchone() == (TOTAL, ACCOUNTS)


def read_twice_in_a_transaction(storm, rng):
    with storm.server.connect() as connection, connection.transaction():
        first = connection.execute("select id, balance from accounts order by id").fetchall()
        assert sum(balance for _, balance in first) == TOTAL
        assert connection.execute("select id, balance from accounts order by id").fetchall() == first


def vanish(storm, rng):
    """In the middle of something; what was not committed must not be there."""
    wire = Wire.open(storm.server)
    wire.send(query("begin"), query("update accounts set balance = balance - 1000000 where id = 1"))
    if rng.random() < 0.5:
        wire.until_ready()
    if rng.random() < 0.5:
        wire.send(query("select * from accounts a, accounts b, accounts c"))
    if rng.random() < 0.5:
        reset_on_close(wire.socket)
    wire.close()


def suspend(storm, rng):
    with Wire.open(storm.server) as wire:
        wire.ask(query("begin"))
        for round_number in range(5):
            wire.ask(parse("select a.id from accounts a, accounts b"), bind(), execute("", rng.randint(1, 5000)), SYNC)
            answer = wire.ask(parse(SUM), bind(), execute(), SYNC)
            assert [m.kind for m in answer] == list("12DCZ"), (round_number, answer)
        wire.ask(query("rollback"))


def cancel(storm, rng):
    """A cancel hits the statement or comes late; either way the session goes on."""
    with Wire.open(storm.server) as wire:
        for _ in range(5):
            wire.send(query("select count(*) from accounts a, accounts b, accounts c"))
            time.sleep(rng.random() * 0.01)
            with connect_unix(storm.server.socket_path) as other:
                other.sendall(cancel_request(*wire.key))
                other.recv(1)
            wire.until_ready()
            answer = wire.ask(query("select 1"))
            assert [m.kind for m in answer] == list("TDCZ"), answer


def cancelled_update(storm, rng):
    with Wire.open(storm.server) as wire:
        for _ in range(5):
            wire.send(query("update accounts set balance = balance"))
            time.sleep(rng.random() * 0.003)
            with connect_unix(storm.server.socket_path) as other:
                other.sendall(cancel_request(*wire.key))
                other.recv(1)
            wire.until_ready()


def insert_and_delete(storm, rng):
    with storm.server.connect() as connection:
        key = rng.randrange(10**12)
        for i in range(10):
            connection.execute("insert into noise values (%s, %s)", (key + i, "x" * rng.randint(0, 2000)))
        assert connection.execute("delete from noise where k between %s and %s", (key, key + 9)).rowcount == 10


def change_schema(storm, rng):
    name = f"temporary_{rng.randrange(10**9)}"
    with storm.server.connect() as connection:
        connection.execute(f"create table {name} as select * from accounts")
        assert connection.execute(f"select sum(balance) from {name}").fetchone() == (TOTAL,)
        connection.execute(f"drop table {name}")


WORKERS = [
    transfer_in_one_statement, transfer_in_one_statement, transfer_in_a_transaction, transfer_in_a_transaction,
    read_sums, read_sums, read_twice_in_a_transaction, vanish, suspend, cancel, cancelled_update, insert_and_delete,
    change_schema,
]  # fmt: skip


def storm_over(server, seconds):
    with server.connect() as connection:
        connection.execute("create table accounts(id int primary key, balance bigint)")
        connection.execute(f"insert into accounts select g, 1000 from generate_series(0, {ACCOUNTS - 1}) as r(g)")
        connection.execute("create table noise(k bigint primary key, s varchar)")
    storm = Storm(server, seconds)
    storm.run(*WORKERS)
    assert all(storm.done.get(worker.__name__, 0) > 0 for worker in WORKERS), storm.done
    with server.connect() as connection:
        assert connection.execute(SUM).fetchone() == (TOTAL, ACCOUNTS)


def test_a_short_storm(fresh_server):
    storm_over(fresh_server, 10)
    fresh_server.stop()
    assert plain_duckdb(fresh_server.file, SUM) == [(TOTAL, ACCOUNTS)]


@pytest.mark.soak
@pytest.mark.timeout(1500)
def test_a_long_storm(start_server):
    server = start_server("--checkpoint-wal-bytes", "256KiB")
    storm_over(server, 600)
    server.stop()
    assert plain_duckdb(server.file, SUM) == [(TOTAL, ACCOUNTS)]

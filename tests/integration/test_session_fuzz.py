"""Random conversations: every one gets its answers or a reason, and nobody else notices."""

import os
import random
import threading

import pytest

from harness.session_fuzz import converse
from harness.wire import Wire, query

pytestmark = pytest.mark.merganser_only

ROUNDS = 400
ALLOWANCE = 96 << 20


@pytest.fixture
def fuzzed(start_server):
    server = start_server("--lane-lease", "1s")
    with server.connect() as connection:
        connection.execute("create table f(i int, s varchar)")
        connection.execute("insert into f select g, 'row ' || g from generate_series(1, 200) as r(g)")
    return server


def talk(server, seeds, failures):
    for seed in seeds:
        try:
            converse(server, seed)
        except Exception as problem:
            failures.append(f"conversation {seed}: {type(problem).__name__}: {problem}")
            return


def run_rounds(server, first, count, threads=4):
    failures = []
    workers = [
        threading.Thread(target=talk, args=(server, range(first + t, first + count, threads), failures))
        for t in range(threads)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures, "\n".join(failures)


def test_random_conversations(fuzzed):
    with Wire.open(fuzzed) as witness:
        witness.rows(query("set timezone = 'Asia/Tokyo'"))
        run_rounds(fuzzed, 0, ROUNDS // 4)
        before = fuzzed.rss()
        run_rounds(fuzzed, ROUNDS // 4, ROUNDS)
        grown = fuzzed.rss() - before
        assert witness.rows(query("show timezone")) == [[b"Asia/Tokyo"]], "another's session is as it was"
    assert grown < ALLOWANCE, f"{grown >> 20} MiB for {ROUNDS} conversations"
    assert fuzzed.status()["sessions"]["active"] == 0


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_many_random_conversations(fuzzed):
    first = int(os.environ.get("FUZZ_SEED", random.SystemRandom().randrange(1 << 40)))
    print(f"FUZZ_SEED={first}")
    run_rounds(fuzzed, first, 20000)

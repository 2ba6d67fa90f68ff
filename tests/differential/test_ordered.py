"""Statements that queued together, in a known order, answer exactly as one by one: rows, counts, errors, contents."""

import itertools
import os
import random
import time

import pytest

from differential.pair import Difference, Pair
from differential.schema import random_table
from differential.statements import Keys, random_shape
from harness.paths import Place
from harness.server import Server

pytestmark = pytest.mark.merganser_only

PLACES = 32
SEED = os.environ.get("MERGANSER_DIFFERENTIAL_SEED")
SETTINGS = [
    (),
    (),
    ("SET TimeZone = 'Asia/Tokyo'",),
    ("SET integer_division = true",),
    ("SET search_path = 'other,main'",),
    ("SET TimeZone = 'America/New_York'", "SET search_path = 'main,other'"),
]
SOLO = ()


def settings_of_places(rng):
    return [SETTINGS[0] if n < PLACES // 2 else rng.choice(SETTINGS) for n in range(PLACES)]


class Round:
    """One pair of servers, a few tables, and batches until the time is over."""

    def __init__(self, seed, arguments=(), plain_arguments=SOLO):
        self.seed, self.rng = seed, random.Random(seed)
        self.places = Place(), Place()
        self.servers = []
        self.tables = []
        self.keys = {}
        self.arguments = arguments, plain_arguments

    def start(self):
        for place, arguments in zip(self.places, self.arguments, strict=True):
            self.servers.append(Server(place, "--lane-lease", "60s", *arguments))
        self.pair = Pair(*self.servers, settings_of_places(self.rng))

    def new_table(self):
        table = random_table(self.rng, f"t{len(self.keys)}")
        self.pair.make([table])
        self.tables.append(table)
        self.keys[table.name] = Keys(span=self.rng.choice((8, 40, 200)), fresh=self.rng.choice((0.1, 0.5, 0.95)))
        return table

    def batch(self):
        """One shape, or a few, over one table or two; mostly with good values."""
        rng = self.rng
        tables = rng.sample(self.tables, min(len(self.tables), rng.choice((1, 1, 2))))
        shapes = [(t, random_shape(rng, t)) for t in tables for _ in range(rng.choice((1, 1, 2, 3)))]
        bad = rng.choice((0, 0, 0, 0.01, 0.05, 0.3))
        extended = rng.choice((0, 0, 0.5, 1))
        items = []
        for _ in range(rng.choice((2, 8, PLACES, PLACES))):
            table, shape = rng.choice(shapes)
            items.append(shape.fill(rng, self.keys[table.name], bad, rng.random() < extended))
        return items

    def play(self, seconds):
        until = time.monotonic() + seconds
        for number in itertools.count():
            if time.monotonic() > until:
                return
            if number % 12 == 0:
                self.tables = self.tables[-3:]
                self.new_table()
            try:
                items = self.batch()
                self.pair.run(items)
                self.pair.compare_tables(self.tables, items)
            except Difference as difference:
                where = f"MERGANSER_DIFFERENTIAL_SEED={self.seed}, batch {number}"
                raise AssertionError(f"{where}\n{self.created()}\n{difference}") from None
            if number % 10 == 9:
                self.pair.shrink(self.tables)

    def created(self):
        return "\n".join(sql for table in self.tables for sql in table.create())

    def counters(self):
        return self.servers[0].status()["queue"]

    def end(self):
        for server in self.servers:
            server.stop()
        for place in self.places:
            place.remove()


def play(seed, seconds, **options):
    if SEED:
        seed = int(SEED)
    made = Round(seed, **options)
    try:
        made.start()
        made.play(seconds)
        counters = made.counters()
    finally:
        made.end()
    return made.pair, counters


def expect_company(pair, counters):
    """The test must not pass because nothing ever ran together."""
    assert counters["grouped_units"] > pair.statements / 3, counters


@pytest.mark.timeout(110)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_queue_answers_as_one_by_one(seed):
    expect_company(*play(seed, 10))


@pytest.mark.soak
@pytest.mark.timeout(700)
@pytest.mark.parametrize("number", range(5))
def test_a_queue_answers_as_one_by_one_for_long(number):
    expect_company(*play(random.randrange(1 << 32), 120))

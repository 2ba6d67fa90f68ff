"""Statements that queued together, in a known order, answer exactly as one by one: rows, counts, errors, contents."""

import itertools
import os
import random
import time

import pytest

from differential.pair import Difference, Pair, Unit
from differential.rounds import COALESCING_OFF, expect_coalescing
from differential.schema import Column, Table, random_table
from differential.statements import Item, Keys, random_shape
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


def settings_of_places(rng):
    return [SETTINGS[0] if n < PLACES * 3 // 4 else rng.choice(SETTINGS) for n in range(PLACES)]


class Round:
    """One pair of servers, a few tables, and batches until the time is over."""

    def __init__(self, seed, arguments=()):
        self.seed, self.rng = seed, random.Random(seed)
        self.places = Place(), Place()
        self.servers = []
        self.tables = []
        self.keys = {}
        self.arguments = arguments, COALESCING_OFF()

    def start(self):
        for place, arguments in zip(self.places, self.arguments, strict=True):
            self.servers.append(Server(place, "--lane-lease", "60s", *arguments))
        self.pair = Pair(*self.servers, settings_of_places(self.rng))

    def new_table(self):
        table = random_table(self.rng, f"t{len(self.keys)}")
        # While there is one table it should be one that many connections may write at once.
        table.only_inserts = table.only_inserts and len(self.tables) > 0
        self.pair.make([table])
        self.tables.append(table)
        self.keys[table.name] = Keys(span=self.rng.choice((8, 40, 200)), fresh=self.rng.choice((0.2, 0.8, 0.97)))
        return table

    def batch(self):
        """One shape, or a few, over one table or two; mostly with good values. And whether one connection sends it."""
        rng = self.rng
        one_connection = rng.random() < 0.15 or all(table.only_inserts for table in self.tables)
        # Only within a session is the order of rows defined.
        tables = [table for table in self.tables if one_connection or not table.only_inserts]
        tables = rng.sample(tables, min(len(tables), rng.choice((1, 1, 2))))
        shapes = [(t, random_shape(rng, t)) for t in tables for _ in range(rng.choice((1, 1, 1, 2, 3)))]
        bad = rng.choice((0, 0, 0, 0, 0.005, 0.02, 0.2))
        extended = rng.choice((0, 0, 0.5, 1, 1))
        most = rng.choice((1, 4, 12)) if one_connection else rng.choice((1, 1, 1, 1, 1, 1, 1, 4))

        def unit():
            by_extended = rng.random() < extended
            chosen = [rng.choice(shapes) for _ in range(rng.randint(1, most))]
            return Unit(*(shape.fill(rng, self.keys[table.name], bad, by_extended) for table, shape in chosen))

        return [unit() for _ in range(rng.choice((2, 8, PLACES, PLACES)))], one_connection

    def play(self, seconds):
        until = time.monotonic() + seconds
        for number in itertools.count():
            if time.monotonic() > until:
                return
            if number % 12 == 0:
                self.tables = self.tables[-3:]
                self.new_table()
            try:
                units, one_connection = self.batch()
                self.pair.run(units, one_connection)
                self.pair.compare_tables(self.tables, units)
            except Difference as difference:
                where = f"MERGANSER_DIFFERENTIAL_SEED={self.seed}, batch {number}"
                raise AssertionError(f"{where}\n{self.created()}\n{difference}") from None
            if number % 10 == 9:
                self.pair.shrink(self.tables)

    def created(self):
        return "\n".join(sql for table in self.tables for sql in table.create())

    def end(self):
        for server in self.servers:
            server.stop()
        for place in self.places:
            place.remove()


def play(seed, seconds, **options):
    made = Round(int(SEED or seed), **options)
    try:
        made.start()
        made.play(seconds)
        assert made.pair.errors > 0, "no statement was wrong: the values are too tame"
        expect_coalescing(made.servers[0])
    finally:
        made.end()


@pytest.mark.timeout(110)
@pytest.mark.parametrize("seed", [7, 8])
def test_a_queue_answers_as_one_by_one(seed):
    play(seed, 12)


@pytest.mark.timeout(110)
@pytest.mark.parametrize("tampered", ["INSERT INTO t VALUES (3, 31)", "INSERT INTO t VALUES (40, 30)", "INSERT INTO t VALUES ('x', 30)"])
def test_the_comparison_sees_what_is_wrong(tampered):
    """The reference gets another value, another key, an error: none of it may pass."""
    made = Round(1)
    made.tables = [Table("t", ("main",), [Column("id", "BIGINT", "PRIMARY KEY"), Column("n", "BIGINT")])]
    made.start()
    try:
        made.pair.make(made.tables)
        units = [Unit(Item(f"INSERT INTO t VALUES ({n}, {n * 10})")) for n in range(8)]
        reference = [Unit(Item(tampered)) if n == 3 else unit for n, unit in enumerate(units)]
        places = list(range(8))
        fast, slow = made.pair.together(units, places), made.pair.one_by_one(reference, places)
        same = all(one.same_as(other, True) for one, other in zip(fast, slow, strict=True))
        assert same == ("x" not in tampered)
        with pytest.raises(Difference):
            made.pair.compare_tables(made.tables, units)
    finally:
        made.end()


@pytest.mark.timeout(110)
def test_inserts_of_one_shape_keep_the_order_of_arrival():
    """What queued first is stored first, has the lower number of the sequence, and gets its own rows back."""
    made = Round(1)
    made.start()
    try:
        serial = Column("q", "BIGINT", "DEFAULT nextval('main.numbers')", role="volatile")
        table = Table("t", ("main",), [Column("id", "BIGINT", "PRIMARY KEY"), Column("n", "BIGINT"), serial], only_inserts=True)
        made.pair.make([table])
        made.tables = [table]
        for batch in range(20):
            # Not in the order of the keys, and from a few rows on with a key that is there.
            ids = [(batch * PLACES + n) * 7919 % 10007 for n in range(PLACES)]
            if batch % 4 == 3:
                ids[10] = ids[5]
            units = [Unit(Item(f"INSERT INTO t (id, n) VALUES ({i}, {batch}), ({-1 - i}, {n}) RETURNING id, n", ordered=True)) for n, i in enumerate(ids)]
            made.pair.run(units)
            made.pair.compare_tables(made.tables, units)
        numbers = made.pair.fast.run("SELECT q FROM t ORDER BY rowid")
        assert numbers == sorted(numbers, key=lambda row: int(row[0]))
        assert made.pair.errors == 5
        expect_coalescing(made.servers[0])
    finally:
        made.end()


@pytest.mark.soak
@pytest.mark.timeout(700)
@pytest.mark.parametrize("number", range(5))
def test_a_queue_answers_as_one_by_one_for_long(number):
    play(random.randrange(1 << 32), 120)

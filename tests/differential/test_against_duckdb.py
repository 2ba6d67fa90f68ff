"""The same, with plain DuckDB inside a process as a third side: texts only, as it has no protocol."""

import os
import random
import time

import duckdb
import pytest

from differential.compare import contents_query
from differential.pair import Unit
from differential.schema import SETUP
from differential.statements import random_shape
from differential.test_ordered import PLACES, Round

pytestmark = pytest.mark.merganser_only

LEAST_BATCHES = 4
SEED = os.environ.get("MERGANSER_DIFFERENTIAL_SEED")


class InProcess:
    """A connection for each place, with its settings."""

    def __init__(self, file, settings):
        self.keeper = duckdb.connect()
        self.keeper.execute(f"ATTACH '{file}' AS t")
        self.places = []
        for statements in ((), *settings):
            place = self.keeper.cursor()
            place.execute("USE t")
            self.places.append(place)
            if not statements and len(self.places) == 1:
                for statement in SETUP:
                    place.execute(statement)
            for statement in statements:
                place.execute(statement)

    def run(self, place, sql):
        """The error's text. What RETURNING gives stays where it is: Python has no value for all of it."""
        try:
            self.places[place + 1].execute(sql)
        except duckdb.Error as error:
            return str(error)
        return None

    def contents(self, sql):
        return sorted((tuple(map(str, row)) for row in self.places[0].execute(sql).fetchall()), key=repr)


def text_of(value):
    return "None" if value is None else value.decode()


def of_server(rows):
    told = {"t": "True", "f": "False"}
    return sorted((tuple(told.get(text_of(v), text_of(v)) for v in row) for row in rows), key=repr)


def of_process(rows):
    return sorted((tuple({"t": "True", "f": "False"}.get(v, v) for v in row) for row in rows), key=repr)


@pytest.mark.timeout(110)
def test_a_queue_answers_as_duckdb_in_a_process():
    made = Round(int(SEED or 11))
    made.start()
    rng = random.Random(made.seed)
    try:
        plain = InProcess(made.places[0].path / "plain.duckdb", made.pair.settings)
        until = time.monotonic() + 8
        errors = 0
        while time.monotonic() < until or made.pair.batches < LEAST_BATCHES or errors == 0:
            if made.pair.batches % 10 == 0:
                table = made.new_table()
                table.only_inserts = False
                for statement in table.create():
                    plain.places[0].execute(statement)
            shapes = [random_shape(rng, table) for _ in range(rng.choice((1, 2)))]
            bad = rng.choice((0, 0, 0.02))
            units = [Unit(rng.choice(shapes).fill(rng, made.keys[table.name], bad)) for _ in range(PLACES)]
            answers = made.pair.run(units)
            for number, (unit, answer) in enumerate(zip(units, answers, strict=True)):
                error = plain.run(number, str(unit))
                said = answer.error and answer.error["M"]
                where = f"MERGANSER_DIFFERENTIAL_SEED={made.seed}, {unit}: {said!r} here, {error!r} in the process"
                assert (said is None) == (error is None), where
                errors += error is not None
                if error:
                    assert said in error or said.split("\n")[0] in error, where
            for schema in table.schemas:
                sql = contents_query(table, schema)
                assert of_server(made.pair.fast.run(sql)) == of_process(plain.contents(sql)), (made.seed, table, units)
    finally:
        made.end()

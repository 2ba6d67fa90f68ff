"""psql: loads airports and weather by INSERT with a hundred rows each, and counts the weather in the shared totals."""

import csv
import itertools
from collections import Counter

from psql import Psql, PsqlError
from worker import SCHEMA, Worker, arguments, url_of

BATCH = 100
TEXT = {"origin", "time_hour", "faa", "name", "dst", "tzone"}


def literal(cell, text):
    if cell in ("NA", "\\N", ""):
        return "NULL"
    return "'" + cell.replace("'", "''") + "'" if text else cell


def batches(path):
    """(first line, rows as tuples of SQL literals, rows as dictionaries), a hundred at a time."""
    with open(path, newline="") as file:
        reader = csv.DictReader(file)
        for first in itertools.count(1, BATCH):
            rows = list(itertools.islice(reader, BATCH))
            if not rows:
                return
            yield first, [[literal(cell, name in TEXT) for name, cell in row.items()] for row in rows], rows


def insert(psql, worker, table, first, tuples):
    values = ",\n".join(f"({', '.join(cells)})" for cells in tuples)
    lines, milliseconds = psql.send(f"INSERT INTO {table} VALUES {values};")
    if lines != [f"INSERT 0 {len(tuples)}"]:
        worker.error(f"unexpected answer to INSERT: {lines}")
        return
    worker.wrote(milliseconds, rows=len(tuples))
    worker.acknowledged(table, first, first + len(tuples) - 1)


def load_airports(psql, worker, path):
    for first, tuples, _ in batches(path):
        if not worker.running():
            return
        insert(psql, worker, "airports", first, tuples)
        lines, milliseconds = psql.send(f"SELECT count(*) FROM airports WHERE faa = {tuples[-1][0]};")
        worker.read(milliseconds)
        if lines != ["1"]:
            worker.error(f"wrote airport {tuples[-1][0]} and did not read it")


def load_weather(psql, worker, path):
    for first, tuples, rows in batches(path):
        if not worker.running():
            return
        numbered = [[str(number), *cells] for number, cells in enumerate(tuples, first)]
        insert(psql, worker, "weather", first, numbered)
        for origin, count in Counter(row["origin"] for row in rows).items():
            update = f"UPDATE totals SET weather = weather + {count} WHERE origin = '{origin}';"
            lines, milliseconds = psql.send(update)
            if lines != ["UPDATE 1"]:
                worker.error(f"unexpected answer to UPDATE: {lines}")
                continue
            worker.wrote(milliseconds, updates=1)
            worker.acknowledged("totals", "weather", origin, count)
        lines, milliseconds = psql.send(f"SELECT count(*) FROM weather WHERE id >= {first};")
        worker.read(milliseconds)
        if lines != [str(len(tuples))]:
            worker.error(f"wrote {len(tuples)} rows of weather and read {lines}")


def main():
    options = arguments(__doc__)
    worker = Worker(options)
    psql = Psql(url_of(options))
    try:
        psql.send(SCHEMA)
        load_airports(psql, worker, f"{options.data}/airports.csv")
        load_weather(psql, worker, f"{options.data}/weather.csv")
    except PsqlError as error:
        worker.error(error)
    psql.close()
    worker.finish()


main()

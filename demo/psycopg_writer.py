"""Python with psycopg: an INSERT of a hundred flights and the totals that they change in one pipeline, one transaction."""

import csv
import itertools
import time
from collections import Counter

import psycopg

from worker import SCHEMA, Worker, arguments, url_of

BATCH = 100
COLUMNS = 20
ROW = f"({', '.join(['%s'] * COLUMNS)})"
UPDATE = "UPDATE totals SET flights = flights + %s WHERE origin = %s"
# Columns of flights.csv that hold text; the others are integers. time_hour is sent as text and cast by the server.
TEXT = {"carrier", "tailnum", "origin", "dest", "time_hour"}


def flights(path, first, last):
    """Rows as the table has them; the id is the line's number without the heading."""
    with open(path, newline="") as file:
        reader = csv.reader(file)
        heading = next(reader)
        is_text = [name in TEXT for name in heading]
        for number, line in enumerate(itertools.islice(reader, first - 1, last), first):
            cells = [
                None if cell in ("NA", "") else cell if text else int(cell)
                for cell, text in zip(line, is_text)
            ]
            yield (number, *cells)


def write_batch(connection, worker, batch):
    per_origin = Counter(row[13] for row in batch)
    start = time.perf_counter()
    with connection.pipeline(), connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO flights VALUES {', '.join([ROW] * len(batch))}", list(itertools.chain(*batch)))
        for origin, count in sorted(per_origin.items()):
            cursor.execute(UPDATE, (count, origin))
    worker.wrote((time.perf_counter() - start) * 1000, rows=len(batch), updates=len(per_origin))
    worker.acknowledged("flights", batch[0][0], batch[-1][0])
    for origin, count in per_origin.items():
        worker.acknowledged("totals", "flights", origin, count)


def read_back(connection, worker, batch):
    start = time.perf_counter()
    found = connection.execute(
        "SELECT count(*) FROM flights WHERE id BETWEEN %s AND %s", (batch[0][0], batch[-1][0])
    ).fetchone()[0]
    worker.read((time.perf_counter() - start) * 1000)
    if found != len(batch):
        worker.error(f"wrote {len(batch)} rows and read {found} of them")


def main():
    options = arguments(__doc__)
    worker = Worker(options)
    with psycopg.connect(url_of(options), autocommit=True) as connection:
        connection.execute(SCHEMA)
        rows = flights(f"{options.data}/flights.csv", options.first, options.last)
        while worker.running() and (batch := list(itertools.islice(rows, BATCH))):
            try:
                write_batch(connection, worker, batch)
                read_back(connection, worker, batch)
            except psycopg.Error as error:
                worker.error(f"{error.sqlstate}: {error}")
                if connection.closed:
                    break
    worker.finish()


main()

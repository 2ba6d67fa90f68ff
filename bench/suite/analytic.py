"""An aggregate over ten million rows: what the way over the wire adds to a long query."""

import shutil
import statistics
import time

import psycopg

from .processes import Failure
from .samples import Comparison, Table

NAME = "analytic"
ROWS = 10_000_000
GROUPS = 1000
REPEATS = 5
COLUMNS = """i AS id, (i * 2654435761) % 1000 AS product, (i / 1000) % 365 AS day, (i * 7919) % 10007 AS quantity,
    (((i * 104729) % 1000003) / 100.0)::double precision AS price"""
QUERY = """SELECT product, count(*), sum(quantity), avg(price), max(day), sum(quantity * price)
    FROM facts GROUP BY product ORDER BY product"""


def run(bed):
    table = Table(
        NAME,
        f"sums and averages in {GROUPS} groups over {ROWS:,} rows, wall time of one query, all threads",
        "ms",
        [Comparison("× in process", "in process"), Comparison("× PostgreSQL", "PostgreSQL")],
        digits=1,
    )
    with bed.working_files("facts.duckdb", "facts-inprocess.duckdb") as (file, own_file):
        inprocess = bed.inprocess(own_file)
        series = COLUMNS.replace("(i / 1000)", "(i // 1000)")  # in DuckDB / is not the division of integers
        inprocess.run_sql(f"CREATE TABLE facts AS SELECT {series} FROM range({ROWS}) t(i)", "CHECKPOINT")
        shutil.copyfile(own_file, file)
        bed.postgres.run_sql(
            f"CREATE TABLE facts AS SELECT {COLUMNS} FROM generate_series(0::bigint, {ROWS - 1}) t(i)",
            "VACUUM ANALYZE facts",
            "CHECKPOINT",
        )
        with bed.merganser(file) as merganser, inprocess.session() as session:
            with merganser.connect() as to_merganser, bed.postgres.connect() as to_postgres:
                measures = [
                    ("in process", "", lambda: median_of(lambda: inside(session))),
                    ("merganser", "", lambda: median_of(lambda: over_libpq(to_merganser))),
                    ("PostgreSQL", "", lambda: median_of(lambda: over_libpq(to_postgres), 1 if bed.quick else 2)),
                ]
                for _, _, measure in measures[:2]:
                    measure()  # the first runs read the file
                bed.in_rounds(table, measures)
        bed.postgres.run_sql("DROP TABLE facts")
    table.notes.append(f"a sample is the median of {REPEATS} queries in a row; PostgreSQL has 2 workers a query")
    table.target(
        "wall time against in process",
        table.get("merganser").ratio_to(table.get("in process")),
        at_most=1.05,
    )
    return table


def median_of(measure, repeats=REPEATS):
    return statistics.median(measure() for _ in range(repeats))


def checked(rows):
    if rows != GROUPS:
        raise Failure(f"the aggregate gave {rows} rows, not {GROUPS}")


def inside(session):
    rows, elapsed_ms = session.query(QUERY)
    checked(rows)
    return elapsed_ms


def over_libpq(connection):
    """PQexec: until all rows are in the client's memory."""
    before = time.perf_counter()
    result = connection.pgconn.exec_(QUERY.encode())
    elapsed_ms = (time.perf_counter() - before) * 1000
    if result.status != psycopg.pq.ExecStatus.TUPLES_OK:
        raise Failure(result.error_message.decode())
    checked(result.ntuples)
    return elapsed_ms

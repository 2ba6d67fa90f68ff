"""Python with psycopg: only reads, analytic questions over what the others are writing."""

import itertools
import time

import psycopg

from worker import SCHEMA, Worker, arguments, url_of

# A person's dashboard, not a benchmark: on two cores a reader at full speed would only slow the writers.
PAUSE_S = 0.02
QUERIES = [
    "SELECT count(*) FROM flights",
    "SELECT carrier, count(*), avg(arr_delay) FROM flights GROUP BY carrier ORDER BY 2 DESC",
    "SELECT a.name, count(*) FROM flights f JOIN airports a ON a.faa = f.dest GROUP BY a.name ORDER BY 2 DESC LIMIT 10",
    "SELECT f.origin, w.precip > 0 AS wet, avg(f.dep_delay) FROM flights f JOIN weather w "
    "ON w.origin = f.origin AND w.time_hour = f.time_hour GROUP BY 1, 2",
    "SELECT month, max(dep_delay), avg(distance) FROM flights WHERE dep_delay > 60 GROUP BY month ORDER BY month",
]


def main():
    options = arguments(__doc__)
    worker = Worker(options)
    with psycopg.connect(url_of(options), autocommit=True) as connection:
        connection.execute(SCHEMA)
        seen = 0
        for query in itertools.cycle(QUERIES):
            if not worker.running():
                break
            start = time.perf_counter()
            try:
                rows = connection.execute(query).fetchall()
            except psycopg.Error as error:
                worker.error(f"{error.sqlstate}: {error}")
                if connection.closed:
                    break
                continue
            worker.read((time.perf_counter() - start) * 1000)
            if query == QUERIES[0]:
                # Nobody deletes: a later answer with fewer rows would be an older snapshot.
                if rows[0][0] < seen:
                    worker.error(f"the count went back from {seen} to {rows[0][0]}")
                seen = rows[0][0]
            time.sleep(PAUSE_S)
    worker.finish()


main()

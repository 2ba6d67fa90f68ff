"""psql: only reads, one flight after another by its key, and the totals that everybody updates."""

import random
import time

from psql import Psql, PsqlError
from worker import SCHEMA, Worker, arguments, url_of

# Some hundred lookups a second: on two cores a reader at full speed would only slow the writers.
PAUSE_S = 0.005


def main():
    options = arguments(__doc__)
    worker = Worker(options)
    choice = random.Random(2013)
    psql = Psql(url_of(options))
    try:
        psql.send(SCHEMA)
        while worker.running():
            number = choice.randint(1, options.last)
            for query in (
                f"SELECT carrier, flight, origin, dest, dep_delay FROM flights WHERE id = {number};",
                "SELECT origin, flights, weather FROM totals ORDER BY origin;",
            ):
                lines, milliseconds = psql.send(query)
                worker.read(milliseconds)
            if len(lines) != 3:
                worker.error(f"totals has three rows, psql saw {lines}")
            time.sleep(PAUSE_S)
    except PsqlError as error:
        worker.error(error)
    psql.close()
    worker.finish()


main()

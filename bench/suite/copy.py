"""COPY in and out, and a large SELECT by libpq, beside PostgreSQL."""

import functools
import subprocess
import time

from . import processes
from .processes import Failure
from .samples import Comparison, Table

NAME = "copy"
TIMES_IN, TIMES_OUT = 3, 2
CASE_IN, CASE_OUT, CASE_BINARY, CASE_SELECT = "COPY FROM, text", "COPY TO, text", "COPY TO, binary", "SELECT by psql"
TABLE = "CREATE TABLE copied (id BIGINT, number INTEGER, share DOUBLE PRECISION, happened TIMESTAMP, note TEXT)"
ROWS = """SELECT i, (random() * 1000000)::int, random(), timestamp '2024-01-01' + i * interval '7 s',
substr(repeat(md5(i::text), 3), 1, 20 + (random() * 60)::int) FROM generate_series(1, {count}) i"""


def psql(bed, server, command, standard_output):
    """Seconds; the data go to a file or to nowhere, never through this program."""
    words = [bed.postgres_programs / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *server.libpq_arguments]
    before = time.perf_counter()
    done = subprocess.run(
        [str(word) for word in (*words, "-d", server.database, "-c", command)],
        stdin=subprocess.DEVNULL,
        stdout=standard_output,
        stderr=subprocess.PIPE,
        env=processes.clean_environment(),
        check=False,
    )
    if done.returncode != 0:
        raise Failure(f"psql against {server.name} said:\n{done.stderr.decode(errors='replace')}")
    return time.perf_counter() - before


def run(bed):
    count = 1_000_000 if bed.quick else 10_000_000
    table = Table(NAME, f"{count // 1_000_000} million rows of five columns, about 105 bytes each", "rows/s", [Comparison("× PostgreSQL", "PostgreSQL")])
    with bed.working_files("copy.duckdb", "copy.txt") as (file, data):
        data.touch()
        data.chmod(0o666)
        with data.open("wb") as out:
            psql(bed, bed.postgres, f"COPY ({ROWS.format(count=count)}) TO STDOUT", out)
        with bed.merganser(file) as merganser:

            def copy_in(server):
                server.run_sql("DROP TABLE IF EXISTS copied", TABLE)
                seconds = psql(bed, server, f"\\copy copied FROM '{data}'", subprocess.DEVNULL)
                if server.value("SELECT count(*) FROM copied") != count:
                    raise Failure(f"{server.name} did not store all rows")
                return count / seconds

            def out(server, case, command):
                rows = count // 10 if case == CASE_SELECT else count
                return rows / psql(bed, server, command, subprocess.DEVNULL)

            commands = {
                CASE_OUT: "COPY copied TO STDOUT",
                CASE_BINARY: "COPY copied TO STDOUT (FORMAT binary)",
                # psql keeps a whole result in memory, and most of this time is its own.
                CASE_SELECT: f"SELECT * FROM copied LIMIT {count // 10}",
            }
            measures = []
            for server in (bed.postgres, merganser):
                measures.append((server.name, CASE_IN, functools.partial(copy_in, server)))
            for case, command in commands.items():
                for server in (bed.postgres, merganser):
                    measure = functools.partial(out, server, case, command)
                    measures.append((server.name, case, measure))
            for server in (bed.postgres, merganser):
                copy_in(server)  # so that a round may begin with reading
            bed.in_rounds(table, measures)
            bed.postgres.run_sql("DROP TABLE copied")
            for case, times in ((CASE_IN, TIMES_IN), (CASE_OUT, TIMES_OUT), (CASE_BINARY, TIMES_OUT)):
                ratio = table.get(merganser.name, case).ratio_to(table.get(bed.postgres.name, case))
                table.target(f"{case}: Merganser to PostgreSQL", ratio, at_least=times)
    return table

"""Inserts from one connection that does not wait for answers: rows a second."""

import json

from . import pgbench, processes
from .insert import CREATE, PAYLOAD
from .processes import Failure
from .samples import Comparison, Table

NAME = "pipeline"
LIMIT = 300_000
IN_A_PIPELINE = 100
SCRIPT = "\\startpipeline\n" + f"INSERT INTO events VALUES (:client_id, 1, '{PAYLOAD}');\n" * IN_A_PIPELINE + "\\endpipeline\n"
SECONDS, QUICK_SECONDS = 2, 1
PGBENCH = f"pgbench, {IN_A_PIPELINE} rows a pipeline"


def sync_case(every):
    return f"libpq, a Sync after every {every:,} rows" if every > 1 else "libpq, a Sync after every row"


def run(bed):
    table = Table(
        NAME,
        "pipelined durable inserts from one connection, rows a second",
        "1/s",
        [Comparison("× PostgreSQL", "PostgreSQL"), Comparison("of null server", "null server", percent=True)],
    )
    acknowledged = {}
    seconds = QUICK_SECONDS if bed.quick else SECONDS

    def by_libpq(server, every):
        words = [bed.pipeline_program, server.dsn, "--seconds", seconds, "--sync-every", every]
        answer = json.loads(processes.run(words))
        acknowledged[server] = acknowledged.get(server, 0) + answer["rows"]
        return answer["rows"] / answer["seconds"]

    def by_pgbench(server):
        # extended: pgbench 15 cannot prepare inside a pipeline.
        programs, folder = bed.postgres_programs, bed.folder
        result = pgbench.run(programs, server, SCRIPT, mode="extended", clients=1, seconds=seconds, folder=folder)
        acknowledged[server] = acknowledged.get(server, 0) + result.done * IN_A_PIPELINE
        return result.tps * IN_A_PIPELINE

    with bed.working_files("pipeline.duckdb") as (file,), bed.merganser(file) as merganser:
        for server in (merganser, bed.postgres):
            server.run_sql(CREATE)
        try:
            measures = []
            for server in (merganser, bed.postgres, bed.null):
                for every in (1, 100, 1000, 10_000):
                    measures.append((server.name, sync_case(every), lambda s=server, e=every: by_libpq(s, e)))
                measures.append((server.name, PGBENCH, lambda s=server: by_pgbench(s)))
            bed.in_rounds(table, measures)
            for server in (merganser, bed.postgres):
                found = server.value("SELECT count(*) FROM events")
                if found != acknowledged[server]:
                    raise Failure(f"{server.name} acknowledged {acknowledged[server]} rows and has {found}")
        finally:
            bed.postgres.run_sql("DROP TABLE events")
    case = sync_case(1000)
    table.target(case, table.get("merganser", case).spread, at_least=LIMIT, unit="1/s")
    return table

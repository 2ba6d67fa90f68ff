"""From the command to the answer: the first `merganser sql`, which starts the owner, and those after it."""

import time

from . import processes
from .samples import Table

NAME = "start"
FIRST_MS, WARM_MS = 300, 20
CASE_FIRST, CASE_WARM = "no owner runs", "the server runs"


def timed_ms(command, environment, standard_input=None):
    before = time.perf_counter()
    processes.run(command, env=environment, input=standard_input)
    return (time.perf_counter() - before) * 1000


def run(bed):
    table = Table(NAME, "one command with 'select 1', from its start to its end", "ms", digits=1)
    turns = 10 if bed.quick else 20
    with bed.working_files("start.duckdb", "start-inprocess.duckdb") as (file, own_file):
        for path in (file, own_file):
            bed.inprocess(path).run_sql("CREATE TABLE t AS SELECT i FROM range(100000) t(i)", "CHECKPOINT")
        # Sockets and settings of its own: an owner of the caller's must neither help nor be disturbed.
        private = {"XDG_RUNTIME_DIR": str(bed.socket_dir()), "XDG_CONFIG_HOME": str(bed.socket_dir())}
        environment = processes.clean_environment(private)
        sql = [bed.merganser_program, "sql", file, "select 1"]
        stop = [bed.merganser_program, "stop", file]
        psql = bed.postgres_programs / "psql"
        others = {
            ("PostgreSQL, psql", CASE_WARM): ([psql, bed.postgres.dsn, "-c", "select 1"], None),
            ("null server, psql", CASE_WARM): ([psql, bed.null.dsn, "-c", "select 1"], None),
            ("in process", CASE_FIRST): ([bed.inprocess_program, "sql", own_file], "select 1\n"),
        }
        try:
            for _ in range(turns):
                table.add("merganser sql", CASE_FIRST, timed_ms(sql, environment))
                table.add("merganser sql", CASE_WARM, timed_ms(sql, environment))
                for (contestant, case), (command, said) in others.items():
                    table.add(contestant, case, timed_ms(command, environment, said))
                processes.run(stop, env=environment)
        finally:
            processes.run(stop, env=environment)
    for case, limit in ((CASE_FIRST, FIRST_MS), (CASE_WARM, WARM_MS)):
        table.target(f"merganser sql, {case}", table.get("merganser sql", case).spread, at_most=limit, unit="ms")
    table.notes.append(f"median of {turns} turns")
    return table

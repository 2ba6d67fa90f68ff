"""Prepared selects of one row by primary key, from a million rows."""

import shutil

from . import pgbench
from .samples import Comparison, Table

NAME = "point_select"
ROWS = 1_000_000
CLIENTS = (1, 8, 32, 64)
MADE = [
    "CREATE TABLE points (id BIGINT PRIMARY KEY, amount BIGINT, label VARCHAR)",
    "INSERT INTO points SELECT i, (i * 7919) % 1000003, 'label of point ' || i FROM {series}",
]
SCRIPT = """\\set id random(1, :rows)
SELECT id, amount, label FROM points WHERE id = :id;
"""


def case_of(clients):
    return f"{clients} client" + ("s" if clients > 1 else "")


def run(bed):
    table = Table(
        NAME,
        f"prepared selects by primary key from {ROWS:,} rows, a second",
        "1/s",
        [
            Comparison("× in process", "in process"),
            Comparison("× PostgreSQL", "PostgreSQL"),
            Comparison("of null server", "null server", percent=True),
        ],
    )
    seconds = 1 if bed.quick else 2
    with bed.working_files("points.duckdb", "points-inprocess.duckdb") as (file, own_file):
        inprocess = bed.inprocess(own_file)
        inprocess.run_sql(*(sql.format(series=f"range(1, {ROWS + 1}) t(i)") for sql in MADE), "CHECKPOINT")
        shutil.copyfile(own_file, file)  # byte for byte the same storage for both
        bed.postgres.run_sql(
            *(sql.format(series=f"generate_series(1::bigint, {ROWS}) t(i)") for sql in MADE),
            "VACUUM ANALYZE points",
            "CHECKPOINT",
        )
        with bed.merganser(file) as merganser:
            bed.in_rounds(table, measures(bed, merganser, inprocess, seconds))
        bed.postgres.run_sql("DROP TABLE points")
    one = case_of(1)
    table.target(
        "one connection, share of in process",
        table.get("merganser", one).ratio_to(table.get("in process", one)),
        at_least=0.8,
    )
    return table


def measures(bed, merganser, inprocess, seconds):
    out = []
    for clients in CLIENTS:
        case = case_of(clients)

        def over_libpq(server, clients=clients):
            return pgbench.run(
                bed.postgres_programs,
                server,
                SCRIPT,
                mode="prepared",
                clients=clients,
                seconds=seconds,
                folder=bed.folder,
                variables=[("rows", ROWS)],
            ).tps

        def inside(clients=clients):
            return inprocess.measure("select", rows=ROWS, clients=clients, seconds=seconds)["tps"]

        out.append(("in process", case, inside))
        for server in (merganser, bed.postgres, bed.null):
            out.append((server.name, case, lambda server=server, measure=over_libpq: measure(server)))
    return out

"""Prepared selects of one row by primary key, from a million rows."""

import shutil

from . import pgbench
from .samples import Comparison, Table

NAME = "point_select"
ROWS = 1_000_000
CLIENTS = (1, 16, 64, 200)
SKEWED = (64, 200)  # with a few keys that are asked for again and again
MADE = [
    "CREATE TABLE points (id BIGINT PRIMARY KEY, amount BIGINT, label VARCHAR)",
    "INSERT INTO points SELECT i, (i * 7919) % 1000003, 'label of point ' || i FROM {series}",
]
QUESTION = "SELECT id, amount, label FROM points WHERE id = :id;\n"
UNIFORM = "\\set id random(1, :rows)\n" + QUESTION
ZIPFIAN = "\\set id random_zipfian(1, :rows, 1.1)\n" + QUESTION
# One in ten changes a row, of the same keys.
WRITE = "UPDATE points SET amount = amount + 1 WHERE id = :id;\n"
WITH_WRITES = (
    "\\set id random_zipfian(1, :rows, 1.1)\n\\set write random(1, 10)\n"
    "\\if :write = 1\n" + WRITE + "\\else\n" + QUESTION + "\\endif\n"
)


def case_of(clients):
    return f"{clients} client" + ("s" if clients > 1 else "")


def run(bed):
    table = Table(
        NAME,
        f"prepared selects by primary key from {ROWS:,} rows, a second; keys drawn uniformly or by Zipf's law (1.1)",
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
    for clients in SKEWED:
        for name, least in (("", 1), (", zipfian", 2), (", zipfian, 10 % writes", 2)):
            case = case_of(clients) + name
            table.target(
                f"{case}, against PostgreSQL",
                table.get("merganser", case).ratio_to(table.get("PostgreSQL", case)),
                at_least=least,
            )
    return table


def measures(bed, merganser, inprocess, seconds):
    out = []
    for clients in CLIENTS:
        case = case_of(clients)

        def inside(clients=clients):
            return inprocess.measure("select", rows=ROWS, clients=clients, seconds=seconds)["tps"]

        out.append(("in process", case, inside))
        for server in (merganser, bed.postgres, bed.null):
            out.append((server.name, case, over_libpq(bed, server, UNIFORM, clients, seconds)))
    for name, script in (("zipfian", ZIPFIAN), ("zipfian, 10 % writes", WITH_WRITES)):
        for clients in SKEWED:
            for server in (merganser, bed.postgres):
                # The hot keys have to have been asked for once.
                out.append((server.name, f"{case_of(clients)}, {name}", over_libpq(bed, server, script, clients, 2 * seconds)))
    return out


def over_libpq(bed, server, script, clients, seconds):
    return lambda: pgbench.run(
        bed.postgres_programs,
        server,
        script,
        mode="prepared",
        clients=clients,
        seconds=seconds,
        folder=bed.folder,
        variables=[("rows", ROWS)],
    ).tps

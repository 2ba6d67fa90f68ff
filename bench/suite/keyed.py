"""Durable updates and upserts of one row by a random key, each its own transaction; columns of numbers and of text apart."""

from . import pgbench
from .point_select import case_of
from .processes import Failure
from .samples import Comparison, Table

NAME = "keyed"
CLIENTS = (64, 200)
SIZES = (10_000, 1_000_000)
TARGET_ROWS = 10_000
COLUMNS = ("integers", "text")
VERBS = ("update", "upsert")
MANY, MORE_SECONDS = 128, 1
LABEL = "a text of the length that an application writes: 80 characters, the last ones new.."
# {i} is the row's number. The texts differ, so that a checkpoint compresses them as it would an application's.
MADE = {
    "integers": ("a BIGINT, b BIGINT", "(i * 7919) % 1000003, i"),
    "text": ("a VARCHAR, b VARCHAR", "'label of row ' || i || ' with some words that all rows share', 'short ' || i % 100"),
}
SCRIPTS = {
    ("update", "integers"): "UPDATE {t} SET n = n + 1, a = :v WHERE id = :id;",
    ("update", "text"): "UPDATE {t} SET n = n + 1, a = :label WHERE id = :id;",
    ("upsert", "integers"): "INSERT INTO {t} (id, n, a, b) VALUES (:id, 1, :v, 0) "
    "ON CONFLICT (id) DO UPDATE SET n = {t}.n + 1, a = excluded.a;",
    ("upsert", "text"): "INSERT INTO {t} (id, n, a, b) VALUES (:id, 1, :label, 'new') "
    "ON CONFLICT (id) DO UPDATE SET n = {t}.n + 1, a = excluded.a;",
}


def rows_name(rows):
    return {10_000: "10k", 1_000_000: "1M"}.get(rows, str(rows))


def table_name(columns, rows):
    return f"{columns}_{rows_name(rows)}"


def script_of(verb, columns, rows):
    # Half of the keys of an upsert are new at first: it inserts until they are there, and updates from then on.
    highest = rows if verb == "update" else rows * 2
    change = SCRIPTS[verb, columns].format(t=table_name(columns, rows))
    return f"\\set id random(1, {highest})\n\\set v random(1, 1000000000)\n{change}\n"


def make(server, series, last):
    for columns in COLUMNS:
        declared, values = MADE[columns]
        for rows in SIZES:
            name = table_name(columns, rows)
            server.run_sql(
                f"CREATE TABLE {name} (id BIGINT PRIMARY KEY, n BIGINT NOT NULL, {declared})",
                f"INSERT INTO {name} SELECT i, 0, {values} FROM {series.format(rows=rows)}",
            )
    server.run_sql(*last)


class Changes:
    """Each change adds 1 to its row's n, or makes a row with 1: so the sum says whether all that was acknowledged is there."""

    def __init__(self, bed):
        self.bed = bed
        self.acknowledged = {}

    def rate(self, server, verb, columns, rows, clients):
        result = pgbench.run(
            self.bed.postgres_programs,
            server,
            script_of(verb, columns, rows),
            mode="prepared",
            clients=clients,
            seconds=1 + (MORE_SECONDS if clients >= MANY else 0),
            folder=self.bed.folder,
            variables=[("label", LABEL)],
        )
        key = server, table_name(columns, rows)
        self.acknowledged[key] = self.acknowledged.get(key, 0) + result.done
        tidy(server, key[1])
        return result.tps

    def check(self):
        for (server, name), acknowledged in self.acknowledged.items():
            found = server.value(f"SELECT sum(n) FROM {name}")
            if found != acknowledged:
                raise Failure(f"{server.name} acknowledged {acknowledged} changes of {name} and has {found}")


def tidy(server, name):
    """What autovacuum and idle checkpoints do in quiet minutes, outside of what is measured."""
    server.run_sql(f"VACUUM {name}" if server.name == "PostgreSQL" else "CHECKPOINT")


def run(bed):
    table = Table(
        NAME,
        "durable updates and upserts of one row by a random key, prepared, a second",
        "1/s",
        [Comparison("× PostgreSQL", "PostgreSQL")],
    )
    changes = Changes(bed)
    names = [table_name(columns, rows) for columns in COLUMNS for rows in SIZES]
    with bed.working_files("keyed.duckdb") as (file,), bed.merganser(file) as merganser:
        make(merganser, "range(1, {rows} + 1) t(i)", ["CHECKPOINT"])
        make(bed.postgres, "generate_series(1::bigint, {rows}) t(i)", [*(f"VACUUM ANALYZE {n}" for n in names), "CHECKPOINT"])
        try:
            bed.in_rounds(table, measures(bed, changes, merganser))
            changes.check()
        finally:
            bed.postgres.run_sql(*(f"DROP TABLE IF EXISTS {name}" for name in names))
    for verb in VERBS:
        for columns in COLUMNS:
            for clients in CLIENTS:
                case = case_name(verb, columns, TARGET_ROWS, clients)
                ratio = table.get("merganser", case).ratio_to(table.get("PostgreSQL", case))
                table.target(f"{case}, against PostgreSQL", ratio, at_least=1)
    return table


def case_name(verb, columns, rows, clients):
    return f"{verb}, {columns}, {rows:,} rows, {case_of(clients)}"


def measures(bed, changes, merganser):
    out = []
    for verb in VERBS:
        for columns in COLUMNS:
            for rows in SIZES:
                for clients in CLIENTS:
                    for server in (merganser, bed.postgres):
                        what = server, verb, columns, rows, clients
                        case = case_name(verb, columns, rows, clients)
                        out.append((server.name, case, lambda what=what: changes.rate(*what)))
    return out

"""Durable inserts of one row, each its own transaction: how many a second, and how long each takes."""

import contextlib

from . import cpu, pgbench
from .plot import Plot
from .point_select import case_of
from .processes import Failure
from .samples import Comparison, Table

NAME = "insert"
NAME_LATENCY = "insert_latency"
NAME_CPU = "insert_cpu"
CLIENTS = (1, 8, 32, 64, 200)
QUACK_CLIENTS = (1, 2, 4, 8)  # beyond them it gets no faster and drops connections
CPU_CLIENTS = (1, 2, 4, 8, 16, 32, 64, 128, 200)
MODES = ("prepared", "simple")
LATENCY_CLIENTS, LATENCY_LIMIT_MS = 32, 5
CREATE = "CREATE TABLE events (id BIGINT, client INTEGER, payload VARCHAR)"
PAYLOAD = "a row of the size that an application writes about itself: 80 characters of text.."
SCRIPT = f"""\\set id random(1, 1000000000)
INSERT INTO events VALUES (:id, :client_id, '{PAYLOAD}');
"""
ONE_PREPARED = "1 client, prepared"
# pgbench's seconds begin before its clients connect, and 200 take a while.
MANY, MORE_SECONDS = 128, 1


class Inserts:
    """Counts what was acknowledged, so that the end can look whether all of it is there."""

    def __init__(self, bed, merganser, inprocess, quack=None):
        self.bed, self.merganser, self.inprocess, self.quack = bed, merganser, inprocess, quack
        self.acknowledged = {}

    def over_libpq(self, server, mode, clients, seconds, log=False):
        result = pgbench.run(
            self.bed.postgres_programs,
            server,
            SCRIPT,
            mode=mode,
            clients=clients,
            seconds=seconds + (MORE_SECONDS if clients >= MANY else 0),
            folder=self.bed.folder,
            log=log,
        )
        self.acknowledged[server] = self.acknowledged.get(server, 0) + result.done
        return result

    def inside(self, clients, seconds):
        return self.inprocess.measure("insert", clients=clients, seconds=seconds)

    def check(self):
        for server in (self.merganser, self.bed.postgres):
            found, acknowledged = server.value("SELECT count(*) FROM events"), self.acknowledged[server]
            if found != acknowledged:
                raise Failure(f"{server.name} acknowledged {acknowledged} rows and has {found}")
        if self.quack:
            self.quack.check()


def with_inserts(bed, measure, quack=False):
    names = "events.duckdb", "events-inprocess.duckdb", "events-quack.duckdb"
    with bed.working_files(*names) as (file, own_file, quack_file), contextlib.ExitStack() as stack:
        inprocess = bed.inprocess(own_file)
        inprocess.run_sql(CREATE)
        bed.postgres.run_sql(CREATE)
        stack.callback(bed.postgres.run_sql, "DROP TABLE events")
        merganser = stack.enter_context(bed.merganser(file))
        merganser.run_sql(CREATE)
        rival = stack.enter_context(bed.quack(quack_file)) if quack else None
        inserts = Inserts(bed, merganser, inprocess, rival)
        measure(inserts)
        inserts.check()


def run(bed):
    table = Table(
        NAME,
        "durable inserts of one row, each its own transaction, a second",
        "1/s",
        [
            Comparison("× in process, 1 thread", "in process", ONE_PREPARED),
            Comparison("× PostgreSQL", "PostgreSQL"),
            Comparison("of null server", "null server", percent=True),
        ],
    )

    def measure(inserts):
        bed.in_rounds(table, rate_measures(bed, inserts, seconds=1))
        if inserts.quack and inserts.quack.failed:
            done, failed = inserts.quack.acknowledged, inserts.quack.failed
            table.notes.append(f"Quack: {failed:,} of {done + failed:,} statements failed, their connections were dropped")

    with_inserts(bed, measure, quack=True)
    targets(table)
    for mode in MODES:
        table.plots.append(plot_of(table, mode))
    return table


def targets(table):
    def ratio(clients, to):
        return table.get("merganser", f"{case_of(clients)}, prepared").ratio_to(to)

    alone = table.get("in process", ONE_PREPARED)
    table.target(f"{ONE_PREPARED}, against in process with one thread", ratio(1, alone), at_least=1.5)
    for clients, least in ((32, 3), (64, 3), (200, 6)):
        case = f"{case_of(clients)}, prepared"
        table.target(f"{case}, against PostgreSQL", ratio(clients, table.get("PostgreSQL", case)), at_least=least)
    best_quack = max((s for s in table.series.values() if s.contestant == "Quack"), key=lambda s: s.spread.median)
    best = max(CLIENTS, key=lambda c: table.get("merganser", f"{case_of(c)}, prepared").spread.median)
    table.target(
        f"{case_of(best)}, prepared, against Quack at its best ({best_quack.case})", ratio(best, best_quack), at_least=100
    )


def plot_of(table, mode):
    plot = Plot(f"{NAME}-{mode}", f"Durable one-row inserts a second, {mode}", "clients", "inserts a second")
    for contestant in ("merganser", "PostgreSQL", "in process", "Quack", "null server"):
        for clients in sorted({*CLIENTS, *QUACK_CLIENTS}):
            # Those that were measured in one mode stand in both plots.
            for of_mode in (mode, *MODES) if contestant in ("in process", "Quack") else (mode,):
                series = table.series.get((contestant, f"{case_of(clients)}, {of_mode}"))
                if series:
                    plot.add(contestant, clients, series.spread)
                    break
    return plot


def rate_measures(bed, inserts, seconds):
    out = []
    for mode in MODES:
        for clients in sorted({*CLIENTS, *QUACK_CLIENTS}):
            case = f"{case_of(clients)}, {mode}"
            if mode == "simple" and clients in QUACK_CLIENTS:  # its clients send texts
                out.append(("Quack", case, lambda clients=clients: inserts.quack.insert(clients, seconds)))
            if clients not in CLIENTS:
                continue
            if mode == "prepared":
                out.append(("in process", case, lambda clients=clients: inserts.inside(clients, seconds)["tps"]))
            for server in (inserts.merganser, bed.postgres, bed.null):

                def rate(server=server, mode=mode, clients=clients):
                    return inserts.over_libpq(server, mode, clients, seconds).tps

                out.append((server.name, case, rate))
    return out


def run_latency(bed):
    table = Table(
        NAME_LATENCY,
        f"time of one durable insert at {LATENCY_CLIENTS} clients, prepared",
        "ms",
        [Comparison("× in process", "in process"), Comparison("× PostgreSQL", "PostgreSQL")],
        digits=2,
    )
    seconds = 2 if bed.quick else 4

    def measure(inserts):
        bed.in_rounds(table, latency_measures(bed, inserts, seconds))

    with_inserts(bed, measure)
    high = table.get("merganser", "99th percentile").spread
    table.target(f"{LATENCY_CLIENTS} clients, 99 of 100 within", high, at_most=LATENCY_LIMIT_MS, unit="ms")
    return table


# A run gives both quantiles; the second is kept until its turn comes.
def latency_measures(bed, inserts, seconds):
    out = []

    def both(contestant, measure):
        kept = {}

        def quantile(which):
            if which not in kept:
                kept.update(measure())
            return kept.pop(which)

        out.append((contestant, "median", lambda: quantile("median")))
        out.append((contestant, "99th percentile", lambda: quantile("99")))

    def inside():
        answer = inserts.inside(LATENCY_CLIENTS, seconds)
        return {"median": answer["p50_us"] / 1000, "99": answer["p99_us"] / 1000}

    both("in process", inside)
    for server in (inserts.merganser, bed.postgres, bed.null):

        def over_libpq(server=server):
            result = inserts.over_libpq(server, "prepared", LATENCY_CLIENTS, seconds, log=True)
            return {"median": result.quantile_ms(0.5), "99": result.quantile_ms(0.99)}

        both(server.name, over_libpq)
    return out


def run_cpu(bed):
    table = Table(
        NAME_CPU,
        "processor time of the server for one durable insert, prepared",
        "µs",
        [Comparison("× PostgreSQL", "PostgreSQL"), Comparison("× 1 client", "merganser", case_of(1))],
        digits=1,
    )

    def measure(inserts):
        measures = []
        for clients in CPU_CLIENTS:
            for server in (inserts.merganser, bed.postgres):

                def spent(server=server, clients=clients):
                    before = cpu.seconds(server)
                    done = inserts.over_libpq(server, "prepared", clients, 1).done
                    return (cpu.seconds(server) - before) / done * 1e6

                measures.append((server.name, case_of(clients), spent))
        bed.in_rounds(table, measures)

    with_inserts(bed, measure)
    one, many = (table.get("merganser", case_of(clients)) for clients in (1, CPU_CLIENTS[-1]))
    table.target(f"{many.case}, against 1 client", many.ratio_to(one), at_most=0.5)
    plot = Plot(NAME_CPU, "Processor time of the server for one insert", "clients", "µs")
    for server in ("merganser", "PostgreSQL"):
        for clients in CPU_CLIENTS:
            plot.add(server, clients, table.get(server, case_of(clients)).spread)
    table.plots.append(plot)
    return table

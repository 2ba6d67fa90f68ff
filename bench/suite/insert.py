"""Durable inserts of one row, each its own transaction: how many a second, and how long each takes."""

from . import pgbench
from .point_select import case_of
from .processes import Failure
from .samples import Comparison, Table

NAME = "insert"
NAME_LATENCY = "insert_latency"
CLIENTS = (1, 8, 32, 64)
MODES = ("prepared", "simple")
LATENCY_CLIENTS = 32
CREATE = "CREATE TABLE events (id BIGINT, client INTEGER, payload VARCHAR)"
PAYLOAD = "a row of the size that an application writes about itself: 80 characters of text.."
SCRIPT = f"""\\set id random(1, 1000000000)
INSERT INTO events VALUES (:id, :client_id, '{PAYLOAD}');
"""
ONE_PREPARED = "1 client, prepared"


class Inserts:
    """Counts what was acknowledged, so that the end can look whether all of it is there."""

    def __init__(self, bed, merganser, inprocess):
        self.bed, self.merganser, self.inprocess = bed, merganser, inprocess
        self.acknowledged = {}

    def over_libpq(self, server, mode, clients, seconds, log=False):
        result = pgbench.run(
            self.bed.postgres_programs,
            server,
            SCRIPT,
            mode=mode,
            clients=clients,
            seconds=seconds,
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


def with_inserts(bed, measure):
    with bed.working_files("events.duckdb", "events-inprocess.duckdb") as (file, own_file):
        inprocess = bed.inprocess(own_file)
        inprocess.run_sql(CREATE)
        bed.postgres.run_sql(CREATE)
        with bed.merganser(file) as merganser:
            merganser.run_sql(CREATE)
            inserts = Inserts(bed, merganser, inprocess)
            measure(inserts)
            inserts.check()
        bed.postgres.run_sql("DROP TABLE events")


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

    with_inserts(bed, measure)
    alone = table.get("in process", ONE_PREPARED)
    for clients, least in ((1, 1), (32, 3)):
        case = f"{case_of(clients)}, prepared"
        table.target(
            f"{case}, against in process with one thread",
            table.get("merganser", case).ratio_to(alone),
            at_least=least,
        )
    return table


def rate_measures(bed, inserts, seconds):
    out = []
    for mode in MODES:
        for clients in CLIENTS:
            case = f"{case_of(clients)}, {mode}"
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

"""pgbench's own transaction, like TPC-B: three updates, a select and an insert between BEGIN and END."""

from . import pgbench
from .point_select import case_of
from .processes import Failure
from .samples import Comparison, Table

NAME = "tpcb"
CLIENTS = 32
MODES = ("simple", "prepared")
SCALE = 10
TELLERS, ACCOUNTS = 10, 100_000
MADE = [
    "CREATE TABLE pgbench_branches (bid INTEGER PRIMARY KEY, bbalance INTEGER, filler VARCHAR(88))",
    "CREATE TABLE pgbench_tellers (tid INTEGER PRIMARY KEY, bid INTEGER, tbalance INTEGER, filler VARCHAR(84))",
    "CREATE TABLE pgbench_accounts (aid INTEGER PRIMARY KEY, bid INTEGER, abalance INTEGER, filler VARCHAR(84))",
    "CREATE TABLE pgbench_history (tid INTEGER, bid INTEGER, aid INTEGER, delta INTEGER, mtime TIMESTAMP, filler VARCHAR(22))",
    f"INSERT INTO pgbench_branches SELECT i, 0, '' FROM generate_series(1, {SCALE}) t(i)",
    f"INSERT INTO pgbench_tellers SELECT i, (i - 1) / {TELLERS} + 1, 0, '' FROM generate_series(1, {SCALE * TELLERS}) t(i)",
    f"INSERT INTO pgbench_accounts SELECT i, (i - 1) / {ACCOUNTS} + 1, 0, '' FROM generate_series(1, {SCALE * ACCOUNTS}) t(i)",
]
TABLES = ("pgbench_branches", "pgbench_tellers", "pgbench_accounts", "pgbench_history")
# The text of pgbench's built-in script: named here, so that what is measured can be read.
SCRIPT = f"""\\set aid random(1, {SCALE * ACCOUNTS})
\\set bid random(1, {SCALE})
\\set tid random(1, {SCALE * TELLERS})
\\set delta random(-5000, 5000)
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
UPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = :tid;
UPDATE pgbench_branches SET bbalance = bbalance + :delta WHERE bid = :bid;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (:tid, :bid, :aid, :delta, CURRENT_TIMESTAMP);
END;
"""
BALANCES = (
    "SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(tbalance) FROM pgbench_tellers), "
    "(SELECT sum(bbalance) FROM pgbench_branches), (SELECT sum(delta) FROM pgbench_history)"
)


def check(server, acknowledged):
    """Every account, teller and branch has what the history says, and the history has all that was acknowledged."""
    with server.connect() as connection:
        balances = set(connection.execute(BALANCES).fetchone())
        (found,) = connection.execute("SELECT count(*) FROM pgbench_history").fetchone()
    if len(balances) != 1 or found != acknowledged:
        raise Failure(f"{server.name}: balances {balances}, {found} rows of history for {acknowledged} transactions")


def run(bed):
    table = Table(NAME, f"transactions like TPC-B, scale {SCALE}, a second", "1/s", [Comparison("× PostgreSQL", "PostgreSQL")])
    acknowledged = {}

    # pgbench.run refuses a run with a failed transaction: no conflict may reach a client.
    def rate(server, mode):
        seconds = 2 if bed.quick else 4
        result = pgbench.run(
            bed.postgres_programs, server, SCRIPT, mode=mode, clients=CLIENTS, seconds=seconds, folder=bed.folder
        )
        acknowledged[server] = acknowledged.get(server, 0) + result.done
        return result.tps

    with bed.working_files("tpcb.duckdb") as (file,), bed.merganser(file) as merganser:
        servers = (merganser, bed.postgres)
        for server in servers:
            server.run_sql(*(sql.replace(" / ", " // ") if server is merganser else sql for sql in MADE))
        bed.postgres.run_sql(*(f"VACUUM ANALYZE {name}" for name in TABLES))
        try:
            measures = [
                (server.name, f"{case_of(CLIENTS)}, {mode}", lambda s=server, m=mode: rate(s, m))
                for mode in MODES
                for server in servers
            ]
            bed.in_rounds(table, measures)
            for server in servers:
                check(server, acknowledged[server])
        finally:
            bed.postgres.run_sql(*(f"DROP TABLE {name}" for name in TABLES))
    table.notes.append(f"no transaction failed, and the balances agree: {acknowledged[merganser]:,} transactions")
    return table

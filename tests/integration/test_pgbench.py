"""pgbench with scripts of our own: no failed transaction, and as many rows as transactions."""

import re

import pytest

from harness.paths import PG_BIN
from harness.process import run

MODES = ["simple", "extended", "prepared"]
CLIENTS = [1, 8, 32]
TRANSACTIONS = {1: 200, 8: 60, 32: 25}

INSERT = "\\set k random(1, 1000000)\ninsert into {t}(worker, k, s) values (:client_id, :k, 'some text');\n"
UPDATE = "\\set k random(1, 100)\nupdate {t} set n = n + 1 where id = :k;\n"
SELECT = "\\set k random(1, 100)\nselect id, n from {t} where id = :k;\n"
MIXED = (
    "\\set k random(1, 100)\nbegin;\nselect n from {t} where id = :k;\n"
    "insert into {t}_log values (:client_id, :k);\ncommit;\n"
)


def pgbench(server, script, mode, clients, *flags):
    done = run(
        [PG_BIN / "pgbench", "-n", "-M", mode, "-c", clients, "-j", min(clients, 2), "-t", TRANSACTIONS[clients],
         "-f", script, *flags],
        env=server.environment(),
        timeout=100,
    )  # fmt: skip
    assert done.code == 0, done
    processed = re.search(r"actually processed: (\d+)/(\d+)", done.out)
    assert processed and processed[1] == processed[2], done
    assert re.search(r"failed transactions: 0 ", done.out), done
    return int(processed[1])


@pytest.fixture
def script(tmp_path, table):
    def write(text):
        path = tmp_path / "script.sql"
        path.write_text(text.format(t=table))
        return path

    return write


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("clients", CLIENTS)
def test_inserts(server, connection, table, script, mode, clients):
    connection.execute(f"create table {table}(worker int, k int, s varchar)")
    count = pgbench(server, script(INSERT), mode, clients)
    assert connection.execute(f"select count(*), count(distinct worker) from {table}").fetchone() == (count, clients)


@pytest.fixture
def hundred(connection, table):
    connection.execute(f"create table {table}(id int primary key, n bigint)")
    connection.execute(f"insert into {table} select g, 0 from generate_series(1, 100) as r(g)")
    return table


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("clients", CLIENTS)
def test_updates_of_the_same_rows(server, connection, hundred, script, mode, clients):
    """Everybody adds to a hundred rows: no update may be lost, none may fail with a conflict."""
    count = pgbench(server, script(UPDATE), mode, clients)
    assert connection.execute(f"select sum(n) from {hundred}").fetchone() == (count,)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("clients", CLIENTS)
def test_selects(server, hundred, script, mode, clients):
    pgbench(server, script(SELECT), mode, clients)


@pytest.mark.parametrize("mode", MODES)
def test_transactions(server, connection, hundred, script, mode):
    """Read, then write, in one transaction. Losers of a conflict are told 40001 and try again."""
    connection.execute(f"create table {hundred}_log(worker int, k int)")
    try:
        count = pgbench(server, script(MIXED), mode, 8, "--max-tries=1000")
        assert connection.execute(f"select count(*) from {hundred}_log").fetchone() == (count,)
    finally:
        connection.execute(f"drop table {hundred}_log")


TPCB_TABLES = ("pgbench_branches", "pgbench_tellers", "pgbench_accounts", "pgbench_history")


@pytest.fixture
def tpcb(connection):
    """The tables of pgbench's built-in script, smaller."""
    connection.execute("create table pgbench_branches (bid int primary key, bbalance int, filler char(88))")
    connection.execute("create table pgbench_tellers (tid int primary key, bid int, tbalance int, filler char(84))")
    connection.execute("create table pgbench_accounts (aid int primary key, bid int, abalance int, filler char(84))")
    connection.execute("create table pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp)")
    connection.execute("insert into pgbench_branches values (1, 0, '')")
    connection.execute("insert into pgbench_tellers select i, 1, 0, '' from generate_series(1, 10) t(i)")
    connection.execute("insert into pgbench_accounts select i, 1, 0, '' from generate_series(1, 100000) t(i)")
    yield
    for name in TPCB_TABLES:
        connection.execute(f"drop table {name}")


@pytest.mark.parametrize("mode", MODES)
def test_tpcb_like(server, connection, tpcb, tmp_path, mode):
    """The built-in script's own text: abalance + :delta is abalance + $1 in the extended protocol."""
    shown = run([PG_BIN / "pgbench", "--show-script=tpcb-like"], env=server.environment())
    text = shown.out + shown.err
    script = tmp_path / "tpcb.sql"
    script.write_text(text[text.index("\\set aid") :])
    count = pgbench(server, script, mode, 32, "-D", "scale=1")
    balances = connection.execute(
        "select (select sum(bbalance) from pgbench_branches), (select sum(tbalance) from pgbench_tellers),"
        " (select sum(abalance) from pgbench_accounts), (select sum(delta) from pgbench_history)"
    ).fetchone()
    assert len(set(balances)) == 1
    assert connection.execute("select count(*) from pgbench_history").fetchone() == (count,)

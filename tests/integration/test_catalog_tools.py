"""The questions that tools ask of the catalog are answered, whatever they are made of; psql's completion too."""

import os
import pty
import select
import time
from pathlib import Path

import pytest

from harness.paths import PG_BIN
from harness.psql import psql

SCHEMA = """
create type mood as enum ('sad', 'ok');
create table t (id integer primary key, name text not null default 'x', price decimal(10,2) check (price > 0),
  tags text[], m mood, ts timestamptz default now());
create table u (a int, t_id int, foreign key (t_id) references t (id));
create index u_i on u (t_id);
create unique index u_e on u ((a + 1), t_id);
create view v as select id, name from t;
create sequence sq start 5;
create table d (a int default nextval('sq'));
create macro twice(x) as x * 2;
"""
TEXT = (Path(__file__).parent / "catalog_queries.sql").read_text()
QUERIES = [part.strip() for part in TEXT.split("\n\n") if part.strip() and not part.strip().startswith("--")]
EMPTY = ("pg_extension e", "matviewname", "table_privileges")


@pytest.fixture(scope="module")
def catalog(server):
    done = psql(server, "-q", "-v", "ON_ERROR_STOP=1", "-c", SCHEMA)
    assert done.code == 0, done
    return server


@pytest.mark.parametrize("sql", QUERIES, ids=range(len(QUERIES)))
def test_a_question_is_answered(catalog, sql):
    with catalog.connect() as made:
        rows = made.execute(sql).fetchall()
        assert rows or any(part in sql for part in EMPTY)


@pytest.mark.parametrize("sql", QUERIES, ids=range(len(QUERIES)))
def test_a_transaction_that_changed_the_catalog_gets_the_same_answer(catalog, sql):
    with catalog.connect(autocommit=False) as made:
        made.execute("create view another as select 1")
        made.execute("drop view another")
        made.execute(sql).fetchall()
        made.rollback()


class Terminal:
    """psql in a terminal of its own."""

    def __init__(self, server):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            environment = {**os.environ, **server.environment(TERM="dumb", PSQL_HISTORY="/dev/null")}
            os.execvpe(PG_BIN / "psql", ["psql", "-X"], environment)
        self.wait_for("=>")

    def wait_for(self, text, seconds=30):
        seen, end = "", time.monotonic() + seconds
        while text not in seen:
            assert time.monotonic() < end, (text, seen)
            if select.select([self.fd], [], [], 0.2)[0]:
                seen += os.read(self.fd, 4096).decode(errors="replace")
        return seen

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def close(self):
        self.type("\x15\\q\n")
        os.waitpid(self.pid, 0)
        os.close(self.fd)


COMPLETIONS = [
    ("alter table d\t", "alter table d "),
    ("select name from t where pri\t", "price "),
    ("insert into u (t_\t", "t_id "),
    ("\\d u_\t\t", "u_i"),
]


@pytest.mark.merganser_only
@pytest.mark.parametrize("keys, expected", COMPLETIONS)
def test_psql_completes(catalog, keys, expected):
    terminal = Terminal(catalog)
    try:
        terminal.type(keys)
        terminal.wait_for(expected)
    finally:
        terminal.close()

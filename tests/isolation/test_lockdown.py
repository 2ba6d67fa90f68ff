"""One client's statement can stop nobody else: each dangerous one is refused, and everybody goes on."""

import psycopg
import pytest

from harness.lockdown_cases import CALLS, HIDDEN, NAMES, OTHER_FUNCTIONS, STATEMENTS, lines
from harness.paths import Place
from harness.plain import plain_duckdb
from harness.server import Server

pytestmark = pytest.mark.merganser_only

REFUSED = ("42501", "0A000")
# There is no such thing here: no such setting, database or schema.
NOTHING_THERE = ("42704", "22023", "3F000", "3D000")
# No SQL in that place.
NO_SQL_THERE = ("42601", "42883", "42P01", "42000", "42804", "42703")


class Witness:
    """Another session, which must never notice anything."""

    def __init__(self, server):
        self.server = server
        self.session = server.connect()
        self.session.execute("create table witness(i integer)")
        self.count = 0

    def check(self):
        self.session.execute("insert into witness values (1)")
        self.count += 1
        assert self.session.execute("select count(*) from witness").fetchone() == (self.count,)
        assert self.session.execute("select lower('ABC')").fetchone() == ("abc",)

    def check_new_sessions(self):
        with self.server.connect() as fresh:
            assert fresh.execute("select count(*) from witness").fetchone() == (self.count,)
            fresh.execute("insert into witness values (2)")
            self.count += 1


@pytest.fixture(scope="module")
def locked():
    place = Place()
    server = Server(place)
    witness = Witness(server)
    with server.connect() as connection:
        connection.execute("create table victim(i integer)")
    yield server, witness
    try:
        witness.session.close()
        server.stop()
    finally:
        place.remove()


def attack(server, sql, prepared=False):
    """The SQLSTATE of the refusal, and whether the attacker's own session still works."""
    with server.connect() as connection:
        try:
            if prepared:
                connection.pgconn.prepare(b"", sql.encode())
                connection.execute(sql, prepare=True)
            else:
                result = connection.pgconn.exec_(sql.encode())
                if result.error_message:
                    raise psycopg.errors.lookup(result.error_field(psycopg.pq.DiagnosticField.SQLSTATE).decode())
        except psycopg.Error as error:
            state = error.sqlstate
        else:
            return "was executed"
        connection.rollback()
        assert connection.execute("select count(*) >= 0 from victim").fetchone() == (True,)
        return state


def database(server):
    with server.connect() as connection:
        return connection.execute("select current_database()").fetchone()[0]


@pytest.mark.parametrize("prepared", [False, True], ids=["simple", "prepared"])
@pytest.mark.parametrize("sql", lines(STATEMENTS))
def test_statement(locked, sql, prepared):
    server, witness = locked
    sql = sql.format(t="victim", db=database(server))
    state = attack(server, sql, prepared)
    witness.check()
    assert state in REFUSED + NOTHING_THERE or state in NO_SQL_THERE and (prepared or "system." in sql), state


@pytest.mark.parametrize("form", lines(CALLS))
def test_every_way_to_call(locked, form):
    server, witness = locked
    sql = form.format(f="enable_logging()", F="Enable_LOGGING()", t="victim")
    state = attack(server, sql)
    witness.check()
    assert state in REFUSED or state in NO_SQL_THERE and "CALL" in form.upper(), state


@pytest.mark.parametrize("form", HIDDEN, ids=repr)
def test_hidden_calls(locked, form):
    server, witness = locked
    state = attack(server, form.format(f="enable_logging()", n="enable_logging"))
    witness.check()
    assert state in REFUSED or state == "42601", state


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["CALL {f}", "SELECT * FROM {f}"])
def test_every_spelling_of_a_name(locked, form, name):
    server, witness = locked
    state = attack(server, form.format(f=name))
    witness.check()
    assert state in REFUSED or state in NO_SQL_THERE, state
    assert witness.session.execute("select current_setting('enable_logging')").fetchone()[0] in (False, "false", "0")


@pytest.mark.parametrize("name", OTHER_FUNCTIONS)
@pytest.mark.parametrize("form", ["CALL {f}", "SELECT * FROM {f}", "SELECT * FROM query('FROM ' || $q${f}$q$)"])
def test_other_functions(locked, form, name):
    server, witness = locked
    state = attack(server, form.format(f=name.format(db=database(server))))
    witness.check()
    assert state in REFUSED or state in NO_SQL_THERE, state


def test_in_a_transaction(locked):
    server, witness = locked
    with server.connect() as connection:
        connection.execute("begin")
        connection.execute("insert into victim values (1)")
        with pytest.raises(psycopg.Error):
            connection.execute("call enable_logging()")
        connection.execute("rollback")
    witness.check()


def test_execute_of_a_prepared_statement(locked):
    server, witness = locked
    with server.connect() as connection:
        connection.execute("prepare fine as select 1")
        with pytest.raises(psycopg.Error):
            connection.execute("prepare evil as select * from enable_logging()")
        with pytest.raises(psycopg.Error):
            connection.execute("execute evil")
        assert connection.execute("execute fine").fetchone() == (1,)
    witness.check()


def test_what_a_file_brings_along(start_server, place):
    """Views and macros made by plain DuckDB before the owner had the file."""
    plain_duckdb(
        place.file(),
        "create table victim(i integer)",
        "create view evil as select * from enable_logging()",
        "create macro evil_table() as table select * from enable_logging()",
        "create macro evil_scalar() as (select count(*) from enable_logging())",
        "create view evil_file as select * from read_text('/etc/hostname')",
    )
    server = start_server()
    witness = Witness(server)
    for sql in ("select * from evil", "select * from evil_table()", "select evil_scalar()", "select * from evil_file"):
        assert attack(server, sql) in REFUSED, sql
        witness.check()
    witness.session.close()


def test_everything_still_works_afterwards(locked):
    server, witness = locked
    witness.check()
    witness.check_new_sessions()
    assert server.child.alive

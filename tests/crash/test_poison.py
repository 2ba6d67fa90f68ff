"""A statement that takes its owner down is refused once it has done so twice; nobody else is."""

import psycopg
import pytest

from harness.background import ENDLESS, start_statement
from harness.process import pid_alive, wait_until

pytestmark = pytest.mark.merganser_only

REFUSED = "XXM01"


def start_fragile(auto, step="statement", text="boom"):
    """An owner that crashes when it comes to a statement with the text."""
    return auto.url(env={"MERGANSER_KILL_POINT": step, "MERGANSER_KILL_TEXT": text})


def crash(auto, work, step="statement"):
    url = start_fragile(auto, step)
    pid = auto.endpoint_pid()
    with pytest.raises(psycopg.OperationalError), psycopg.connect(url, autocommit=True) as connection:
        work(connection)
    wait_until(lambda: not pid_alive(pid), "the owner crashed")


def prepare(auto):
    with auto.connect() as connection:
        connection.execute("create table t(s varchar)")
    assert auto.stop().code == 0


WORK = {
    "read": lambda c: c.execute("select 'boom', count(*) from t"),
    "write": lambda c: c.execute("insert into t values ('boom')"),
    "with values": lambda c: c.execute("insert into t select %s || 'boom'", ("x",)),
    "in a transaction": lambda c: (c.execute("begin"), c.execute("insert into t values ('boom')")),
    "ddl": lambda c: c.execute("create table u as select 'boom' as s"),
}


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
@pytest.mark.parametrize("step", ["statement", "planning"])
def test_refused_after_the_second_death(auto, work, step):
    prepare(auto)
    for _ in range(2):
        crash(auto, work, step)
    # The third owner would crash as well.
    url = start_fragile(auto, step)
    pid = auto.endpoint_pid()
    with psycopg.connect(url, autocommit=True) as connection:
        with pytest.raises(psycopg.Error) as caught:
            work(connection)
        assert caught.value.sqlstate == REFUSED
        assert "died twice" in caught.value.diag.message_primary
        assert "24 hours" in caught.value.diag.message_hint
        connection.execute("rollback")
        connection.execute("insert into t values ('fine')")
        assert connection.execute("select s from t").fetchall() == [("fine",)]
    assert pid_alive(pid)


def test_other_values_are_another_statement(auto):
    prepare(auto)
    sql = "insert into t select %s || 'boom'"
    for _ in range(2):
        crash(auto, lambda c: c.execute(sql, ("bad",)))
    with auto.connect() as connection:
        with pytest.raises(psycopg.Error) as caught:
            connection.execute(sql, ("bad",))
        assert caught.value.sqlstate == REFUSED
        connection.execute(sql, ("good",))
        assert connection.execute("select s from t").fetchall() == [("goodboom",)]


def test_one_death_and_kills_of_the_innocent(auto):
    """What was merely there when the owner was killed comes through the next time, and is forgotten."""
    prepare(auto)
    long = ENDLESS.replace("1000000", "3000")
    for _ in range(3):
        runner = start_statement(auto.place, auto.url(), long)
        auto.kill_owner()
        runner.wait(60)
        with auto.connect() as connection:
            assert connection.execute(long).fetchone() is not None


def test_neighbours_in_the_same_batch_are_not_blamed(auto):
    prepare(auto)
    sql = "insert into t values ('boom')"
    # The first time they run as one statement: who of them it was shows from the second time on.
    for _ in range(3):
        crash(auto, lambda c: c.execute("insert into t values ('neighbour'); " + sql))
    with auto.connect() as connection:
        connection.execute("insert into t values ('neighbour')")
        with pytest.raises(psycopg.Error) as caught:
            connection.execute(sql)
        assert caught.value.sqlstate == REFUSED
        assert connection.execute("select s from t").fetchall() == [("neighbour",)]

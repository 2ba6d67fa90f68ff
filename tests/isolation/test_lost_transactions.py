"""A transaction that was taken from an idle client: the client hears of it, whatever it sends next."""

import pytest

from harness.wire import FLUSH, SYNC, Wire, bind, execute, parse, query, sqlstate

pytestmark = pytest.mark.merganser_only

LANE_LOST = "25P03"


@pytest.fixture(scope="module")
def impatient(tmp_path_factory):
    from harness.paths import Place
    from harness.server import Server

    place = Place()
    server = Server(place, "--lane-lease", "200ms")
    with server.connect() as connection:
        connection.execute("create table t(i int)")
    yield server
    try:
        server.stop()
    finally:
        place.remove()


def take_the_lane(server):
    """Another client writes, which the idle holder of the lane makes possible by losing it."""
    with server.connect() as other:
        other.execute("insert into t values (99)")


def lost_rows(server, value):
    with server.connect() as connection:
        return connection.execute("select count(*) from t where i = %s", (value,)).fetchone()[0]


def test_commit_tells_it(impatient):
    with Wire.open(impatient) as wire:
        wire.ask(query("begin"), query("insert into t values (1)"))
        take_the_lane(impatient)
        answer = wire.ask(query("commit"))
        assert sqlstate(answer) == LANE_LOST
        assert [m.kind for m in answer] == list("EZ") and answer[-1].body == b"I"
    assert lost_rows(impatient, 1) == 0


def test_a_statement_tells_it_once(impatient):
    with Wire.open(impatient) as wire:
        wire.ask(query("begin"), query("insert into t values (2)"))
        take_the_lane(impatient)
        assert sqlstate(wire.ask(query("select 1"))) == LANE_LOST
        assert sqlstate(wire.ask(query("select 1"))) == "25P02"
        # Heard of: now COMMIT is the ROLLBACK that PostgreSQL makes of it.
        assert wire.kinds(query("commit")) == "CZI"
    assert lost_rows(impatient, 2) == 0


def test_parse_tells_it(impatient):
    with Wire.open(impatient) as wire:
        wire.ask(query("begin"), query("insert into t values (3)"))
        take_the_lane(impatient)
        assert sqlstate(wire.ask(parse("select 1"), bind(), execute(), SYNC)) == LANE_LOST
        wire.ask(query("rollback"))
    assert lost_rows(impatient, 3) == 0


def test_sync_tells_it(impatient):
    with Wire.open(impatient) as wire:
        wire.send(parse("insert into t values (4)"), bind(), execute(), FLUSH)
        assert "".join(wire.next().kind for _ in range(3)) == "12C"
        take_the_lane(impatient)
        answer = wire.ask(SYNC)
        assert sqlstate(answer) == LANE_LOST
        assert wire.kinds(query("select 1")) == "TDCZI"
    assert lost_rows(impatient, 4) == 0


def test_a_suspended_portal_tells_it(impatient):
    with Wire.open(impatient) as wire:
        wire.ask(query("begin"), query("insert into t values (5)"))
        wire.ask(parse("select * from range(1000)"), bind(portal="p"), execute("p", 10), SYNC)
        take_the_lane(impatient)
        answer = wire.ask(execute("p"), SYNC)
        assert [m.kind for m in answer] == list("EZ"), "not a result that only looks complete"
        assert sqlstate(answer) == LANE_LOST
        wire.ask(query("rollback"))
    assert lost_rows(impatient, 5) == 0

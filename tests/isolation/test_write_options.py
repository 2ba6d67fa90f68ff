"""What a client may ask of a write: deadlines, priorities, order keys; said by SET, at the start, or in a comment."""

import threading

import psycopg
import pytest
from psycopg import errors

from harness.background import ENDLESS, outcome, start_statement
from harness.held import Held
from harness.process import wait_until

pytestmark = pytest.mark.merganser_only

DEFAULTS = {
    "deadline_ms": "0",
    "debounce_ms": "0",
    "dedup": "join",
    "dedup_key": "",
    "idempotency_key": "",
    "order_key": "",
    "priority": "interactive",
    "version_column": "",
}


def show(connection, name):
    return connection.execute(f"show merganser.{name}").fetchone()[0]


@pytest.fixture
def held(server, connection, table):
    connection.execute(f"create table {table}(i int, name text)")
    with Held(server, table) as made:
        yield made


# ---- settings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, default", DEFAULTS.items())
def test_each_setting_can_be_set_shown_and_reset(connection, name, default):
    value = {"deadline_ms": "1500", "debounce_ms": "250", "dedup": "latest", "priority": "bulk"}.get(name, "some key")
    assert show(connection, name) == default
    connection.execute(f"set merganser.{name} = '{value}'")
    assert show(connection, name) == value
    connection.execute(f"reset merganser.{name}")
    assert show(connection, name) == default
    with connection.transaction():
        connection.execute(f"set local merganser.{name} = '{value}'")
        assert show(connection, name) == value
    assert show(connection, name) == default
    connection.execute(f"set merganser.{name} to '{value}'")
    connection.execute("discard all")
    assert show(connection, name) == default


def test_settings_can_be_given_at_the_start(server, table):
    with server.connect(options="-c merganser.priority=bulk -c merganser.deadline_ms=5s") as one:
        assert (show(one, "priority"), show(one, "deadline_ms")) == ("bulk", "5000")
        one.execute("set merganser.priority = control")
        one.execute("reset all")
        assert show(one, "priority") == "bulk"
        one.execute(f"create table {table}(i int)")


@pytest.mark.parametrize(
    "name, value",
    [
        ("deadline_ms", "soon"),
        ("deadline_ms", "-5"),
        ("deadline_ms", "99999999999999999999"),
        ("priority", "urgent"),
        ("priority", ""),
        ("dedup", "first"),
        ("debounce_ms", "1d"),
        ("order_key", "x" * 1025),
        ("dedup_key", "x" * 1025),
        ("idempotency_key", "x" * 256),
    ],
)
def test_bad_values_are_refused_and_change_nothing(connection, name, value):
    with pytest.raises(errors.InvalidParameterValue) as refused:
        connection.execute(f"set merganser.{name} = '{value}'")
    assert refused.value.diag.message_hint
    assert show(connection, name) == DEFAULTS[name]
    with pytest.raises(errors.InvalidParameterValue):
        connection.execute(f"/*+ {name}='{value}' */ select 1")
    with pytest.raises(errors.InvalidParameterValue):
        connection.execute(f"/*+ {name}='{value}' */ select %s", (1,), prepare=True)


def test_an_unknown_setting_is_refused(connection):
    with pytest.raises(errors.UndefinedObject):
        connection.execute("set merganser.speed = 'high'")


# ---- comments ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "comment",
    [
        "/*+ order_key='a' speed='high' */",
        "/*+ order_key='a */",
        "/*+ order_key= */",
        "/*+ priority='bulk' and more */",
        "/*+ 'x' deadline_ms=5 */",
        "-- before\n/*+ merganser.priority = wrong */",
    ],
)
@pytest.mark.parametrize("prepare", [False, True])
def test_comments_that_cannot_be_read_are_refused(connection, comment, prepare):
    with pytest.raises(errors.InvalidParameterValue) as refused:
        connection.execute(f"{comment} select 1", prepare=prepare)
    assert refused.value.diag.message_hint
    assert connection.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize(
    "comment",
    [
        "/*+ SeqScan(t) Set(enable_x off) */",
        "/*+ IndexScan(a b) 'priority=bulk' */",
        "/* priority='wrong' */",
        "-- /*+ priority='wrong' */\n",
        "/* /*+ priority='wrong' */ */",
        "/*+*/",
        "/*+ priority */",
        "/*+ */ /* é */",
        "/*+ priority='bulk', order_key='it''s', deadline_ms=5000 merganser.dedup='skip' */",
        "/* a */ -- b\n /*+ Order_Key=profile:123 */",
    ],
)
def test_foreign_and_good_comments_are_let_through(connection, table, comment):
    assert connection.execute(f"{comment} select 1").fetchone() == (1,)
    assert connection.execute(f"{comment} select %s::int", (2,), prepare=True).fetchone() == (2,)
    connection.execute(f"create table {table}(i int)")
    assert connection.execute(f"{comment} insert into {table} values (3)").rowcount == 1


def test_positions_of_errors_count_the_comment(connection):
    sql = "/*+ priority='bulk' */ selekt 1"
    for prepare in (False, True):
        with pytest.raises(errors.SyntaxError) as wrong:
            connection.execute(sql, prepare=prepare)
        assert int(wrong.value.diag.statement_position or sql.index("selekt") + 1) == sql.index("selekt") + 1


def test_a_failed_comment_fails_the_transaction(connection):
    with pytest.raises(errors.InFailedSqlTransaction), connection.transaction():
        with pytest.raises(errors.InvalidParameterValue):
            connection.execute("/*+ priority=wrong */ select 1")
        connection.execute("select 1")


# ---- deadlines --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["setting", "comment"])
def test_what_waits_past_its_deadline_is_not_executed(server, connection, table, held, way):
    with server.connect() as one:
        hint = "/*+ deadline_ms=200 */"
        if way == "setting":
            one.execute("set merganser.deadline_ms = 200")
            hint = ""
        expired = server.status()["queue"]["expired"]
        with pytest.raises(errors.QueryCanceled) as late:
            one.execute(f"{hint} insert into {table} values (1, 'late')")
        assert "not executed" in late.value.diag.message_detail
        assert "deadline" in late.value.diag.message_primary
        assert "deadline_ms" in late.value.diag.message_hint
        assert server.status()["queue"]["expired"] == expired + 1
        one.execute("reset all")
        later = held.send(f"insert into {table} values (2, 'in time')", connection=one)
        held.release()
        later.done()
    assert connection.execute(f"select name from {table}").fetchall() == [("in time",)]


def test_the_deadline_of_a_transaction_that_waits_for_the_lane(server, table, held):
    with server.connect() as one:
        one.execute("begin")
        with pytest.raises(errors.QueryCanceled) as late:
            one.execute(f"/*+ deadline_ms=200 */ insert into {table} values (1, 'late')")
        assert "not executed" in late.value.diag.message_detail
        with pytest.raises(errors.InFailedSqlTransaction):
            one.execute("select 1")
        one.execute("rollback")


def test_what_has_begun_is_not_failed_by_its_deadline(connection, table):
    connection.execute(f"create table {table}(i bigint)")
    sql = f"/*+ deadline_ms=100 */ insert into {table} select count(*) from range(1000000000) r(i) where i % 7 = 3"
    assert connection.execute(sql).rowcount == 1
    assert connection.execute(f"select count(*) from {table}").fetchone() == (1,)


def test_a_read_ends_at_its_deadline(connection):
    with pytest.raises(errors.QueryCanceled):
        connection.execute(f"/*+ deadline_ms=200 */ {ENDLESS}")
    connection.execute("set merganser.deadline_ms = 200")
    with pytest.raises(errors.QueryCanceled):
        connection.execute(ENDLESS)


def test_a_statement_timeout_in_the_queue_says_that_nothing_was_executed(server, table, held):
    with server.connect() as one:
        one.execute("set statement_timeout = 200")
        with pytest.raises(errors.QueryCanceled) as late:
            one.execute(f"insert into {table} values (1, 'late')")
        assert "timeout" in late.value.diag.message_primary
        assert "not executed" in late.value.diag.message_detail


# ---- priorities -------------------------------------------------------------------------------------------------


def test_urgent_writes_overtake_bulk_ones(connection, table, held):
    for name in ("bulk", "interactive", "control", "bulk", "interactive", "control"):
        held.send(f"/*+ priority={name} */ insert into {table} values (1, '{name}')")
    held.release()
    names = [name for (name,) in connection.execute(f"select name from {table} order by rowid").fetchall()]
    assert names == ["control"] * 2 + ["interactive"] * 2 + ["bulk"] * 2


def test_bulk_writes_are_not_starved(server, connection, table):
    connection.execute(f"create table {table}(i int)")
    stop = threading.Event()

    def insert(priority):
        with server.connect(options=f"-c merganser.priority={priority}") as one:
            while not stop.is_set():
                one.execute(f"insert into {table} values (0)")

    threads = [threading.Thread(target=insert, args=("control" if n else "interactive",)) for n in range(4)]
    for thread in threads:
        thread.start()
    try:
        with server.connect(options="-c merganser.priority=bulk -c statement_timeout=30s") as bulk:
            for i in range(1, 21):
                bulk.execute(f"insert into {table} select {i} from range(20000)")
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert connection.execute(f"select count(*) from {table} where i > 0").fetchone() == (400000,)


# ---- order keys -------------------------------------------------------------------------------------------------


def test_writes_with_one_order_key_run_in_order_of_arrival(server, connection, table, held):
    """Two forms of statement in turn, so that grouping them by form would show in the result."""
    held.release()
    connection.execute(f"insert into {table} values (1, ''), (2, '')")
    expected = {1: 1, 2: 2}
    with Held(server, table) as queue:
        for step in range(24):
            key = 1 + step % 3 % 2
            change, value = ("i = i * 2", expected[key] * 2) if step % 2 else ("i = i + 1", expected[key] + 1)
            expected[key] = value
            queue.send(
                f"/*+ order_key='row:{key}' priority='{['bulk', 'interactive', 'control'][step % 3]}' */ "
                f"update {table} set {change}, name = name || '{step},' where rowid = {key - 1}"
            )
        queue.release()
        for answer in queue.threads:
            answer.join(60)
    rows = connection.execute(f"select i, name from {table} order by rowid").fetchall()
    assert [row[0] for row in rows] == [expected[1], expected[2]]
    for _, name in rows:
        steps = [int(step) for step in name.split(",")[:-1]]
        assert steps == sorted(steps)


def test_order_keys_hold_between_processes(server, connection, place, table, held):
    children = []
    for step in range(6):
        before = server.status()["queue"]["entered"]
        sql = f"/*+ order_key='x' */ insert into {table} values ({step}, 'process')"
        children.append(start_statement(place, server.conninfo(), sql))
        wait_until(lambda: server.status()["queue"]["entered"] > before, "the process has sent its write")
    held.release()
    assert [outcome(child) for child in children] == ["done"] * 6
    assert [i for (i,) in connection.execute(f"select i from {table} order by rowid").fetchall()] == list(range(6))


def test_a_killed_client_does_not_hold_up_its_order_key(server, connection, place, table, held):
    before = server.status()["queue"]["entered"]
    child = start_statement(place, server.conninfo(), f"/*+ order_key='x' */ insert into {table} values (1, 'killed')")
    wait_until(lambda: server.status()["queue"]["entered"] > before, "the process has sent its write")
    next_one = held.send(f"/*+ order_key='x' */ insert into {table} values (2, 'next')")
    child.kill()
    wait_until(lambda: server.status()["queue"]["waiting"] == 1, "the killed client's write is dropped")
    held.release()
    next_one.done()
    assert connection.execute(f"select i from {table}").fetchall() == [(2,)]


# ---- several statements -----------------------------------------------------------------------------------------


def test_the_statements_of_one_unit_have_to_agree(connection, table):
    connection.execute(f"create table {table}(i int)")
    with pytest.raises(errors.InvalidParameterValue):
        connection.execute(
            f"/*+ order_key='a' */ insert into {table} values (1); /*+ order_key='b' */ insert into {table} values (2)"
        )
    connection.execute(f"/*+ order_key='a' */ insert into {table} values (3); insert into {table} values (4)")
    assert connection.execute(f"select i from {table} order by i").fetchall() == [(3,), (4,)]
    with pytest.raises(psycopg.Error) as refused, connection.pipeline():
        connection.execute(f"/*+ order_key='a' */ insert into {table} values (5)")
        connection.execute(f"/*+ order_key='b' */ insert into {table} values (6)")
    assert refused.value.sqlstate == "22023"
    assert connection.execute(f"select count(*) from {table}").fetchone() == (2,)

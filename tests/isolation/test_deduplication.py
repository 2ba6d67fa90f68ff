"""Writes that stand for each other: merganser.dedup_key with join, skip and latest, and the debounce."""

import json
import signal
import time

import pytest
from psycopg import ClientCursor, errors

from harness.background import start_statement
from harness.held import Answer, Held
from harness.process import wait_until

pytestmark = pytest.mark.merganser_only

SKIPPED = ("NOTICE", "00M02", {"skipped": True})
SUPERSEDED = ("NOTICE", "00M03", {"skipped": True, "superseded": True})


@pytest.fixture
def log(connection, table):
    connection.execute(f"create table {table}(i int unique, name text)")
    return table


def told(answer):
    return [(severity, code, json.loads(detail)) for severity, code, detail in answer.notices]


def rows(connection, log):
    return [i for (i,) in connection.execute(f"select i from {log} order by rowid").fetchall()]


def save(log, i, mode, key="profile:1", more=""):
    return f"/*+ dedup_key='{key}' dedup={mode} {more} */ insert into {log} values ({i}, '{mode}')"


# ---- join -------------------------------------------------------------------------------------------------------


def test_join_waits_for_the_first_and_is_told_so(server, connection, log):
    with Held(server, log) as held:
        first = held.send(save(log, 1, "join"))
        others = [held.send(save(log, n, "join")) for n in (2, 3)]
        assert all(answer.tag is None for answer in [first, *others])
        held.release()
        assert (first.done().tag, first.notices) == ("INSERT 0 1", [])
        for answer in others:
            assert answer.done().tag == "INSERT 0 0"
            assert told(answer) == [SKIPPED]
    assert rows(connection, log) == [1]
    # A finished key is forgotten.
    connection.execute(save(log, 4, "join"))
    assert rows(connection, log) == [1, 4]


def test_who_joined_a_failure_is_executed(server, connection, log):
    connection.execute(f"insert into {log} values (1, 'there')")
    with Held(server, log) as held:
        first, second, third = (held.send(save(log, n, "join")) for n in (1, 2, 3))
        held.release()
        with pytest.raises(errors.UniqueViolation):
            first.done()
        assert (second.done().tag, second.notices) == ("INSERT 0 1", [])
        assert told(third.done()) == [SKIPPED]
    assert rows(connection, log) == [1, 2]


def test_who_joined_a_client_that_left_is_executed(server, connection, place, log):
    with Held(server, log) as held:
        child = start_statement(place, server.conninfo(), save(log, 1, "join"))
        held.arrived(1)
        second = held.send(save(log, 2, "join"))
        child.kill()
        time.sleep(0.3)
        held.release()
        assert second.done().tag == "INSERT 0 1"
    assert rows(connection, log) == [2]


def test_who_joined_can_give_up(server, connection, log):
    with Held(server, log) as held:
        held.send(save(log, 1, "join"))
        with pytest.raises(errors.QueryCanceled) as late:
            held.send(save(log, 2, "join", more="deadline_ms=200")).done()
        assert "not executed" in late.value.diag.message_detail
        impatient = held.send(save(log, 3, "join"))
        impatient.connection.cancel()
        with pytest.raises(errors.QueryCanceled):
            impatient.done()
    assert rows(connection, log) == [1]


def test_different_keys_do_not_touch_each_other(server, connection, log):
    with Held(server, log) as held:
        answers = [held.send(save(log, n, "join", key=f"profile:{n}")) for n in (1, 2, 3)]
        held.release()
        assert [answer.done().tag for answer in answers] == ["INSERT 0 1"] * 3
    assert rows(connection, log) == [1, 2, 3]


# ---- skip -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prepare", [False, True])
def test_skip_is_answered_at_once(server, connection, log, prepare):
    with Held(server, log) as held:
        first = held.send(save(log, 1, "skip"))
        notices = []
        connection.add_notice_handler(lambda d: notices.append((d.severity, d.sqlstate, json.loads(d.message_detail))))
        assert connection.execute(save(log, 2, "skip"), prepare=prepare).statusmessage == "INSERT 0 0"
        assert notices == [SKIPPED]
        assert first.tag is None
        held.release()
        first.done()
    assert rows(connection, log) == [1]


def test_skip_sees_one_that_executes(server, connection, log):
    slow = f"/*+ dedup_key='k' */ insert into {log} select count(*), '' from range(100000000000) r(i) where i % 7 = 3"
    executing = Answer(server, slow)
    wait_until(lambda: server.status()["queue"]["entered"] > 0 and server.status()["queue"]["waiting"] == 0, "it runs")
    wait_until(
        lambda: connection.execute(save(log, 2, "skip", key="k")).statusmessage == "INSERT 0 0", "the key is in flight"
    )
    executing.connection.cancel()
    with pytest.raises(errors.QueryCanceled):
        executing.done()


def test_skipped_statements_with_returning_give_their_columns(server, connection, log):
    with Held(server, log) as held, server.connect(cursor_factory=ClientCursor) as simple:
        held.send(save(log, 1, "skip"))
        for one in (connection, simple):
            cursor = one.execute(save(log, 2, "skip") + " returning i, name")
            assert [column.name for column in cursor.description] == ["i", "name"]
            assert cursor.fetchall() == []
            assert cursor.statusmessage == "INSERT 0 0"


def test_a_whole_unit_is_skipped(server, connection, log):
    with Held(server, log) as held:
        held.send(save(log, 1, "skip"))
        connection.execute(save(log, 2, "skip") + f"; insert into {log} values (3, '')")
        with connection.pipeline():
            cursors = [connection.execute(save(log, n, "skip")) for n in (4, 5)]
        assert [cursor.statusmessage for cursor in cursors] == ["INSERT 0 0"] * 2
    assert rows(connection, log) == [1]


# ---- latest -----------------------------------------------------------------------------------------------------


def test_the_latest_supersedes_the_one_that_waits(server, connection, log):
    with Held(server, log) as held:
        first = held.send(save(log, 1, "latest"))
        held.send(f"insert into {log} values (10, 'between')")
        second = held.send(save(log, 2, "latest"))
        assert first.done().tag == "INSERT 0 0"  # while the queue still stands
        assert told(first) == [SUPERSEDED]
        third = held.send(save(log, 3, "latest"))
        assert told(second.done()) == [SUPERSEDED]
        held.release()
        assert (third.done().tag, third.notices) == ("INSERT 0 1", [])
    assert rows(connection, log) == [3, 10]
    assert server.status()["queue"]["superseded"] >= 2


def test_the_latest_of_several_processes(server, connection, place, log):
    with Held(server, log) as held:
        children = []
        for n in range(1, 6):
            children.append(start_statement(place, server.conninfo(), save(log, n, "latest")))
            held.arrived(n)
        held.release()
        assert [child.wait(60) for child in children] == [0] * 5
    assert rows(connection, log) == [5]


# ---- debounce ---------------------------------------------------------------------------------------------------


def test_twenty_saves_in_two_seconds_are_one(server, connection, log):
    answers = []
    begun = time.monotonic()
    for n in range(20):
        answers.append(Answer(server, save(log, n, "latest", more="debounce_ms=on")))
        wait_until(lambda: len([a for a in answers if a.tag]) >= len(answers) - 1, "the one before was superseded")
        time.sleep(max(0.0, begun + 0.1 * (n + 1) - time.monotonic()))
    for answer in answers:
        answer.done()
    assert [answer.tag for answer in answers] == ["INSERT 0 0"] * 19 + ["INSERT 0 1"]
    assert rows(connection, log) == [19]


def test_debounce_needs_to_be_asked_for(connection, log):
    begun = time.monotonic()
    connection.execute(save(log, 1, "latest", more="debounce_ms=1500"))
    assert time.monotonic() - begun >= 1.4
    assert rows(connection, log) == [1]


def put_aside(server, log, n, key="profile:1", **keywords):
    """A save that would wait for ten minutes."""
    before = server.status()["queue"]["debounced"]
    answer = Answer(server, save(log, n, "latest", key, "debounce_ms=10min"), **keywords)
    wait_until(lambda: server.status()["queue"]["debounced"] > before, "the save is put aside")
    return answer


def test_flush_executes_it_at_once(server, connection, log):
    one, two = put_aside(server, log, 1, "a"), put_aside(server, log, 2, "b")
    connection.execute("set merganser.flush = 'nobody'")
    connection.execute("set merganser.flush = 'a'")
    one.done()
    assert rows(connection, log) == [1]
    assert two.tag is None
    connection.execute("set merganser.flush = '*'")
    two.done()
    assert rows(connection, log) == [1, 2]


def test_an_explicit_save_ends_the_debounce(server, connection, log):
    draft = put_aside(server, log, 1)
    connection.execute(save(log, 2, "latest"))
    assert told(draft.done()) == [SUPERSEDED]
    assert rows(connection, log) == [2]


def test_when_the_user_leaves_it_is_executed(server, connection, place, log):
    child = start_statement(place, server.conninfo(), save(log, 1, "latest", more="debounce_ms=10min"))
    wait_until(lambda: server.status()["queue"]["debounced"] == 1, "the save is put aside")
    child.kill()
    wait_until(lambda: rows(connection, log) == [1], "the save of the killed client is executed")


def test_a_debounced_save_can_be_cancelled(server, connection, log):
    answer = put_aside(server, log, 1)
    answer.connection.cancel()
    with pytest.raises(errors.QueryCanceled) as cancelled:
        answer.done()
    assert "not executed" in cancelled.value.diag.message_detail
    assert server.status()["queue"]["debounced"] == 0
    assert rows(connection, log) == []


def test_a_stopping_owner_executes_what_is_debounced(start_server):
    server = start_server()
    with server.connect() as one:
        one.execute("create table saves(i int, name text)")
    answer = put_aside(server, "saves", 7)
    server.stop(signal.SIGTERM)
    assert answer.done().tag == "INSERT 0 1"
    again = start_server(file=server.file)
    with again.connect() as one:
        assert rows(one, "saves") == [7]


def test_too_many_debounced_saves_end_the_oldest_early(start_server):
    server = start_server("--debounce-units", "2")
    with server.connect() as one:
        one.execute("create table saves(i int, name text)")
        answers = [put_aside(server, "saves", n, f"k{n}") for n in (1, 2)]
        answers.append(Answer(server, save("saves", 3, "latest", "k3", "debounce_ms=10min")))
        assert answers[0].done().tag == "INSERT 0 1"
        assert rows(one, "saves") == [1]
        one.execute("set merganser.flush = '*'")
        for answer in answers:
            answer.done()
        assert rows(one, "saves") == [1, 2, 3]


# ---- the setting ------------------------------------------------------------------------------------------------


def test_a_key_that_was_set_holds_for_one_write(server, connection, log):
    with Held(server, log) as held:
        held.send(save(log, 1, "skip"))
        connection.execute("set merganser.dedup = 'skip'")
        connection.execute("set merganser.dedup_key = 'profile:1'")
        connection.execute("select 1")
        assert connection.execute("show merganser.dedup_key").fetchone() == ("profile:1",)
        assert connection.execute(f"insert into {log} values (2, '')").statusmessage == "INSERT 0 0"
        assert connection.execute("show merganser.dedup_key").fetchone() == ("",)
        assert connection.execute("show merganser.dedup").fetchone() == ("skip",)
        held.send(f"insert into {log} values (3, '')", connection=connection)
    assert rows(connection, log) == [1, 3]


def test_off_and_no_key_do_not_deduplicate(server, connection, log):
    with Held(server, log) as held:
        answers = [held.send(save(log, n, "off")) for n in (1, 2)]
        answers.append(held.send(f"/*+ dedup=skip */ insert into {log} values (3, '')"))
        held.release()
        assert [answer.done().tag for answer in answers] == ["INSERT 0 1"] * 3


def test_deduplication_within_a_transaction_is_refused(connection, log):
    with pytest.raises(errors.FeatureNotSupported) as refused, connection.transaction():
        connection.execute(save(log, 1, "join"))
    assert refused.value.diag.message_hint
    assert rows(connection, log) == []


def test_what_joins_counts_against_the_queue(start_server):
    server = start_server("--write-queue-units", "3")
    with server.connect() as one:
        one.execute("create table saves(i int, name text)")
        with Held(server, "saves") as held:
            answers = [held.send(save("saves", n, "join")) for n in (1, 2, 3)]
            with pytest.raises(errors.TooManyConnections):
                one.execute(save("saves", 4, "join"))
            held.release()
            assert [answer.done().tag for answer in answers] == ["INSERT 0 1", "INSERT 0 0", "INSERT 0 0"]
        assert rows(one, "saves") == [1]

"""Optimistic versions: a change that names a stale version is told the current one; a row that is gone is told apart."""

import json
import threading

import psycopg
import pytest

CHANGE = "UPDATE profiles SET name = %s, version = version + 1 WHERE id = %s AND version = %s"


@pytest.fixture
def profiles(server):
    with server.connect() as one:
        one.execute("CREATE OR REPLACE TABLE profiles (id BIGINT PRIMARY KEY, name VARCHAR, version INTEGER DEFAULT 1)")
        one.execute("INSERT INTO profiles (id, name) SELECT i, 'p' || i FROM range(100) r(i)")
    return server


def connect(server):
    connection = server.connect()
    connection.execute("SET merganser.version_column = 'version'")
    return connection


@pytest.mark.parametrize("returning", ["", " RETURNING name, version"])
def test_the_stale_one_learns_the_current_version(profiles, returning):
    with connect(profiles) as one:
        for _ in range(3):  # the first runs by itself, the others by a kept plan
            version = one.execute("SELECT version FROM profiles WHERE id = 7").fetchone()[0]
            assert one.execute(CHANGE + returning, ("new", 7, version)).rowcount == 1
            with pytest.raises(psycopg.Error) as failed:
                one.execute(CHANGE + returning, ("late", 7, version))
            assert failed.value.sqlstate == "55M02"
            assert json.loads(failed.value.diag.message_detail) == {"version": str(version + 1)}
            assert failed.value.diag.message_hint
        assert one.execute("SELECT name, version FROM profiles WHERE id = 7").fetchone() == ("new", 4)


def test_a_row_that_is_gone_is_told_apart(profiles):
    with connect(profiles) as one:
        for statement in (CHANGE, "/* again */ " + CHANGE):
            with pytest.raises(psycopg.Error) as failed:
                one.execute(statement, ("x", 100000, 1))
            assert failed.value.sqlstate == "55M03"
        with pytest.raises(psycopg.Error) as failed:
            one.execute("DELETE FROM profiles WHERE version = 9 AND id = 5")
        assert failed.value.sqlstate == "55M02"
        assert one.execute("DELETE FROM profiles WHERE version = 1 AND id = 5").rowcount == 1
        with pytest.raises(psycopg.Error) as failed:
            one.execute("DELETE FROM profiles WHERE version = 1 AND id = 5")
        assert failed.value.sqlstate == "55M03"


def test_a_comment_asks_for_one_statement_only(profiles):
    with profiles.connect() as one:
        assert one.execute(CHANGE, ("x", 3, 9)).rowcount == 0
        with pytest.raises(psycopg.Error) as failed:
            one.execute("/*+ version_column='version' */ " + CHANGE, ("x", 3, 9))
        assert failed.value.sqlstate == "55M02"
        assert one.execute(CHANGE, ("x", 3, 9)).rowcount == 0


def test_read_modify_write_from_many_sessions_loses_nothing(profiles):
    """Each session retries when it is told the current version: the number of successes is the number of increments."""
    rounds, sessions = 15, 8
    others = []

    def work():
        with connect(profiles) as one:
            for _ in range(rounds):
                version = one.execute("SELECT version FROM profiles WHERE id = 1").fetchone()[0]
                while True:
                    try:
                        one.execute(CHANGE, ("n", 1, version))
                        break
                    except psycopg.Error as error:
                        if error.sqlstate != "55M02":
                            others.append(error)
                            return
                        version = int(json.loads(error.diag.message_detail)["version"])

    threads = [threading.Thread(target=work) for _ in range(sessions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not others
    with profiles.connect() as one:
        assert one.execute("SELECT version FROM profiles WHERE id = 1").fetchone()[0] == 1 + rounds * sessions

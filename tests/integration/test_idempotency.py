"""Idempotency keys: a request that is repeated gets the first answer and happens once."""

import threading

import psycopg
import pytest
from psycopg import errors

from harness.plain import plain_duckdb
from harness.process import wait_until

pytestmark = pytest.mark.merganser_only

REPLAYED = "00M01"
KEY_REUSED = "22M01"
ANSWER_LOST = "55M01"


@pytest.fixture
def notices(connection):
    """(SQLSTATE, severity, message, detail) of each; psycopg's own object does not outlive its handler."""
    heard = []
    connection.add_notice_handler(
        lambda n: heard.append((n.sqlstate, n.severity, n.message_primary, n.message_detail))
    )
    return heard


def hint(key):
    return f"/*+ idempotency_key='{key}' */ "


def sqlstate_of(connection, sql, *parameters):
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(sql, *parameters)
    return caught.value.sqlstate


def test_a_replay_says_that_it_is_one(connection, table, notices):
    connection.execute(f"create table {table}(i int primary key, made timestamptz default now())")
    sql = hint(f"{table}-1") + f"insert into {table}(i) values (1) returning i, made"
    first = connection.execute(sql).fetchall()
    assert notices == []
    again = connection.execute(sql)
    assert again.fetchall() == first and again.statusmessage == "INSERT 0 1"
    ((state, severity, message, detail),) = notices
    assert (state, severity) == (REPLAYED, "NOTICE")
    assert "executed before" in message and "UTC" in detail
    assert connection.execute(f"select count(*) from {table}").fetchone() == (1,)


def test_set_holds_for_one_request(connection, table, notices):
    connection.execute(f"create table {table}(i int)")
    for _ in range(3):
        connection.execute(f"set merganser.idempotency_key = '{table}-s'")
        assert connection.execute(f"insert into {table} values (1), (2)").rowcount == 2
    assert [state for state, *_ in notices] == [REPLAYED] * 2
    connection.execute(f"insert into {table} values (3)")
    assert connection.execute(f"select count(*) from {table}").fetchone() == (3,)


def test_another_request_with_the_key_is_an_error(connection, table):
    connection.execute(f"create table {table}(i int)")
    key = hint(f"{table}-m")
    connection.execute(key + f"insert into {table} values (%s)", (1,))
    assert sqlstate_of(connection, key + f"insert into {table} values (%s)", (2,)) == KEY_REUSED
    assert sqlstate_of(connection, key + f"delete from {table}") == KEY_REUSED
    connection.execute("set timezone = 'Asia/Tokyo'")
    assert sqlstate_of(connection, key + f"insert into {table} values (%s)", (1,)) == KEY_REUSED
    connection.execute("reset timezone")
    connection.execute(key + f"insert   into {table} /* again */ values (%s)", (1,))
    assert connection.execute(f"select i from {table}").fetchall() == [(1,)]


def test_a_failed_request_can_be_repeated(connection, table, notices):
    connection.execute(f"create table {table}(i int primary key)")
    connection.execute(f"insert into {table} values (1)")
    sql = hint(f"{table}-f") + f"insert into {table} values (1)"
    assert sqlstate_of(connection, sql) == "23505"
    connection.execute(f"delete from {table}")
    assert connection.execute(sql).rowcount == 1
    assert connection.execute(sql).rowcount == 1
    assert [state for state, *_ in notices] == [REPLAYED]


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_every_type_comes_back_as_the_first_time(server, table, binary):
    beyond_postgres = '"date", "timestamp", timestamp_tz, timestamp_s, timestamp_ms, timestamp_ns'
    columns = f"* exclude ({beyond_postgres}, date_array, timestamp_array, timestamptz_array)"
    with server.connect() as connection:
        connection.execute(f"create table {table} as select {columns} from test_all_types() limit 0")
        sql = hint(f"{table}-{binary}") + f"insert into {table} select {columns} from test_all_types() returning *"

        def fields():
            with connection.cursor(binary=binary) as cursor:
                result = cursor.execute(sql, ()).pgresult
                return (
                    [(result.fname(c), result.ftype(c), result.fformat(c)) for c in range(result.nfields)],
                    [[result.get_value(r, c) for c in range(result.nfields)] for r in range(result.ntuples)],
                )

        first = fields()
        assert len(first[0]) > 40 and len(first[1]) == 3
        assert fields() == first
        assert connection.execute(f"select count(*) from {table}").fetchone() == (3,)


def test_the_answer_in_either_format(server, connection, table):
    connection.execute(f"create table {table}(i bigint, s varchar, l int[])")
    sql = hint(table) + f"insert into {table} values (7, 'text', [1, null]) returning *"
    first = connection.execute(sql).fetchall()
    with server.connect() as other, other.cursor(binary=True) as cursor:
        assert cursor.execute(sql, ()).fetchall() == first == [(7, "text", [1, None])]


def test_update_delete_merge_and_ddl(connection, table, notices):
    made = f"create table {table}(i int primary key, n int)"
    assert connection.execute(hint(f"{table}-ddl") + made).statusmessage == "CREATE TABLE"
    assert connection.execute(hint(f"{table}-ddl") + made).statusmessage == "CREATE TABLE"
    connection.execute(f"insert into {table} select g, 0 from generate_series(1, 9) r(g)")
    for sql, tag in [
        (f"update {table} set n = n + 1 where i > 4", "UPDATE 5"),
        (f"delete from {table} where i = 9", "DELETE 1"),
        (f"insert into {table} values (1, 5) on conflict (i) do update set n = {table}.n + excluded.n", "INSERT 0 1"),
    ]:
        for _ in range(2):
            assert connection.execute(hint(f"{table}-{tag}") + sql).statusmessage == tag
    assert [state for state, *_ in notices] == [REPLAYED] * 4
    assert connection.execute(f"select sum(n), count(*) from {table}").fetchone() == (9, 8)


def test_one_key_for_a_pipeline_and_for_several_statements(connection, table, notices):
    connection.execute(f"create table {table}(i int, n int)")
    for _ in range(2):
        with connection.pipeline():
            cursors = [connection.cursor() for _ in range(3)]
            cursors[0].execute(hint(f"{table}-p") + f"insert into {table} values (%s, 0) returning i", (1,))
            cursors[1].execute(f"insert into {table} values (%s, 0)", (2,))
            cursors[2].execute(f"update {table} set n = n + 1 returning i", ())
        assert cursors[0].fetchall() == [(1,)]
        assert sorted(cursors[2].fetchall()) == [(1,), (2,)]
    assert [state for state, *_ in notices] == [REPLAYED]
    for _ in range(2):
        connection.execute(
            hint(f"{table}-m") + f"update {table} set n = n + 10; delete from {table} where i = 1"
        )
    assert connection.execute(f"select i, n from {table}").fetchall() == [(2, 11)]


def test_many_at_once_with_one_key(server, table):
    """Those that come while the first is under way wait for it."""
    with server.connect() as connection:
        connection.execute(f"create table {table}(i int, n int)")
        connection.execute(f"insert into {table} values (1, 0)")
    gate = threading.Barrier(8)
    answers = []

    def work(number):
        with server.connect() as connection:
            heard = []
            connection.add_notice_handler(lambda n: heard.append(n.sqlstate))
            gate.wait(30)
            for i in range(20):
                sql = hint(f"{table}-{i}") + f"update {table} set n = n + 1 where i = %s returning n"
                answers.append((i, connection.execute(sql, (1,)).fetchone()[0], tuple(heard)))
                heard.clear()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert len(answers) == 160
    for i in range(20):
        mine = [(value, heard) for number, value, heard in answers if number == i]
        assert len({value for value, _ in mine}) == 1, f"key {i} had several answers: {mine}"
        assert sorted(heard for _, heard in mine) == [()] + [(REPLAYED,)] * 7
    with server.connect() as connection:
        assert connection.execute(f"select n from {table}").fetchone() == (20,)


def test_not_inside_a_transaction(connection, table):
    connection.execute(f"create table {table}(i int)")
    with pytest.raises(errors.FeatureNotSupported) as caught, connection.transaction():
        connection.execute(hint(f"{table}-t") + f"insert into {table} values (1)")
    assert "one string or pipeline" in caught.value.diag.message_hint
    connection.execute(hint(f"{table}-t") + f"insert into {table} values (1)")
    assert connection.execute(f"select count(*) from {table}").fetchone() == (1,)


def test_reads_take_no_notice_of_a_key(connection, notices):
    for _ in range(2):
        assert connection.execute(hint("read") + "select 1").fetchone() == (1,)
    assert notices == []


def test_the_table_is_for_reading(server, connection, table):
    connection.execute(f"create table {table}(i int)")
    connection.execute(hint(f"{table}-r") + f"insert into {table} values (1), (2)")
    row = connection.execute(
        "select key, row_count, length(fingerprint), created_at <= now()"
        " from merganser.idempotency_keys where key = %s",
        (f"{table}-r",),
    ).fetchone()
    assert row == (f"{table}-r", 2, 64, True)
    for sql in [
        "delete from merganser.idempotency_keys",
        "update merganser.idempotency_keys set fingerprint = ''",
        f"insert into {server.file.stem}.merganser.idempotency_keys select * from merganser.idempotency_keys",
        "drop table merganser.idempotency_keys",
        "truncate merganser.idempotency_keys",
        "drop schema merganser cascade",
        "create or replace table merganser.idempotency_keys(key varchar)",
        "set search_path = 'merganser'",
        f"use {server.file.stem}.merganser",
    ]:
        assert sqlstate_of(connection, sql) == "42501", sql
    with pytest.raises(psycopg.Error) as caught:
        server.connect(options="-c search_path=merganser").close()
    assert "merganser" in str(caught.value)


def test_keys_outlive_the_owner_and_plain_duckdb_reads_them(start_server):
    server = start_server()
    with server.connect() as connection:
        connection.execute("create table t(i int)")
        connection.execute(hint("kept") + "insert into t values (1)")
    server.stop()
    assert plain_duckdb(server.file, "select key, row_count from merganser.idempotency_keys") == [("kept", 1)]
    server = start_server()
    with server.connect() as connection:
        assert connection.execute(hint("kept") + "insert into t values (1)").rowcount == 1
        assert connection.execute("select count(*) from t").fetchone() == (1,)
    assert server.status()["idempotency"]["replays"] == 1


def test_limits_are_settings(start_server):
    server = start_server(
        "--idempotency-max-keys", "2", "--idempotency-answer-bytes", "1KiB", "--idempotency-retention", "365d"
    )
    with server.connect() as connection:
        connection.execute("create table t(i int)")
        large = hint("large") + "insert into t select g from generate_series(1, 1000) r(g) returning i"
        assert len(connection.execute(large).fetchall()) == 1000
        assert sqlstate_of(connection, large) == ANSWER_LOST
        connection.execute(hint("b") + "insert into t values (0)")
        assert sqlstate_of(connection, hint("c") + "insert into t values (0)") == "53400"
        assert connection.execute(hint("b") + "insert into t values (0)").rowcount == 1
        connection.execute("insert into t values (0)")
        assert connection.execute("select count(*) from t").fetchone() == (1002,)
        assert sqlstate_of(connection, hint("x" * 256) + "insert into t values (0)") == "22023"
    kept = server.status()["idempotency"]
    assert (kept["keys"], kept["answers_too_large"], kept["replays"]) == (2, 1, 1)


def test_old_keys_go_by_themselves(start_server):
    server = start_server("--idempotency-retention", "1s")
    with server.connect() as connection:
        connection.execute("create table t(i int)")
        for key in range(20):
            connection.execute(hint(f"k{key}") + "insert into t values (1)")

        def gone():
            return connection.execute("select count(*) from merganser.idempotency_keys").fetchone() == (0,)

        wait_until(gone, "the keys are gone", timeout=60, every=0.2)
        assert server.status()["idempotency"]["keys_expired"] == 20
        connection.execute(hint("k1") + "insert into t values (2)")
        assert connection.execute("select count(*) from t").fetchone() == (21,)

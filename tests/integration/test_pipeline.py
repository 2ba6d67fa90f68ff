"""Pipelines: many statements before one Sync are one implicit transaction; after an error the rest is skipped."""

import psycopg
import pytest
from psycopg import errors
from psycopg.pq import ExecStatus, PipelineStatus

from harness.wire import SYNC, Wire, bind, describe, execute, fields, parse, query, row


def test_many_statements_in_a_pipeline(connection, table):
    connection.execute(f"create table {table}(i int primary key)")
    with connection.pipeline():
        cursors = [connection.execute(f"insert into {table} values (%s) returning i", (i,)) for i in range(1000)]
    assert [c.fetchone()[0] for c in cursors] == list(range(1000))
    assert connection.execute(f"select count(*) from {table}").fetchone() == (1000,)


def test_more_rows_than_one_statement_takes(connection, table):
    connection.execute(f"create table {table}(i int)")
    with connection.pipeline():
        for i in range(9000):
            connection.execute(f"insert into {table} values (%s), (%s)", (2 * i, 2 * i + 1))
    assert connection.execute(f"select count(*), sum(i), min(i), max(i) from {table}").fetchone() == (18000, 17999 * 9000, 0, 17999)


def test_an_error_undoes_the_whole_pipeline(connection, table):
    connection.execute(f"create table {table}(i int primary key)")
    with pytest.raises(errors.UniqueViolation), connection.pipeline():
        connection.execute(f"insert into {table} values (1)")
        connection.execute(f"insert into {table} values (2)")
        connection.execute(f"insert into {table} values (1)")
        connection.execute(f"insert into {table} values (3)")
    assert connection.execute(f"select count(*) from {table}").fetchone() == (0,)


def test_a_sync_divides_pipelines(connection, table):
    connection.execute(f"create table {table}(i int primary key)")
    with pytest.raises(errors.UniqueViolation), connection.pipeline() as pipeline:
        connection.execute(f"insert into {table} values (1)")
        pipeline.sync()
        connection.execute(f"insert into {table} values (2)")
        connection.execute(f"insert into {table} values (1)")
        pipeline.sync()
    assert connection.execute(f"select i from {table}").fetchall() == [(1,)]


def test_statements_after_the_error_are_skipped(connection, table):
    connection.execute(f"create table {table}(i int primary key)")
    pgconn = connection.pgconn
    pgconn.enter_pipeline_mode()
    for sql in (f"insert into {table} values (1)", "select no_such_function()", f"insert into {table} values (2)"):
        pgconn.send_query_params(sql.encode(), None)
    pgconn.pipeline_sync()
    pgconn.send_query_params(f"insert into {table} values (3)".encode(), None)
    pgconn.pipeline_sync()
    seen = []
    while seen.count(ExecStatus.PIPELINE_SYNC) < 2:
        result = pgconn.get_result()
        if result is not None:
            seen.append(result.status)
    assert seen == [
        ExecStatus.COMMAND_OK,
        ExecStatus.FATAL_ERROR,
        ExecStatus.PIPELINE_ABORTED,
        ExecStatus.PIPELINE_SYNC,
        ExecStatus.COMMAND_OK,
        ExecStatus.PIPELINE_SYNC,
    ]
    assert pgconn.pipeline_status == PipelineStatus.ON
    pgconn.exit_pipeline_mode()
    assert connection.execute(f"select i from {table}").fetchall() == [(3,)]


def test_a_pipeline_reads_what_it_wrote(connection, table):
    connection.execute(f"create table {table}(i int)")
    with connection.pipeline():
        counts = []
        for i in range(20):
            connection.execute(f"insert into {table} values (%s)", (i,))
            counts.append(connection.execute(f"select count(*) from {table}"))
        assert [c.fetchone()[0] for c in counts] == list(range(1, 21))


def test_an_explicit_transaction_over_several_pipelines(connection, table):
    connection.execute(f"create table {table}(i int)")
    with connection.pipeline() as pipeline:
        connection.execute("begin")
        connection.execute(f"insert into {table} values (1)")
        pipeline.sync()
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
        connection.execute(f"insert into {table} values (2)")
        connection.execute("rollback")
    assert connection.execute(f"select count(*) from {table}").fetchone() == (0,)


def test_replies_behind_waiting_writes_do_not_pile_up(server, table):
    """A write waits for Sync, and a megabyte of descriptions behind it must not wait for ever."""
    columns = ", ".join(f"a_column_with_a_long_name_{i} int" for i in range(500))
    with Wire.open(server) as wire:
        wire.ask(query(f"create table {table}({columns})"))
        parts = [parse(f"insert into {table}(a_column_with_a_long_name_0) values (1)"), bind(), execute()]
        parts += [parse(f"select * from {table}", name="w")] + [describe("S", "w")] * 200
        answer = wire.ask(*parts, SYNC)
        assert sum(m.kind == "T" for m in answer) == 200
        assert wire.rows(query(f"select count(*) from {table}")) == [[b"1"]]


def test_strings_of_statements_one_after_another(server):
    """The next string waits until the last statement of the one before has been answered."""
    with Wire.open(server) as wire:
        strings = ["select 1; set statement_timeout = 0; select 2", "select 3", "begin; set timezone = 'UTC'; commit"]
        wire.send(*(query(s) for s in strings * 20))
        for _ in range(20):
            assert [row(m.body) for m in wire.until_ready() if m.kind == "D"] == [[b"1"], [b"2"]]
            assert [row(m.body) for m in wire.until_ready() if m.kind == "D"] == [[b"3"]]
            assert [m.kind for m in wire.until_ready() if m.kind != "S"] == list("CCCZ")


def test_the_position_of_an_error_counts_characters(server):
    with Wire.open(server) as wire:
        sql = "/* ä€ */ select 'ü' frm x y"
        error = fields(wire.ask(parse(sql), SYNC)[0].body)
        assert (error["C"], error["P"]) == ("42601", str(sql.index("x") + 1)), error

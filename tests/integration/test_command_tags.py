"""Command tags are PostgreSQL's, exactly: drivers read row counts from them."""

import pytest

TAGS = [
    ("select 1", "SELECT 1"),
    ("select 1 where false", "SELECT 0"),
    ("values (1), (2)", "SELECT 2"),
    ("with c as (select 1 union all select 2) select * from c", "SELECT 2"),
    ("table {t}", "SELECT 3"),
    ("insert into {t} values (4, 'd')", "INSERT 0 1"),
    ("insert into {t} values (4, 'd'), (5, 'e')", "INSERT 0 2"),
    ("insert into {t} select 6, 'f' where false", "INSERT 0 0"),
    ("insert into {t} values (4, 'd') returning i", "INSERT 0 1"),
    ("with c as (select 7 as i, 'g' as s) insert into {t} select i, s from c", "INSERT 0 1"),
    ("insert into {t} values (1, 'x') on conflict do nothing", "INSERT 0 0"),
    ("insert into {t} values (1, 'x') on conflict (i) do update set s = excluded.s", "INSERT 0 1"),
    ("update {t} set s = 'z'", "UPDATE 3"),
    ("update {t} set s = 'z' where i > 1", "UPDATE 2"),
    ("update {t} set s = 'z' where false", "UPDATE 0"),
    ("update {t} set s = 'z' where i > 1 returning i", "UPDATE 2"),
    ("delete from {t} where i = 1", "DELETE 1"),
    ("delete from {t}", "DELETE 3"),
    ("delete from {t} where false returning *", "DELETE 0"),
    ("merge into {t} using (values (1, 'm'), (9, 'n')) as v(i, s) on {t}.i = v.i"
     " when matched then update set s = v.s when not matched then insert values (v.i, v.s)", "MERGE 2"),
    ("create table {t}_a(i int)", "CREATE TABLE"),
    ("create table if not exists {t}(i int)", "CREATE TABLE"),
    ("create temporary table {t}_tmp(i int)", "CREATE TABLE"),
    ("create table {t}_as as select * from {t}", "SELECT 3"),
    ("create view {t}_v as select 1 as one", "CREATE VIEW"),
    ("create index {t}_i on {t}(s)", "CREATE INDEX"),
    ("create schema {t}_s", "CREATE SCHEMA"),
    ("create sequence {t}_q", "CREATE SEQUENCE"),
    ("alter table {t} add column extra int", "ALTER TABLE"),
    ("comment on table {t} is 'x'", "COMMENT"),
    ("truncate table {t}", "TRUNCATE TABLE"),
    ("drop table {t}", "DROP TABLE"),
    ("drop table if exists no_such_table", "DROP TABLE"),
    ("drop view if exists no_such_view", "DROP VIEW"),
    ("drop schema if exists no_such_schema", "DROP SCHEMA"),
    ("set timezone = 'UTC'", "SET"),
    ("set application_name to 'x'", "SET"),
    ("reset timezone", "RESET"),
    ("show timezone", "SHOW"),
    ("explain select 1", "EXPLAIN"),
    ("begin", "BEGIN"),
    ("begin transaction", "BEGIN"),
    ("start transaction", "START TRANSACTION"),
    ("prepare {t}_p as select 1", "PREPARE"),
    ("checkpoint", "CHECKPOINT"),
    ("", None),
]  # fmt: skip


@pytest.fixture
def filled(server, table):
    with server.connect() as connection:
        connection.execute(f"create table {table}(i int primary key, s varchar)")
        connection.execute(f"insert into {table} values (1, 'a'), (2, 'b'), (3, 'c')")
        connection.execute(f"alter table {table} alter column s set default 'd'")
    yield table
    with server.connect() as connection:
        for drop in ("view {t}_v", "table {t}_a", "table {t}_as", "schema {t}_s", "sequence {t}_q"):
            connection.execute("drop " + drop.format(t=table).replace(" ", " if exists ", 1))


@pytest.mark.parametrize("simple", [True, False], ids=["simple", "extended"])
@pytest.mark.parametrize("sql, tag", TAGS, ids=[tag_sql[0][:30] for tag_sql in TAGS])
def test_tag(server, filled, sql, tag, simple):
    sql = sql.format(t=filled)
    with server.connect() as connection:
        result = connection.pgconn.exec_(sql.encode()) if simple else connection.pgconn.exec_params(sql.encode(), None)
        assert result.error_message == b"", result.error_message
        assert (result.command_status or b"").decode() == (tag or "")


@pytest.mark.parametrize("simple", [True, False], ids=["simple", "extended"])
def test_the_end_of_a_transaction_says_what_it_was(server, filled, simple):
    def tag(connection, sql):
        execute = connection.pgconn.exec_ if simple else lambda text: connection.pgconn.exec_params(text, None)
        return execute(sql.encode()).command_status.decode()

    with server.connect() as connection:
        for end in ("commit", "end", "rollback", "abort"):
            assert tag(connection, "begin") == "BEGIN"
            assert tag(connection, f"insert into {filled} values (100, 'x')") == "INSERT 0 1"
            assert tag(connection, end) == ("COMMIT" if end in ("commit", "end") else "ROLLBACK")
            connection.execute(f"delete from {filled} where i = 100")
        tag(connection, "begin")
        tag(connection, "select no_such_function()")
        assert tag(connection, "commit") == "ROLLBACK"


@pytest.mark.parametrize("sql, text", [("commit", "COMMIT"), ("rollback", "ROLLBACK")])
def test_the_end_of_no_transaction_is_a_warning_not_an_error(server, sql, text):
    with server.connect() as connection:
        notices = []
        connection.add_notice_handler(lambda notice: notices.append((notice.severity, notice.sqlstate)))
        assert connection.execute(sql).statusmessage == text
        assert notices == [("WARNING", "25P01")]


def test_begin_in_a_transaction_is_a_warning_not_an_error(server):
    with server.connect() as connection:
        notices = []
        connection.add_notice_handler(lambda notice: notices.append((notice.severity, notice.sqlstate)))
        connection.execute("begin")
        assert connection.execute("begin").statusmessage == "BEGIN"
        assert notices == [("WARNING", "25001")]
        connection.execute("rollback")

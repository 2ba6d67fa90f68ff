"""psql: simple queries, several statements, errors with SQLSTATE and position, transactions, scripts."""

import re

import pytest

from harness.psql import psql, psql_rows

SIMPLE = [
    ("select 1", "1\n"),
    ("select 1, 'a', NULL", "1|a|\n"),
    ("select 'ä€😀'", "ä€😀\n"),
    ("select 1; select 2", "1\n2\n"),
    ("select 1;;;select 2;", "1\n2\n"),
    ("select ';'; select '--'; select '/*'", ";\n--\n/*\n"),
    ("select 1 -- nothing\n; -- nothing\nselect 2", "1\n2\n"),
    ("/* a /* nested */ comment */ select 3", "3\n"),
    ("select $$a;b$$", "a;b\n"),
    ("values (1), (2), (3)", "1\n2\n3\n"),
    ("select 1 where false", ""),
    ("", ""),
    (";", ""),
    (" ; ;", ""),
    ("-- only a comment", ""),
    ("/* only a comment */", ""),
]


@pytest.mark.parametrize("sql, expected", SIMPLE)
def test_simple_queries(server, sql, expected):
    done = psql(server, "-At", "-c", sql)
    assert (done.code, done.out, done.err) == (0, expected, ""), done


def test_a_simple_query_of_several_statements_answers_each(server, table):
    done = psql(
        server,
        "-A",
        "-c",
        f"create table {table}(i int); insert into {table} values (1),(2); update {table} set i = i + 1;"
        f" select sum(i) as s from {table}; delete from {table} where i = 2",
    )
    assert done.code == 0, done
    assert done.out.splitlines() == ["CREATE TABLE", "INSERT 0 2", "UPDATE 2", "s", "5", "(1 row)", "DELETE 1"]


SYNTAX_ERRORS = [
    ("selec 1", "selec 1", 0),
    ("select 1 +* 2 frm x y z", None, None),
    ("select 1\nfrom from x", "from from x", 5),
    ("select 'ä€' frm x y", "select 'ä€' frm x y", 16),
]


@pytest.mark.parametrize("sql, line, column", SYNTAX_ERRORS)
def test_a_syntax_error_shows_its_sqlstate_and_a_caret(server, sql, line, column):
    done = psql(server, input=f"\\set VERBOSITY verbose\n{sql};\n")
    assert re.search(r"^(psql:<stdin>:\d+: )?ERROR:  42601: .*syntax error", done.err, re.M), done
    shown = re.search(r"^LINE (\d+): (.*)\n( *)\^$", done.err, re.M)
    assert shown, done
    if line is not None:
        prefix = len(f"LINE {shown[1]}: ")
        assert shown[2].rstrip(";") == line, done
        assert len(shown[3]) - prefix == column, done


ERRORS = [
    ("select * from no_such_table", "42P01"),
    ("select no_such_column from (select 1 as a) s", "42703"),
    ("select no_such_function(1)", "42883"),
    ("select cast('abc' as integer)", "22P02"),
    ("select cast('2024-13-45' as date)", "22"),
    ("select 2147483647::integer + 1::integer", "22003"),
    ("create table errs(i int); create table errs(i int)", "42P07"),
    ("drop table no_such_table", "42P01"),
    ("insert into no_such_table values (1)", "42P01"),
]


@pytest.mark.parametrize("sql, sqlstate", ERRORS)
def test_errors_carry_their_sqlstate(server, sql, sqlstate):
    done = psql(server, "-v", "VERBOSITY=sqlstate", "-c", sql)
    assert done.code == 1, done
    assert re.search(rf"ERROR:  {sqlstate}", done.err), done


CONSTRAINTS = [
    ("insert into {t} values (1, 5, 1, 1)", "23505"),
    ("insert into {t} values (5, 1, 1, 1)", "23505"),
    ("insert into {t} values (6, 6, null, 1)", "23502"),
    ("insert into {t} values (7, 7, 1, -1)", "23514"),
    ("insert into {t}_child values (99)", "23503"),
    ("delete from {t} where id = 1", "23503"),
    ("update {t} set n = null where id = 2", "23502"),
]


@pytest.mark.parametrize("sql, sqlstate", CONSTRAINTS)
def test_constraint_errors_are_told_apart(server, table, sql, sqlstate):
    made = psql(
        server,
        "-v",
        "ON_ERROR_STOP=1",
        "-c",
        f"create table {table}(id int primary key, u int unique, n int not null, k int check (k > 0));"
        f"create table {table}_child(id int references {table}(id));"
        f"insert into {table} values (1, 1, 1, 1), (2, 2, 2, 2); insert into {table}_child values (1)",
    )
    assert made.code == 0, made
    done = psql(server, "-v", "VERBOSITY=sqlstate", "-c", sql.format(t=table))
    kept = psql_rows(server, f"select count(*), count(n) from {table}")
    assert psql(server, "-c", f"drop table {table}_child").code == 0
    assert done.err.strip() == f"ERROR:  {sqlstate}", done
    assert kept == [["2", "2"]]


def test_transactions_by_hand(server, table):
    done = psql(
        server,
        "-At",
        input=f"create table {table}(i int);\nbegin;\ninsert into {table} values (1);\nrollback;\n"
        f"begin;\ninsert into {table} values (2);\ncommit;\nselect i from {table};\n",
    )
    assert done.err == "", done
    assert done.out.split("\n") == [
        "CREATE TABLE", "BEGIN", "INSERT 0 1", "ROLLBACK", "BEGIN", "INSERT 0 1", "COMMIT", "2", "",
    ]  # fmt: skip


def test_on_error_stop(server, table):
    script = (
        f"create table {table}(i int);\ninsert into {table} values (1);\n"
        f"select boom();\ninsert into {table} values (2);\n"
    )
    done = psql(server, "-At", "-v", "ON_ERROR_STOP=1", input=script)
    assert done.code == 3, done
    assert psql_rows(server, f"select i from {table}") == [["1"]]


def test_one_transaction_of_a_script(server, table):
    assert psql(server, "-c", f"create table {table}(i int)").code == 0
    script = f"insert into {table} values (1);\nselect boom();\ninsert into {table} values (2);\n"
    done = psql(server, "--single-transaction", "-v", "ON_ERROR_STOP=1", input=script)
    assert done.code == 3, done
    assert psql_rows(server, f"select count(*) from {table}") == [["0"]]


def test_a_script_of_a_thousand_inserts(server, table, tmp_path):
    script = tmp_path / "inserts.sql"
    lines = [f"insert into {table} values ({i}, 'row {i}');" for i in range(1000)]
    script.write_text(f"create table {table}(i int primary key, s text);\n" + "\n".join(lines) + "\n")
    done = psql(server, "-q", "-v", "ON_ERROR_STOP=1", "-f", script)
    assert done.code == 0 and done.err == "", done
    assert psql_rows(server, f"select count(*), min(i), max(i), sum(i) from {table}") == [
        ["1000", "0", "999", "499500"]
    ]


def test_conninfo_says_where_it_is(server):
    done = psql(server, input="\\conninfo\n\\echo :SERVER_VERSION_NAME\n")
    assert str(server.socket_dir) in done.out, done


def test_variables_and_gset(server):
    done = psql(server, "-At", input="select 41 + 1 as answer \\gset\n\\echo :answer\nselect :'answer' || '!';\n")
    assert done.out == "42\n42!\n", done

"""ALTER TABLE where DuckDB lets nothing depend on the table: rows, indexes, comments, foreign keys stay, also after a
restart; an error leaves everything as it was; others read and write meanwhile."""

import threading

import psycopg
import pytest


@pytest.fixture
def family(fresh_server):
    with fresh_server.connect(autocommit=True) as connection:
        connection.execute("create table parent (id serial primary key, name text not null, code int unique)")
        connection.execute("create table child (id serial primary key, parent_id int references parent (id), note text)")
        connection.execute("create table grandchild (id int primary key, child_id int references child (id))")
        connection.execute("create index parent_name on parent (name)")
        connection.execute("create index child_note on child (note)")
        connection.execute("comment on table parent is 'the parents'")
        connection.execute("comment on column parent.name is 'their names'")
        connection.execute("insert into parent (name, code) select 'p' || i, i from generate_series(1, 1000) s(i)")
        connection.execute("insert into child (parent_id, note) select i, 'c' || i from generate_series(1, 1000) s(i)")
        connection.execute("insert into grandchild select i, i from generate_series(1, 1000) s(i)")
        yield fresh_server, connection


def check_all_there(connection, name="name"):
    assert connection.execute(
        f"select count(*), count(distinct p.{name}) from parent p join child c on c.parent_id = p.id"
        " join grandchild g on g.child_id = c.id"
    ).fetchone() == (1000, 1000)
    indexes = connection.execute("select index_name from duckdb_indexes() order by 1").fetchall()
    assert indexes == [("child_note",), ("parent_name",)]
    for sql in (
        "insert into child (parent_id) values (5000)",
        "insert into grandchild values (5000, 5000)",
        "delete from parent where id = 1",
    ):
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            connection.execute(sql)
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(f"insert into parent ({name}, code) values ('x', 1)")


def test_what_depends_on_the_table_stays(family):
    server, connection = family
    connection.execute("alter table parent alter column name drop not null")
    check_all_there(connection)
    connection.execute("alter table parent rename column name to label")
    check_all_there(connection, "label")
    assert connection.execute("insert into parent (label) values (null) returning id").fetchone()[0] > 1000
    comments = "select comment from duckdb_tables() where table_name = 'parent'"
    assert connection.execute(comments).fetchone() == ("the parents",)
    columns = "select comment from duckdb_columns() where table_name = 'parent' and column_name = 'label'"
    assert connection.execute(columns).fetchone() == ("their names",)
    left = connection.execute("select count(*) from duckdb_tables() where table_name like 'merganser_rebuild%'")
    assert left.fetchone() == (0,)


def test_after_a_kill_it_is_as_it_was_acknowledged(family, start_server):
    server, connection = family
    connection.execute("alter table parent alter column code type bigint using code * 10")
    connection.execute("alter table child add constraint note_is_short check (length(note) < 100)")
    server.child.kill()
    again = start_server(file=server.file)
    with again.connect(autocommit=True) as connection:
        assert connection.execute("select sum(code) from parent").fetchone() == (5005000,)
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("insert into child (note) values (repeat('x', 200))")
        assert connection.execute("select count(*) from grandchild").fetchone() == (1000,)


def test_an_error_leaves_everything(family):
    _, connection = family
    connection.execute("insert into child (note) values (null)")
    with pytest.raises(psycopg.errors.NotNullViolation):
        connection.execute("alter table child add column extra int, alter column note set not null")
    assert "extra" not in [c.name for c in connection.execute("select * from child limit 0").description]
    connection.execute("delete from child where note is null")
    check_all_there(connection)


def test_within_a_transaction_it_can_be_undone(family):
    server, connection = family
    connection.execute("begin")
    connection.execute("alter table parent drop column code")
    connection.execute("alter table parent rename to ancestor")
    assert connection.execute("select count(*) from ancestor").fetchone() == (1000,)
    with server.connect() as other:
        assert other.execute("select count(code) from parent").fetchone() == (1000,)
    connection.execute("rollback")
    check_all_there(connection)
    connection.execute("begin")
    connection.execute("alter table child rename to kid")
    connection.execute("commit")
    assert connection.execute("select count(*) from kid join grandchild g on g.child_id = kid.id").fetchone() == (1000,)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        connection.execute("insert into grandchild values (5000, 5000)")


def test_others_go_on_meanwhile(family):
    server, connection = family
    failures = []

    def work(number):
        with server.connect(autocommit=True) as mine:
            for i in range(20):
                try:
                    mine.execute("insert into child (parent_id, note) values (%s, %s)", [i + 1, f"w{number}-{i}"])
                    assert mine.execute("select count(*) from parent").fetchone() == (1000,)
                except Exception as error:  # noqa: BLE001
                    failures.append(error)

    workers = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for worker in workers:
        worker.start()
    for default in range(5):
        connection.execute("alter table parent alter column name set not null")
        connection.execute("alter table parent alter column name drop not null")
    for worker in workers:
        worker.join()
    assert not failures, failures[:3]
    assert connection.execute("select count(*) from child where note like 'w%'").fetchone() == (60,)

"""Writers that share a commit stay apart: each gets its own count, its own error, and nobody another's."""

import threading

import pytest
from psycopg import errors

WORKERS = 8
ROUNDS = 60


def together(server, work):
    """Runs work(connection, number) in threads that start at the same moment; their results, or the exception."""
    gate = threading.Barrier(WORKERS)
    results = [None] * WORKERS

    def run(number):
        with server.connect() as connection:
            gate.wait(30)
            try:
                results[number] = work(connection, number)
            except Exception as problem:  # noqa: BLE001 - handed to the test
                results[number] = problem

    threads = [threading.Thread(target=run, args=(n,)) for n in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


def test_bad_rows_of_one_do_not_hurt_the_others(server, connection, table):
    connection.execute(f"create table {table}(i bigint primary key, k int check (k > 0), n int not null)")

    def work(one, number):
        told = {"ok": 0, "23505": 0, "23514": 0, "23502": 0, "22P02": 0}
        for i in range(ROUNDS):
            key = number * 1000 + i
            for sql in (
                f"insert into {table} values ({key}, 1, 1)",
                f"insert into {table} values ({key}, 1, 1)",
                f"insert into {table} values ({key + 500}, -1, 1)",
                f"insert into {table} values ({key + 500}, 1, null)",
                f"insert into {table} values ({key + 500}, 1, cast('x' || '{i}' as int))",
            ):
                try:
                    one.execute(sql)
                    told["ok"] += 1
                except (errors.IntegrityError, errors.InvalidTextRepresentation) as error:
                    told[error.sqlstate] += 1
        return told

    assert together(server, work) == [{k: ROUNDS for k in ("ok", "23505", "23514", "23502", "22P02")}] * WORKERS
    assert connection.execute(f"select count(*), sum(k) from {table}").fetchone() == (WORKERS * ROUNDS,) * 2


def test_of_racing_duplicates_exactly_one_wins(server, connection, table):
    connection.execute(f"create table {table}(i bigint primary key, winner int)")

    def work(one, number):
        won = 0
        for i in range(ROUNDS):
            try:
                one.execute(f"insert into {table} values (%s, %s)", (i, number))
                won += 1
            except errors.UniqueViolation:
                pass
        return won

    won = together(server, work)
    assert sum(won) == ROUNDS
    rows = connection.execute(f"select winner, count(*) from {table} group by winner").fetchall()
    assert dict(rows) == {number: count for number, count in enumerate(won) if count}


def test_on_conflict_counts_each_statement(server, connection, table):
    connection.execute(f"create table {table}(i bigint primary key, n bigint)")

    def work(one, number):
        tags = set()
        for i in range(ROUNDS):
            sql = f"insert into {table} values (%s, 1) on conflict (i) do update set n = {table}.n + 1"
            tags.add(one.execute(sql, (i % 5,)).rowcount)
        return tags

    assert together(server, work) == [{1}] * WORKERS
    assert connection.execute(f"select count(*), sum(n) from {table}").fetchone() == (5, WORKERS * ROUNDS)


def test_do_nothing_counts_what_it_did(server, connection, table):
    connection.execute(f"create table {table}(i bigint primary key)")

    def work(one, number):
        return sum(
            one.execute(f"insert into {table} values ({i}) on conflict do nothing").rowcount for i in range(ROUNDS)
        )

    assert sum(together(server, work)) == ROUNDS
    assert connection.execute(f"select count(*) from {table}").fetchone() == (ROUNDS,)


def test_returning_gives_each_its_own_rows(server, connection, table):
    connection.execute(f"create sequence {table}_seq")
    connection.execute(f"create table {table}(id bigint default nextval('{table}_seq'), worker int, i int)")

    def work(one, number):
        ids = []
        for i in range(ROUNDS):
            row = one.execute(
                f"insert into {table}(worker, i) values (%s, %s) returning id, worker, i", (number, i)
            ).fetchone()
            assert row[1:] == (number, i)
            ids.append(row[0])
        return ids

    every = [key for ids in together(server, work) for key in ids]
    assert len(set(every)) == WORKERS * ROUNDS
    stored = connection.execute(f"select id from {table}").fetchall()
    assert {row[0] for row in stored} == set(every)
    connection.execute(f"drop table {table}")
    connection.execute(f"drop sequence {table}_seq")


def test_parents_and_children(server, connection, table):
    """Deleting a child and then its parent works for each client, whoever shares the commit."""
    connection.execute(f"create table {table}(id int primary key)")
    connection.execute(f"create table {table}_child(id int primary key, parent int references {table}(id))")
    try:

        def work(one, number):
            for i in range(ROUNDS // 3):
                key = number * 1000 + i
                one.execute(f"insert into {table} values ({key})")
                one.execute(f"insert into {table}_child values ({key}, {key})")
                with pytest.raises(errors.ForeignKeyViolation):
                    one.execute(f"delete from {table} where id = {key}")
                one.execute(f"delete from {table}_child where id = {key}")
                one.execute(f"delete from {table} where id = {key}")

        together(server, work)
        assert connection.execute(f"select count(*) from {table}").fetchone() == (0,)
    finally:
        connection.execute(f"drop table {table}_child")


def test_swapped_keys(server, connection, table):
    """1 → 2 while 2 moves away only in another's statement: each alone decides, not the group."""
    connection.execute(f"create table {table}(i int primary key)")
    connection.execute(f"insert into {table} select g from generate_series(1, {WORKERS}) as r(g)")

    def work(one, number):
        done = 0
        for _ in range(ROUNDS):
            try:
                one.execute(f"update {table} set i = i + 1000 where i = %s", (number + 1,))
                one.execute(f"update {table} set i = i - 1000 where i = %s", (number + 1001,))
                done += 1
            except errors.UniqueViolation as problem:
                raise AssertionError("nobody had that key") from problem
        return done

    assert together(server, work) == [ROUNDS] * WORKERS
    rows = connection.execute(f"select i from {table} order by i").fetchall()
    assert rows == [(i + 1,) for i in range(WORKERS)]

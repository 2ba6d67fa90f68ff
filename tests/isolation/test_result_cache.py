"""Answers that are kept are never stale: not for the session that wrote, not for any other, not after a change of the catalog."""

import random
import threading
import time

import psycopg
import pytest

pytestmark = pytest.mark.merganser_only


def counters(connection):
    rows = connection.execute("select name, value from merganser.statistics where name like 'result_cache.%'").fetchall()
    return {name.split(".")[1]: int(value) for name, value in rows}


@pytest.fixture
def table(server):
    with server.connect() as connection:
        connection.execute("create or replace table c (id bigint primary key, n bigint)")
        connection.execute("insert into c select i, 0 from range(100) r(i)")
    return server


def test_the_second_time_is_answered_from_memory(table):
    with table.connect() as connection:
        for _ in range(5):
            assert connection.execute("select n from c where id = %s", (7,)).fetchone() == (0,)
        for _ in range(5):
            assert connection.execute("select count(*), sum(n) from c").fetchone() == (100, 0)
        seen = counters(connection)
        assert seen["hits"] >= 8 and seen["kept"] >= 2 and seen["entries"] >= 2 and seen["bytes"] > 0


def test_parameters_formats_and_settings_are_told_apart(table):
    with table.connect() as connection:
        for _ in range(3):
            for key in (1, 2, 3):
                assert connection.execute("select id from c where id = %s", (key,)).fetchone() == (key,)
            assert connection.execute("select id from c where id = 5", binary=True).fetchone() == (5,)
            assert connection.execute("select id from c where id = 5", binary=False).fetchone() == (5,)
            for zone, hour in (("UTC", "12"), ("Asia/Tokyo", "21")):
                connection.execute(f"set timezone = '{zone}'")
                text = connection.execute("select ('2024-01-01 12:00:00+00'::timestamptz)::varchar").fetchone()[0]
                assert text.startswith(f"2024-01-01 {hour}:")
        assert counters(connection)["hits"] > 0


def test_each_way_to_write_is_seen_at_once(table):
    """One at a time, from another session, and the reader knows that it was answered."""
    writes = [
        "insert into c values (1000, 1)",
        "insert into c select 1001, 1",
        "update c set n = n + 1 where id = 3",
        "update c set n = n + 1 where n = 1",
        "delete from c where id = 4",
        "delete from c where id + 0 = 5",
        "insert into c values (6, 9) on conflict (id) do update set n = excluded.n",
        "merge into c using (select 7 as id) s on c.id = s.id when matched then update set n = 70",
        "with x as (select 2000 as id) insert into c select id, 1 from x",
        'update "main"."C" set n = 5 where id = 8',
        "truncate c",
        "insert into c values (1, 1)",
        "alter table c add column extra integer default 3",
        "drop table c",
        "create table c (id bigint primary key, n bigint)",
    ]
    question = "select count(*), sum(n), sum(id), max(id) from c"
    with table.connect() as writer, table.connect() as reader, table.connect() as fresh:
        fresh.execute("set merganser.result_cache = off")
        for write in writes:
            for _ in range(0 if write.startswith("create") else 3):
                reader.execute(question).fetchone()
            writer.execute(write)
            if write.startswith("drop"):
                with pytest.raises(psycopg.errors.UndefinedTable):
                    reader.execute(question)
                continue
            assert reader.execute(question).fetchone() == fresh.execute(question).fetchone(), write
            with writer.transaction():
                writer.execute("insert into c (id, n) values (%s, 0)", (10_000 + writes.index(write),))
            assert reader.execute(question).fetchone() == fresh.execute(question).fetchone(), write
            with writer.cursor().copy("copy c (id, n) from stdin") as copy:
                copy.write_row((20_000 + writes.index(write), 0))
            assert reader.execute(question).fetchone() == fresh.execute(question).fetchone(), write
        assert counters(reader)["hits"] > 0


def test_what_a_transaction_has_not_committed_is_not_kept(table):
    question = "select sum(n) from c"
    with table.connect(autocommit=False) as writer, table.connect() as reader:
        reader.execute(question).fetchone()
        writer.execute("update c set n = 1")
        assert writer.execute(question).fetchone() == (100,)
        assert reader.execute(question).fetchone() == (0,)
        writer.rollback()
        assert reader.execute(question).fetchone() == (0,)
        writer.execute("update c set n = 2")
        writer.commit()
        assert reader.execute(question).fetchone() == (200,)


def test_can_be_switched_off(table, start_server, place):
    with table.connect() as connection:
        connection.execute("set merganser.result_cache = off")
        before = counters(connection)
        for _ in range(5):
            connection.execute("select n from c where id = 9").fetchone()
        after = counters(connection)
        assert after["hits"] == before["hits"] and after["kept"] == before["kept"]
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            connection.execute("set merganser.result_cache = perhaps")


@pytest.mark.timeout(120)
def test_no_read_is_older_than_an_acknowledged_write(table):
    """Each row's n only grows. A writer notes what was acknowledged before a reader asks: less must never come back."""
    stop = time.monotonic() + 12
    keys = 8
    acknowledged = [0] * keys
    failures = []
    reads = [0]

    def write(seed):
        rng = random.Random(seed)
        mine = [key for key in range(keys) if key % 3 == seed]
        with table.connect() as connection:
            while time.monotonic() < stop and not failures:
                key = rng.choice(mine)
                value = acknowledged[key] + 1
                how = rng.random()
                if how < 0.6:
                    connection.execute("update c set n = %s where id = %s", (value, key))
                elif how < 0.8:
                    connection.execute(f"update c set n = {value} where id between {key} and {key}")
                else:
                    with connection.transaction():
                        connection.execute("update c set n = %s where id = %s", (value, key))
                acknowledged[key] = value
                own = connection.execute("select n from c where id = %s", (key,)).fetchone()[0]
                if own != value:
                    failures.append(f"wrote {value} to {key}, read {own}")
                time.sleep(rng.random() * 0.02)

    def read(seed):
        rng = random.Random(seed)
        with table.connect() as connection:
            seen = [0] * keys
            while time.monotonic() < stop and not failures:
                key = rng.randrange(keys)
                least = max(acknowledged[key], seen[key])
                if rng.random() < 0.5:
                    value = connection.execute("select n from c where id = %s", (key,)).fetchone()[0]
                else:
                    rows = dict(connection.execute(f"select id, n from c where id < {keys}").fetchall())
                    value = rows[key]
                if value < least:
                    failures.append(f"key {key}: {least} was acknowledged or seen, {value} came back")
                seen[key] = value
                reads[0] += 1

    threads = [threading.Thread(target=write, args=(i,)) for i in range(3)]
    threads += [threading.Thread(target=read, args=(100 + i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]
    with table.connect() as connection:
        assert counters(connection)["hits"] > 100
    assert reads[0] > 1000 and min(acknowledged) > 0

"""asyncpg: binary everywhere, prepared statements, pipelined executemany, cursors in transactions."""

import asyncio
import datetime as dt
import decimal
import uuid

import asyncpg
import pytest

from harness.paths import USER


def with_connection(server, work):
    async def main():
        connection = await asyncpg.connect(
            host=str(server.socket_dir), port=5432, user=USER, database=server.file.stem, timeout=20, command_timeout=60
        )
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(asyncio.wait_for(main(), 90))


def test_connect_and_ask(server):
    async def work(connection):
        assert await connection.fetchval("select 1::int") == 1
        assert await connection.fetch("select $1::int as a, $2::varchar as b", 7, "x") == [(7, "x")]
        assert (await connection.fetchrow("select 1 as one, 2 as two"))["two"] == 2
        assert connection.get_server_version().major >= 15

    with_connection(server, work)


def test_prepared_and_executemany(server, table):
    async def work(connection):
        await connection.execute(f"create table {table}(i bigint primary key, s varchar)")
        await connection.executemany(f"insert into {table} values ($1, $2)", [(i, f"row {i}") for i in range(1000)])
        statement = await connection.prepare(f"select s from {table} where i = $1")
        for i in (0, 999, 500):
            assert await statement.fetchval(i) == f"row {i}"
        assert await statement.fetchval(1000) is None
        assert await connection.execute(f"update {table} set s = 'x' where i < $1", 10) == "UPDATE 10"
        assert await connection.fetchval(f"select count(*) from {table} where s = 'x'") == 10

    with_connection(server, work)


def test_executemany_is_all_or_nothing(server, table):
    async def work(connection):
        await connection.execute(f"create table {table}(i bigint primary key)")
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.executemany(f"insert into {table} values ($1)", [(1,), (2,), (1,)])
        assert await connection.fetchval(f"select count(*) from {table}") == 0

    with_connection(server, work)


VALUES = [
    ("boolean", True),
    ("smallint", -32768),
    ("integer", 2147483647),
    ("bigint", -(2**63)),
    ("real", 1.5),
    ("double precision", 0.1),
    ("decimal(10,3)", decimal.Decimal("-12.345")),
    ("varchar", "é€😀"),
    ("text", ""),
    ("date", dt.date(1, 1, 1)),
    ("time", dt.time(1, 2, 3, 4)),
    ("timestamp", dt.datetime(9999, 12, 31, 23, 59, 59, 999999)),
    ("timestamptz", dt.datetime(2024, 1, 1, tzinfo=dt.UTC)),
    ("interval", dt.timedelta(days=3, seconds=4)),
    ("uuid", uuid.UUID("0b5fa9e8-3a4c-4d5e-8f60-718293a4b5c6")),
    ("bytea", b"\x00\x01\xff"),
    ("json", '{"a": [1]}'),
    ("varchar[]", ["a", "", None]),
]


@pytest.mark.parametrize("type_name, value", VALUES, ids=[v[0] for v in VALUES])
def test_values_go_and_come_back(server, type_name, value):
    async def work(connection):
        assert await connection.fetchval(f"select $1::{type_name}", value) == value
        assert await connection.fetchval(f"select $1::{type_name}", None) is None

    with_connection(server, work)


def test_transactions_and_cursors(server, table):
    async def work(connection):
        await connection.execute(f"create table {table}(i int)")
        async with connection.transaction():
            await connection.execute(f"insert into {table} select g from generate_series(1, 1000) as r(g)")
            seen = [record[0] async for record in connection.cursor(f"select i from {table} order by i", prefetch=70)]
            assert seen == list(range(1, 1001))
        with pytest.raises(ValueError):
            async with connection.transaction():
                await connection.execute(f"delete from {table}")
                raise ValueError
        assert await connection.fetchval(f"select count(*) from {table}") == 1000

    with_connection(server, work)


def test_errors(server):
    async def work(connection):
        for sql, wanted in [
            ("selec", asyncpg.PostgresSyntaxError),
            ("select * from nowhere", asyncpg.UndefinedTableError),
            ("select cast('x' as int)", asyncpg.InvalidTextRepresentationError),
        ]:
            with pytest.raises(wanted):
                await connection.fetch(sql)

    with_connection(server, work)

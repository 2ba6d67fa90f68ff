"""psycopg 3, asynchronous: many tasks on their own connections, streams, pool, pipelines."""

import asyncio

import psycopg
from psycopg_pool import AsyncConnectionPool

from harness.background import ENDLESS


def connect(server):
    return psycopg.AsyncConnection.connect(server.conninfo(), autocommit=True)


def test_tasks_write_and_read_at_once(server, table):
    async def one(worker):
        async with await connect(server) as connection:
            for i in range(20):
                await connection.execute(f"insert into {table} values (%s, %s)", (worker, i))
                row = await (
                    await connection.execute(f"select count(*) from {table} where w = %s", (worker,))
                ).fetchone()
                assert row == (i + 1,)

    async def main():
        async with await connect(server) as connection:
            await connection.execute(f"create table {table}(w int, i int)")
            await asyncio.gather(*(one(w) for w in range(12)))
            row = await (await connection.execute(f"select count(*), count(distinct w) from {table}")).fetchone()
            assert row == (240, 12)

    asyncio.run(asyncio.wait_for(main(), 60))


def test_stream(server):
    async def main():
        async with await connect(server) as connection:
            total = 0
            async for (value,) in connection.cursor().stream("select g from generate_series(1, 5000) as r(g)"):
                total += value
            assert total == 5000 * 5001 // 2

    asyncio.run(asyncio.wait_for(main(), 60))


def test_pool(server):
    async def main():
        async with AsyncConnectionPool(server.conninfo(), min_size=1, max_size=5) as pool:

            async def one(i):
                async with pool.connection() as connection:
                    return (await (await connection.execute("select %s::int", (i,))).fetchone())[0]

            assert await asyncio.gather(*(one(i) for i in range(50))) == list(range(50))

    asyncio.run(asyncio.wait_for(main(), 60))


def test_a_cancelled_task_cancels_its_statement(server):
    async def main():
        async with await connect(server) as connection:
            task = asyncio.create_task(connection.execute(ENDLESS))
            await asyncio.sleep(0.3)
            task.cancel()
            try:
                await task
            except (asyncio.CancelledError, psycopg.errors.QueryCanceled):
                pass
            else:
                raise AssertionError("the statement ended by itself")
        async with await connect(server) as connection:
            assert await (await connection.execute("select 1")).fetchone() == (1,)

    asyncio.run(asyncio.wait_for(main(), 60))

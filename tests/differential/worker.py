"""A client that runs a list of steps and writes down all that it was told. In a thread, a task or a process of its own.

A step is (how, statements) with statements as (sql, parameters or None): "execute" them one by one, "prepared" too,
"binary" results too, "many" is executemany of the first with all parameters, "pipeline" one implicit transaction,
"transaction" a block.
"""

import asyncio
import pickle
import sys

import psycopg

from differential.compare import volatile

# Texts as they come: what a driver makes of a date or a struct is not what is tested.
RESULT_LIMIT = 1000


def told(cursor):
    rows = []
    if cursor.description is not None:
        names = [column.name for column in cursor.description]
        for row in cursor._fetched:
            rows.append(tuple(value is not None if volatile(n) else repr(value) for n, value in zip(names, row, strict=True)))
    return cursor.statusmessage, cursor.rowcount, sorted(rows)


def told_error(error):
    return error.sqlstate, (error.diag.message_primary or str(error)), error.diag.message_detail, error.diag.message_hint


async def fetch(cursor):
    cursor._fetched = await cursor.fetchall() if cursor.description is not None else []
    return told(cursor)


class Cursor(psycopg.AsyncCursor):
    _fetched = ()

    async def results_arrived(self):
        """In a pipeline: waits for this statement's answer, and raises its error."""
        await self._fetch_pipeline()


async def one(connection, sql, parameters, **options):
    cursor = connection.cursor(binary=options.pop("binary", False))
    await cursor.execute(sql, parameters, **options)
    return cursor


async def step(connection, how, statements):
    if how == "many":
        cursor = connection.cursor()
        await cursor.executemany(statements[0][0], [parameters for _, parameters in statements])
        return [cursor.rowcount]
    if how == "pipeline":
        async with connection.pipeline() as pipeline:
            cursors = [await one(connection, *statement) for statement in statements]
            await pipeline.sync()
            # The error of the first that failed comes here, or came before; the others were undone with it.
            for cursor in cursors:
                await cursor.results_arrived()
        return [await fetch(cursor) for cursor in cursors]
    if how == "transaction":
        async with connection.transaction():
            return [await fetch(await one(connection, *statement)) for statement in statements]
    options = {"prepare": how == "prepared", "binary": how == "binary"}
    return [await fetch(await one(connection, *statement, **options)) for statement in statements]


async def session(conninfo, settings, steps):
    """The transcript: for each step what was answered, or the error."""
    transcript = []
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True, cursor_factory=Cursor) as connection:
        for statement in settings:
            await connection.execute(statement)
        for how, statements in steps:
            try:
                transcript.append(("done", await step(connection, how, statements)))
            except psycopg.Error as error:
                transcript.append(("failed", told_error(error)))
    return transcript


if __name__ == "__main__":
    job = pickle.load(sys.stdin.buffer)
    sys.stdin.close()
    print("ready", file=sys.stderr, flush=True)
    pickle.dump(asyncio.run(session(*job)), sys.stdout.buffer)

"""SQLAlchemy core over psycopg and asyncpg's sister psycopg2: connect, insert, select, transactions."""

import pytest
import sqlalchemy as sa

DRIVERS = ["psycopg", "psycopg2"]


@pytest.fixture(params=DRIVERS)
def engine(server, request):
    made = sa.create_engine(server.url().replace("postgresql://", f"postgresql+{request.param}://"))
    yield made
    made.dispose()


def test_core(engine, table):
    things = sa.Table(
        table,
        sa.MetaData(),
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("at", sa.Date),
    )
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateTable(things))
        connection.execute(things.insert(), [{"id": i, "name": f"n{i}"} for i in range(100)])
    with engine.connect() as connection:
        rows = connection.execute(sa.select(things.c.id, things.c.name).where(things.c.id > 97).order_by(things.c.id))
        assert rows.all() == [(98, "n98"), (99, "n99")]
        assert connection.scalar(sa.select(sa.func.count()).select_from(things)) == 100
    with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
        connection.execute(things.insert(), {"id": 1000, "name": "x"})
        connection.execute(things.insert(), {"id": 1, "name": "twice"})
    with engine.begin() as connection:
        assert connection.execute(things.update().values(name="z").where(things.c.id < 5)).rowcount == 5
        assert connection.execute(things.delete().where(things.c.id >= 50)).rowcount == 50
        assert connection.scalar(sa.select(sa.func.count()).select_from(things)) == 50


def test_returning(engine, table):
    with engine.begin() as connection:
        connection.execute(sa.text(f"create table {table}(id bigint primary key, s varchar)"))
        got = connection.execute(sa.text(f"insert into {table} values (:i, :s) returning id, s"), {"i": 5, "s": "five"})
        assert got.one() == (5, "five")


def test_streamed_results(engine):
    if engine.dialect.driver == "psycopg2":
        pytest.skip("psycopg2 streams with DECLARE CURSOR only")
    with engine.connect() as connection:
        total = sum(row[0] for row in connection.execute(sa.text("select g from generate_series(1, 1000) as r(g)")))
        assert total == 500500

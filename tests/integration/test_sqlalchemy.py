"""SQLAlchemy 2, Core and ORM: create_all with serial, identity, uuid, JSON, arrays and enums, insertmanyvalues,
RETURNING, upserts, transactions; and pandas and polars over it."""

import datetime as dt
import decimal
import enum
import uuid

import pandas
import polars
import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql


class Mood(enum.Enum):
    sad = 1
    happy = 2


class Base(orm.DeclarativeBase):
    pass


class Person(Base):
    __tablename__ = "person"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    key: orm.Mapped[uuid.UUID] = orm.mapped_column(default=uuid.uuid4)
    name: orm.Mapped[str] = orm.mapped_column(sa.String(50), unique=True)
    born: orm.Mapped[dt.date | None]
    seen: orm.Mapped[dt.datetime] = orm.mapped_column(sa.DateTime(timezone=True), server_default=sa.func.now())
    money: orm.Mapped[decimal.Decimal] = orm.mapped_column(sa.Numeric(10, 2), default=0)
    data: orm.Mapped[dict] = orm.mapped_column(postgresql.JSONB, default=dict)
    tags: orm.Mapped[list[str]] = orm.mapped_column(postgresql.ARRAY(sa.Text), default=list)
    mood: orm.Mapped[Mood] = orm.mapped_column(sa.Enum(Mood, name="mood"), default=Mood.happy)
    pets: orm.Mapped[list["Pet"]] = orm.relationship(back_populates="owner")


class Pet(Base):
    __tablename__ = "pet"
    id: orm.Mapped[int] = orm.mapped_column(sa.BigInteger, sa.Identity(start=100), primary_key=True)
    name: orm.Mapped[str] = orm.mapped_column(sa.Text, index=True)
    owner_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("person.id"))
    owner: orm.Mapped[Person] = orm.relationship(back_populates="pets")


@pytest.fixture(params=["psycopg", "psycopg2"])
def engine(fresh_server, request):
    url = fresh_server.url().replace("postgresql://", f"postgresql+{request.param}://")
    made = sa.create_engine(url)
    yield made
    made.dispose()


def test_orm(engine):
    Base.metadata.create_all(engine)
    with orm.Session(engine) as session:
        ada = Person(name="Ada", born=dt.date(1815, 12, 10), money=decimal.Decimal("12.34"), tags=["a", "b c"],
                     data={"k": [1, {"x": None}]}, mood=Mood.sad)  # fmt: skip
        ada.pets = [Pet(name="Cat"), Pet(name="Dog")]
        session.add_all([ada, Person(name="Bob")])
        session.commit()
        session.refresh(ada)
        assert (ada.id, ada.money, ada.tags, ada.mood) == (1, decimal.Decimal("12.34"), ["a", "b c"], Mood.sad)
        assert ada.data == {"k": [1, {"x": None}]} and ada.seen.tzinfo is not None
        assert sorted(pet.id for pet in ada.pets) == [100, 101]
        ada.money = Person.money + 1
        session.commit()
        assert session.get(Person, ada.id).money == decimal.Decimal("13.34")
        found = session.scalars(sa.select(Person).join(Pet).where(Pet.name.in_(["Cat", "Fish"]))).all()
        assert [person.name for person in found] == ["Ada"]
        assert session.scalar(sa.select(sa.func.count()).where(Person.tags.any("a"))) == 1
        assert session.scalar(sa.select(Person.name).where(Person.data["k"][0].as_integer() == 1)) == "Ada"
        assert session.scalar(sa.select(Person.name).where(Person.mood == Mood.happy).limit(1)) == "Bob"
        with pytest.raises(sa.exc.IntegrityError):
            session.add(Person(name="Ada"))
            session.flush()
        session.rollback()
        with pytest.raises(sa.exc.IntegrityError):
            session.execute(sa.insert(Pet).values(name="stray", owner_id=99))
        session.rollback()
        locked = session.scalars(sa.select(Person).where(Person.name == "Bob").with_for_update()).one()
        locked.name = "Rob"
        session.commit()
        assert session.scalars(sa.select(Person.name).order_by(Person.id)).all() == ["Ada", "Rob"]
    Base.metadata.drop_all(engine)
    with engine.connect() as connection:
        assert not sa.inspect(connection).has_table("person")


def test_core(engine):
    metadata = sa.MetaData()
    items = sa.Table(
        "items", metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(30), unique=True),
        sa.Column("n", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("made_at", sa.DateTime),
        sa.Column("price", sa.Double),
        sa.Column("bytes", sa.LargeBinary),
        sa.CheckConstraint("n >= 0"),
    )  # fmt: skip
    metadata.create_all(engine)
    with engine.begin() as connection:
        rows = [{"name": f"i{i}", "n": i, "made_at": dt.datetime(2024, 1, 1 + i % 28), "price": i / 4} for i in range(2500)]
        made = connection.execute(sa.insert(items).returning(items.c.id, sort_by_parameter_order=True), rows)
        assert [row.id for row in made] == list(range(1, 2501))
        upsert = postgresql.insert(items).values(name="i1", n=7)
        upsert = upsert.on_conflict_do_update(index_elements=["name"], set_={"n": upsert.excluded.n + items.c.n})
        assert connection.execute(upsert.returning(items.c.n)).scalar_one() == 8
        nothing = postgresql.insert(items).values(name="i1").on_conflict_do_nothing(index_elements=["name"])
        connection.execute(nothing)
        assert connection.scalar(sa.select(sa.func.count()).select_from(items)) == 2500
        changed = sa.update(items).where(items.c.n < 10).values(n=items.c.n + 1).returning(items.c.id)
        assert len(connection.execute(changed).all()) == 10
        connection.execute(sa.update(items).values(bytes=b"\x00\xff").where(items.c.id == 1))
        assert bytes(connection.scalar(sa.select(items.c.bytes).where(items.c.id == 1))) == b"\x00\xff"
        assert connection.scalar(sa.select(sa.func.max(items.c.price))) == 624.75
        page = sa.select(items.c.name).order_by(items.c.id).limit(2).offset(10)
        assert connection.scalars(page).all() == ["i10", "i11"]
        parts = sa.select(sa.extract("month", items.c.made_at), sa.func.count()).group_by(sa.extract("month", items.c.made_at))
        assert [tuple(row) for row in connection.execute(parts)] == [(1, 2500)]
        assert connection.execute(sa.delete(items).where(items.c.name.like("i1%"))).rowcount == 1111
    with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
        connection.execute(sa.insert(items).values(name="bad", n=-1))


def test_pandas_and_polars(engine):
    frame = pandas.DataFrame(
        {
            "i": [1, 2, 3],
            "f": [1.5, None, -2.25],
            "s": ["a", None, "c'd"],
            "t": pandas.to_datetime(["2024-02-29 10:00", None, "1999-12-31 00:00"]),
            "b": [True, False, True],
        }
    )
    frame.to_sql("frames", engine, index=False)
    frame.to_sql("frames", engine, index=False, if_exists="append", method="multi")
    back = pandas.read_sql("select * from frames order by i", engine)
    assert back["i"].tolist() == [1, 1, 2, 2, 3, 3]
    assert back["s"].tolist()[0] == "a" and pandas.isna(back["f"][2])
    assert back["t"][0] == pandas.Timestamp("2024-02-29 10:00")
    assert pandas.read_sql(sa.text("select s from frames where i = :i"), engine, params={"i": 3})["s"].tolist() == ["c'd", "c'd"]
    with engine.connect() as connection:
        read = polars.read_database("select distinct i, f, s, t, b from frames order by i", connection)
    assert read["i"].to_list() == [1, 2, 3] and read["s"].to_list() == ["a", None, "c'd"]
    assert read["t"].to_list()[0] == dt.datetime(2024, 2, 29, 10)

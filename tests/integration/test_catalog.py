"""pg_catalog and information_schema as programs read them: drivers, SQLAlchemy, and by hand."""

import psycopg
import psycopg2
import pytest
from psycopg.types import TypeInfo
from psycopg.types.enum import EnumInfo
from sqlalchemy import MetaData, create_engine, inspect
from sqlalchemy.ext.automap import automap_base

from harness.psql import psql

SCHEMA = """
create type mood as enum ('sad', 'ok');
create table t (id integer primary key, name text not null default 'x', price decimal(10,2) check (price > 0),
  tags text[], m mood, ts timestamptz default now());
create schema s2;
create table s2.q (a int, b int, unique (a, b), primary key (b));
create table u (a int, t_id int, "We ird" int, foreign key (t_id) references t (id));
create index u_i on u (t_id);
create unique index u_e on u ((a + 1), "We ird");
create view v as select id, name from t;
create sequence sq start 5;
create table d (a int default nextval('sq'));
comment on table t is 'a table';
comment on column t.name is 'its name';
"""


@pytest.fixture(scope="module")
def catalog(server):
    done = psql(server, "-q", "-v", "ON_ERROR_STOP=1", "-c", SCHEMA)
    assert done.code == 0, done
    return server


@pytest.fixture
def connected(catalog):
    with catalog.connect() as made:
        yield made


ONE_VALUE = [
    ("select current_schema()", "public"),
    ("select current_schemas(true)::text", "[pg_catalog, public]"),
    ("select has_table_privilege('t', 'select')", True),
    ("select has_table_privilege(current_user, 'nothing', 'select')", None),
    ("select 'public.t'::regclass", "t"),
    ("select 's2.q'::regclass::text", "s2.q"),
    ("select 'pg_class'::regclass::oid", 1259),
    ("select to_regclass('nothing')", None),
    ("select c.relname from pg_class c where c.oid = 'main.t'::regclass", "t"),
    ("select c.oid::regclass::text from pg_class c where relname = 'q'", "s2.q"),
    ("select cast(cast(c.oid as regclass) as text) from pg_class c where relname = 'q'", "s2.q"),
    ("select count(*) from pg_class where relname ~ '^[tu]$'", 2),
    ("select count(*) from pg_class where relname ~* 'U_' and relkind = 'i'", 2),
    ("select obj_description('t'::regclass)", "a table"),
    ("select obj_description('t'::regclass, 'pg_class')", "a table"),
    ("select col_description('t'::regclass, 2)", "its name"),
    ("select pg_get_serial_sequence('d', 'a')", "public.sq"),
    ("select format_type(1700, 655366)", "numeric(10,2)"),
    ("select format_type(1009, -1)", "text[]"),
    ("select pg_get_constraintdef(oid) from pg_constraint where contype = 'f'", "FOREIGN KEY (t_id) REFERENCES t(id)"),
    ("select pg_get_indexdef('u_i'::regclass)", "CREATE INDEX u_i ON public.u USING btree (t_id)"),
    ("select pg_get_indexdef('u_e'::regclass, 1, true)", "(a + 1)"),
    ("select pg_get_viewdef('v'::regclass)", " SELECT id, \"name\" FROM t;"),
    ("select quote_ident('We ird') || quote_ident('select') || quote_ident('plain')", '"We ird""select"plain'),
    ("select typname from pg_type where oid = 'timestamptz'::regtype", "timestamptz"),
    ("select string_agg(enumlabel, ',' order by enumsortorder) from pg_enum", "sad,ok"),
    ("select table_type from information_schema.tables where table_name = 'v'", "VIEW"),
    ("select udt_name from information_schema.columns where table_name = 't' and column_name = 'tags'", "_text"),
    ("select count(*) from information_schema.key_column_usage where table_name = 'q'", 3),
    ("select unique_constraint_name from information_schema.referential_constraints", "t_pkey"),
    ("select current_setting('server_version_num')::int >= 150000", True),
    ("select current_setting('nothing.of_the_kind', true)", None),
    ("select setting from pg_settings where name = 'max_index_keys'", "32"),
    ("select current_setting(name) from pg_settings where name = 'max_index_keys'", "32"),
    ("select count(*) from pg_stat_activity where pid = pg_backend_pid()", 1),
    ("select pg_typeof(1.5)", "numeric"),
    ("select pg_is_in_recovery()", False),
    ("select count(*) from pg_policy", 0),
    ("select pg_table_size('t') = pg_table_size('t'::regclass) and pg_relation_size('t', 'main') >= 0", True),
]


@pytest.mark.parametrize("sql, expected", ONE_VALUE)
def test_a_value(connected, sql, expected):
    assert connected.execute(sql).fetchone()[0] == expected


def test_the_version_and_the_user(connected):
    assert connected.execute("select version()").fetchone()[0].startswith("PostgreSQL 15")
    row = connected.execute("select current_user, session_user, pg_backend_pid()")
    assert [column.name for column in row.description] == ["current_user", "session_user", "pg_backend_pid"]
    assert row.fetchone() == (connected.info.user, connected.info.user, connected.info.backend_pid)


def test_columns_have_the_names_that_postgresql_gives_them(connected):
    done = connected.execute("select c.oid::regclass, pg_catalog.format_type(23, -1), 't'::regclass from pg_class c")
    assert [column.name for column in done.description] == ["oid", "format_type", "regclass"]


def test_a_transaction_sees_its_own_tables_and_others_do_not(catalog):
    ask = "select count(*) from pg_catalog.pg_class where relname = 'made_here'"
    with catalog.connect() as one, catalog.connect() as other:
        with one.transaction():
            one.execute("create table made_here (i int)")
            assert one.execute(ask).fetchone()[0] == 1
            assert one.execute("select 'made_here'::regclass::text").fetchone()[0] == "made_here"
            assert other.execute(ask).fetchone()[0] == 0
        assert other.execute(ask).fetchone()[0] == 1
        one.execute("drop table made_here")
        assert other.execute(ask).fetchone()[0] == 0


def test_temporary_tables_are_their_sessions(catalog):
    ask = "select relpersistence from pg_class where relname = 'passing'"
    with catalog.connect() as one, catalog.connect() as other:
        one.execute("create temp table passing (i int)")
        assert one.execute(ask).fetchone() == ("t",)
        assert other.execute(ask).fetchone() is None


def test_numbers_stay_through_alter_and_rename(catalog):
    with catalog.connect() as made:
        made.execute("create table stays (i int)")
        before = made.execute("select oid from pg_class where relname = 'stays'").fetchone()
        made.execute("alter table stays add column j int")
        made.execute("alter table stays rename to stayed")
        assert made.execute("select oid from pg_class where relname = 'stayed'").fetchone() == before
        made.execute("drop table stayed")


def test_public_stands_for_main(connected):
    connected.execute("insert into public.d values (1)")
    assert connected.execute("select public.d.a from public.d").fetchall() == connected.execute(
        "select a from main.d"
    ).fetchall()


def test_what_is_beside_the_file_is_not_for_clients(connected):
    for sql in ("select * from merganser_pg.live.pg_class", "drop view merganser_pg.live.pg_class", "use merganser_pg"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connected.execute(sql)
    names = connected.execute("select database_name from duckdb_databases()").fetchall()
    assert ("merganser_pg",) not in names


def test_definitions_in_the_file_do_not_name_it(catalog, connected):
    connected.execute("create view names_catalog as select * from pg_catalog.pg_class")
    (text,) = connected.execute("select sql from duckdb_views() where view_name = 'names_catalog'").fetchone()
    assert "merganser_pg" not in text
    connected.execute("drop view names_catalog")


def test_what_is_not_there_is_an_error_of_its_own(connected):
    with pytest.raises(psycopg.errors.UndefinedTable):
        connected.execute("select 'nothing'::regclass")
    with pytest.raises(psycopg.errors.UndefinedObject):
        connected.execute("select 'nothing'::regtype")


def test_the_search_path_knows_public(catalog):
    with catalog.connect() as made:
        made.execute("set search_path to s2, public")
        assert made.execute("select current_schemas(false)").fetchone() == (["s2", "public"],)
        assert made.execute("select count(*) from q, t").fetchone() == (0,)
        made.execute('set search_path = "$user", public')
        assert made.execute("show search_path").fetchone() == ('"$user", public',)
        assert made.execute("select current_schema()").fetchone() == ("public",)


def test_psycopg_finds_types(connected):
    assert TypeInfo.fetch(connected, "int4").array_oid == 1007
    assert EnumInfo.fetch(connected, "mood").labels == ["sad", "ok"]
    assert TypeInfo.fetch(connected, "hstore") is None


@pytest.fixture(scope="module")
def engine(catalog):
    made = create_engine("postgresql+psycopg2://", creator=lambda: psycopg2.connect(catalog.conninfo()))
    yield made
    made.dispose()


def test_sqlalchemy_inspects(engine):
    found = inspect(engine)
    assert set(found.get_table_names()) >= {"t", "u", "d"}
    assert found.get_view_names() == ["v"]
    assert found.get_sequence_names() == ["sq"]
    assert found.get_pk_constraint("t")["constrained_columns"] == ["id"]
    (key,) = found.get_foreign_keys("u")
    assert (key["constrained_columns"], key["referred_table"], key["referred_columns"]) == (["t_id"], "t", ["id"])
    indexes = {index["name"]: index for index in found.get_indexes("u")}
    assert indexes["u_i"]["column_names"] == ["t_id"]
    assert (indexes["u_e"]["unique"], indexes["u_e"]["expressions"]) == (True, ["(a + 1)", "We ird"])
    assert [unique["column_names"] for unique in found.get_unique_constraints("q", schema="s2")] == [["a", "b"]]
    assert found.get_check_constraints("t")[0]["sqltext"] == "price > 0"
    assert found.get_table_comment("t") == {"text": "a table"}
    assert found.get_enums()[0]["labels"] == ["sad", "ok"]
    columns = {column["name"]: column for column in found.get_columns("t")}
    assert (str(columns["price"]["type"]), columns["name"]["nullable"]) == ("NUMERIC(10, 2)", False)
    assert columns["name"]["comment"] == "its name"
    assert found.get_columns("d")[0]["autoincrement"] is True
    assert found.has_table("t") and not found.has_table("nothing")


def test_sqlalchemy_reflects_and_maps(engine):
    tables = MetaData()
    tables.reflect(engine)
    assert [column.name for column in tables.tables["u"].columns] == ["a", "t_id", "We ird"]
    base = automap_base()
    base.prepare(autoload_with=engine)
    assert "t" in base.classes.keys()


@pytest.mark.timeout(120)  # far more than it takes
def test_five_hundred_tables(start_server):
    server = start_server()
    with server.connect() as made:
        with made.transaction():
            for i in range(500):
                made.execute(f"create table t{i} (id int primary key, name text not null, at_time timestamptz)")
        for command in ("\\d", "\\d t250", "\\dt+", "\\di"):
            done = psql(server, "-c", command)
            assert (done.code, done.err) == (0, ""), done
        rows = made.execute("select count(*) from information_schema.columns where table_schema = 'public'").fetchone()
        assert rows == (1500,)

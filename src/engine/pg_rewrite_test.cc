#include "engine/pg_rewrite.h"

#include <gtest/gtest.h>

namespace merganser::engine {
namespace {

std::string rewritten(std::string_view sql, bool main_is_public = true) {
  const auto out = rewrite_pg(sql, {false, main_is_public});
  return out ? out->text.text : "";
}

struct Case {
  const char* sql;
  const char* expected;  // empty: it stays as it is
};

constexpr Case kCases[] = {
    {"select 1", ""},
    {"select 'pg_catalog.pg_class'", ""},
    {"select relname from pg_catalog.pg_class", "select relname from merganser_pg.live.\"pg_class\""},
    {"select * from pg_class c, pg_type t", "select * from merganser_pg.live.pg_class c, merganser_pg.live.pg_type t"},
    {"select pg_class from t", ""},
    {"select * from information_schema.tables", "select * from merganser_pg.live_info.\"tables\""},
    {"select pg_catalog.pg_class.oid from pg_catalog.pg_class",
     "select pg_class.oid AS \"oid\" from merganser_pg.live.\"pg_class\""},
    {"select pg_catalog.upper('a')", "select upper('a') AS \"upper\""},
    {"select pg_catalog.format_type(1, 2) as x", "select merganser_pg.live.format_type(1, 2) as x"},
    {"select format_type(1, 2)", "select merganser_pg.live.format_type(1, 2) AS \"format_type\""},
    {"select other.format_type(1, 2)", ""},
    {"select 1 operator(pg_catalog.=) 1", "select 1  =  1"},
    {"select x collate \"C\", y collate pg_catalog.default from t", "select x , y  from t"},
    {"select x collate nocase from t", ""},
    {"select a::pg_catalog.int4, b::name, c::\"char\", d::oid from t",
     "select a::int4 AS \"a\", b::VARCHAR AS \"b\", c::VARCHAR AS \"c\", d::BIGINT AS \"d\" from t"},
    {"select 1 where x = 't'::regclass", "select 1 where x = merganser_pg.live.regclass('t')"},
    {"select 1 where x = $1::regclass", "select 1 where x = merganser_pg.live.regclass($1)"},
    {"select 't'::regclass", "select merganser_pg.live.regclass_text(merganser_pg.live.regclass('t')) AS \"regclass\""},
    {"select c.oid::regclass from c", "select merganser_pg.live.regclass_text(c.oid) AS \"oid\" from c"},
    {"select c.oid::regclass::text from c", "select merganser_pg.live.regclass_text(c.oid)::text AS \"oid\" from c"},
    {"select 't'::regclass::oid", "select merganser_pg.live.regclass('t')::BIGINT AS \"oid\""},
    {"select cast(cast(a as regclass) as text) from t",
     "select cast(merganser_pg.live.regclass_text(a ) as text) AS \"a\" from t"},
    {"select 1 from pg_class where relname ~ '^a'",
     "select 1 from merganser_pg.live.pg_class where relname  ~  '(?s).*(?:^a).*'"},
    {"select 1 from pg_class where relname !~* $1",
     "select 1 from merganser_pg.live.pg_class where relname  !~  ('(?is).*(?:' || $1 || ').*')"},
    {"select relname ~ '^a' from t", ""},
    {"select 1 from pg_class where relname like 'a\\_%' and true",
     "select 1 from merganser_pg.live.pg_class where relname like 'a\\_%' ESCAPE '\\' and true"},
    {"select indkey[0] from pg_index", "select indkey[0 + 1] AS \"indkey\" from merganser_pg.live.pg_index"},
    {"select * from public.t", "select * from main.t"},
    {"insert into \"public\".\"t\" values (1)", "insert into main.\"t\" values (1)"},
    {"select public.a from t as public", ""},
    {"create view v as select * from public.t", "create view v as select * from main.t"},
    {"create view v as select * from pg_class", ""},
    {"create macro m() as format_type(1, 2)", ""},
    {"create table x as select * from pg_class", "create table x as select * from merganser_pg.live.pg_class"},
    {"create table x (a int default version())", ""},
    {"delete from pg_class", ""},
    {"with pg_class as (select 1) select * from pg_class", ""},
    {"select extract(year from pg_class) from t", ""},
};

TEST(PgRewrite, Statements) {
  for (const Case& c : kCases) EXPECT_EQ(rewritten(c.sql), c.expected) << c.sql;
}

TEST(PgRewrite, ASchemaPublicOfTheFileKeepsItsName) {
  EXPECT_EQ(rewritten("select * from public.t", false), "");
}

TEST(PgRewrite, LongTextsOfDataStayAsTheyAre) {
  const std::string values(size_t{100} << 10, 'x');
  EXPECT_EQ(rewritten("insert into t values ('" + values + "', version())"), "");
  EXPECT_NE(rewritten("insert into public.t values ('" + values + "')"), "");
}

TEST(PgRewrite, PlacesInErrorsAreTheClients) {
  const auto out = rewrite_pg("select ä::regclass, nothing from pg_class", {});
  ASSERT_TRUE(out);
  const size_t at = out->text.text.find("nothing");
  // Two characters of two bytes stand before it.
  EXPECT_EQ(out->text.client_position(static_cast<int>(at) - 1), 21);
}

}  // namespace
}  // namespace merganser::engine

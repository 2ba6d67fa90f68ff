#include "dialect/translate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dialect/datetime_pattern.h"

namespace merganser::dialect {
namespace {

using ::testing::HasSubstr;

std::string text_of(std::string_view sql) {
  const auto made = translate(sql);
  if (!made) return "as it is";
  if (made->refusal) return "refused: " + made->refusal->message;
  if (!made->script) return made->sql;
  std::string out;
  for (const engine::ScriptStep& step : made->script->steps) out += (out.empty() ? "" : "; ") + step.sql;
  return out;
}

TEST(Translate, LeavesDuckDbsOwnSqlAlone) {
  for (const std::string_view sql : {"SELECT 1",
                                     "FROM t SELECT a WHERE b = 'for update'",
                                     "SELECT list_transform(l, x -> x + 1) FROM t",
                                     "SELECT list_filter(l, x -> 'a') FROM t",
                                     "INSERT INTO t VALUES (1, $1)",
                                     "CREATE VIEW v AS SELECT 1",
                                     "CREATE INDEX i ON t (a)",
                                     "DROP VIEW v",
                                     "ALTER TABLE t ADD COLUMN s.k INTEGER",
                                     "COMMENT ON TABLE t IS 'x'",
                                     "CREATE MACRO f(a) AS a + 1",
                                     "SUMMARIZE t",
                                     "CREATE TABLE t AS FROM u",
                                     "PIVOT t ON a USING sum(b)",
                                     "SELECT substring('abc' FOR 2)",
                                     "SELECT a - -1, b <= -2 FROM t",
                                     "CREATE SEQUENCE s START 5",
                                     "VALUES (1)",
                                     "SELECT \"jsonb\" FROM t",
                                     "SET timezone = 'UTC'",
                                     "CREATE TYPE e AS ENUM ('a')",
                                     "SELECT to_timestamp(0)",
                                     "FROM unnest(l, recursive := true)",
                                     "SELECT * FROM t WHERE a LIKE 'b%'"}) {
    EXPECT_EQ(text_of(sql), "as it is") << sql;
  }
}

TEST(Translate, SerialAndIdentityAreSequences) {
  EXPECT_EQ(
      text_of("CREATE TABLE t (id serial PRIMARY KEY, a int)"),
      "CREATE SEQUENCE \"t_id_seq\"; CREATE TABLE t (id INTEGER DEFAULT nextval('\"t_id_seq\"') PRIMARY KEY NOT NULL, "
      "a int)");
  EXPECT_EQ(text_of("CREATE TABLE s.t (\"I d\" bigint GENERATED ALWAYS AS IDENTITY (START WITH 5 CACHE 1))"),
            "CREATE SEQUENCE \"s\".\"t_I d_seq\" START WITH 5; CREATE TABLE s.t (\"I d\" bigint DEFAULT "
            "nextval('\"s\".\"t_I d_seq\"') NOT NULL)");
}

TEST(Translate, WhatDuckDbDoesNotNeedGoes) {
  EXPECT_EQ(text_of("CREATE TABLE t (a int) WITH (fillfactor=100)"), "CREATE TABLE t (a int)");
  EXPECT_THAT(text_of("CREATE TABLE t (a int REFERENCES u (id) ON DELETE NO ACTION DEFERRABLE INITIALLY DEFERRED)"),
              ::testing::AllOf(HasSubstr("REFERENCES u (id)"), ::testing::Not(HasSubstr("DEFERR"))));
  EXPECT_THAT(text_of("CREATE TABLE t (a int REFERENCES u ON DELETE CASCADE)"), HasSubstr("refused"));
  EXPECT_THAT(text_of("CREATE INDEX CONCURRENTLY i ON t USING btree (a text_pattern_ops)"), HasSubstr("ON t"));
  EXPECT_THAT(text_of("CREATE INDEX i ON t (a) WHERE b"), HasSubstr("refused"));
  EXPECT_EQ(text_of("SELECT a FROM t FOR NO KEY UPDATE OF t SKIP LOCKED"), "SELECT a FROM t  ");
}

TEST(Translate, Expressions) {
  EXPECT_EQ(text_of("SELECT a || b ~ 'x' FROM t"), "SELECT regexp_matches(a || b , 'x') FROM t");
  EXPECT_EQ(text_of("SELECT a !~* $1"), "SELECT (NOT regexp_matches(a , $1, 'i'))");
  EXPECT_EQ(text_of("SELECT j -> 'a' ->> 'b' = 'c'"), "SELECT ((j -> 'a') ->> 'b') = 'c'");
  EXPECT_EQ(text_of("SELECT j #>> '{a,0}' FROM t"), "SELECT json_extract_string(j , '/a/0') FROM t");
  EXPECT_EQ(text_of("SELECT '{1,NULL,\"a b\"}'::text[]"), "SELECT ['1', NULL, 'a b']::text[]");
  EXPECT_EQ(text_of("SELECT x::jsonb, CAST(y AS jsonb), now()::timestamptz(3)"),
            "SELECT x::JSON, CAST(y AS JSON), now()::timestamptz ");
  EXPECT_EQ(text_of("SELECT to_char(ts, 'YYYY-MM-DD')"), "SELECT strftime(ts, '%Y-%m-%d')");
  EXPECT_EQ(text_of("SELECT jsonb_agg(a)"), "SELECT json_group_array(a)");
}

TEST(Translate, NoticesAndRefusals) {
  EXPECT_EQ(translate("GRANT SELECT ON t TO x")->notices.size(), 1U);
  EXPECT_THAT(text_of("REVOKE ALL ON t FROM x"), HasSubstr("refused"));
  EXPECT_THAT(text_of("CREATE EXTENSION hstore"), HasSubstr("refused"));
  EXPECT_EQ(translate("CREATE EXTENSION IF NOT EXISTS plpgsql")->notices.size(), 1U);
  EXPECT_THAT(text_of("WITH x AS (DELETE FROM t RETURNING a) SELECT * FROM x"), HasSubstr("refused"));
  EXPECT_TRUE(translate("SELECT 1 FOR UPDATE")->takes_lane);
  EXPECT_EQ(translate("CREATE TABLE t (n numeric)")->notices.size(), 1U);
}

TEST(Translate, BrokenTextsHarmNothing) {
  for (const std::string_view sql : {"CREATE TABLE",
                                     "CREATE TABLE t",
                                     "CREATE TABLE t (",
                                     "CREATE TABLE t ()",
                                     "CREATE TABLE t (a",
                                     "CREATE TABLE t (,)",
                                     "CREATE TABLE t (a int,)",
                                     "ALTER TABLE",
                                     "ALTER TABLE t",
                                     "ALTER TABLE t ADD",
                                     "ALTER TABLE t ADD COLUMN",
                                     "ALTER TABLE t ALTER",
                                     "ALTER TABLE t ALTER c TYPE",
                                     "ALTER TABLE t RENAME",
                                     "ALTER TABLE t DROP CONSTRAINT",
                                     "CREATE INDEX",
                                     "CREATE INDEX ON",
                                     "CREATE UNIQUE",
                                     "CREATE INDEX i ON t USING",
                                     "CREATE EXTENSION",
                                     "CREATE",
                                     "DROP",
                                     "DROP TABLE",
                                     "DROP TABLE a,",
                                     "TRUNCATE",
                                     "TRUNCATE a,",
                                     "VACUUM (",
                                     "VACUUM ,",
                                     "ANALYZE t (",
                                     "GRANT",
                                     "COMMENT",
                                     "SELECT FOR",
                                     "SELECT ~",
                                     "SELECT a ~",
                                     "SELECT ~ a",
                                     "SELECT a ->",
                                     "SELECT -> 'a'",
                                     "SELECT #>> '{'",
                                     "SELECT '{'::int[]",
                                     "SELECT ::jsonb",
                                     "SELECT to_char(",
                                     "SELECT to_char(a,'YYYY')",
                                     "WITH",
                                     "WITH x AS (",
                                     "CREATE TABLE t (a int REFERENCES",
                                     "CREATE TABLE t (a int DEFAULT",
                                     "CREATE TABLE t (a int GENERATED",
                                     "CREATE TABLE t (a int GENERATED ALWAYS AS IDENTITY (",
                                     "CREATE TABLE t (CONSTRAINT",
                                     "CREATE TYPE t AS",
                                     "ALTER SEQUENCE s RESTART WITH",
                                     "INSERT INTO t VALUES (1) ON CONFLICT ON CONSTRAINT",
                                     "CREATE SCHEMA AUTHORIZATION",
                                     "ALTER TABLE t ADD CONSTRAINT c UNIQUE (",
                                     "ALTER TABLE t ADD GENERATED",
                                     "CREATE TABLE t (a int CHECK ("}) {
    translate(sql);
    const std::string longer = std::string(sql) + " (((";
    translate(longer);
  }
}

TEST(DatetimePattern, OnlyWhatIsExact) {
  EXPECT_EQ(strftime_pattern("YYYY-MM-DD HH24:MI:SS.US", false), "%Y-%m-%d %H:%M:%S.%f");
  EXPECT_EQ(strftime_pattern("yyyymmdd", true), "%Y%m%d");
  EXPECT_EQ(strftime_pattern("Mon DD", false), "%b %d");
  for (const std::string_view pattern : {"Month", "Day", "FMDD", "RM", "999", "DDth", "Q", "\"%\"YYYY", "J", "TZ"}) {
    EXPECT_EQ(strftime_pattern(pattern, false), std::nullopt) << pattern;
  }
}

}  // namespace
}  // namespace merganser::dialect

#include "engine/statement_class.h"

#include <gtest/gtest.h>
#include <set>

#include "engine/raw.h"
#include "engine/sql_tokens.h"

namespace merganser::engine {
namespace {

using enum StatementKind;

struct KindCase {
  const char* sql;
  StatementKind kind;
  const char* tag;
};

TEST(Classify, KindsAndTags) {
  const KindCase cases[] = {
      {"", kEmpty, ""},
      {"-- only a comment", kEmpty, ""},
      {"select 1", kRead, "SELECT"},
      {"(select 1) union select 2", kRead, "SELECT"},
      {"from t", kRead, "SELECT"},
      {"with a as (delete_me as (select 1)) select 1", kRead, "SELECT"},
      {"with a as (select 1) insert into t select * from a", kWrite, "INSERT 0"},
      {"with insert as (select 1) select * from insert", kRead, "SELECT"},
      {"/* c /* nested */ */ insert into t values (1)", kWrite, "INSERT 0"},
      {"update t set a = 1", kWrite, "UPDATE"},
      {"delete from t", kWrite, "DELETE"},
      {"merge into t using s on t.a = s.a when matched then delete", kWrite, "MERGE"},
      {"create table t (a int)", kDdl, "CREATE TABLE"},
      {"create or replace table t as select 1", kDdl, "SELECT"},
      {"create table t as (select 1)", kDdl, "SELECT"},
      {"create unique index i on t (a)", kDdl, "CREATE INDEX"},
      {"create temp table x (a int)", kPinnedRead, "CREATE TABLE"},
      {"create macro f(a) as a + 1", kDdl, "CREATE FUNCTION"},
      {"drop view v", kDdl, "DROP VIEW"},
      {"alter table t add column b int", kDdl, "ALTER TABLE"},
      {"truncate t", kDdl, "TRUNCATE TABLE"},
      {"begin", kBegin, "BEGIN"},
      {"start transaction read only", kBegin, "START TRANSACTION"},
      {"commit work", kCommit, "COMMIT"},
      {"end", kCommit, "COMMIT"},
      {"rollback", kRollback, "ROLLBACK"},
      {"rollback to savepoint a", kRollbackTo, "ROLLBACK"},
      {"savepoint a", kSavepoint, "SAVEPOINT"},
      {"set timezone = 'UTC'", kSet, "SET"},
      {"reset all", kSet, "RESET"},
      {"show timezone", kShow, "SHOW"},
      {"show tables", kRead, "SELECT"},
      {"use main", kUse, "USE"},
      {"prepare a as select 1", kPrepare, "PREPARE"},
      {"execute a", kExecute, "EXECUTE"},
      {"deallocate all", kDeallocate, "DEALLOCATE"},
      {"discard all", kDiscard, "DISCARD ALL"},
      {"checkpoint", kCheckpoint, "CHECKPOINT"},
      {"explain select 1", kRead, "EXPLAIN"},
      {"explain insert into t values (1)", kRead, "EXPLAIN"},
      {"explain analyze insert into t values (1)", kWrite, "EXPLAIN"},
      {"explain (analyze, format json) delete from t", kWrite, "EXPLAIN"},
      {"pragma table_info('t')", kRead, "PRAGMA"},
      {"selec 1", kUnknown, "SELEC"},
  };
  for (const KindCase& test : cases) {
    const StatementClass got = classify(test.sql);
    EXPECT_EQ(static_cast<int>(got.kind), static_cast<int>(test.kind)) << test.sql;
    EXPECT_EQ(got.tag, test.tag) << test.sql;
  }
}

TEST(Classify, RefusesWhatCouldStopEveryone) {
  const char* const cases[] = {
      "call enable_logging(storage='file')",
      "CALL disable_logging()",
      "select * from enable_logging()",
      "select * from \"Enable_Logging\" ( )",
      "select * from system.main.enable_logging()",
      "select * from/**/enable_logging/* x */()",
      "select * from enable_logging -- c\n ()",
      "select * from enable_logging\xC2\xA0()",
      "select * from\xE2\x80\x83"
      "enable_logging()",
      "create macro m() as table from enable_logging()",
      "with a as (from enable_logging()) select * from a",
      "explain analyze select * from enable_logging()",
      "prepare p as select * from enable_logging()",
      "from query('from enable_logging()')",
      "from json_execute_serialized_sql('x')",
      "select * from U&\"enable\\005flogging\"()",
      "alter database t set alias to u",
      "detach t",
      "attach ':memory:' as m",
      "force checkpoint",
      "pragma force_checkpoint",
      "pragma enable_profiling",
      "pragma threads=1",
      "pragma disable_checkpoint_on_shutdown",
      "install httpfs",
      "load httpfs",
      "export database 'x'",
      "import database 'x'",
      "set global threads = 1",
      "create secret s (type s3)",
      "create persistent secret s (type s3)",
      "create database d",
      "copy t to '/tmp/x'",
      "select * from read_blob('x')",
      "explain call enable_logging()",
      "do $$ begin end $$",
      "select E'a'\n'\\'', (select count(*) from enable_logging()) --'",
      "select e'a' -- c\n  '\\'', (select count(*) from enable_logging()) --'",
  };
  for (const char* sql : cases) {
    const StatementClass got = classify(sql);
    EXPECT_EQ(static_cast<int>(got.kind), static_cast<int>(kRefused)) << sql;
    ASSERT_TRUE(got.refusal.has_value()) << sql;
    EXPECT_FALSE(got.refusal->hint.empty()) << sql;
  }
}

TEST(Classify, TablesMayBearTheNamesOfRefusedFunctions) {
  for (const char* sql : {"insert into glob (a) values (1)", "create table if not exists query (a int)",
                          "insert into main.checkpoint(a) values (1)", "select glob from glob",
                          "select 'call enable_logging()'", "select $$ enable_logging() $$"}) {
    EXPECT_NE(static_cast<int>(classify(sql).kind), static_cast<int>(kRefused)) << sql;
  }
}

TEST(Classify, TimeAndPlainInserts) {
  EXPECT_TRUE(classify("select NOW()").time_dependent);
  EXPECT_TRUE(classify("select current_date").time_dependent);
  EXPECT_FALSE(classify("select 'now()'").time_dependent);
  EXPECT_TRUE(classify("insert into a.b (x, y) values ($1, $2), (3, upper('q'))").plain_insert);
  EXPECT_FALSE(classify("insert into t values (1) on conflict do nothing").plain_insert);
  EXPECT_FALSE(classify("insert into t values (1) returning a").plain_insert);
  EXPECT_FALSE(classify("insert into t values ((select max(a) from t))").plain_insert);
  EXPECT_FALSE(classify("insert into t select 1").plain_insert);
  EXPECT_FALSE(classify("insert or replace into t values (1)").plain_insert);
}

TEST(Classify, Settings) {
  auto set = classify("SET SESSION Time Zone 'Asia/Tokyo'");
  EXPECT_EQ(set.setting, "timezone");
  EXPECT_EQ(set.setting_value, "Asia/Tokyo");
  set = classify("set search_path to \"a\", b");
  EXPECT_EQ(set.setting, "search_path");
  EXPECT_EQ(set.setting_value, "\"a\", b");
  set = classify("set local statement_timeout = 500");
  EXPECT_TRUE(set.setting_is_local);
  EXPECT_EQ(set.setting_value, "500");
  set = classify("set merganser.priority = bulk");
  EXPECT_EQ(set.setting, "merganser.priority");
  EXPECT_EQ(set.setting_value, "bulk");
  EXPECT_TRUE(classify("set timezone to default").setting_is_default);
  EXPECT_TRUE(classify("reset timezone").setting_is_default);
  EXPECT_EQ(classify("set x = -5").setting_value, "-5");
}

TEST(Tokens, SplitStatements) {
  const auto spans = split_statements(" select ';' ; ; -- c;\n select $a$ ; $a$, \";\" /* ; */ ; ");
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(spans[0].text, "select ';'");
  EXPECT_EQ(spans[1].text, "select $a$ ; $a$, \";\"");
  EXPECT_TRUE(split_statements("  ; -- x").empty());
  EXPECT_EQ(split_statements("select E'a\\'; b' ; select 2").size(), 2u);
  EXPECT_EQ(split_statements("select 'open ; string").size(), 1u);
}

// Every table function and PRAGMA of this DuckDB is either refused or known to be harmless: a new version must not
// bring one in unseen.
TEST(Policy, NamesEveryTableFunction) {
  const std::set<std::string> harmless{"duckdb_approx_database_count",
                                       "duckdb_columns",
                                       "duckdb_connection_count",
                                       "duckdb_constraints",
                                       "duckdb_coordinate_systems",
                                       "duckdb_databases",
                                       "duckdb_dependencies",
                                       "duckdb_extensions",
                                       "duckdb_functions",
                                       "duckdb_indexes",
                                       "duckdb_keywords",
                                       "duckdb_memory",
                                       "duckdb_optimizers",
                                       "duckdb_prepared_statements",
                                       "duckdb_schemas",
                                       "duckdb_secret_types",
                                       "duckdb_sequences",
                                       "duckdb_settings",
                                       "duckdb_table_sample",
                                       "duckdb_tables",
                                       "duckdb_types",
                                       "duckdb_variables",
                                       "duckdb_views",
                                       "generate_series",
                                       "icu_calendar_names",
                                       "histogram",
                                       "histogram_values",
                                       "duckdb_profiling_settings",
                                       "json_each",
                                       "json_tree",
                                       "pg_timezone_names",
                                       "pragma_collations",
                                       "pragma_database_size",
                                       "pragma_platform",
                                       "pragma_show",
                                       "pragma_storage_info",
                                       "pragma_table_info",
                                       "pragma_user_agent",
                                       "pragma_version",
                                       "query_table",
                                       "range",
                                       "repeat",
                                       "repeat_row",
                                       "summary",
                                       "test_all_types",
                                       "unnest"};
  duckdb_database database = nullptr;
  duckdb_connection connection = nullptr;
  ASSERT_EQ(duckdb_open(nullptr, &database), DuckDBSuccess);
  ASSERT_EQ(duckdb_connect(database, &connection), DuckDBSuccess);
  duckdb_result result;
  ASSERT_EQ(duckdb_query(connection,
                         "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type IN ('table', "
                         "'table_macro')",
                         &result),
            DuckDBSuccess);
  for (idx_t i = 0; i < duckdb_row_count(&result); i++) {
    const DuckdbString name(duckdb_value_varchar(&result, 0, i));
    const bool is_refused = classify("select * from " + std::string(name.get()) + "()").kind == kRefused;
    EXPECT_NE(is_refused, harmless.contains(name.get())) << name.get();
  }
  duckdb_destroy_result(&result);
  duckdb_disconnect(&connection);
  duckdb_close(&database);
}

TEST(Raw, NewerStatementTypesHaveTheirNumbers) {
  duckdb_database database = nullptr;
  duckdb_connection connection = nullptr;
  ASSERT_EQ(duckdb_open(nullptr, &database), DuckDBSuccess);
  ASSERT_EQ(duckdb_connect(database, &connection), DuckDBSuccess);
  duckdb_result result;
  ASSERT_EQ(duckdb_query(connection, "CREATE TABLE t (a INT)", &result), DuckDBSuccess);
  duckdb_destroy_result(&result);
  duckdb_prepared_statement statement = nullptr;
  ASSERT_EQ(duckdb_prepare(connection, "MERGE INTO t USING (SELECT 1 AS b) s ON t.a = s.b WHEN MATCHED THEN DELETE",
                           &statement),
            DuckDBSuccess);
  EXPECT_EQ(static_cast<int>(duckdb_prepared_statement_type(statement)), kStatementMergeInto);
  duckdb_destroy_prepare(&statement);
  duckdb_disconnect(&connection);
  duckdb_close(&database);
}

}  // namespace
}  // namespace merganser::engine

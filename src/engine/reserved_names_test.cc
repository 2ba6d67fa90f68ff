#include "engine/reserved_names.h"

#include <gtest/gtest.h>

#include "engine/statement_class.h"

namespace merganser::engine {
namespace {

bool is_refused(std::string_view sql) {
  const StatementClass kind = classify(sql);
  return kind.kind == StatementKind::kRefused && kind.refusal->code == ErrorCode::kInsufficientPrivilege;
}

TEST(ReservedNames, NobodyElseWritesTheKeys) {
  for (const char* const sql : {
           "INSERT INTO merganser.idempotency_keys VALUES (1)",
           "insert or replace into t.Merganser.IDEMPOTENCY_KEYS select * from x",
           "INSERT INTO \"merganser\".\"idempotency_keys\" DEFAULT VALUES",
           "UPDATE merganser . idempotency_keys SET key = 'x'",
           "UPDATE/**/\"t\".merganser.idempotency_keys k SET key = 'x'",
           "DELETE FROM merganser.idempotency_keys",
           "DELETE FROM merganser.idempotency_keys USING t",
           "WITH x AS (SELECT 1) DELETE FROM t.merganser.idempotency_keys",
           "MERGE INTO merganser.idempotency_keys USING x ON true WHEN MATCHED THEN DELETE",
           "TRUNCATE merganser.idempotency_keys",
           "TRUNCATE TABLE merganser.idempotency_keys",
           "DROP TABLE merganser.idempotency_keys",
           "DROP TABLE IF EXISTS t.merganser.idempotency_keys CASCADE",
           "DROP INDEX merganser.idempotency_keys_by_age",
           "ALTER TABLE merganser.idempotency_keys ADD COLUMN x INTEGER",
           "ALTER TABLE IF EXISTS merganser.idempotency_keys RENAME TO y",
           "CREATE TABLE merganser.idempotency_keys(key VARCHAR)",
           "CREATE OR REPLACE TABLE merganser.idempotency_keys AS SELECT 1",
           "CREATE TABLE IF NOT EXISTS merganser.idempotency_keys(key VARCHAR)",
           "CREATE VIEW merganser.idempotency_keys AS SELECT 1",
           "CREATE INDEX i ON merganser.idempotency_keys(created_at)",
           "CREATE TABLE x(k VARCHAR REFERENCES merganser.idempotency_keys(key))",
           "COMMENT ON TABLE merganser.idempotency_keys IS 'x'",
           "COMMENT ON COLUMN merganser.idempotency_keys.key IS 'x'",
           "EXPLAIN ANALYZE DELETE FROM merganser.idempotency_keys",
           "PREPARE p AS DELETE FROM merganser.idempotency_keys",
           "DROP SCHEMA merganser",
           "DROP SCHEMA IF EXISTS t.merganser CASCADE",
           "CREATE OR REPLACE SCHEMA merganser",
       }) {
    EXPECT_TRUE(is_refused(sql)) << sql;
  }
}

TEST(ReservedNames, EverybodyMayReadThem) {
  for (const char* const sql : {
           "SELECT * FROM merganser.idempotency_keys",
           "SELECT k.key FROM t JOIN merganser.idempotency_keys k ON k.key = t.key",
           "SELECT 1 FROM t JOIN u ON merganser.idempotency_keys.key = t.key",
           "INSERT INTO seen SELECT key FROM merganser.idempotency_keys",
           "DELETE FROM t USING merganser.idempotency_keys k WHERE k.key = t.key",
           "CREATE VIEW recent AS SELECT * FROM merganser.idempotency_keys",
           "CREATE TABLE copy AS SELECT * FROM t.merganser.idempotency_keys",
           "INSERT INTO idempotency_keys VALUES (1)",
           "CREATE TABLE idempotency_keys(key VARCHAR)",
           "DROP TABLE app.idempotency_keys",
           "CREATE SCHEMA IF NOT EXISTS merganser",
           "DROP SCHEMA mine",
           "DROP TABLE merganser",
           "SELECT 'DELETE FROM merganser.idempotency_keys'",
       }) {
    EXPECT_FALSE(is_refused(sql)) << sql;
  }
}

TEST(ReservedNames, NoSearchPathLeadsThere) {
  for (const char* const path :
       {"merganser", "main, merganser", "t.merganser", "\"Merganser\"", "'merganser'", "main,'t.merganser'"}) {
    EXPECT_TRUE(path_has_reserved_schema(path)) << path;
  }
  for (const char* const path : {"main", "merganser.main", "mine, main", "\"merganser x\"", ""}) {
    EXPECT_FALSE(path_has_reserved_schema(path)) << path;
  }
}

}  // namespace
}  // namespace merganser::engine

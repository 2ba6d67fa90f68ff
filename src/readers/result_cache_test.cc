#include "readers/result_cache.h"

#include <filesystem>
#include <gtest/gtest.h>

#include "engine/database.h"

namespace merganser::readers {
namespace {

class ResultCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "mrg-rc-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    engine::DatabaseOptions options;
    options.file = folder_ + "/t.duckdb";
    options.name = "t";
    database_ = std::move(engine::Database::open(options)).value();
    connection_ = std::move(database_->connect()).value();
  }
  void TearDown() override {
    connection_.reset();
    database_.reset();
    std::filesystem::remove_all(folder_);
  }
  bool keep(ResultCache& cache, const std::string& sql, uint64_t sequence, std::string rows = "rows",
            uint64_t generation = 0) {
    EXPECT_TRUE(cache.keep(sql, sql, sequence, generation, {{}, std::move(rows), 1}, *connection_));
    return cache.find(sql) != nullptr;
  }
  static bool has(ResultCache& cache, const std::string& sql) { return cache.find(sql) != nullptr; }

  std::string folder_;
  std::unique_ptr<engine::Database> database_;
  std::unique_ptr<engine::Connection> connection_;
};

TEST_F(ResultCacheTest, AnAnswerHoldsUntilItsTableChanges) {
  ResultCache cache(1 << 20);
  EXPECT_TRUE(keep(cache, "SELECT * FROM a WHERE i = 1", 5));
  EXPECT_TRUE(keep(cache, "SELECT * FROM main.\"B\"", 5));
  EXPECT_TRUE(keep(cache, "SELECT 1 FROM 'c'", 5));
  const std::vector<std::string> a{"a"};
  cache.changed(6, a, false);
  EXPECT_FALSE(has(cache, "SELECT * FROM a WHERE i = 1"));
  EXPECT_TRUE(has(cache, "SELECT * FROM main.\"B\""));
  const std::vector<std::string> others{"b", "c"};
  cache.changed(7, others, false);
  EXPECT_FALSE(has(cache, "SELECT * FROM main.\"B\""));
  EXPECT_FALSE(has(cache, "SELECT 1 FROM 'c'"));
  EXPECT_EQ(cache.counters().expired, 3u);
  EXPECT_EQ(cache.counters().entries, 0u);
  EXPECT_EQ(cache.counters().bytes, 0u);
}

TEST_F(ResultCacheTest, NamesOfAnyLengthAndColumnsCount) {
  ResultCache cache(1 << 20);
  const std::string name(210, 'l');
  EXPECT_TRUE(keep(cache, "SELECT count(*) FROM '" + name + "'", 5));
  const std::vector<std::string> changed{name};
  cache.changed(6, changed, false);
  EXPECT_FALSE(has(cache, "SELECT count(*) FROM '" + name + "'"));
  const auto type = std::make_shared<const engine::LogicalType>();
  const auto columns =
      std::make_shared<const std::vector<engine::Column>>(1000, engine::Column{std::string(28, 'c'), type});
  EXPECT_TRUE(cache.keep("wide", "SELECT 1", 6, 0, {columns, {}, 0}, *connection_));
  EXPECT_GT(cache.counters().bytes, 100'000u);
}

TEST_F(ResultCacheTest, AnAnswerFromAnOlderSnapshotIsNotBelieved) {
  ResultCache cache(1 << 20);
  const std::vector<std::string> a{"a"};
  cache.changed(6, a, false);
  EXPECT_FALSE(keep(cache, "SELECT * FROM a", 5));
  EXPECT_TRUE(keep(cache, "SELECT * FROM a", 6));
  cache.changed(7, {}, true);
  EXPECT_FALSE(has(cache, "SELECT * FROM a"));
}

TEST_F(ResultCacheTest, WhatMayAnswerOtherwiseIsNotKept) {
  ASSERT_TRUE(connection_->execute("CREATE TABLE a (i INT)").ok());
  ASSERT_TRUE(connection_->execute("CREATE VIEW v AS SELECT i, random() FROM a").ok());
  ASSERT_TRUE(connection_->execute("CREATE MACRO dice() AS random()").ok());
  ASSERT_TRUE(connection_->execute("CREATE MACRO rows_of(n) AS TABLE SELECT * FROM a LIMIT n").ok());
  ResultCache cache(1 << 20);
  for (const char* sql :
       {"SELECT random() FROM a", "SELECT now(), i FROM a", "SELECT * FROM v", "SELECT dice()", "FROM rows_of(3)",
        "SELECT * FROM read_csv('x.csv')", "SELECT nextval('s')", "SELECT currval('s')", "SELECT uuid()",
        "SELECT current_user", "SELECT getvariable('x')", "SELECT * FROM duckdb_tables()", "SELECT * FROM pg_class",
        "SELECT * FROM information_schema.tables", "SELECT * FROM a TABLESAMPLE 10%", "SELECT * FROM a USING SAMPLE 3",
        "SELECT set_config('a', 'b', false)", "SELECT current_setting('threads')", "SELECT * FROM query('FROM a')",
        "SELECT * FROM query_table('a')", "SELECT * FROM merganser.activity", "SHOW TABLES", "EXPLAIN SELECT 1",
        "DESCRIBE a", "SELECT \"RANDOM\"()", "SELECT /* */ gen_random_uuid()", "SELECT today() - 1",
        // A table's name in a spelling that only DuckDB reads, or made from parts; what a checkpoint changes.
        "SELECT count(*) FROM E'a'", "SELECT count(*) FROM E'\\x61'", "SELECT count(*) FROM $$a$$",
        "SELECT count(*) FROM $x$v$x$", "SELECT count(*) FROM 'a'\n'1'", "FROM histogram('a'||'1', i)",
        "FROM histogram_values('a', i)", "SELECT rowid FROM a"}) {
    EXPECT_FALSE(keep(cache, sql, 1)) << sql;
  }
  for (const char* sql :
       {"SELECT count(*), sum(i), avg(i) FROM a GROUP BY ALL", "WITH x AS (FROM a) SELECT * FROM x ORDER BY i LIMIT 5",
        "SELECT i, row_number() OVER (ORDER BY i) FROM a", "SELECT * FROM range(5)", "FROM a", "(SELECT 1)",
        "SELECT upper('x'), nullif(i, 1), coalesce(i, 0)::VARCHAR FROM a", "SELECT list_sum([1, 2])"}) {
    EXPECT_TRUE(keep(cache, sql, 1)) << sql;
  }
}

TEST_F(ResultCacheTest, ItsSizeIsBounded) {
  ResultCache cache(100'000);
  for (int i = 0; i < 100; i++) keep(cache, "SELECT " + std::to_string(i), 1, std::string(5000, 'x'));
  EXPECT_LE(cache.counters().bytes, 100'000u);
  EXPECT_GT(cache.counters().evicted, 50u);
  EXPECT_TRUE(has(cache, "SELECT 99"));
  EXPECT_FALSE(has(cache, "SELECT 0"));
  EXPECT_FALSE(keep(cache, "SELECT 'large'", 1, std::string(ResultCache::kMaxAnswer + 1, 'x')));
  ResultCache off(0);
  EXPECT_FALSE(off.enabled());
  EXPECT_FALSE(keep(off, "SELECT 1", 1));
}

TEST_F(ResultCacheTest, AChangeOfTheCatalogEmptiesIt) {
  ResultCache cache(1 << 20);
  EXPECT_TRUE(keep(cache, "SELECT dice() FROM a", 1));
  ASSERT_TRUE(connection_->execute("CREATE MACRO dice() AS random()").ok());
  cache.changed(2, {}, true);
  EXPECT_FALSE(has(cache, "SELECT dice() FROM a"));
  EXPECT_FALSE(keep(cache, "SELECT dice() FROM a", 2, "rows", 1));
  EXPECT_TRUE(keep(cache, "SELECT i FROM a", 2, "rows", 1));
  // From a snapshot of the old catalog: of no use any more.
  EXPECT_FALSE(keep(cache, "SELECT j FROM a", 1, "rows", 0));
}

}  // namespace
}  // namespace merganser::readers

// What a batch does differently from its members one by one: why at most one unit a key, and no unique column, may be
// in a coalesced UPDATE, DELETE or upsert.
#include <algorithm>
#include <gmock/gmock.h>

#include "engine/batch_facts_fixture.h"

namespace merganser::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST_F(BatchFacts, OfOneKeyTwiceAnUpsertTakesTheFirstAndCountsItOnce) {
  must("CREATE TABLE t (id BIGINT PRIMARY KEY, v VARCHAR, n BIGINT DEFAULT 0)");
  must("INSERT INTO t VALUES (1, 'old', 0)");
  const Told upsert = run("INSERT INTO t(id, v) SELECT k, v FROM batch() ON CONFLICT (id) DO UPDATE SET v = excluded.v",
                          {{1, "a"}, {2, "b"}, {1, "c"}, {2, "d"}, {1, "e"}});
  EXPECT_EQ(upsert.error, "");
  EXPECT_EQ(upsert.changed, 2U);                                                    // one by one: 5
  EXPECT_THAT(rows("SELECT id, v FROM t ORDER BY id"), ElementsAre("1 a", "2 b"));  // one by one: e and d
}

TEST_F(BatchFacts, OfOneKeyTwiceAnUpsertCountsUpOnce) {
  must("CREATE TABLE t (id BIGINT PRIMARY KEY, n BIGINT)");
  must("INSERT INTO t VALUES (1, 0)");
  EXPECT_EQ(
      run("INSERT INTO t SELECT k, 0 FROM batch() ON CONFLICT (id) DO UPDATE SET n = t.n + 1", {{1}, {1}, {1}}).changed,
      1U);
  EXPECT_THAT(rows("SELECT n FROM t"), ElementsAre("1"));  // one by one: 3
}

TEST_F(BatchFacts, OfOneKeyTwiceInsertOrReplaceTakesTheFirst) {
  must("CREATE TABLE t (id BIGINT PRIMARY KEY, v VARCHAR)");
  EXPECT_EQ(run("INSERT OR REPLACE INTO t SELECT k, v FROM batch()", {{1, "a"}, {1, "b"}}).changed, 1U);
  EXPECT_THAT(rows("SELECT * FROM t"), ElementsAre("1 a"));  // one by one: b, counted twice
}

TEST_F(BatchFacts, DoNothingReturnsOneRowForAKeyThatComesTwice) {
  must("CREATE TABLE t (id BIGINT PRIMARY KEY, v VARCHAR)");
  const Told told = run("INSERT INTO t SELECT k, v FROM batch() ON CONFLICT DO NOTHING RETURNING id, v",
                        {{7, "a"}, {7, "b"}, {8, "c"}, {7, "d"}});
  EXPECT_THAT(told.rows, UnorderedElementsAre("7 a", "8 c"));
}

TEST_F(BatchFacts, NullKeysCollapseWithDoNothing) {
  must("CREATE TABLE u (email BIGINT UNIQUE, v VARCHAR)");
  const Told told = run("INSERT INTO u SELECT k, v FROM batch() ON CONFLICT DO NOTHING",
                        {{std::nullopt, "a"}, {std::nullopt, "b"}, {std::nullopt, "c"}});
  EXPECT_EQ(told.changed, 1U);  // one by one: 3, for NULLs are no duplicates
  EXPECT_THAT(rows("SELECT count(*) FROM u"), ElementsAre("1"));
}

TEST_F(BatchFacts, TwoUniqueColumnsWithDoNothing) {
  must("CREATE TABLE w (a BIGINT UNIQUE, b VARCHAR UNIQUE)");
  // One by one: (1, x) goes in, (2, x) not, (2, y) does.
  const Told told =
      run("INSERT INTO w SELECT k, v FROM batch() ON CONFLICT DO NOTHING", {{1, "x"}, {2, "x"}, {2, "y"}});
  EXPECT_EQ(told.error, "");
  EXPECT_EQ(told.changed, 1U);
  EXPECT_THAT(rows("SELECT * FROM w"), ElementsAre("1 x"));
}

// Which of them it takes depends on the side of the join that the planner builds its table from.
TEST_F(BatchFacts, OfOneKeyTwiceAnUpdateTakesOneAndCountsAll) {
  must("CREATE TABLE t (id BIGINT PRIMARY KEY, v VARCHAR, n BIGINT)");
  must("INSERT INTO t VALUES (1, 'old', 0), (2, 'old', 0)");
  std::vector<std::string> winners;
  for (const idx_t cardinality : {idx_t{0}, idx_t{16}}) {
    cardinality_ = cardinality;
    const Told returned = run("UPDATE t SET v = b.v FROM batch() b WHERE t.id = b.k RETURNING id, v",
                              {{1, "p"}, {2, "q"}, {1, "r"}, {1, "s"}});
    ASSERT_EQ(returned.rows.size(), 2U);  // one by one: 4 rows
    winners.push_back(rows("SELECT v FROM t WHERE id = 1").at(0));
  }
  EXPECT_THAT(winners, ElementsAre("s", "p"));
  // Without RETURNING the count is of the pairs, while each row was changed once.
  EXPECT_EQ(run("UPDATE t SET n = n + 1 FROM batch() b WHERE t.id = b.k", {{1}, {2}, {1}, {1}}).changed, 4U);
  EXPECT_THAT(rows("SELECT id, n FROM t ORDER BY id"), ElementsAre("1 1", "2 1"));
}

TEST_F(BatchFacts, AnUpdateOfAnIndexedColumnWithOneKeyTwiceMayFail) {
  must("CREATE TABLE t (id BIGINT PRIMARY KEY, e BIGINT UNIQUE)");
  must("INSERT INTO t VALUES (1, 10), (2, 20), (3, 30), (4, 40)");
  cardinality_ = 16;
  const Told told = run("UPDATE t SET e = 1000 + b.slot FROM batch() b WHERE t.id = b.k", {{1}, {1}, {2}, {2}, {3}});
  EXPECT_THAT(told.error, HasSubstr("Duplicate key"));  // one by one nothing fails
  EXPECT_THAT(rows("SELECT id, e FROM t WHERE id < 3 ORDER BY id"), ElementsAre("1 10", "2 20"));
}

TEST_F(BatchFacts, AnUpdateOfAUniqueColumnSucceedsWhereItsMembersFail) {
  must("CREATE TABLE u (id BIGINT PRIMARY KEY, e BIGINT UNIQUE)");
  must("INSERT INTO u VALUES (1, 5), (2, 6)");
  EXPECT_THAT(query("UPDATE u SET e = 6 WHERE id = 1").error, HasSubstr("Duplicate key \"e: 6\""));
  const Told told = run("UPDATE u SET e = 6 + b.slot FROM batch() b WHERE u.id = b.k", {{1}, {2}});
  EXPECT_EQ(told.error, "");
  EXPECT_THAT(rows("SELECT id, e FROM u ORDER BY id"), ElementsAre("1 6", "2 7"));
}

TEST_F(BatchFacts, AnUpdateOfThePrimaryKeySucceedsWhereItsMembersFail) {
  must("CREATE TABLE t (id BIGINT PRIMARY KEY, v VARCHAR)");
  must("INSERT INTO t VALUES (1, 'a'), (2, 'b')");
  EXPECT_THAT(query("UPDATE t SET id = 2 WHERE id = 1").error, HasSubstr("Duplicate key \"id: 2\""));
  EXPECT_EQ(run("UPDATE t SET id = b.k + 1 FROM batch() b WHERE t.id = b.k", {{1}, {2}}).error, "");
  EXPECT_THAT(rows("SELECT * FROM t ORDER BY id"), ElementsAre("2 a", "3 b"));
}

TEST_F(BatchFacts, DeleteCountsAKeyThatComesTwiceOnce) {
  must("CREATE TABLE t (id BIGINT PRIMARY KEY)");
  must("INSERT INTO t VALUES (7), (8)");
  const Told told = run("DELETE FROM t USING batch() b WHERE t.id = b.k RETURNING id", {{7}, {7}, {8}, {9}});
  EXPECT_THAT(told.rows, UnorderedElementsAre("7", "8"));
}

TEST_F(BatchFacts, MergeWithOneNewKeyTwiceFails) {
  must("CREATE TABLE t (id BIGINT PRIMARY KEY, v VARCHAR)");
  const Told told =
      run("MERGE INTO t USING (SELECT * FROM batch()) b ON t.id = b.k WHEN MATCHED THEN UPDATE SET v = b.v "
          "WHEN NOT MATCHED THEN INSERT (id, v) VALUES (b.k, b.v)",
          {{55, "a"}, {55, "b"}});
  EXPECT_THAT(told.error, HasSubstr("duplicate key \"55\""));
  EXPECT_THAT(rows("FROM t"), IsEmpty());
}

// The text is another than a member's own, and names no row.
TEST_F(BatchFacts, ErrorsOfABatchSayNothingOfTheRow) {
  must("CREATE TABLE t (id BIGINT PRIMARY KEY, v VARCHAR)");
  EXPECT_EQ(run("INSERT INTO t SELECT k, v FROM batch()", {{70}, {71}, {70}}).error,
            "Constraint Error: PRIMARY KEY or UNIQUE constraint violation: duplicate key \"70\"");
  must("INSERT INTO t VALUES (70, 'x')");
  EXPECT_EQ(run("INSERT INTO t SELECT k, v FROM batch()", {{69}, {70}}).error,
            "Constraint Error: Duplicate key \"id: 70\" violates primary key constraint.");
  EXPECT_EQ(query("INSERT INTO t VALUES (70, 'y')").error,
            "Constraint Error: Duplicate key \"id: 70\" violates primary key constraint.");
}

TEST_F(BatchFacts, AChildAndItsParentCannotBeDeletedInOneTransaction) {
  must("CREATE TABLE p (id INTEGER PRIMARY KEY)");
  must("CREATE TABLE c (pid INTEGER REFERENCES p (id))");
  must("INSERT INTO p VALUES (2)");
  must("INSERT INTO c VALUES (2)");
  must("BEGIN");
  must("DELETE FROM c");
  EXPECT_THAT(query("DELETE FROM p").error, HasSubstr("foreign key constraint"));
  must("ROLLBACK");
  must("DELETE FROM c");
  must("DELETE FROM p");
}

// ---- order -----------------------------------------------------------------------------------------------------

class BatchOrder : public BatchFacts {
 protected:
  static constexpr int kRows = 10000;
  // Keys 0 … 2·kRows-1 in an order that is not theirs.
  static std::vector<BatchRow> shuffled(int64_t modulus) {
    std::vector<BatchRow> out;
    for (int64_t i = 0; i < kRows; i++) out.push_back({i * 7919 % modulus, ""});
    return out;
  }
  static bool rising(const std::vector<std::string>& numbers) {
    return std::is_sorted(numbers.begin(), numbers.end(),
                          [](const auto& a, const auto& b) { return std::stoll(a) < std::stoll(b); });
  }
};

TEST_F(BatchOrder, PlainInsertsKeepItInRowsReturningAndSequences) {
  must("CREATE SEQUENCE sq");
  must("CREATE TABLE t (slot BIGINT, k BIGINT PRIMARY KEY, n BIGINT DEFAULT nextval('sq'))");
  const Told told = run("INSERT INTO t(slot, k) SELECT slot, k FROM batch() RETURNING slot", shuffled(2 * kRows));
  ASSERT_EQ(told.rows.size(), static_cast<size_t>(kRows)) << told.error;
  EXPECT_TRUE(rising(told.rows));
  EXPECT_TRUE(rising(rows("SELECT slot FROM t ORDER BY rowid")));
  EXPECT_TRUE(rising(rows("SELECT n FROM t ORDER BY slot")));
}

TEST_F(BatchOrder, UpdatesDoNotReturnInTheOrderOfTheBatch) {
  must("CREATE TABLE t (id BIGINT PRIMARY KEY, k BIGINT)");
  must("INSERT INTO t SELECT range, 0 FROM range(" + std::to_string(kRows) + ")");
  const Told told = run("UPDATE t SET k = b.slot FROM batch() b WHERE t.id = b.k RETURNING k", shuffled(2 * kRows));
  EXPECT_EQ(told.error, "");
  EXPECT_GT(told.rows.size(), 1000U);
  EXPECT_FALSE(rising(told.rows));
}

TEST_F(BatchOrder, UpsertsDoNotReturnInTheOrderOfTheBatch) {
  must("CREATE TABLE t (id BIGINT PRIMARY KEY, slot BIGINT)");
  must("INSERT INTO t SELECT range * 2, -1 FROM range(" + std::to_string(kRows / 2) + ")");
  const Told told = run(
      "INSERT INTO t SELECT k, slot FROM batch() ON CONFLICT (id) DO UPDATE SET slot = excluded.slot RETURNING slot",
      shuffled(kRows));
  EXPECT_EQ(told.rows.size(), static_cast<size_t>(kRows)) << told.error;
  EXPECT_FALSE(rising(told.rows));
}

TEST_F(BatchOrder, ReturningCannotNameTheBatch) {
  must("CREATE TABLE t (id BIGINT PRIMARY KEY, k BIGINT)");
  EXPECT_THAT(query("UPDATE t SET k = b.slot FROM batch() b WHERE t.id = b.k RETURNING b.slot").error,
              HasSubstr("Referenced table \"b\" not found"));
  EXPECT_THAT(query("INSERT INTO t(id) SELECT k FROM batch() b RETURNING slot").error,
              HasSubstr("Referenced column \"slot\" not found"));
}

}  // namespace
}  // namespace merganser::engine

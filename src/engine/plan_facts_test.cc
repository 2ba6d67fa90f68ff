// What a kept plan knows of the time when it was made: why only plans that scan no table are kept, or such as were made
// where DuckDB believed in no statistics.
#include <gmock/gmock.h>

#include "engine/batch_facts_fixture.h"

namespace merganser::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// A table whose statistics are known: 50 rows, keys and numbers from 0 to 49, short ASCII text, no NULL.
class PlanFacts : public BatchFacts {
 protected:
  void SetUp() override {
    BatchFacts::SetUp();
    must("CREATE TABLE t (id BIGINT PRIMARY KEY, v VARCHAR, n BIGINT, s SMALLINT, u VARCHAR)");
    must("INSERT INTO t SELECT range, 'a' || range, range, range, 'abc' FROM range(50)");
    must("CHECKPOINT f");
    batch_ = {{200}, {3}};
  }
  // The data that the statistics did not have: min, max, NULL, width and form of text.
  void change() { must("INSERT INTO t VALUES (200, 'late', NULL, 32767, 'äöüß')"); }

  // A plan that believes in no statistics: made in a transaction that has deleted, if only nothing.
  duckdb_prepared_statement prepare_without_statistics(const std::string& sql) {
    must("BEGIN");
    must("DELETE FROM t WHERE false");
    const duckdb_prepared_statement made = prepare(sql);
    must("ROLLBACK");
    return made;
  }
};

TEST_F(PlanFacts, AKeptPlanDoesNotFindRowsBeyondTheStatistics) {
  const auto count = prepare("SELECT count(*) FROM t WHERE id > 100");
  const auto update = prepare("UPDATE t SET v = 'negative' WHERE n < 0");
  const auto remove = prepare("DELETE FROM t WHERE id > 1000");
  must("INSERT INTO t VALUES (200, 'late', -7, 1, 'x'), (2000, 'later', 1, 1, 'x')");
  EXPECT_THAT(execute(count).rows, ElementsAre("0"));  // wrong: 2
  EXPECT_EQ(execute(update).changed, 0U);              // wrong: 1
  EXPECT_EQ(execute(remove).changed, 0U);              // wrong: 1
  EXPECT_THAT(rows("SELECT count(*) FROM t WHERE id > 100"), ElementsAre("2"));
}

TEST_F(PlanFacts, AKeptJoinWithAFilterLosesRows) {
  const auto join = prepare("SELECT b.slot FROM t JOIN batch() b ON b.k = t.id WHERE t.n > 60");
  must("INSERT INTO t VALUES (2000, 'late', 123456789012345, 1, 'x')");
  batch_ = {{2000}, {3}};
  EXPECT_THAT(execute(join).rows, IsEmpty());  // wrong: slot 0
}

// Sorting keys are compressed to the width that the statistics allow.
TEST_F(PlanFacts, AKeptSortGivesWrongValues) {
  const auto sorted = prepare("SELECT b.slot, t.n FROM batch() b LEFT JOIN t ON t.id = b.k ORDER BY t.n");
  must("INSERT INTO t VALUES (200, 'late', -7, 1, 'x')");
  const Told told = execute(sorted);
  EXPECT_EQ(told.error, "");
  EXPECT_THAT(told.rows, testing::Not(ElementsAre("0 -7", "1 3")));  // which would be right
}

TEST_F(PlanFacts, WithoutStatisticsAPlanStaysRight) {
  const auto coalesce =
      prepare_without_statistics("UPDATE t SET n = coalesce(t.n, 0) + 1 FROM batch() b WHERE t.id = b.k");
  const auto add = prepare_without_statistics("UPDATE t SET s = t.s + 1::SMALLINT FROM batch() b WHERE t.id = b.k");
  const auto upper = prepare_without_statistics("SELECT upper(t.u), length(t.u) FROM batch() b JOIN t ON t.id = b.k");
  const auto is_null = prepare_without_statistics("SELECT t.n IS NULL FROM batch() b JOIN t ON t.id = b.k");
  const auto remove = prepare_without_statistics("DELETE FROM t USING batch() b WHERE t.id = b.k AND t.n > 90");
  const auto count = prepare_without_statistics("SELECT count(*) FROM t WHERE id > 100");
  const auto upsert = prepare_without_statistics(
      "INSERT INTO t(id, n) SELECT k, 1 FROM batch() ON CONFLICT (id) DO UPDATE SET n = coalesce(t.n, 0) + excluded.n");
  change();
  EXPECT_THAT(execute(is_null).rows, UnorderedElementsAre("true", "false"));
  EXPECT_THAT(execute(upper).rows, UnorderedElementsAre("ABC 3", "ÄÖÜẞ 4"));
  EXPECT_THAT(execute(count).rows, ElementsAre("1"));
  EXPECT_EQ(execute(coalesce).changed, 2U);
  EXPECT_EQ(execute(upsert).changed, 2U);
  EXPECT_THAT(rows("SELECT id, n FROM t WHERE id IN (3, 200) ORDER BY id"), ElementsAre("3 5", "200 2"));
  EXPECT_THAT(execute(add).error, HasSubstr("Overflow in addition of INT16"));
  must("UPDATE t SET n = 99 WHERE id = 200");
  EXPECT_EQ(execute(remove).changed, 1U);
}

// With statistics each of these goes wrong in silence: the reason for the trick above.
TEST_F(PlanFacts, WithStatisticsAKeptPlanOverflowsAndMissesNulls) {
  const auto coalesce = prepare("UPDATE t SET n = coalesce(t.n, 0) + 1 FROM batch() b WHERE t.id = b.k");
  const auto add = prepare("UPDATE t SET s = t.s + 1::SMALLINT FROM batch() b WHERE t.id = b.k");
  const auto is_null = prepare("SELECT t.n IS NULL FROM batch() b JOIN t ON t.id = b.k");
  change();
  EXPECT_THAT(execute(is_null).rows, UnorderedElementsAre("false", "false"));  // wrong: one is NULL
  EXPECT_EQ(execute(coalesce).error, "");
  EXPECT_THAT(rows("SELECT n FROM t WHERE id = 200"), ElementsAre("NULL"));  // wrong: 1
  EXPECT_EQ(execute(add).error, "");                                         // wrong: overflow
  EXPECT_THAT(rows("SELECT s FROM t WHERE id = 200"), ElementsAre("-32768"));
}

TEST_F(PlanFacts, APlanThatScansNoTableStaysRight) {
  const auto insert = prepare("INSERT INTO t(id, v) SELECT k, v FROM batch()");
  change();
  batch_ = {{300, "first"}, {301, std::string(1000, 'x')}};
  EXPECT_EQ(execute(insert).changed, 2U);
  batch_ = {{300, "again"}};
  EXPECT_THAT(execute(insert).error, HasSubstr("Duplicate key \"id: 300\""));
  must("ALTER TABLE t ADD COLUMN w INTEGER DEFAULT 5");
  batch_ = {{302, "after"}};
  EXPECT_EQ(execute(insert).changed, 1U);
  EXPECT_THAT(rows("SELECT id, length(v), w FROM t WHERE id >= 300 ORDER BY id"),
              ElementsAre("300 5 5", "301 1000 5", "302 5 5"));
}

// A plan is frozen at its making in more than statistics.
TEST_F(PlanFacts, VariablesAreReadWhenThePlanIsMade) {
  must("SET VARIABLE x = 'old'");
  const auto insert = prepare("INSERT INTO t(id, v) SELECT k, getvariable('x') FROM batch()");
  must("SET VARIABLE x = 'new'");
  batch_ = {{400}};
  EXPECT_EQ(execute(insert).changed, 1U);
  EXPECT_THAT(rows("SELECT v FROM t WHERE id = 400"), ElementsAre("old"));
}

TEST_F(PlanFacts, TheExecutingConnectionsTimeZoneDecidesACast) {
  must("CREATE TABLE tz (moment TIMESTAMPTZ)");
  must("SET TimeZone = 'Asia/Tokyo'");
  must("INSERT INTO tz VALUES ('2024-01-01 00:00:00')");
  must("SET TimeZone = 'UTC'");
  must("INSERT INTO tz VALUES ('2024-01-01 00:00:00')");
  EXPECT_THAT(rows("SELECT epoch(moment)::BIGINT FROM tz"), ElementsAre("1704034800", "1704067200"));
}

TEST_F(PlanFacts, SequencesDoNotGoBack) {
  must("CREATE SEQUENCE sq");
  must("BEGIN");
  EXPECT_THAT(rows("SELECT nextval('sq')"), ElementsAre("1"));
  must("ROLLBACK");
  EXPECT_THAT(rows("SELECT nextval('sq')"), ElementsAre("2"));
}

// What a number becomes in a text column: the reason why literals are lifted as they are spelled, not by value.
TEST_F(PlanFacts, LiteralsInTextColumns) {
  must("CREATE TABLE lv (v VARCHAR)");
  must("INSERT INTO lv VALUES (1.10), (1e3), (007), (true), (DATE '2024-01-01'), (-0.0), (1_000)");
  EXPECT_THAT(rows("SELECT v FROM lv"), ElementsAre("1.10", "1000.0", "7", "true", "2024-01-01", "0.0", "1000"));
  EXPECT_THAT(query("INSERT INTO lv VALUES (0x1F)").error, HasSubstr("syntax error"));
}

}  // namespace
}  // namespace merganser::engine

#include "coordinator/ledger.h"

#include <filesystem>
#include <future>
#include <gtest/gtest.h>

#include "coordinator/coordinator.h"
#include "coordinator/fingerprint.h"
#include "engine/statement_class.h"

namespace merganser::coordinator {
namespace {

UnitPtr keyed(const std::vector<std::string>& statements, const std::string& key,
              std::vector<engine::Value> values = {}) {
  auto made = std::make_unique<Unit>();
  made->session = 1;
  made->options.idempotency_key = key;
  for (const std::string& sql : statements) {
    Statement statement;
    statement.sql = std::make_shared<const std::string>(sql);
    statement.kind = std::make_shared<const engine::StatementClass>(engine::classify(sql));
    statement.values = values;
    made->alone |= statement.kind->kind == engine::StatementKind::kDdl;
    made->checkpoint |= statement.kind->kind == engine::StatementKind::kCheckpoint;
    made->statements.push_back(std::move(statement));
  }
  return made;
}

class LedgerTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "mrg-ledger-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    open();
    ASSERT_FALSE(run(keyed({"CREATE TABLE t(i INTEGER PRIMARY KEY, n BIGINT DEFAULT 0)"}, "")).error);
  }
  void TearDown() override {
    close();
    std::filesystem::remove_all(folder_);
  }
  void open() {
    engine::DatabaseOptions options;
    options.file = folder_ + "/t.duckdb";
    options.name = "t";
    database_ = std::move(engine::Database::open(options)).value();
    reader_ = std::move(database_->connect()).value();
    Hooks hooks;
    hooks.deliver = [](std::vector<std::function<void()>> tasks) {
      for (const auto& task : tasks) task();
    };
    coordinator_ = std::move(Coordinator::start(*database_, limits_, std::move(hooks))).value();
  }
  void close() {
    coordinator_.reset();
    reader_.reset();
    database_.reset();
  }
  void reopen() {
    close();
    open();
  }

  struct Answer {
    std::optional<Error> error;
    std::string first_answered;
    std::vector<uint64_t> counts;
    std::vector<int64_t> rows;  // the first column of all rows
  };
  std::future<Answer> send(UnitPtr unit) {
    auto promise = std::make_shared<std::promise<Answer>>();
    auto future = promise->get_future();
    unit->done = [promise](UnitOutcome& outcome) {
      Answer answer{outcome.error, outcome.first_answered, {}, {}};
      for (auto& result : outcome.results) {
        answer.counts.push_back(result.changed_rows());
        while (true) {
          const auto chunk = result.next();
          if (!chunk.ok() || !*chunk) break;
          for (size_t i = 0; i < (*chunk)->rows(); i++) answer.rows.push_back((*chunk)->column(0).at<int32_t>(i));
        }
      }
      promise->set_value(std::move(answer));
    };
    coordinator_->submit(std::move(unit));
    return future;
  }
  Answer run(UnitPtr unit) { return send(std::move(unit)).get(); }
  std::string value(const std::string& sql) { return reader_->query_text(sql).value(); }

  Limits limits_;
  std::string folder_;
  std::unique_ptr<engine::Database> database_;
  std::unique_ptr<engine::Connection> reader_;
  std::unique_ptr<Coordinator> coordinator_;
};

TEST_F(LedgerTest, ARepeatedRequestGetsTheFirstAnswer) {
  const std::string sql = "INSERT INTO t SELECT i, 0 FROM range(3) r(i) RETURNING i";
  const Answer first = run(keyed({sql}, "a"));
  ASSERT_FALSE(first.error);
  EXPECT_EQ(first.rows, (std::vector<int64_t>{0, 1, 2}));
  EXPECT_EQ(first.first_answered, "");
  for (int round = 0; round < 2; round++) {
    const Answer again = run(keyed({sql}, "a"));
    ASSERT_FALSE(again.error) << again.error->to_string();
    EXPECT_EQ(again.rows, first.rows);
    EXPECT_TRUE(again.first_answered.ends_with(" UTC")) << again.first_answered;
    reopen();
  }
  EXPECT_EQ(value("SELECT count(*) FROM t"), "3");
  EXPECT_EQ(value("SELECT key || ' ' || row_count FROM merganser.idempotency_keys"), "a 3");
}

TEST_F(LedgerTest, CountsAndSeveralStatementsAreOneRequest) {
  const std::vector<std::string> statements{"INSERT INTO t(i) VALUES (1), (2)", "UPDATE t SET n = n + 1",
                                            "DELETE FROM t WHERE i = 2 RETURNING i"};
  ASSERT_FALSE(run(keyed(statements, "k")).error);
  const Answer again = run(keyed(statements, "k"));
  ASSERT_FALSE(again.error);
  EXPECT_EQ(again.counts, (std::vector<uint64_t>{2, 2, 0}));
  EXPECT_EQ(again.rows, (std::vector<int64_t>{2}));
  EXPECT_EQ(value("SELECT sum(n) FROM t"), "1");
}

TEST_F(LedgerTest, TheKeyOfAnotherRequestIsAnError) {
  ASSERT_FALSE(run(keyed({"INSERT INTO t(i) VALUES (1)"}, "k")).error);
  const Answer other = run(keyed({"INSERT INTO t(i) VALUES (2)"}, "k"));
  ASSERT_TRUE(other.error);
  EXPECT_EQ(other.error->code, ErrorCode::kIdempotencyKeyReused);
  EXPECT_EQ(value("SELECT count(*) FROM t"), "1");
  EXPECT_EQ(coordinator_->counters().idempotency_mismatches, 1u);
  // Blanks and comments make no difference.
  const Answer same = run(keyed({"INSERT  /* a hint */ INTO t(i)\nVALUES (1)"}, "k"));
  EXPECT_FALSE(same.error);
  EXPECT_NE(same.first_answered, "");
}

TEST_F(LedgerTest, AFailedRequestLeavesNoKey) {
  ASSERT_FALSE(run(keyed({"INSERT INTO t(i) VALUES (1)"}, "")).error);
  EXPECT_EQ(run(keyed({"INSERT INTO t(i) VALUES (1)"}, "k")).error->code, ErrorCode::kUniqueViolation);
  EXPECT_EQ(value("SELECT count(*) FROM merganser.idempotency_keys"), "0");
  ASSERT_FALSE(run(keyed({"DELETE FROM t"}, "")).error);
  const Answer again = run(keyed({"INSERT INTO t(i) VALUES (1)"}, "k"));
  EXPECT_FALSE(again.error);
  EXPECT_EQ(again.first_answered, "");
}

TEST_F(LedgerTest, DuplicatesInOneBatchAndGroupsThatRollBack) {
  // A slow statement first, so that the others wait and share a batch.
  auto slow = send(keyed({"INSERT INTO t SELECT 1000 + (max(x * y) % 7)::INTEGER, 0 FROM range(3000) a(x), "
                          "range(3000) b(y)"},
                         ""));
  std::vector<std::future<Answer>> same;
  for (int i = 0; i < 20; i++) same.push_back(send(keyed({"INSERT INTO t VALUES (1, 7) RETURNING i"}, "same")));
  auto bad = send(keyed({"INSERT INTO t(i) VALUES ('no number')"}, "bad"));
  for (int i = 0; i < 20; i++) same.push_back(send(keyed({"INSERT INTO t VALUES (1, 7) RETURNING i"}, "same")));
  EXPECT_FALSE(slow.get().error);
  int firsts = 0;
  for (auto& future : same) {
    const Answer answer = future.get();
    ASSERT_FALSE(answer.error) << answer.error->to_string();
    EXPECT_EQ(answer.rows, (std::vector<int64_t>{1}));
    firsts += answer.first_answered.empty() ? 1 : 0;
  }
  EXPECT_EQ(firsts, 1);
  EXPECT_TRUE(bad.get().error);
  EXPECT_EQ(value("SELECT count(*) FROM t WHERE i = 1"), "1");
  EXPECT_EQ(value("SELECT count(*) FROM merganser.idempotency_keys"), "1");
}

TEST_F(LedgerTest, DdlIsARequestToo) {
  ASSERT_FALSE(run(keyed({"CREATE TABLE u(i INTEGER)"}, "make")).error);
  const Answer again = run(keyed({"CREATE TABLE u(i INTEGER)"}, "make"));
  EXPECT_FALSE(again.error);
  EXPECT_NE(again.first_answered, "");
  EXPECT_EQ(run(keyed({"CHECKPOINT"}, "point")).error->code, ErrorCode::kFeatureNotSupported);
}

TEST_F(LedgerTest, AnAnswerThatIsTooLargeIsNotKeptButItsKeyIs) {
  limits_.idempotency_answer_bytes = 2000;
  reopen();
  const std::string sql = "INSERT INTO t SELECT i, 0 FROM range(5000) r(i) RETURNING i";
  EXPECT_EQ(run(keyed({sql}, "large")).rows.size(), 5000u);
  const Answer again = run(keyed({sql}, "large"));
  ASSERT_TRUE(again.error);
  EXPECT_EQ(again.error->code, ErrorCode::kIdempotentAnswerLost);
  EXPECT_EQ(value("SELECT count(*) FROM t"), "5000");
  EXPECT_EQ(coordinator_->counters().idempotent_answers_too_large, 1u);
}

TEST_F(LedgerTest, OldKeysAreForgottenAndMayBeUsedAgain) {
  limits_.idempotency_retention = std::chrono::milliseconds(1);
  reopen();
  ASSERT_FALSE(run(keyed({"INSERT INTO t(i) VALUES (1)"}, "k")).error);
  const Deadline until = Deadline::in(std::chrono::seconds(30));
  while (coordinator_->counters().idempotency_keys_expired == 0 && !until.expired()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_EQ(value("SELECT count(*) FROM merganser.idempotency_keys"), "0");
  EXPECT_EQ(coordinator_->counters().idempotency_keys, 0u);
  const Answer other = run(keyed({"INSERT INTO t(i) VALUES (2)"}, "k"));
  EXPECT_FALSE(other.error);
}

TEST_F(LedgerTest, NewKeysAreRefusedWhenThereAreTooMany) {
  limits_.idempotency_max_keys = 2;
  reopen();
  ASSERT_FALSE(run(keyed({"INSERT INTO t(i) VALUES (1)"}, "a")).error);
  ASSERT_FALSE(run(keyed({"INSERT INTO t(i) VALUES (2)"}, "b")).error);
  const Answer refused = run(keyed({"INSERT INTO t(i) VALUES (3)"}, "c"));
  ASSERT_TRUE(refused.error);
  EXPECT_EQ(refused.error->code, ErrorCode::kConfigurationLimitExceeded);
  EXPECT_FALSE(run(keyed({"INSERT INTO t(i) VALUES (1)"}, "a")).error) << "those that are kept still answer";
  EXPECT_FALSE(run(keyed({"INSERT INTO t(i) VALUES (4)"}, "")).error) << "writes without a key need no room";
}

TEST_F(LedgerTest, AForeignTableOfTheSameNameIsLeftAlone) {
  ASSERT_FALSE(run(keyed({"CREATE SCHEMA merganser"}, "")).error);
  ASSERT_FALSE(run(keyed({"CREATE TABLE merganser.idempotency_keys(key VARCHAR)"}, "")).error);
  const Answer refused = run(keyed({"INSERT INTO t(i) VALUES (1)"}, "k"));
  ASSERT_TRUE(refused.error);
  EXPECT_EQ(refused.error->code, ErrorCode::kObjectNotInState);
  EXPECT_EQ(value("SELECT count(*) FROM t"), "0");
}

TEST_F(LedgerTest, KeysOfAnySpelling) {
  int row = 10;
  for (const std::string& key : {std::string("it's \"quoted\"; DROP TABLE t"), std::string("ключ"),
                                 std::string(kIdempotencyKeyBytes, 'x'), std::string(" ")}) {
    const std::string sql = "INSERT INTO t(i) VALUES (" + std::to_string(row++) + ")";
    ASSERT_FALSE(run(keyed({sql}, key)).error) << key;
    EXPECT_NE(run(keyed({sql}, key)).first_answered, "") << key;
  }
  EXPECT_EQ(run(keyed({"INSERT INTO t(i) VALUES (9)"}, std::string(256, 'x'))).error->code,
            ErrorCode::kInvalidParameterValue);
  EXPECT_EQ(value("SELECT count(*) FROM t"), "4");
}

TEST(Fingerprint, TellsRequestsApart) {
  const auto of = [](UnitPtr unit) { return fingerprint_of(*unit).value(); };
  const std::string base = of(keyed({"INSERT INTO t VALUES ($1)"}, "k", {engine::Value::bigint(1)}));
  EXPECT_EQ(base.size(), 64u);
  EXPECT_EQ(base, of(keyed({"INSERT INTO t -- why\n VALUES ( $1 )"}, "other", {engine::Value::bigint(1)})));
  EXPECT_NE(base, of(keyed({"INSERT INTO t VALUES ($1)"}, "k", {engine::Value::bigint(2)})));
  EXPECT_NE(base, of(keyed({"INSERT INTO t VALUES ($1)"}, "k", {engine::Value::varchar("1")})));
  EXPECT_NE(base, of(keyed({"INSERT INTO t VALUES ($1)"}, "k", {engine::Value::null()})));
  EXPECT_NE(base, of(keyed({"INSERT INTO T VALUES ($1)"}, "k", {engine::Value::bigint(1)})));
  EXPECT_NE(of(keyed({"DELETE FROM t", "DELETE FROM u"}, "k")), of(keyed({"DELETE FROM t DELETE FROM u"}, "k")));
  EXPECT_NE(of(keyed({"SELECT 'a b'"}, "k")), of(keyed({"SELECT 'a  b'"}, "k")));
  auto zoned = keyed({"INSERT INTO t VALUES ($1)"}, "k", {engine::Value::bigint(1)});
  zoned->settings = std::make_shared<const engine::Settings>(engine::Settings{{"timezone", "Asia/Tokyo"}});
  EXPECT_NE(base, of(std::move(zoned)));
}

}  // namespace
}  // namespace merganser::coordinator

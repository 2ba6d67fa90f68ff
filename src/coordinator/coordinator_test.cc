#include "coordinator/coordinator.h"

#include <filesystem>
#include <future>
#include <gtest/gtest.h>

#include "engine/statement_class.h"

namespace merganser::coordinator {
namespace {

// A coordinator over a real file whose callbacks run at once, on whatever thread delivers them.
class CoordinatorTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "mrg-co-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    engine::DatabaseOptions options;
    options.file = folder_ + "/t.duckdb";
    options.name = "t";
    database_ = std::move(engine::Database::open(options)).value();
    reader_ = std::move(database_->connect()).value();
  }
  void TearDown() override {
    coordinator_.reset();
    reader_.reset();
    database_.reset();
    std::filesystem::remove_all(folder_);
  }
  void start(Limits limits = {}) {
    Hooks hooks;
    hooks.deliver = [](std::vector<std::function<void()>> tasks) {
      for (const auto& task : tasks) task();
    };
    coordinator_ = std::move(Coordinator::start(*database_, limits, std::move(hooks))).value();
  }

  struct Answer {
    std::optional<Error> error;
    std::vector<uint64_t> counts;
  };
  static UnitPtr unit(const std::vector<std::string>& statements, uint64_t session = 1) {
    auto made = std::make_unique<Unit>();
    made->session = session;
    for (const std::string& sql : statements) {
      Statement statement;
      statement.sql = std::make_shared<const std::string>(sql);
      statement.kind = std::make_shared<const engine::StatementClass>(engine::classify(sql));
      made->alone |= statement.kind->kind == engine::StatementKind::kDdl;
      made->statements.push_back(std::move(statement));
    }
    return made;
  }
  // As a session sends it: with what may run together with others.
  static UnitPtr shaped(const std::string& sql, uint64_t session) {
    UnitPtr made = unit({sql}, session);
    made->statements[0].shape = parse_shape(sql).shape;
    return made;
  }
  std::future<Answer> send(UnitPtr made) {
    auto promise = std::make_shared<std::promise<Answer>>();
    auto future = promise->get_future();
    made->done = [promise](UnitOutcome& outcome) {
      Answer answer;
      answer.error = outcome.error;
      for (const auto& result : outcome.results) answer.counts.push_back(result.changed_rows());
      promise->set_value(std::move(answer));
    };
    coordinator_->submit(std::move(made));
    return future;
  }
  std::future<Answer> send(const std::string& sql, uint64_t session = 1) { return send(unit({sql}, session)); }
  std::string value(const std::string& sql) { return reader_->query_text(sql).value(); }

  // Holds the lane until released, so that units pile up behind it and form one group.
  std::unique_ptr<Lane> take_lane(std::function<void()> revoke = [] {}) {
    auto promise = std::make_shared<std::promise<std::unique_ptr<Lane>>>();
    auto future = promise->get_future();
    LaneRequest request;
    request.session = 99;
    request.granted = [promise](std::unique_ptr<Lane> lane) { promise->set_value(std::move(lane)); };
    request.refused = [promise](const Error&) { promise->set_value(nullptr); };
    request.revoke = std::move(revoke);
    coordinator_->request_lane(std::move(request));
    return future.get();
  }

  std::string folder_;
  std::unique_ptr<engine::Database> database_;
  std::unique_ptr<engine::Connection> reader_;
  std::unique_ptr<Coordinator> coordinator_;
};

TEST_F(CoordinatorTest, UnitsThatWaitTogetherShareOneCommit) {
  Limits limits;
  limits.batch_time = std::chrono::minutes(1);  // however slow the machine
  start(limits);
  ASSERT_FALSE(send("CREATE TABLE a (i INT)").get().error);
  const uint64_t commits = coordinator_->counters().commits;
  auto lane = take_lane();
  ASSERT_NE(lane, nullptr);
  std::vector<std::future<Answer>> answers;
  for (int i = 0; i < 50; i++) answers.push_back(send("INSERT INTO a VALUES (" + std::to_string(i) + ")", 1 + i % 7));
  lane.reset();
  for (auto& answer : answers) {
    const Answer got = answer.get();
    ASSERT_FALSE(got.error) << got.error->to_string();
    EXPECT_EQ(got.counts, std::vector<uint64_t>{1});
  }
  EXPECT_EQ(coordinator_->counters().commits - commits, 1u);
  EXPECT_EQ(coordinator_->counters().grouped_units, 50u);
  EXPECT_EQ(value("SELECT count(*) FROM a"), "50");
}

TEST_F(CoordinatorTest, OneBadUnitInAGroupFailsAlone) {
  start();
  ASSERT_FALSE(send("CREATE TABLE a (i INT PRIMARY KEY)").get().error);
  auto lane = take_lane();
  std::vector<std::future<Answer>> answers;
  for (int i = 0; i < 20; i++) answers.push_back(send("INSERT INTO a VALUES (" + std::to_string(i % 15) + ")"));
  lane.reset();
  for (int i = 0; i < 20; i++) {
    const Answer got = answers[static_cast<size_t>(i)].get();
    EXPECT_EQ(got.error.has_value(), i >= 15) << i;
    if (got.error) {
      EXPECT_EQ(got.error->code, ErrorCode::kUniqueViolation);
    }
  }
  EXPECT_EQ(value("SELECT count(*) FROM a"), "15");
  // The last one was alone from the beginning.
  EXPECT_EQ(coordinator_->counters().solo_reruns, 4u);
}

// Deleting a child and then its parent fails in one transaction and succeeds in two: clients must see the latter.
TEST_F(CoordinatorTest, WhatFailsOnlyInAGroupSucceeds) {
  start();
  ASSERT_FALSE(send("CREATE TABLE p (i INT PRIMARY KEY)").get().error);
  ASSERT_FALSE(send("CREATE TABLE c (i INT REFERENCES p (i))").get().error);
  ASSERT_FALSE(send("INSERT INTO p VALUES (1), (2)").get().error);
  ASSERT_FALSE(send("INSERT INTO c VALUES (1)").get().error);
  auto lane = take_lane();
  auto child = send("DELETE FROM c WHERE i = 1");
  auto parent = send("DELETE FROM p WHERE i = 1");
  lane.reset();
  EXPECT_FALSE(child.get().error);
  const Answer got = parent.get();
  EXPECT_FALSE(got.error) << got.error->to_string();
  EXPECT_EQ(value("SELECT count(*) FROM p"), "1");
}

TEST_F(CoordinatorTest, AUnitIsAllOrNothing) {
  start();
  ASSERT_FALSE(send("CREATE TABLE a (i INT PRIMARY KEY)").get().error);
  const Answer got =
      send(unit({"INSERT INTO a VALUES (1)", "INSERT INTO a VALUES (2)", "INSERT INTO a VALUES (1)"})).get();
  ASSERT_TRUE(got.error);
  EXPECT_EQ(got.counts.size(), 2u);
  EXPECT_EQ(value("SELECT count(*) FROM a"), "0");
}

TEST_F(CoordinatorTest, CancelledAndExpiredUnitsAreNotExecuted) {
  start();
  ASSERT_FALSE(send("CREATE TABLE a (i INT)").get().error);
  auto lane = take_lane();
  auto kept = send("INSERT INTO a VALUES (1)", 1);
  auto cancelled = send("INSERT INTO a VALUES (2)", 2);
  auto late = unit({"INSERT INTO a VALUES (3)"}, 3);
  late->options.deadline = Deadline::in(std::chrono::milliseconds(1));
  auto expired = send(std::move(late));
  coordinator_->cancel(2, make_error(ErrorCode::kQueryCanceled, "cancelled"));
  EXPECT_EQ(cancelled.get().error->code, ErrorCode::kQueryCanceled);  // at once, the lane is still taken
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  lane.reset();
  EXPECT_FALSE(kept.get().error);
  EXPECT_EQ(expired.get().error->code, ErrorCode::kQueryCanceled);
  EXPECT_EQ(value("SELECT string_agg(i::VARCHAR, ',') FROM a"), "1");
}

TEST_F(CoordinatorTest, CancelEndsAnExecutingUnit) {
  start();
  ASSERT_FALSE(send("CREATE TABLE a (i BIGINT)").get().error);
  auto slow = send("INSERT INTO a SELECT count(*) FROM range(100000000000)", 5);
  const Error why = make_error(ErrorCode::kQueryCanceled, "cancelled");
  while (slow.wait_for(std::chrono::milliseconds(5)) != std::future_status::ready) coordinator_->cancel(5, why);
  EXPECT_EQ(slow.get().error->code, ErrorCode::kQueryCanceled);
  EXPECT_FALSE(send("INSERT INTO a VALUES (1)", 6).get().error);
  EXPECT_EQ(value("SELECT count(*) FROM a"), "1");
}

TEST_F(CoordinatorTest, FullQueueRefusesAtOnce) {
  Limits limits;
  limits.queue_units = 3;
  start(limits);
  ASSERT_FALSE(send("CREATE TABLE a (i INT)").get().error);
  auto lane = take_lane();
  std::vector<std::future<Answer>> kept;
  for (int i = 0; i < 3; i++) kept.push_back(send("INSERT INTO a VALUES (1)"));
  const Answer refused = send("INSERT INTO a VALUES (2)").get();
  ASSERT_TRUE(refused.error);
  EXPECT_EQ(refused.error->code, ErrorCode::kTooManyConnections);
  EXPECT_FALSE(refused.error->hint.empty());
  lane.reset();
  for (auto& answer : kept) EXPECT_FALSE(answer.get().error);
}

TEST_F(CoordinatorTest, SessionBudgetHitsThatSessionOnly) {
  Limits limits;
  limits.session_bytes = 4096;
  start(limits);
  ASSERT_FALSE(send("CREATE TABLE a (v VARCHAR)").get().error);
  auto lane = take_lane();
  const std::string big = "INSERT INTO a VALUES ('" + std::string(3000, 'x') + "')";
  auto first = send(big, 1);
  EXPECT_EQ(send(big, 1).get().error->code, ErrorCode::kTooManyConnections);
  auto other = send(big, 2);
  lane.reset();
  EXPECT_FALSE(first.get().error);
  EXPECT_FALSE(other.get().error);
}

TEST_F(CoordinatorTest, IdleLaneIsTakenBackOnlyWhenOthersWait) {
  Limits limits;
  limits.lane_lease = std::chrono::milliseconds(50);
  start(limits);
  ASSERT_FALSE(send("CREATE TABLE a (i INT)").get().error);
  std::atomic<bool> revoked = false;
  std::unique_ptr<Lane> lane;
  lane = take_lane([&] {
    revoked = true;
    lane.reset();
  });
  lane->set_idle();
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  EXPECT_FALSE(revoked);
  EXPECT_FALSE(send("INSERT INTO a VALUES (1)").get().error);
  EXPECT_TRUE(revoked);
  EXPECT_EQ(coordinator_->counters().lanes_revoked, 1u);
}

TEST_F(CoordinatorTest, StopAnswersEverythingAndCheckpoints) {
  start();
  ASSERT_FALSE(send("CREATE TABLE a (i INT)").get().error);
  auto lane = take_lane();
  std::vector<std::future<Answer>> answers;
  for (int i = 0; i < 10; i++) answers.push_back(send("INSERT INTO a VALUES (1)"));
  lane.reset();
  coordinator_->stop(true);
  for (auto& answer : answers) EXPECT_FALSE(answer.get().error);
  EXPECT_EQ(send("INSERT INTO a VALUES (2)").get().error->code, ErrorCode::kAdminShutdown);
  EXPECT_EQ(database_->wal_files().wal_bytes, 0u);
  EXPECT_EQ(value("SELECT count(*) FROM a"), "10");
}

TEST_F(CoordinatorTest, WalIsCheckpointedWhenLarge) {
  Limits limits;
  limits.checkpoint_wal_bytes = 20000;
  start(limits);
  ASSERT_FALSE(send("CREATE TABLE a (v VARCHAR)").get().error);
  for (int i = 0; i < 20; i++) {
    ASSERT_FALSE(send("INSERT INTO a SELECT 'some text ' || i FROM range(500) r (i)").get().error);
  }
  EXPECT_GE(coordinator_->counters().checkpoints, 1u);
  EXPECT_LT(database_->wal_files().wal_bytes, 60000u);
}

TEST_F(CoordinatorTest, SettingsOfASessionHoldForItsUnitsOnly) {
  start();
  ASSERT_FALSE(send("CREATE TABLE a (t TIMESTAMPTZ)").get().error);
  auto settings = std::make_shared<engine::Settings>();
  (*settings)["timezone"] = "Asia/Tokyo";
  auto lane = take_lane();
  auto with = unit({"INSERT INTO a VALUES ('2024-01-01 00:00:00')"}, 1);
  with->settings = settings;
  auto first = send(std::move(with));
  auto utc = std::make_shared<engine::Settings>();
  (*utc)["timezone"] = "UTC";
  auto plain = unit({"INSERT INTO a VALUES ('2024-01-01 00:00:00')"}, 2);
  plain->settings = utc;
  auto second = send(std::move(plain));
  lane.reset();
  ASSERT_FALSE(first.get().error);
  ASSERT_FALSE(second.get().error);
  EXPECT_EQ(value("SELECT (max(epoch(t)) - min(epoch(t)))::INT FROM a"), "32400");
}

// A batch of updates by key is answered by its count as long as that says enough; rows that are missing show in it,
// also when several statements of one plan share the batch.
TEST_F(CoordinatorTest, UpdatesThatMeetNoRowSaySoInABatch) {
  start();
  ASSERT_FALSE(send("CREATE TABLE a (i BIGINT PRIMARY KEY, n BIGINT DEFAULT 0)").get().error);
  ASSERT_FALSE(send("INSERT INTO a SELECT i, 0 FROM range(0, 40) r(i)").get().error);
  for (int round = 0; round < 3; round++) {
    auto lane = take_lane();
    std::vector<std::future<Answer>> answers;
    for (int i = 0; i < 80; i++) {
      answers.push_back(
          send(shaped("UPDATE a SET n = n + 1 WHERE i = " + std::to_string(i % 60), static_cast<uint64_t>(i + 1))));
    }
    lane.reset();
    for (int i = 0; i < 80; i++) {
      const Answer answer = answers[static_cast<size_t>(i)].get();
      ASSERT_FALSE(answer.error) << answer.error->message;
      EXPECT_EQ(answer.counts, std::vector<uint64_t>{i % 60 < 40 ? 1u : 0u}) << i;
    }
  }
  EXPECT_EQ(value("SELECT sum(n) FROM a"), "180");
  EXPECT_GT(coordinator_->counters().coalesced_units, 0u);
}

TEST_F(CoordinatorTest, UpsertsOfRowsThatAreThereAndOthers) {
  start();
  ASSERT_FALSE(send("CREATE TABLE a (i BIGINT PRIMARY KEY, n BIGINT DEFAULT 5, m TINYINT)").get().error);
  for (int round = 0; round < 4; round++) {
    auto lane = take_lane();
    std::vector<std::future<Answer>> answers;
    for (int i = 0; i < 50; i++) {
      // The second round meets all its rows, the others ten new ones each.
      const std::string key = std::to_string(round < 2 ? i : i + 10 * (round - 1));
      answers.push_back(
          send(shaped("INSERT INTO a (i, m) VALUES (" + key + ", 7) ON CONFLICT (i) DO UPDATE SET n = a.n + excluded.m",
                      static_cast<uint64_t>(i + 1))));
    }
    lane.reset();
    for (auto& answer : answers) {
      const Answer got = answer.get();
      ASSERT_FALSE(got.error) << got.error->message;
      EXPECT_EQ(got.counts, std::vector<uint64_t>{1});
    }
  }
  EXPECT_EQ(value("SELECT count(*) FROM a"), "70");
  EXPECT_EQ(value("SELECT sum(n) FROM a"), std::to_string(70 * 5 + 130 * 7));
  EXPECT_GT(coordinator_->counters().coalesced_units, 150u);
}

TEST_F(CoordinatorTest, AnUpsertWhoseDefaultFailsFailsInABatchToo) {
  start();
  ASSERT_FALSE(send("CREATE TABLE d (k INT PRIMARY KEY, n INT, x INT DEFAULT (error('boo')))").get().error);
  ASSERT_FALSE(send("INSERT INTO d SELECT i, 0, 1 FROM range(4) r(i)").get().error);
  for (int round = 0; round < 2; round++) {
    auto lane = take_lane();
    std::vector<std::future<Answer>> answers;
    for (int i = 0; i < 4; i++) {
      answers.push_back(send(shaped(
          "INSERT INTO d (k, n) VALUES (" + std::to_string(i) + ", 5) ON CONFLICT (k) DO UPDATE SET n = excluded.n",
          static_cast<uint64_t>(i + 1))));
    }
    lane.reset();
    for (auto& answer : answers) EXPECT_TRUE(answer.get().error);
  }
  EXPECT_EQ(value("SELECT sum(n) FROM d"), "0");
}

// What the writer has prepared is its own: a schema change that leaves the queue unexecuted must not touch it.
TEST_F(CoordinatorTest, CancellingQueuedSchemaChangesLeavesTheWriterAlone) {
  start();
  ASSERT_FALSE(send("CREATE TABLE a (i INT)").get().error);
  std::vector<std::future<Answer>> inserts;
  std::vector<std::future<Answer>> changes;
  const Error why = make_error(ErrorCode::kQueryCanceled, "cancelled");
  for (int round = 0; round < 300; round++) {
    for (int i = 0; i < 5; i++) inserts.push_back(send("INSERT INTO a VALUES (" + std::to_string(i) + ")"));
    changes.push_back(send("CREATE TABLE IF NOT EXISTS b (i INT)", 2));
    coordinator_->cancel(2, why);
  }
  for (auto& insert : inserts) EXPECT_FALSE(insert.get().error);
  int cancelled = 0;
  for (auto& change : changes) cancelled += change.get().error ? 1 : 0;
  EXPECT_GT(cancelled, 0);
  EXPECT_EQ(value("SELECT count(*) FROM a"), "1500");
}

}  // namespace
}  // namespace merganser::coordinator

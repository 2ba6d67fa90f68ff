#include "readers/pool.h"

#include <filesystem>
#include <future>
#include <gtest/gtest.h>

namespace merganser::readers {
namespace {

class PoolTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "mrg-po-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    engine::DatabaseOptions options;
    options.file = folder_ + "/t.duckdb";
    options.name = "t";
    database_ = std::move(engine::Database::open(options)).value();
    writer_ = std::move(database_->connect()).value();
    ASSERT_TRUE(writer_->execute("CREATE TABLE a (i INT)").ok());
  }
  void TearDown() override {
    pool_.reset();
    writer_.reset();
    database_.reset();
    std::filesystem::remove_all(folder_);
  }
  void start(PoolLimits limits = {}) {
    pool_ = std::make_unique<Pool>(*database_, limits,
                                   Pool::Sequences{[this] { return committed_.load(); }, [] { return uint64_t{0}; }});
  }
  // What the writer does around a commit.
  void insert() {
    pool_->before_commit();
    ASSERT_TRUE(writer_->execute("INSERT INTO a VALUES (1)").ok());
    committed_++;
  }
  std::string read(const std::string& sql, bool fresh = false) {
    auto promise = std::make_shared<std::promise<std::string>>();
    auto future = promise->get_future();
    Job job;
    job.needs = Needs::kSnapshot;
    job.min_sequence = committed_;
    job.fresh = fresh;
    job.run = [promise, sql](Lease& lease, const Status& status) {
      std::string text = status.ok() ? lease.connection().query_text(sql).value() : status.error().message;
      lease.give_back();
      promise->set_value(std::move(text));
    };
    pool_->submit(std::move(job));
    return future.get();
  }

  std::string folder_;
  std::unique_ptr<engine::Database> database_;
  std::unique_ptr<engine::Connection> writer_;
  std::unique_ptr<Pool> pool_;
  std::atomic<uint64_t> committed_ = 0;
};

TEST_F(PoolTest, EveryReadSeesWhatWasCommittedBeforeIt) {
  start();
  for (int i = 0; i < 200; i++) {
    EXPECT_EQ(read("SELECT count(*) FROM a"), std::to_string(i));
    insert();
  }
}

// A commit that is visible but has no number yet must not get into a snapshot: the next read could get an older one.
TEST_F(PoolTest, NoSnapshotBeginsBetweenACommitAndItsNumber) {
  start();
  std::unique_lock visibility(pool_->visibility());
  ASSERT_TRUE(writer_->execute("INSERT INTO a VALUES (1)").ok());
  auto waiting = std::async(std::launch::async, [&] { return read("SELECT count(*) FROM a"); });
  EXPECT_EQ(waiting.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  committed_++;
  visibility.unlock();
  EXPECT_EQ(waiting.get(), "1");
}

TEST_F(PoolTest, SnapshotsAreArmedBeforeCommitsWhileReadsComeAndReused) {
  start();
  read("SELECT 1");
  const uint64_t armed_before = pool_->counters().snapshots_armed;
  for (int i = 0; i < 10; i++) read("SELECT 1");
  EXPECT_EQ(pool_->counters().snapshots_armed, armed_before);  // nothing was committed: the same snapshot serves
  // A commit soon after a read arms one for the time it takes. On a slow machine "soon" may have passed already.
  bool armed = false;
  for (int attempt = 0; attempt < 50 && !armed; attempt++) {
    read("SELECT 1");
    insert();
    const uint64_t before = pool_->counters().snapshots_armed;
    insert();
    armed = pool_->counters().snapshots_armed > before;
  }
  EXPECT_TRUE(armed);
}

TEST_F(PoolTest, CancelAnswersWhatStillWaits) {
  PoolLimits limits;
  limits.threads = 1;
  start(limits);
  std::promise<void> begun, go_on;
  Job busy;
  busy.needs = Needs::kSnapshot;
  busy.run = [&](Lease&, const Status&) {
    begun.set_value();
    go_on.get_future().get();
  };
  pool_->submit(std::move(busy));
  begun.get_future().get();
  std::atomic<int> answers = 0;
  const auto flag = std::make_shared<std::atomic<bool>>(false);
  for (int i = 0; i < 3; i++) {
    Job job;
    job.needs = Needs::kSnapshot;
    if (i != 1) job.cancelled = flag;
    job.run = [&answers, i](Lease& lease, const Status& status) {
      EXPECT_EQ(status.ok(), i == 1);
      EXPECT_EQ(static_cast<bool>(lease), i == 1);
      answers++;
    };
    pool_->submit(std::move(job));
  }
  EXPECT_EQ(pool_->state().waiting, 3u);
  pool_->cancel(flag, make_error(ErrorCode::kQueryCanceled, "cancelled"));
  EXPECT_EQ(answers, 2);
  EXPECT_EQ(pool_->state().waiting, 1u);
  go_on.set_value();
  while (answers < 3) std::this_thread::yield();
}

TEST_F(PoolTest, AFreshReadGetsASnapshotOfItsOwnTime) {
  start();
  const std::string first = read("SELECT epoch_us(now())");
  EXPECT_EQ(read("SELECT epoch_us(now())"), first);  // the armed snapshot's time: why callers ask for fresh ones
  EXPECT_GT(std::stoll(read("SELECT epoch_us(now())", true)), std::stoll(first));
}

TEST_F(PoolTest, RetiringLetsCheckpointsRun) {
  start();
  insert();
  read("SELECT count(*) FROM a");
  ASSERT_TRUE(writer_->execute("UPDATE a SET i = 2").ok());
  EXPECT_FALSE(writer_->execute("CHECKPOINT").ok());  // the armed snapshot is older than the update
  pool_->retire_snapshots(false);
  EXPECT_TRUE(writer_->execute("CHECKPOINT").ok());
}

TEST_F(PoolTest, OldSnapshotsInUseExpireWhenACheckpointInsists) {
  PoolLimits limits;
  limits.snapshot_max_age = std::chrono::milliseconds(1);
  start(limits);
  auto promise = std::make_shared<std::promise<void>>();
  Lease kept;
  std::atomic<bool> told = false;
  Job job;
  job.needs = Needs::kSnapshot;
  job.run = [&](Lease& lease, const Status&) {
    lease.pooled().on_expire = [&] { told = true; };
    kept = std::move(lease);
    promise->set_value();
  };
  pool_->submit(std::move(job));
  promise->get_future().get();
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  pool_->retire_snapshots(false);
  EXPECT_FALSE(told);
  pool_->retire_snapshots(true);
  EXPECT_TRUE(told);
  EXPECT_TRUE(kept.expired());
  EXPECT_EQ(pool_->counters().snapshots_expired, 1u);
  kept = Lease();
}

TEST_F(PoolTest, OldSnapshotsAreAwaitedAndNewOnesAreNot) {
  start();
  const auto hold = [&](Lease& kept) {
    std::promise<void> held;
    Job job;
    job.needs = Needs::kSnapshot;
    job.fresh = true;
    job.run = [&](Lease& lease, const Status&) {
      kept = std::move(lease);
      held.set_value();
    };
    pool_->submit(std::move(job));
    held.get_future().get();
  };
  EXPECT_TRUE(pool_->await_old_snapshots(std::chrono::seconds(10)));
  Lease old;
  hold(old);
  EXPECT_FALSE(pool_->await_old_snapshots(std::chrono::milliseconds(10)));
  // So old that it is not waited for.
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_FALSE(pool_->await_old_snapshots(std::chrono::milliseconds(1)));
  std::atomic<bool> begun = false;
  Lease young;
  std::thread waiting([&] {
    begun = true;
    EXPECT_TRUE(pool_->await_old_snapshots(std::chrono::seconds(60)));
  });
  while (!begun) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  hold(young);
  old = Lease();
  waiting.join();
  young = Lease();
}

TEST_F(PoolTest, HoldersAreWarnedOnceASnapshot) {
  start();
  std::promise<void> held;
  Lease kept;
  std::atomic<int> warnings = 0;
  Job job;
  job.needs = Needs::kSnapshot;
  job.run = [&](Lease& lease, const Status&) {
    lease.watch(nullptr, [&] { warnings++; });
    kept = std::move(lease);
    held.set_value();
  };
  pool_->submit(std::move(job));
  held.get_future().get();
  pool_->warn_holders();
  pool_->warn_holders();
  EXPECT_EQ(warnings, 1);
  ASSERT_TRUE(kept.begin_transaction(true).ok());
  pool_->warn_holders();
  EXPECT_EQ(warnings, 2);
  kept = Lease();
  pool_->warn_holders();
  EXPECT_EQ(warnings, 2);
}

TEST_F(PoolTest, ReadsBeyondTheLimitWaitAndOthersDoNot) {
  PoolLimits limits;
  limits.threads = 2;
  limits.snapshot_connections = 1;
  start(limits);
  std::promise<void> held;
  Lease kept;
  Job job;
  job.needs = Needs::kSnapshot;
  job.run = [&](Lease& lease, const Status&) {
    kept = std::move(lease);
    held.set_value();
  };
  pool_->submit(std::move(job));
  held.get_future().get();
  auto second = std::async(std::launch::async, [&] { return read("SELECT 7"); });
  EXPECT_EQ(second.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  std::promise<bool> other;
  Job transaction;
  transaction.needs = Needs::kConnection;
  transaction.run = [&](Lease& lease, const Status& status) {
    other.set_value(status.ok() && lease.begin_transaction(false).ok());
  };
  pool_->submit(std::move(transaction));
  EXPECT_TRUE(other.get_future().get());
  kept = Lease();
  EXPECT_EQ(second.get(), "7");
}

TEST_F(PoolTest, StopRefusesWhatHasNotBegun) {
  start();
  pool_->stop();
  bool refused = false;
  Job job;
  job.needs = Needs::kSnapshot;
  job.run = [&](Lease& lease, const Status& status) { refused = !status.ok() && !lease; };
  pool_->submit(std::move(job));
  EXPECT_TRUE(refused);
}

}  // namespace
}  // namespace merganser::readers

#include "coordinator/queue.h"

#include <gtest/gtest.h>
#include <thread>

namespace merganser::coordinator {
namespace {

using std::chrono::milliseconds;

class QueueTest : public testing::Test {
 protected:
  static UnitPtr unit(const std::string& name, uint64_t session = 1) {
    auto made = std::make_unique<Unit>();
    made->session = session;
    Statement statement;
    statement.sql = std::make_shared<const std::string>(name);
    made->statements.push_back(std::move(statement));
    return made;
  }
  static UnitPtr keyed(const std::string& name, DedupMode mode, uint64_t session, milliseconds debounce = {}) {
    auto made = unit(name, session);
    made->options.dedup_key = "k";
    made->options.dedup = mode;
    made->options.debounce = debounce;
    return made;
  }
  static UnitPtr ordered(const std::string& name, const std::string& key, uint64_t session) {
    auto made = unit(name, session);
    made->options.order_key = key;
    return made;
  }
  static UnitPtr of(const std::string& name, Priority priority, uint64_t session) {
    auto made = unit(name, session);
    made->options.priority = priority;
    return made;
  }
  std::optional<Error> push(UnitPtr made) { return queue_->push(made, answered_); }

  static const std::string& name(const UnitPtr& unit) { return *unit->statements.front().sql; }
  static std::string names(const std::vector<UnitPtr>& units) {
    std::string all;
    for (const UnitPtr& unit : units) all += (all.empty() ? "" : " ") + name(unit);
    return all;
  }
  // The names of the next batch, which is then done; `error` is what became of it.
  std::string run(std::optional<Error> error = std::nullopt) {
    Queue::Work work = queue_->take(std::chrono::seconds(20));
    for (const UnitPtr& unit : work.batch) {
      unit->outcome.error = error;
      queue_->settle(*unit, answered_);
    }
    return names(work.batch);
  }
  // "name:reason" of those that were answered without being executed.
  std::string answered() {
    constexpr const char* kReasons[] = {"error", "joined", "present", "superseded"};
    std::string all;
    for (const UnitPtr& unit : answered_) {
      all += (all.empty() ? "" : " ") + name(unit) + ":" + kReasons[static_cast<int>(unit->outcome.skip)];
    }
    answered_.clear();
    return all;
  }
  std::string withdrawn(uint64_t session) {
    Queue::Withdrawn gone = queue_->withdraw(session);
    for (const UnitPtr& unit : gone.units) {
      unit->outcome.error = make_error(ErrorCode::kQueryCanceled, "gone");
      queue_->settle(*unit, answered_);
    }
    return names(gone.units);
  }
  void restart() { queue_ = std::make_unique<Queue>(limits_, counters_); }
  // Everything has left, and nothing is remembered of it.
  void expect_empty() {
    const Queue::State state = queue_->state();
    EXPECT_EQ(state.waiting, 0u);
    EXPECT_EQ(state.debounced, 0u);
    EXPECT_EQ(state.bytes, 0u);
    EXPECT_EQ(answered(), "");
  }

  Limits limits_;
  Counters counters_;
  std::unique_ptr<Queue> queue_ = std::make_unique<Queue>(limits_, counters_);
  Queue::Answered answered_;
};

TEST_F(QueueTest, BatchesKeepTheOrderOfArrival) {
  for (const char* name : {"a", "b", "c"}) ASSERT_FALSE(push(unit(name)));
  EXPECT_EQ(run(), "a b c");
  expect_empty();
}

TEST_F(QueueTest, WhatRunsAloneIsAlone) {
  ASSERT_FALSE(push(unit("a")));
  auto ddl = unit("ddl", 2);
  ddl->alone = true;
  ASSERT_FALSE(push(std::move(ddl)));
  ASSERT_FALSE(push(unit("b", 3)));
  EXPECT_EQ(run(), "a");
  EXPECT_EQ(run(), "ddl");
  EXPECT_EQ(run(), "b");
}

TEST_F(QueueTest, ControlGoesFirstAndInteractiveIsNotStarved) {
  for (int i = 0; i < 12; i++) ASSERT_FALSE(push(of("i" + std::to_string(i), Priority::kInteractive, 100 + i)));
  for (int i = 0; i < 20; i++) ASSERT_FALSE(push(of("c" + std::to_string(i), Priority::kControl, 200 + i)));
  limits_.batch_units = 14;
  EXPECT_EQ(run(), "c0 c1 c2 c3 c4 c5 c6 c7 i0 i1 i2 i3 c8 c9");
}

TEST_F(QueueTest, BulkWritesDoNotShareABatchWithUrgentOnesAndAreNotStarved) {
  ASSERT_FALSE(push(of("b1", Priority::kBulk, 1)));
  ASSERT_FALSE(push(of("i1", Priority::kInteractive, 2)));
  ASSERT_FALSE(push(of("b2", Priority::kBulk, 3)));
  std::vector<std::string> batches;
  for (int round = 0; round < 3000 && queue_->state().waiting > 0; round++) {
    ASSERT_FALSE(push(of("i", Priority::kInteractive, 4)));  // there is always one that waits
    batches.push_back(run());
    std::this_thread::sleep_for(milliseconds(1));
    if (std::count(batches.begin(), batches.end(), "b1 b2") + std::count(batches.begin(), batches.end(), "b2") > 0)
      break;
  }
  std::string all;
  for (const std::string& batch : batches) {
    EXPECT_TRUE(batch.find('b') == std::string::npos || batch.find('i') == std::string::npos) << batch;
    all += batch + " ";
  }
  EXPECT_NE(all.find("b1"), std::string::npos);
  EXPECT_NE(all.find("b2"), std::string::npos);
}

TEST_F(QueueTest, LargeUnitsCountAsBulk) {
  ASSERT_FALSE(push(unit("small", 1)));
  ASSERT_FALSE(push(unit(std::string(300 << 10, 'x'), 2)));
  ASSERT_FALSE(push(unit("tiny", 3)));
  std::vector<size_t> sizes;
  for (int i = 0; i < 2; i++) sizes.push_back(run().size());
  std::sort(sizes.begin(), sizes.end());
  EXPECT_EQ(sizes, (std::vector<size_t>{10, 300 << 10}));
}

TEST_F(QueueTest, ASessionDoesNotOvertakeItself) {
  ASSERT_FALSE(push(of("first", Priority::kBulk, 1)));
  ASSERT_FALSE(push(of("second", Priority::kControl, 1)));
  EXPECT_EQ(run(), "first second");
}

// ---- order keys ------------------------------------------------------------------------------------------------

TEST_F(QueueTest, ABatchHoldsOneWriteOfAnOrderKey) {
  ASSERT_FALSE(push(ordered("a1", "a", 1)));
  ASSERT_FALSE(push(ordered("b1", "b", 2)));
  ASSERT_FALSE(push(ordered("a2", "a", 3)));
  ASSERT_FALSE(push(unit("free", 4)));
  ASSERT_FALSE(push(ordered("a3", "a", 5)));
  ASSERT_FALSE(push(ordered("b2", "b", 6)));
  EXPECT_EQ(run(), "a1 b1 free");
  EXPECT_EQ(run(), "a2 b2");
  EXPECT_EQ(run(), "a3");
  expect_empty();
}

TEST_F(QueueTest, OrderKeysHoldAcrossPriorities) {
  auto bulk = ordered("first", "a", 1);
  bulk->options.priority = Priority::kBulk;
  ASSERT_FALSE(push(std::move(bulk)));
  auto control = ordered("second", "a", 2);
  control->options.priority = Priority::kControl;
  ASSERT_FALSE(push(std::move(control)));
  EXPECT_EQ(run(), "first");
  EXPECT_EQ(run(), "second");
}

TEST_F(QueueTest, AWithdrawnWriteLetsTheNextOfItsOrderKeyThrough) {
  ASSERT_FALSE(push(ordered("a1", "a", 1)));
  ASSERT_FALSE(push(ordered("a2", "a", 2)));
  ASSERT_FALSE(push(ordered("a3", "a", 3)));
  EXPECT_EQ(withdrawn(2), "a2");
  EXPECT_EQ(withdrawn(1), "a1");
  EXPECT_EQ(run(), "a3");
  expect_empty();
}

// ---- deduplication ---------------------------------------------------------------------------------------------

TEST_F(QueueTest, WhoJoinsIsAnsweredWithTheOneThatWaits) {
  ASSERT_FALSE(push(keyed("first", DedupMode::kJoin, 1)));
  ASSERT_FALSE(push(keyed("second", DedupMode::kJoin, 2)));
  EXPECT_EQ(answered(), "");
  EXPECT_EQ(run(), "first");
  EXPECT_EQ(answered(), "second:joined");
  // A finished key is forgotten.
  ASSERT_FALSE(push(keyed("third", DedupMode::kJoin, 3)));
  EXPECT_EQ(run(), "third");
  expect_empty();
}

TEST_F(QueueTest, WhoJoinsOneThatExecutesIsAnsweredWithIt) {
  ASSERT_FALSE(push(keyed("first", DedupMode::kJoin, 1)));
  Queue::Work work = queue_->take(std::chrono::seconds(20));
  ASSERT_FALSE(push(keyed("second", DedupMode::kJoin, 2)));
  ASSERT_FALSE(push(keyed("third", DedupMode::kSkip, 3)));
  EXPECT_EQ(answered(), "third:present");
  queue_->settle(*work.batch.front(), answered_);
  EXPECT_EQ(answered(), "second:joined");
  expect_empty();
}

TEST_F(QueueTest, WhoJoinedAFailureTakesItsPlace) {
  for (uint64_t i = 1; i <= 3; i++) ASSERT_FALSE(push(keyed("w" + std::to_string(i), DedupMode::kJoin, i)));
  EXPECT_EQ(run(make_error(ErrorCode::kUniqueViolation, "no")), "w1");
  EXPECT_EQ(answered(), "");
  EXPECT_EQ(run(), "w2");
  EXPECT_EQ(answered(), "w3:joined");
  expect_empty();
}

TEST_F(QueueTest, WhoJoinedAnUnknownOutcomeIsToldSo) {
  for (uint64_t i = 1; i <= 2; i++) ASSERT_FALSE(push(keyed("w" + std::to_string(i), DedupMode::kJoin, i)));
  EXPECT_EQ(run(make_error(ErrorCode::kTransactionResolutionUnknown, "?")), "w1");
  ASSERT_EQ(answered_.size(), 1u);
  EXPECT_EQ(answered_.front()->outcome.error->code, ErrorCode::kTransactionResolutionUnknown);
  EXPECT_EQ(answered(), "w2:error");
  expect_empty();
}

TEST_F(QueueTest, WhoJoinedAWithdrawnWriteTakesItsPlace) {
  for (uint64_t i = 1; i <= 3; i++) ASSERT_FALSE(push(keyed("w" + std::to_string(i), DedupMode::kJoin, i)));
  EXPECT_EQ(withdrawn(1), "w1");
  EXPECT_EQ(withdrawn(3), "w3");
  EXPECT_EQ(run(), "w2");
  expect_empty();
}

TEST_F(QueueTest, TheLatestTakesThePlaceOfTheOneThatWaits) {
  ASSERT_FALSE(push(keyed("old", DedupMode::kLatest, 1)));
  ASSERT_FALSE(push(unit("other", 2)));
  ASSERT_FALSE(push(keyed("new", DedupMode::kLatest, 3)));
  EXPECT_EQ(answered(), "old:superseded");
  EXPECT_EQ(run(), "new other");
  expect_empty();
}

TEST_F(QueueTest, TheLatestDoesNotOvertakeItsOrderKey) {
  const auto save = [&](const char* name, uint64_t session) {
    auto made = keyed(name, DedupMode::kLatest, session);
    made->options.order_key = "o";
    return push(std::move(made));
  };
  ASSERT_FALSE(save("old", 1));
  ASSERT_FALSE(push(ordered("other", "o", 2)));
  ASSERT_FALSE(save("new", 3));
  EXPECT_EQ(answered(), "old:superseded");
  EXPECT_EQ(run(), "other");
  EXPECT_EQ(run(), "new");
  expect_empty();
}

TEST_F(QueueTest, TheLatestWaitsBehindTheOneThatExecutes) {
  ASSERT_FALSE(push(keyed("first", DedupMode::kLatest, 1)));
  Queue::Work work = queue_->take(std::chrono::seconds(20));
  ASSERT_FALSE(push(keyed("second", DedupMode::kLatest, 2)));
  ASSERT_FALSE(push(keyed("third", DedupMode::kLatest, 3)));
  EXPECT_EQ(answered(), "second:superseded");
  queue_->settle(*work.batch.front(), answered_);
  EXPECT_EQ(run(), "third");
  expect_empty();
}

// ---- debounce --------------------------------------------------------------------------------------------------

TEST_F(QueueTest, DebouncedWritesWaitForTheLast) {
  for (uint64_t i = 0; i < 20; i++) {
    ASSERT_FALSE(push(keyed("s" + std::to_string(i), DedupMode::kLatest, i + 1, milliseconds(200))));
  }
  EXPECT_EQ(answered_.size(), 19u);
  answered_.clear();
  EXPECT_EQ(queue_->state().debounced, 1u);
  EXPECT_EQ(queue_->state().waiting, 0u);
  EXPECT_TRUE(queue_->take(Duration::zero()).batch.empty());
  EXPECT_EQ(run(), "s19");
  expect_empty();
}

TEST_F(QueueTest, AnExplicitSaveEndsTheDebounce) {
  ASSERT_FALSE(push(keyed("draft", DedupMode::kLatest, 1, std::chrono::hours(1))));
  ASSERT_FALSE(push(keyed("save", DedupMode::kLatest, 2)));
  EXPECT_EQ(answered(), "draft:superseded");
  EXPECT_EQ(run(), "save");
  expect_empty();
}

TEST_F(QueueTest, FlushingEndsTheDebounce) {
  ASSERT_FALSE(push(keyed("a", DedupMode::kLatest, 1, std::chrono::hours(1))));
  queue_->flush("another");
  queue_->flush_session(2);
  EXPECT_EQ(queue_->state().debounced, 1u);
  queue_->flush("k");
  EXPECT_EQ(run(), "a");
  ASSERT_FALSE(push(keyed("b", DedupMode::kLatest, 7, std::chrono::hours(1))));
  queue_->flush_session(7);
  EXPECT_EQ(run(), "b");
  ASSERT_FALSE(push(keyed("c", DedupMode::kLatest, 8, std::chrono::hours(1))));
  queue_->flush_all();
  EXPECT_EQ(run(), "c");
  expect_empty();
}

TEST_F(QueueTest, ClosingExecutesWhatIsDebounced) {
  ASSERT_FALSE(push(keyed("a", DedupMode::kLatest, 1, std::chrono::hours(1))));
  queue_->close();
  EXPECT_EQ(run(), "a");
  EXPECT_TRUE(queue_->take(std::chrono::seconds(1)).closed);
  EXPECT_EQ(push(unit("late"))->code, ErrorCode::kAdminShutdown);
  expect_empty();
}

TEST_F(QueueTest, TooManyDebouncedWritesEndTheOldestEarly) {
  limits_.debounce_units = 2;
  restart();
  for (uint64_t i = 1; i <= 3; i++) {
    auto made = keyed("w" + std::to_string(i), DedupMode::kLatest, i, std::chrono::hours(1));
    made->options.dedup_key = "k" + std::to_string(i);
    ASSERT_FALSE(push(std::move(made)));
  }
  EXPECT_EQ(run(), "w1");
  EXPECT_EQ(queue_->state().debounced, 2u);
}

TEST_F(QueueTest, ADeadlineEndsTheDebounceInTime) {
  auto made = keyed("a", DedupMode::kLatest, 1, std::chrono::hours(1));
  made->options.deadline = Deadline::in(std::chrono::seconds(2));
  const Deadline deadline = made->options.deadline;
  ASSERT_FALSE(push(std::move(made)));
  EXPECT_EQ(run(), "a");
  EXPECT_FALSE(deadline.expired());
}

// ---- budgets ---------------------------------------------------------------------------------------------------

TEST_F(QueueTest, WhatJoinsAndWhatIsPutAsideCountsAgainstTheBudget) {
  limits_.queue_units = 2;
  restart();
  ASSERT_FALSE(push(keyed("aside", DedupMode::kLatest, 1, std::chrono::hours(1))));
  ASSERT_FALSE(push(keyed("joins", DedupMode::kJoin, 2)));
  EXPECT_EQ(push(unit("third", 3))->code, ErrorCode::kTooManyConnections);
  EXPECT_EQ(counters_.refused_full, 1u);
  EXPECT_EQ(withdrawn(1), "aside");
  EXPECT_EQ(run(), "joins");
  ASSERT_FALSE(push(unit("third", 3)));
  EXPECT_EQ(run(), "third");
  expect_empty();
}

}  // namespace
}  // namespace merganser::coordinator

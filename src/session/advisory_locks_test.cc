#include "session/advisory_locks.h"

#include <gtest/gtest.h>

namespace merganser::session {
namespace {

constexpr AdvisoryKey kOne{1, false};

TEST(AdvisoryLocks, CountsAndModes) {
  AdvisoryLocks locks;
  EXPECT_TRUE(locks.try_lock(1, kOne, LockMode::kExclusive, LockSpan::kSession));
  EXPECT_TRUE(locks.try_lock(1, kOne, LockMode::kShared, LockSpan::kSession));
  EXPECT_FALSE(locks.try_lock(2, kOne, LockMode::kShared, LockSpan::kSession));
  EXPECT_TRUE(locks.unlock(1, kOne, LockMode::kExclusive));
  EXPECT_FALSE(locks.unlock(1, kOne, LockMode::kExclusive));
  EXPECT_TRUE(locks.try_lock(2, kOne, LockMode::kShared, LockSpan::kSession));
  locks.unlock_all(1);
  locks.unlock_all(2);
  EXPECT_EQ(locks.keys(), 0U);
}

TEST(AdvisoryLocks, WaitersAreServedInOrder) {
  AdvisoryLocks locks;
  std::vector<int> order;
  EXPECT_TRUE(locks.try_lock(1, kOne, LockMode::kExclusive, LockSpan::kSession));
  locks.wait(2, kOne, LockMode::kShared, LockSpan::kSession, [&] { order.push_back(2); });
  locks.wait(3, kOne, LockMode::kExclusive, LockSpan::kSession, [&] { order.push_back(3); });
  locks.wait(4, kOne, LockMode::kShared, LockSpan::kSession, [&] { order.push_back(4); });
  EXPECT_EQ(locks.blockers(4), (std::vector<uint64_t>{1, 2, 3}));
  locks.unlock_all(1);
  EXPECT_EQ(order, std::vector<int>{2});
  EXPECT_FALSE(locks.try_lock(5, kOne, LockMode::kShared, LockSpan::kSession));
  locks.withdraw(3);
  EXPECT_EQ(order, (std::vector<int>{2, 4}));
  locks.unlock_all(2);
  locks.unlock_all(4);
  EXPECT_EQ(locks.keys(), 0U);
}

TEST(AdvisoryLocks, ThoseOfATransaction) {
  AdvisoryLocks locks;
  EXPECT_TRUE(locks.try_lock(1, kOne, LockMode::kExclusive, LockSpan::kSession));
  EXPECT_TRUE(locks.try_lock(1, kOne, LockMode::kExclusive, LockSpan::kTransaction));
  EXPECT_TRUE(locks.try_lock(1, {2, false}, LockMode::kShared, LockSpan::kTransaction));
  EXPECT_EQ(locks.taken_in_transaction(1), 2U);
  locks.back_to(1, 1);
  EXPECT_TRUE(locks.try_lock(2, {2, false}, LockMode::kExclusive, LockSpan::kSession));
  locks.end_transaction(1);
  EXPECT_FALSE(locks.try_lock(2, kOne, LockMode::kShared, LockSpan::kSession));  // the session's own is left
  locks.unlock_all(1);
  locks.unlock_all(2);
  EXPECT_EQ(locks.keys(), 0U);
  EXPECT_EQ(locks.held_by(1), 0U);
}

TEST(AdvisoryLocks, PairsAreOtherKeys) {
  EXPECT_NE(AdvisoryKey::of(0, 1), kOne);
  EXPECT_NE(AdvisoryKey::of(1, 0), AdvisoryKey::of(0, 1));
  EXPECT_NE(AdvisoryKey::of(-1, 0), AdvisoryKey::of(0, -1));
}

}  // namespace
}  // namespace merganser::session

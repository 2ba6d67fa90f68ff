#include "base/histogram.h"

#include <gtest/gtest.h>
#include <random>
#include <thread>
#include <vector>

namespace merganser {
namespace {

TEST(Histogram, BucketsFollowOneAnotherWithoutGaps) {
  EXPECT_EQ(Histogram::bucket_of(0), 0U);
  for (size_t i = 0; i + 1 < Histogram::kBuckets; i++) {
    const uint64_t low = Histogram::lower_bound(i);
    const uint64_t next = Histogram::lower_bound(i + 1);
    ASSERT_LT(low, next) << i;
    EXPECT_EQ(Histogram::bucket_of(low), i);
    EXPECT_EQ(Histogram::bucket_of(next - 1), i);
    EXPECT_LE(next - low, std::max<uint64_t>(1, low / 4)) << "bucket " << i << " is too wide";
  }
  EXPECT_EQ(Histogram::bucket_of((uint64_t{1} << 32) - 1), Histogram::kBuckets - 1);
  EXPECT_EQ(Histogram::bucket_of(UINT64_MAX), Histogram::kBuckets - 1);
}

TEST(Histogram, EmptyIsZero) {
  const Histogram histogram;
  const auto seen = histogram.snapshot();
  EXPECT_EQ(seen.count, 0U);
  EXPECT_EQ(seen.mean(), 0);
  EXPECT_EQ(seen.quantile(0.99), 0);
}

TEST(Histogram, QuantilesAreNearTheTruth) {
  Histogram histogram;
  std::minstd_rand random(7);
  std::vector<uint64_t> all;
  for (int i = 0; i < 20000; i++) {
    const uint64_t value = uint64_t{1} << (random() % 24) | random() % 1000;
    all.push_back(value);
    histogram.record(value);
  }
  std::sort(all.begin(), all.end());
  const auto seen = histogram.snapshot();
  EXPECT_EQ(seen.count, all.size());
  EXPECT_EQ(seen.max, all.back());
  EXPECT_EQ(seen.quantile(1), static_cast<double>(all.back()));
  for (const double q : {0.01, 0.25, 0.5, 0.9, 0.99, 0.999}) {
    const auto truth = static_cast<double>(all[static_cast<size_t>(q * static_cast<double>(all.size()))]);
    EXPECT_NEAR(seen.quantile(q), truth, truth / 4 + 1) << q;
  }
  double last = 0;
  for (int i = 0; i <= 1000; i++) {
    const double at = seen.quantile(i / 1000.0);
    ASSERT_GE(at, last) << i;
    last = at;
  }
}

TEST(Histogram, LargeAndNegativeStayInside) {
  Histogram histogram;
  histogram.record(UINT64_MAX);
  histogram.record(Duration(-5));
  const auto seen = histogram.snapshot();
  EXPECT_EQ(seen.count, 2U);
  EXPECT_EQ(seen.buckets[0], 1U);
  EXPECT_EQ(seen.quantile(1), static_cast<double>(UINT64_MAX));
}

TEST(Histogram, ManyThreadsLoseNothing) {
  Histogram histogram;
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; t++) {
    threads.emplace_back([&histogram, t] {
      for (uint64_t i = 0; i < 10000; i++) histogram.record(t * 10000 + i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto seen = histogram.snapshot();
  EXPECT_EQ(seen.count, 40000U);
  EXPECT_EQ(seen.sum, uint64_t{39999} * 40000 / 2);
  EXPECT_EQ(seen.max, 39999U);
}

}  // namespace
}  // namespace merganser

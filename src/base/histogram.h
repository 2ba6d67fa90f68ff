// How often which size was seen: times in microseconds, rows, bytes; from 0 to 2^32, each bucket at most a quarter
// wide.
//
// record() costs three relaxed additions and never waits. A snapshot taken meanwhile may miss what is being recorded,
// never more. Threads: any. Lifetime: a value that stays where it is; nothing is ever forgotten.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace merganser {

class Histogram {
 public:
  // Four buckets for each power of two; below 4 one for each number; the last one also takes what is larger.
  static constexpr size_t kBuckets = 124;

  struct Snapshot {
    uint64_t count = 0;
    uint64_t sum = 0;
    uint64_t max = 0;
    std::array<uint64_t, kBuckets> buckets{};

    double mean() const { return count == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(count); }
    // The size that a share `q` (0 to 1) of all stays at or below; between a bucket's bounds it is estimated.
    double quantile(double q) const;
  };

  void record(uint64_t value) {
    buckets_[bucket_of(value)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
    uint64_t seen = max_.load(std::memory_order_relaxed);
    while (value > seen && !max_.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
    }
  }
  // A span of time, in microseconds; one that went backwards counts as none.
  void record(Duration span) {
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(span).count();
    record(micros > 0 ? static_cast<uint64_t>(micros) : uint64_t{0});
  }

  Snapshot snapshot() const;

  // What falls into bucket `index`: from lower_bound(index) up to and without lower_bound(index + 1).
  static constexpr uint64_t lower_bound(size_t index) {
    if (index < 8) return index;
    return (4 + index % 4) << (index / 4 - 1);
  }
  static constexpr size_t bucket_of(uint64_t value) {
    if (value < 4) return static_cast<size_t>(value);
    const auto power = static_cast<size_t>(std::bit_width(value)) - 1;
    const size_t index = (power - 1) * 4 + ((value >> (power - 2)) & 3);
    return index < kBuckets ? index : kBuckets - 1;
  }

 private:
  std::array<std::atomic<uint64_t>, kBuckets> buckets_{};
  std::atomic<uint64_t> sum_ = 0;
  std::atomic<uint64_t> max_ = 0;
};

}  // namespace merganser

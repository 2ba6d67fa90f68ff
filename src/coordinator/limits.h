// How much may wait, how much goes into one transaction, and when checkpoints run.
//
// Threads: values, fixed when the coordinator starts.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace merganser::coordinator {

// How long writes stand still for reads to end, so that a checkpoint can run that is long overdue.
inline constexpr std::chrono::milliseconds kCheckpointPatience{250};
inline constexpr std::chrono::milliseconds kMaxCheckpointPatience{5000};

struct Limits {
  size_t queue_units = 10000;
  size_t queue_bytes = size_t{256} << 20;
  size_t session_bytes = size_t{64} << 20;
  size_t debounce_units = 1000;  // writes that wait for their debounce
  size_t batch_units = 1024;
  size_t batch_bytes = size_t{16} << 20;
  std::chrono::milliseconds batch_time{50};    // of executing, before the batch is committed
  std::chrono::microseconds linger{0};         // wait for company after the first unit; 0: never
  std::chrono::milliseconds lane_lease{5000};  // an idle holder loses the lane after this, when others wait
  bool coalescing = true;                      // units of one shape run as one statement
  std::chrono::milliseconds idempotency_retention{std::chrono::hours(24)};
  uint64_t idempotency_max_keys = 1000000;  // new ones are refused then
  size_t idempotency_answer_bytes = size_t{256} << 10;
  uint64_t checkpoint_wal_bytes = uint64_t{64} << 20;
  std::chrono::milliseconds checkpoint_interval{60000};  // of idleness with a WAL that is not empty; 0: never
};

}  // namespace merganser::coordinator

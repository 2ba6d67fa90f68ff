// What the write path counts.
//
// Threads: any.
#pragma once

#include <atomic>
#include <cstdint>

namespace merganser::coordinator {

struct Counters {
  std::atomic<uint64_t> commits = 0;        // transactions made durable
  std::atomic<uint64_t> units = 0;          // units answered
  std::atomic<uint64_t> grouped_units = 0;  // of them, those that shared a commit
  std::atomic<uint64_t> solo_reruns = 0;    // units that ran alone after an error in their group
  std::atomic<uint64_t> conflicts_retried = 0;
  std::atomic<uint64_t> refused_full = 0;  // 53300: queue or session budget
  std::atomic<uint64_t> expired = 0;       // deadline passed while queued
  std::atomic<uint64_t> cancelled = 0;
  std::atomic<uint64_t> outcome_unknown = 0;
  std::atomic<uint64_t> lanes_granted = 0;
  std::atomic<uint64_t> lanes_revoked = 0;
  std::atomic<uint64_t> checkpoints = 0;
  std::atomic<uint64_t> checkpoint_failures = 0;
  std::atomic<uint64_t> ddl = 0;
};

}  // namespace merganser::coordinator

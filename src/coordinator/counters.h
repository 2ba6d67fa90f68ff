// What the writer has counted and measured since the owner started, for status and merganser.statistics.
//
// Threads: all of it atomic; read from any. Lifetime: the coordinator's.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/histogram.h"
#include "coordinator/shape.h"

namespace merganser::coordinator {

// What the writer thread does now.
enum class WriterState : uint8_t { kIdle, kExecuting, kCommitting, kLane, kCheckpoint, kCount };
inline constexpr std::array<std::string_view, static_cast<size_t>(WriterState::kCount)> kWriterStateNames{
    "idle", "executing", "committing", "lane", "checkpoint"};

struct Counters {
  std::atomic<uint64_t> commits = 0;        // transactions made durable
  std::atomic<uint64_t> entered = 0;        // units that were let into the queue
  std::atomic<uint64_t> units = 0;          // units answered
  std::atomic<uint64_t> grouped_units = 0;  // of them, those that shared a commit
  std::atomic<uint64_t> rows = 0;           // changed by committed units
  std::atomic<uint64_t> solo_reruns = 0;    // units that ran alone after an error in their group
  std::atomic<uint64_t> conflicts_retried = 0;
  std::atomic<uint64_t> refused_full = 0;  // 53300: queue or session budget
  std::atomic<uint64_t> expired = 0;       // deadline passed while queued
  std::atomic<uint64_t> cancelled = 0;
  std::atomic<uint64_t> skipped = 0;     // another write with their dedup_key stood for them
  std::atomic<uint64_t> superseded = 0;  // a newer write with their dedup_key took their place
  std::atomic<uint64_t> outcome_unknown = 0;
  std::atomic<uint64_t> lanes_granted = 0;
  std::atomic<uint64_t> lanes_revoked = 0;
  std::atomic<uint64_t> checkpoints = 0;
  std::atomic<uint64_t> checkpoint_failures = 0;
  std::atomic<int64_t> checkpoint_due_since = 0;  // steady ticks; 0: none is put off because of old snapshots
  std::atomic<uint64_t> ddl = 0;

  std::atomic<uint64_t> coalesced_units = 0;       // units whose statements ran as parts of larger ones
  std::atomic<uint64_t> coalesced_statements = 0;  // the larger ones
  std::atomic<uint64_t> split_batches = 0;         // larger ones that failed and were taken apart
  std::array<std::atomic<uint64_t>, kNotCoalescedNames.size()> not_coalesced{};
  // Statements that ran by themselves, by reason.
  void count(NotCoalesced why, uint64_t statements = 1) {
    not_coalesced[static_cast<size_t>(why)].fetch_add(statements, std::memory_order_relaxed);
  }

  std::atomic<WriterState> writer = WriterState::kIdle;

  Histogram queue_wait;   // µs from arrival to the batch
  Histogram lane_wait;    // µs from asking for the lane to having it
  Histogram batch_units;  // units that shared a commit
  Histogram batch_rows;   // rows that shared a commit
  Histogram execute;      // µs of a batch before its COMMIT
  Histogram commit;       // µs of COMMIT: DuckDB's bookkeeping and the fsync of the log
  Histogram sync;         // µs of the fsync within it
  Histogram checkpoint;   // µs of a checkpoint

  std::atomic<uint64_t> idempotency_keys = 0;              // kept now, about
  std::atomic<uint64_t> idempotent_replays = 0;            // requests answered from a kept answer
  std::atomic<uint64_t> idempotency_mismatches = 0;        // a key that came with another request
  std::atomic<uint64_t> idempotent_answers_too_large = 0;  // recorded without their rows
  std::atomic<uint64_t> idempotency_keys_expired = 0;
};

}  // namespace merganser::coordinator

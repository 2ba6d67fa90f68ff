// Where a session's running statement is, written down as it goes from hand to hand, for merganser.activity.
//
// Threads: one writer at a time, whoever has the statement; read from any. Lifetime: shared by the session and its
// work.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/clock.h"

namespace merganser {

enum class Stage : uint8_t {
  kIdle,        // nothing runs
  kWriteQueue,  // behind other writes
  kLane,        // for the right to write in a transaction
  kWorker,      // for a thread or a connection
  kExecuting,
  kClient,  // its rows wait to be taken
  kCount
};
inline constexpr std::array<std::string_view, static_cast<size_t>(Stage::kCount)> kStageNames{
    "", "write queue", "write lane", "worker", "", "client"};

class StageMark {
 public:
  void set(Stage stage, TimePoint now = SteadyClock::now()) {
    since_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    stage_.store(stage, std::memory_order_release);
  }
  Stage stage() const { return stage_.load(std::memory_order_acquire); }
  TimePoint since() const { return TimePoint(Duration(since_.load(std::memory_order_relaxed))); }

 private:
  std::atomic<Stage> stage_ = Stage::kIdle;
  std::atomic<int64_t> since_ = 0;
};
using StageMarkPtr = std::shared_ptr<StageMark>;

}  // namespace merganser

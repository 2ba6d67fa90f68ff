// Where a session's running statement is, written down as it goes from hand to hand, for merganser.activity.
//
// Threads: one writer at a time, whoever has the statement; read from any. Lifetime: shared by the session and its
// work.
#pragma once

#include <algorithm>
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
  kAdvisoryLock,
  kCount
};
inline constexpr std::array<std::string_view, static_cast<size_t>(Stage::kCount)> kStageNames{
    "", "write queue", "write lane", "worker", "", "client", "advisory lock"};

class StageMark {
 public:
  // A statement begins, or has ended.
  void begin(TimePoint now) {
    waited_.store(0, std::memory_order_relaxed);
    enter(Stage::kIdle, now);
  }
  void set(Stage stage, TimePoint now = SteadyClock::now()) {
    if (is_waiting(this->stage())) waited_.store(waited(now).count(), std::memory_order_relaxed);
    enter(stage, now);
  }
  Stage stage() const { return stage_.load(std::memory_order_acquire); }
  // How long the statement has waited for others so far, not counting the time that its client takes.
  Duration waited(TimePoint now) const {
    const Duration before(waited_.load(std::memory_order_relaxed));
    if (!is_waiting(stage())) return before;
    return before + std::max(Duration::zero(), now - TimePoint(Duration(since_.load(std::memory_order_relaxed))));
  }

 private:
  static bool is_waiting(Stage stage) {
    return stage == Stage::kWriteQueue || stage == Stage::kLane || stage == Stage::kWorker ||
           stage == Stage::kAdvisoryLock;
  }
  void enter(Stage stage, TimePoint now) {
    since_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    stage_.store(stage, std::memory_order_release);
  }
  std::atomic<Stage> stage_ = Stage::kIdle;
  std::atomic<int64_t> since_ = 0;
  std::atomic<int64_t> waited_ = 0;
};
using StageMarkPtr = std::shared_ptr<StageMark>;

}  // namespace merganser

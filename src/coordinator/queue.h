// What waits for the writer: units and requests for the lane, in the order in which they will be served, within the
// budgets of the owner and of each session.
//
// Threads: push(), withdraw() and the figures from any; take() by the writer alone; settle() by whoever ends a unit.
// Lifetime: what is pushed leaves through take() or withdraw(), or is refused by push(); after close() nothing comes in
// and take() still hands out what waits.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <variant>
#include <vector>

#include "coordinator/counters.h"
#include "coordinator/lane.h"
#include "coordinator/limits.h"
#include "coordinator/unit.h"

namespace merganser::coordinator {

class Queue {
 public:
  Queue(const Limits& limits, Counters& counters) : limits_(limits), counters_(counters) {}

  // Takes the unit, or says why not and leaves it alone. From here to settle() it counts against the budgets.
  std::optional<Error> push(UnitPtr& unit);
  std::optional<Error> push(LaneRequest& request);

  struct Withdrawn {
    std::vector<UnitPtr> units;
    std::vector<LaneRequest> lanes;
  };
  // What the session has waiting.
  Withdrawn withdraw(uint64_t session);

  // What the writer does next: a batch, or a lane to grant, or neither after `patience`.
  struct Work {
    std::vector<UnitPtr> batch;  // in order of arrival within a priority; what runs alone is alone here too
    std::optional<LaneRequest> lane;
    bool closed = false;  // nothing waits and nothing will come
  };
  Work take(Duration patience);
  // Whether something came since the writer last found the queue empty; without a lock.
  bool arrived() const { return arrived_.load(std::memory_order_acquire); }

  // The unit has its answer: its budget is free. Once for each unit that was taken or withdrawn.
  void settle(const Unit& unit);

  void close();
  bool closed() const;

  struct State {
    size_t waiting = 0;
    size_t bytes = 0;
  };
  State state() const;

 private:
  using Entry = std::variant<UnitPtr, LaneRequest>;

  std::optional<Error> refusal(const Unit& unit);
  std::vector<UnitPtr> take_batch(std::unique_lock<std::mutex>& lock);
  static size_t footprint(const Unit& unit);

  const Limits& limits_;
  Counters& counters_;
  std::atomic<bool> arrived_ = false;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::deque<Entry> entries_;
  size_t bytes_ = 0;
  size_t units_ = 0;
  std::unordered_map<uint64_t, size_t> session_bytes_;
  bool closed_ = false;
};

Error shutting_down();

}  // namespace merganser::coordinator

// What waits for the writer: units and requests for the lane, by priority and in order of arrival, within the budgets
// of the owner and of each session.
//
// Writes that share an order_key wait for each other: a batch holds one of them. Writes that share a dedup_key stand
// for each other: at most one waits, others join it, are skipped or take its place. A write with a debounce waits aside
// until its time has come.
//
// Threads: push(), withdraw(), flush() and the figures from any; take() by the writer alone; settle() by whoever ends a
// unit. Lifetime: what is pushed leaves through take(), withdraw() or an `answered` list, or is refused by push();
// after close() nothing comes in and take() still hands out what waits.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <variant>
#include <vector>

#include "coordinator/counters.h"
#include "coordinator/lane.h"
#include "coordinator/limits.h"
#include "coordinator/turns.h"
#include "coordinator/unit.h"

namespace merganser::coordinator {

class Queue {
 public:
  // Units that have their answer in `outcome` without having been executed. Their budget is free already.
  using Answered = std::vector<UnitPtr>;

  Queue(const Limits& limits, Counters& counters) : limits_(limits), counters_(counters) {}

  // Takes the unit, or says why not and leaves it alone. From here to settle() it counts against the budgets.
  std::optional<Error> push(UnitPtr& unit, Answered& answered);
  std::optional<Error> push(LaneRequest& request);

  struct Withdrawn {
    std::vector<UnitPtr> units;
    std::vector<LaneRequest> lanes;
  };
  // What the session has waiting. Who joined one of these takes its place.
  Withdrawn withdraw(uint64_t session);
  // What waits for its debounce need not wait any longer: the write with this key, or all of a session, or all.
  void flush(const std::string& dedup_key);
  void flush_session(uint64_t session);
  void flush_all();

  // What the writer does next: a batch, or a lane to grant, or neither after `patience`. Calling it says that what was
  // taken before has been executed.
  struct Work {
    std::vector<UnitPtr> batch;  // in order of arrival within a priority; what runs alone is alone here too
    std::optional<LaneRequest> lane;
    bool closed = false;  // nothing waits and nothing will come
  };
  Work take(Duration patience);
  // Sleeps until so many units have entered since the start, nobody comes any more, or it is late.
  void wait_for_company(uint64_t entered, TimePoint until);
  // Whether something came since the writer last found the queue empty; without a lock.
  bool arrived() const { return arrived_.load(std::memory_order_acquire); }

  // The unit has its answer: its budget is free, and so are those who joined it. Once for each unit that was taken or
  // withdrawn.
  void settle(Unit& unit, Answered& answered);

  void close();
  bool closed() const;
  // Whether something could run now if the writer were free.
  bool contended();

  struct State {
    size_t waiting = 0;
    size_t debounced = 0;
    size_t bytes = 0;
  };
  State state() const;
  // What each session has waiting or executing.
  std::unordered_map<uint64_t, size_t> bytes_by_session() const;

 private:
  struct Entry {
    uint64_t arrival = 0;
    Priority priority = Priority::kInteractive;
    std::variant<UnitPtr, LaneRequest> what;

    const WriteOptions& options() const;
    uint64_t session() const;
    Unit* unit() const;
  };
  struct SessionShare {
    size_t bytes = 0;
    Priority priority = Priority::kControl;  // the least urgent of what it has here
  };
  // A dedup_key is known as long as one of its units waits or executes.
  struct Key {
    Unit* waiting = nullptr;
    Unit* executing = nullptr;  // the last one taken
    size_t taken = 0;
  };
  using Line = std::deque<Entry>;
  using Place = std::pair<TimePoint, uint64_t>;

  std::optional<Error> refusal(const Unit& unit);
  Entry make_entry(UnitPtr unit);
  void charge(Unit& unit);
  void refund(const Unit& unit);
  void answer(UnitPtr unit, Skip skip, Answered& answered);

  // Keys: queue_keys.cc.
  enum class Entrance : uint8_t { kLine, kDone };
  Entrance deduplicate(UnitPtr& unit, Answered& answered);
  void supersede(Key& key, UnitPtr& unit, Answered& answered);
  void put_aside(UnitPtr unit, TimePoint due);
  void release_due(TimePoint now);
  void end_debounce(std::map<Place, UnitPtr>::iterator at);
  void promote(std::vector<UnitPtr> joiners);
  void taken(Unit& unit);
  void left(Unit& unit);
  void settle_key(Unit& unit, Answered& answered);
  void enter(Entry entry);
  void line_up(Entry entry);
  void next_in_order(const std::string& order_key);
  std::optional<Entry> pull(const Unit& unit);

  Line& line(Priority priority) { return lines_[static_cast<size_t>(priority)]; }
  bool urgent_waits() const { return !lines_[0].empty() || !lines_[1].empty(); }
  bool waits() const { return urgent_waits() || !lines_[2].empty(); }
  std::optional<TimePoint> next_at(TimePoint now) const;
  Work take_now(TimePoint now);
  bool take_front(Line& from, Work& work, size_t& bytes);
  void linger(std::unique_lock<std::mutex>& lock);

  const Limits& limits_;
  Counters& counters_;
  std::atomic<bool> arrived_ = false;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::array<Line, 3> lines_;                     // by priority
  std::unordered_map<std::string, Line> orders_;  // who waits for the one of its order_key that is in line
  std::unordered_map<std::string, Key> keys_;
  std::map<Place, UnitPtr> debounced_;  // by when their time has come
  std::unordered_map<uint64_t, SessionShare> sessions_;
  Turns turns_;
  uint64_t arrivals_ = 0;
  size_t followers_ = 0;  // in orders_
  size_t bytes_ = 0;
  size_t units_ = 0;
  uint64_t company_ = 0;  // units that the writer waits for
  bool closed_ = false;
};

Error shutting_down();

}  // namespace merganser::coordinator

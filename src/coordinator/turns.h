// Whose turn it is: urgent writes (control, interactive) or bulk.
//
// Both share one writer, and what a bulk batch takes, every urgent write behind it waits. So beside urgent traffic a
// bulk batch is short where it can be, and after each one urgent writes have the writer for a multiple of its time,
// also for the moment in which they have just been answered and not yet sent the next one. Bulk still gets its share,
// and without urgent traffic there is no waiting at all.
//
// Threads: guarded by the queue. Time is passed in.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace merganser::coordinator {

class Turns {
 public:
  static constexpr int kRest = 8;                             // bulk gets at least 1/(kRest + 1) of the writer's time
  static constexpr std::chrono::milliseconds kMaxRest{1000};  // however long one bulk write took
  static constexpr std::chrono::milliseconds kQuiet{5};   // no urgent write for so long: nobody is waiting to send one
  static constexpr std::chrono::milliseconds kBusy{500};  // urgent writes within this: bulk batches are cut short
  static constexpr std::chrono::milliseconds kSlice{5};   // how short

  void urgent_arrived(uint64_t session, TimePoint now) {
    urgent_at_ = now;
    urgent_session_ = session;
  }
  void took(bool bulk, bool bulk_waits, size_t units, TimePoint now) {
    passed_over_ = !bulk && bulk_waits;
    running_ = bulk ? Running::kBulk : Running::kUrgent;
    units_ = units;
    began_at_ = now;
  }
  // What was taken last has been executed.
  void ended(TimePoint now) {
    if (running_ == Running::kUrgent) urgent_at_ = now;
    if (running_ == Running::kBulk) {
      bulk_ended_at_ = now;
      bulk_cost_ = now - began_at_;
      unit_cost_ = bulk_cost_ / static_cast<Duration::rep>(std::max<size_t>(units_, 1));
    }
    running_ = Running::kNothing;
  }

  // When a bulk write of this session may begin. A session does not wait for its own urgent writes.
  TimePoint bulk_from(bool urgent_waits, uint64_t session) const {
    const TimePoint rested = bulk_ended_at_ + std::min<Duration>(bulk_cost_ * kRest, kMaxRest);
    if (urgent_waits) return passed_over_ ? rested : TimePoint::max();
    if (session == urgent_session_) return TimePoint::min();
    return std::min(rested, urgent_at_ + kQuiet);
  }
  // How many bulk writes may share a batch.
  size_t bulk_units(size_t limit, TimePoint now) const {
    if (now - urgent_at_ > kBusy || unit_cost_ <= Duration::zero()) return limit;
    return std::clamp<size_t>(static_cast<size_t>(Duration(kSlice) / unit_cost_), 1, limit);
  }

 private:
  enum class Running : uint8_t { kNothing, kUrgent, kBulk };

  Running running_ = Running::kNothing;
  bool passed_over_ = false;  // bulk waited while urgent writes had the last turn
  size_t units_ = 0;
  TimePoint began_at_;
  TimePoint urgent_at_;
  uint64_t urgent_session_ = 0;
  TimePoint bulk_ended_at_;
  Duration bulk_cost_{0};
  Duration unit_cost_{0};
};

}  // namespace merganser::coordinator

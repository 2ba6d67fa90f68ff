// Time as types: a monotonic instant, and Deadline, which travels with work and is never a bare integer.
//
// Threads: values.
#pragma once

#include <algorithm>
#include <chrono>

namespace merganser {

using SteadyClock = std::chrono::steady_clock;
using TimePoint = SteadyClock::time_point;
using Duration = SteadyClock::duration;

class Deadline {
 public:
  // No deadline: never expires.
  Deadline() = default;
  explicit Deadline(TimePoint at) : at_(at) {}
  static Deadline in(Duration span) { return Deadline(SteadyClock::now() + span); }
  static Deadline never() { return Deadline(); }

  bool is_never() const { return at_ == TimePoint::max(); }
  bool expired(TimePoint now = SteadyClock::now()) const { return now >= at_; }
  TimePoint at() const { return at_; }
  // Zero when expired; Duration::max() when there is no deadline.
  Duration remaining(TimePoint now = SteadyClock::now()) const {
    if (is_never()) return Duration::max();
    return std::max(at_ - now, Duration::zero());
  }
  Deadline earlier(Deadline other) const { return at_ < other.at_ ? *this : other; }

 private:
  TimePoint at_ = TimePoint::max();
};

}  // namespace merganser

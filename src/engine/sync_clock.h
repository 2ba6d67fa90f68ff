// How much of a COMMIT the disk took: the time in fsync().
//
// DuckDB does not tell. The program's own fsync() stands before the C library's, which it calls; on a thread that has a
// SyncClock it looks at the clock before and after. COMMIT syncs on the thread that executes it.
//
// Threads: one clock belongs to one thread. Lifetime: around what is measured; the innermost one counts.
#pragma once

#include "base/clock.h"

namespace merganser::engine {

class SyncClock {
 public:
  SyncClock();
  ~SyncClock();
  SyncClock(const SyncClock&) = delete;
  SyncClock& operator=(const SyncClock&) = delete;

  Duration spent() const { return spent_; }
  void add(Duration span) { spent_ += span; }

 private:
  Duration spent_{};
  SyncClock* outer_;
};

}  // namespace merganser::engine

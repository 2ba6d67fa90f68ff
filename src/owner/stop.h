// Ends the owner of a file from outside, and waits until it has let go.
//
// Threads: free functions.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "owner/file_place.h"

namespace merganser::owner {

enum class StopOutcome {
  kNotRunning,  // there was none
  kStopped,     // it drained, closed the file and left
  kKilled,      // it was hung and --force ended it; the next owner recovers from the write-ahead log
};

struct StopOptions {
  bool force = false;
  Duration grace = std::chrono::seconds(5);  // with force: how long it may take to leave by itself
};

// Asks the owner to stop and waits until its lock is free. Without force a process is never killed: 57P03 naming it
// when the deadline passes. With force it is killed after the grace time, if and only if it is the very process that
// wrote itself into the lock file (pid, start time and boot) and still holds the lock.
Result<StopOutcome> stop(const FilePlace& place, StopOptions options, Deadline deadline);

}  // namespace merganser::owner

// Starts a program that outlives us: own session, no controlling terminal, no descriptors but those handed over.
//
// Threads: safe from any; the child runs only async-signal-safe code before exec.
#pragma once

#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "base/result.h"

namespace merganser::os {

struct SpawnOptions {
  std::string executable;                                        // absolute path
  std::vector<std::string> arguments;                            // without the program's name
  std::vector<std::pair<std::string, std::string>> environment;  // set on top of what we have
  std::vector<int> pass_fds;                                     // become 3, 4, … in the child
  std::string output_path;              // stdout and stderr are appended to it (mode 0600); empty: discarded
  std::string working_directory = "/";  // not ours, so that no mount stays busy because of it
};

// The child's pid, once exec has succeeded. It is not our child (its parent is init), so there is nothing to reap.
// Signals are at their defaults and unblocked in it.
Result<pid_t> spawn_detached(const SpawnOptions& options);

}  // namespace merganser::os

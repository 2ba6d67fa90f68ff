// The way in for every client: the running owner of a file, or a new one.
//
// Threads: free functions, safe from any. Many processes may race: exactly one owner comes of it.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "owner/control_client.h"
#include "owner/endpoint.h"
#include "owner/file_place.h"

namespace merganser::owner {

struct StartOptions {
  std::string executable;                    // absolute path of merganser: os::this_executable()
  std::vector<std::string> serve_arguments;  // after "serve FILE --spawned-pipe-fd 3"
  std::vector<std::pair<std::string, std::string>> environment;
  std::function<void(const std::string&)> progress;         // what the starting owner says; may be empty
  int attempts = 3;                                         // starts that may crash before the breaker opens
  Duration first_backoff = std::chrono::milliseconds(100);  // doubles
};

// Fast path without a lock; else under the spawn lock: the fast path again, then a detached child that serves the file.
// Errors: 42501 another user's file (see check_user), 57P03 an owner or a starting owner that does not become ready in
// time (named, not killed), 57P02 an owner that crashes while starting (from the breaker for a minute), or what the
// starting owner reports.
Result<Endpoint> connect_or_start(const FilePlace& place, const StartOptions& options, Deadline deadline);

}  // namespace merganser::owner

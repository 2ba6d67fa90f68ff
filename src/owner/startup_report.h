// How a starting owner tells whoever started it: PROGRESS, READY and ERROR lines on a pipe.
//
// The end of the pipe without READY or ERROR is a crash. Together with the pipe the child inherits the spawn lock, so
// the file stays "being started" when the starter is killed meanwhile. Threads: one at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "os/io.h"
#include "os/lock.h"
#include "owner/file_place.h"

namespace merganser::owner {

// The child's side.
class StartupReporter {
 public:
  // For `serve --spawned-pipe-fd N`: N is the pipe's writing end and N + 1 the held spawn lock. Ignores SIGPIPE from
  // now on: the starter may be gone.
  static Result<StartupReporter> spawned(int pipe_fd, const FilePlace& place);
  // For `serve` in the foreground: takes the spawn lock itself; progress goes to the callback.
  static Result<StartupReporter> foreground(const FilePlace& place, Deadline deadline,
                                            std::function<void(const std::string&)> progress);

  void progress(const std::string& text);
  // Clients can connect: says so and lets go of the spawn lock.
  void ready();
  // Starting failed in an orderly way: says why and lets go of the spawn lock.
  void failed(const Error& error);

 private:
  StartupReporter(os::UniqueFd pipe, os::FileLock lock, std::function<void(const std::string&)> progress)
      : pipe_(std::move(pipe)), lock_(std::move(lock)), progress_(std::move(progress)) {}
  void send(const std::string& line);

  os::UniqueFd pipe_;
  os::FileLock lock_;
  std::function<void(const std::string&)> progress_;
};

// The starter's side.
struct StartupOutcome {
  enum class Kind { kReady, kFailed, kCrashed, kTimedOut };
  Kind kind = Kind::kCrashed;
  Error error;                // of kFailed
  std::string last_progress;  // may be empty
};
StartupOutcome follow_startup(int pipe_fd, const std::function<void(const std::string&)>& progress, Deadline deadline);

}  // namespace merganser::owner

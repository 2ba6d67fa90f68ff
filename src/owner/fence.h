// Checks every second that the file is still ours, and says once when it is not.
//
// Somebody may remove the lock file, move or replace the database, or take the engine's guard: then another owner may
// already be writing, and this one must stop writing and leave without touching anything.
// Threads: on_lost runs on the fence's own thread, at most once; it must not destroy the fence. Lifetime: the
// destructor stops the thread; the lock and what the guard refers to outlive it.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/result.h"
#include "os/lock.h"
#include "owner/endpoint.h"
#include "owner/file_place.h"

namespace merganser::owner {

class Fence {
 public:
  struct Options {
    Duration interval = std::chrono::seconds(1);
    std::function<Status()> guard;  // the engine's own check; may be empty
    std::function<void(const Error&)> on_lost;
  };

  Fence(FilePlace place, const os::FileLock& lock, Endpoint published, Options options);
  ~Fence();
  Fence(const Fence&) = delete;
  Fence& operator=(const Fence&) = delete;

  // One round: an error when the file is not ours any more. What cannot be found out (out of descriptors, an I/O error)
  // counts as ours until it has failed kDoubts times in a row.
  Status check();
  static constexpr int kDoubts = 10;

 private:
  Status check_database() const;
  Status check_endpoint() const;
  void run();

  const FilePlace place_;
  const os::FileLock& lock_;
  const Endpoint published_;
  const Options options_;
  int doubts_ = 0;
  std::mutex mutex_;
  std::condition_variable stop_signal_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace merganser::owner

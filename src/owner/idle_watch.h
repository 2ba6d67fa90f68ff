// Decides when an owner that nobody uses may leave.
//
// It leaves only with the spawn lock in hand: a client that finds the owner leaving waits for that lock instead of
// racing with it. Threads: activity and on_idle run on the watch's own thread; on_idle is called at most once and must
// not destroy the watch. Lifetime: the destructor stops the thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.h"
#include "os/lock.h"

namespace merganser::owner {

struct Activity {
  size_t sessions = 0;
  TimePoint last{};  // when the last session ended or the last statement ran
};

class IdleWatch {
 public:
  struct Options {
    std::string spawn_path;
    Duration timeout = std::chrono::minutes(5);
    std::function<Activity()> activity;
    // Announces that the owner is leaving, unless it was used after that time: see ControlServer.
    std::function<bool(TimePoint since)> announce;
    // Must make main stop accepting, shut down and let go of the file before the lock.
    std::function<void(os::FileLock spawn_lock)> on_idle;
    Duration retry = std::chrono::seconds(1);  // while somebody else holds the spawn lock
  };

  explicit IdleWatch(Options options);
  ~IdleWatch();
  IdleWatch(const IdleWatch&) = delete;
  IdleWatch& operator=(const IdleWatch&) = delete;

 private:
  void run();
  // How long to wait before looking again; zero when the owner has been told to leave.
  Duration look();

  const Options options_;
  std::mutex mutex_;
  std::condition_variable stop_signal_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace merganser::owner

#include "owner/idle_watch.h"

#include <algorithm>

#include "base/log.h"

namespace merganser::owner {

IdleWatch::IdleWatch(Options options) : options_(std::move(options)), thread_([this] { run(); }) {}

IdleWatch::~IdleWatch() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_signal_.notify_all();
  thread_.join();
}

void IdleWatch::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const Duration pause = look();
    lock.lock();
    if (pause == Duration::zero()) return;
    stop_signal_.wait_for(lock, pause, [this] { return stopping_; });
  }
}

Duration IdleWatch::look() {
  const Activity activity = options_.activity();
  if (activity.sessions > 0) return std::min<Duration>(options_.timeout, std::chrono::seconds(1));
  const Duration left = activity.last + options_.timeout - SteadyClock::now();
  if (left > Duration::zero()) return left;
  Result<std::optional<os::FileLock>> lock = os::FileLock::try_take(options_.spawn_path);
  if (!lock.ok()) {
    log(LogLevel::kWarn, "idle.no_spawn_lock", {{"error", lock.error().to_string()}});
    return options_.retry;
  }
  if (!*lock) return options_.retry;  // somebody is on the way in
  // A session may have come between the first look and the lock.
  const Activity now = options_.activity();
  if (now.sessions > 0 || now.last != activity.last || !options_.announce(activity.last)) return options_.retry;
  log(LogLevel::kInfo, "idle.leaving",
      {{"idle_s", std::chrono::duration_cast<std::chrono::seconds>(SteadyClock::now() - activity.last).count()}});
  options_.on_idle(*std::move(*lock));
  return Duration::zero();
}

}  // namespace merganser::owner

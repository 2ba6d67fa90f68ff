#include "owner/fence.h"

#include "base/log.h"

namespace merganser::owner {

Fence::Fence(FilePlace place, const os::FileLock& lock, Endpoint published, Options options)
    : place_(std::move(place)),
      lock_(lock),
      published_(std::move(published)),
      options_(std::move(options)),
      thread_([this] { run(); }) {}

Fence::~Fence() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_signal_.notify_all();
  thread_.join();
}

Status Fence::check() {
  Status found = lock_.verify_in_place();
  if (found.ok()) found = check_database();
  if (found.ok()) found = check_endpoint();
  if (found.ok() && options_.guard) found = options_.guard();
  const bool doubtful = !found.ok() && (found.error().code == ErrorCode::kIoError ||
                                        found.error().code == ErrorCode::kInsufficientResources ||
                                        found.error().code == ErrorCode::kOutOfMemory);
  doubts_ = doubtful ? doubts_ + 1 : 0;
  if (!doubtful || doubts_ >= kDoubts) return found;
  log(LogLevel::kWarn, "fence.doubt",
      {{"file", place_.path()}, {"times", doubts_}, {"error", found.error().to_string()}});
  return {};
}

Status Fence::check_database() const {
  MERGANSER_ASSIGN(const std::optional<os::FileFacts> now, os::file_facts(place_.path()));
  if (now && now->id == published_.file) return {};
  return make_error(
      ErrorCode::kObjectNotInState,
      "the database " + place_.path() + (now ? " was replaced by another file" : " was moved or removed"));
}

Status Fence::check_endpoint() const {
  const Result<std::optional<Endpoint>> now = read_endpoint(place_);
  // An unreadable text is somebody's editor, not another owner: the lock is still ours, so say it again.
  if (!now.ok() && now.error().code != ErrorCode::kProtocolViolation) return now.error();
  if (now.ok() && *now) {
    if ((*now)->nonce == published_.nonce && (*now)->generation == published_.generation) return {};
    return make_error(ErrorCode::kObjectNotInState, "another owner has published itself for " + place_.path());
  }
  log(LogLevel::kWarn, "fence.republish", {{"file", place_.path()}});
  const Status written = write_endpoint(place_, published_);
  if (!written.ok()) log(LogLevel::kWarn, "fence.republish_failed", {{"error", written.error().to_string()}});
  return {};
}

void Fence::run() {
  std::unique_lock lock(mutex_);
  while (!stop_signal_.wait_for(lock, options_.interval, [this] { return stopping_; })) {
    lock.unlock();
    const Status found = check();
    if (!found.ok()) {
      log(LogLevel::kError, "fence.lost", {{"file", place_.path()}, {"error", found.error().to_string()}});
      if (options_.on_lost) options_.on_lost(found.error());
      return;
    }
    lock.lock();
  }
}

}  // namespace merganser::owner

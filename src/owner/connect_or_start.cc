#include "owner/connect_or_start.h"

#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <optional>
#include <thread>
#include <unistd.h>

#include "os/io.h"
#include "os/lock.h"
#include "os/lock_holder.h"
#include "os/spawn.h"
#include "owner/socket_dir.h"
#include "owner/start_breaker.h"
#include "owner/startup_report.h"

namespace merganser::owner {
namespace {

constexpr std::chrono::seconds kAnswerWithin{2};  // a live owner answers hello in well under a millisecond
constexpr std::chrono::milliseconds kFirstPause{2};
constexpr std::chrono::milliseconds kLongestPause{25};
constexpr uint64_t kLogLimit = 1 << 20;  // the log of starting owners begins anew beyond this
constexpr size_t kLogTail = 600;

class Pause {
 public:
  explicit Pause(Deadline deadline) : deadline_(deadline) {}
  void wait() {
    std::this_thread::sleep_for(std::min<Duration>(next_, deadline_.remaining()));
    next_ = std::min<Duration>(next_ * 2, kLongestPause);
  }

 private:
  Deadline deadline_;
  Duration next_ = kFirstPause;
};

Probe look(const FilePlace& place, Deadline deadline) {
  return probe(place, wire::Intent::kUse, deadline.earlier(Deadline::in(kAnswerWithin)));
}

std::string holder_of(const std::string& lock_path) {
  const std::optional<os::LockHolder> holder = os::find_lock_holder(lock_path);
  return holder ? os::describe(*holder) : "a process that cannot be seen from here";
}

Error still_starting(const FilePlace& place) {
  return make_error(ErrorCode::kCannotConnectNow, "the owner of " + place.path() + " did not become ready in time",
                    holder_of(place.spawn_path()) + " is starting it or shutting it down",
                    "wait and try again, or look at it with: merganser doctor '" + place.path() + "'");
}

Error not_leaving(const FilePlace& place, Probe last) {
  if (last.state == ProbeState::kSilent) return std::move(last.error);
  return make_error(ErrorCode::kCannotConnectNow,
                    "the owner of " + place.path() + " holds its lock and cannot be reached",
                    "it is " + holder_of(place.lock_path()),
                    "look at it with: merganser doctor '" + place.path() +
                        "'; if it hangs, end it with: merganser stop "
                        "--force '" +
                        place.path() + "'");
}

// Only a live owner or a final refusal ends the search; everything else may change.
std::optional<Result<Endpoint>> settled(Probe& found) {
  if (found.state == ProbeState::kLive) return Result<Endpoint>(*std::move(found.endpoint));
  if (found.state == ProbeState::kRefused) return Result<Endpoint>(std::move(found.error));
  return std::nullopt;
}

std::string tail_of(const std::string& log_path, uint64_t from) {
  const os::UniqueFd fd(::open(log_path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  const Result<os::FileFacts> facts = os::file_facts(fd.get());
  if (!fd || !facts.ok() || facts->size <= from) return {};
  const uint64_t begin = std::max(from, facts->size > kLogTail ? facts->size - kLogTail : 0);
  std::string text(facts->size - begin, '\0');
  const ssize_t n = ::pread(fd.get(), text.data(), text.size(), static_cast<off_t>(begin));
  text.resize(n > 0 ? static_cast<size_t>(n) : 0);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

// One search for an owner; holds what its steps share.
class Search {
 public:
  Search(const FilePlace& place, const StartOptions& options, Deadline deadline)
      : place_(place), options_(options), deadline_(deadline), breaker_(place) {}

  Result<Endpoint> run() {
    Probe found = look(place_, deadline_);
    if (auto end = settled(found)) return *std::move(end);
    MERGANSER_TRY(check_access(place_));
    MERGANSER_TRY(check_user(place_));
    if (std::optional<Error> error = breaker_.open_error()) return *std::move(error);
    Pause pause(deadline_);
    while (true) {
      MERGANSER_ASSIGN(std::optional<os::FileLock> lock, os::FileLock::try_take(place_.spawn_path()));
      if (lock) return start_under(*std::move(lock));
      // Somebody is starting it: the way in may open before the lock does.
      found = look(place_, deadline_);
      if (auto end = settled(found)) return *std::move(end);
      if (deadline_.expired()) return still_starting(place_);
      pause.wait();
    }
  }

 private:
  Result<Endpoint> start_under(os::FileLock lock) {
    MERGANSER_ASSIGN(std::optional<Endpoint> there, wait_until_free());
    if (there) return *std::move(there);
    // The one who had the lock before may have failed just now.
    if (std::optional<Error> error = breaker_.open_error()) return *std::move(error);
    Duration backoff = options_.first_backoff;
    for (int attempt = 1;; attempt++) {
      MERGANSER_ASSIGN(const StartupOutcome outcome, start_once(lock));
      if (outcome.kind == StartupOutcome::Kind::kReady) return after_ready();
      if (outcome.kind == StartupOutcome::Kind::kFailed) return outcome.error;
      if (outcome.kind == StartupOutcome::Kind::kTimedOut) return hung(outcome);
      const Error error = crashed(attempt);
      if (attempt >= options_.attempts) {
        breaker_.trip(error);
        return error;
      }
      if (deadline_.remaining() <= backoff) return error;
      std::this_thread::sleep_for(backoff);
      backoff *= 2;
    }
  }

  // Waits while an owner that cannot be used holds the file: it is leaving, or it hangs. Nullopt: the file is free.
  Result<std::optional<Endpoint>> wait_until_free() {
    Pause pause(deadline_);
    while (true) {
      Probe found = look(place_, deadline_);
      if (auto end = settled(found)) {
        if (!end->ok()) return std::move(*end).error();
        return std::optional<Endpoint>(std::move(*end).value());
      }
      MERGANSER_ASSIGN(const bool held, os::FileLock::is_held(place_.lock_path()));
      if (!held) return std::optional<Endpoint>();
      if (deadline_.expired()) return not_leaving(place_, std::move(found));
      pause.wait();
    }
  }

  Result<StartupOutcome> start_once(const os::FileLock& lock) {
    MERGANSER_ASSIGN(os::Pipe pipe, os::make_pipe());
    os::SpawnOptions spawn;
    spawn.executable = options_.executable;
    spawn.arguments = {"serve", place_.path(), "--spawned-pipe-fd", "3"};
    spawn.arguments.insert(spawn.arguments.end(), options_.serve_arguments.begin(), options_.serve_arguments.end());
    spawn.environment = options_.environment;
    spawn.pass_fds = {pipe.write_end.get(), lock.fd()};
    open_log();
    spawn.output_path = log_path_;
    MERGANSER_ASSIGN(child_, os::spawn_detached(spawn));
    pipe.write_end.reset();
    return follow_startup(pipe.read_end.get(), options_.progress, deadline_);
  }

  void open_log() {
    const Result<std::string> dir = make_runtime_dir(place_.path());
    log_path_.clear();
    if (!dir.ok()) return;  // --socket-dir may lead elsewhere; the owner itself will complain if not
    log_path_ = *dir + "/log";
    const Result<std::optional<os::FileFacts>> facts = os::link_facts(log_path_);
    log_from_ = facts.ok() && *facts ? (*facts)->size : 0;
    if (log_from_ > kLogLimit && os::remove_file(log_path_).ok()) log_from_ = 0;
  }

  Result<Endpoint> after_ready() {
    breaker_.clear();
    return connect(place_, deadline_);
  }

  Error hung(const StartupOutcome& outcome) const {
    const std::string last = outcome.last_progress.empty() ? "" : "; it last said: " + outcome.last_progress;
    return make_error(
        ErrorCode::kCannotConnectNow, "the owner of " + place_.path() + " was started and is not ready in time",
        "it is pid " + std::to_string(child_) + last,
        "it goes on starting: wait and try again, or look at it with: merganser doctor '" + place_.path() + "'");
  }

  Error crashed(int attempt) const {
    const std::string said = tail_of(log_path_, log_from_);
    return make_error(ErrorCode::kCrashShutdown, "the owner of " + place_.path() + " crashes while starting",
                      "tried " + std::to_string(attempt) + (attempt == 1 ? " time" : " times") +
                          (said.empty() ? std::string(", it said nothing") : "; it said: " + said),
                      "run it in the foreground to see more: merganser serve '" + place_.path() + "'");
  }

  const FilePlace& place_;
  const StartOptions& options_;
  const Deadline deadline_;
  const StartBreaker breaker_;
  pid_t child_ = 0;
  std::string log_path_;
  uint64_t log_from_ = 0;  // where this start's output begins in the log
};

}  // namespace

Result<Endpoint> connect_or_start(const FilePlace& place, const StartOptions& options, Deadline deadline) {
  return Search(place, options, deadline).run();
}

}  // namespace merganser::owner

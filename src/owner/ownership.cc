#include "owner/ownership.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/log.h"
#include "os/lock_holder.h"
#include "os/process.h"
#include "owner/control_client.h"
#include "owner/lock_note.h"

namespace merganser::owner {
namespace {

constexpr std::chrono::milliseconds kPause{10};
constexpr std::chrono::seconds kAnswerWithin{1};
// An owner whose lock is held only by somebody asking for it (FileLock::is_held) is free a moment later.
constexpr std::chrono::milliseconds kAtLeast{200};

Error served_already(const FilePlace& place, const Endpoint& endpoint) {
  return make_error(
      ErrorCode::kObjectInUse, place.path() + " is already served by " + describe_owner(endpoint),
      "it listens in " + endpoint.socket_dir,
      "connect to it: merganser url '" + place.path() + "'; or stop it: merganser stop '" + place.path() + "'");
}

Error held_by_somebody(const FilePlace& place, const Probe& found) {
  const std::optional<os::LockHolder> holder = os::find_lock_holder(place.lock_path());
  const std::string name = holder ? os::describe(*holder) : "a process that cannot be seen from here";
  const bool leaving = found.state == ProbeState::kLeaving;
  return make_error(ErrorCode::kObjectInUse, place.lock_path() + " is held by " + name,
                    leaving ? "it is an owner that is still shutting down" : "it does not answer as an owner",
                    leaving ? "try again in a moment"
                            : "look at it with: merganser doctor '" + place.path() +
                                  "'; if it hangs, end it with: merganser stop --force '" + place.path() + "'");
}

Result<os::FileLock> win_election(const FilePlace& place, Deadline deadline) {
  const Deadline at_least = Deadline::in(kAtLeast);
  while (true) {
    MERGANSER_ASSIGN(std::optional<os::FileLock> lock, os::FileLock::try_take(place.lock_path()));
    if (lock) return *std::move(lock);
    const Probe found = probe(place, wire::Intent::kLook, Deadline::in(kAnswerWithin));
    if (found.state == ProbeState::kLive) return served_already(place, *found.endpoint);
    if (deadline.expired() && at_least.expired()) return held_by_somebody(place, found);
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace

Status check_foreign_holder(const FilePlace& place) {
  const std::optional<os::LockHolder> holder = os::foreign_holder(place.path());
  if (!holder) return {};
  return make_error(
      ErrorCode::kObjectInUse, place.path() + " is in use by " + os::describe(*holder),
      std::string("it has the file open ") + (holder->write ? "for writing" : "for reading") + " without merganser",
      "close it there, or let that program connect through merganser: merganser url '" + place.path() + "'");
}

Result<std::unique_ptr<Ownership>> Ownership::acquire(const FilePlace& place, const SocketDir::Options& sockets,
                                                      Deadline deadline) {
  MERGANSER_ASSIGN(os::FileLock lock, win_election(place, deadline));
  MERGANSER_TRY(check_foreign_holder(place));
  MERGANSER_ASSIGN(const std::string before, lock.read_note());
  const std::optional<LockNote> last = parse_lock_note(before);
  const uint64_t generation = (last ? last->generation : 0) + 1;
  MERGANSER_TRY(lock.write_note(lock_note_text({generation, os::this_process()})));
  MERGANSER_ASSIGN(std::string nonce, os::random_hex(16));
  MERGANSER_ASSIGN(SocketDir dir, SocketDir::open(place.path(), sockets));
  return std::unique_ptr<Ownership>(
      new Ownership(place, std::move(lock), std::move(dir), std::move(nonce), generation));
}

Ownership::Ownership(FilePlace place, os::FileLock lock, SocketDir sockets, std::string nonce, uint64_t generation)
    : place_(std::move(place)),
      lock_(std::move(lock)),
      sockets_(std::move(sockets)),
      nonce_(std::move(nonce)),
      generation_(generation) {}

Ownership::~Ownership() {
  const Status left = leave();
  if (!left.ok()) log(LogLevel::kWarn, "owner.leave_failed", {{"error", left.error().to_string()}});
}

Result<Endpoint> Ownership::publish(Publication publication) {
  MERGANSER_ASSIGN(const std::optional<os::FileFacts> file, os::file_facts(place_.path()));
  if (!file) return make_error(ErrorCode::kInternalError, "published before the database exists: " + place_.path());
  Endpoint endpoint;
  endpoint.database = place_.path();
  endpoint.socket_dir = sockets_.path();
  endpoint.control = sockets_.control_socket();
  endpoint.port = sockets_.port();
  endpoint.tcp = publication.tcp;
  endpoint.process = os::this_process();
  endpoint.nonce = nonce_;
  endpoint.file = file->id;
  endpoint.generation = generation_;
  endpoint.version = kVersion;

  wire::Hello identity;
  identity.nonce = nonce_;
  identity.file = file->id;
  identity.pid = endpoint.process.pid;
  identity.generation = generation_;
  identity.protocol_min = kProtocolMin;
  identity.protocol_max = kProtocolMax;
  identity.version = kVersion;
  // The socket answers before the file leads to it: a reader never finds a promise that is not kept.
  MERGANSER_ASSIGN(control_, ControlServer::start(sockets_.control_socket(), identity, std::move(publication.handler)));
  MERGANSER_TRY(write_endpoint(place_, endpoint));
  published_ = true;
  fence_ = std::make_unique<Fence>(place_, lock_, endpoint,
                                   Fence::Options{publication.fence_interval, std::move(publication.guard),
                                                  [this, on_lost = std::move(publication.on_lost)](const Error& error) {
                                                    lost_ = true;
                                                    if (on_lost) on_lost(error);
                                                  }});
  return endpoint;
}

void Ownership::watch_idle(Duration timeout, std::function<Activity()> activity, std::function<void()> on_idle) {
  IdleWatch::Options options;
  options.spawn_path = place_.spawn_path();
  options.timeout = timeout;
  options.activity = [this, activity = std::move(activity)] {
    Activity now = activity();
    now.last = std::max(now.last, control_->last_use());
    return now;
  };
  options.announce = [this](TimePoint since) { return control_->set_leaving_unless_used(since); };
  options.on_idle = [this, on_idle = std::move(on_idle)](os::FileLock spawn_lock) {
    {
      const std::lock_guard lock(mutex_);
      spawn_lock_ = std::move(spawn_lock);
    }
    on_idle();
  };
  idle_ = std::make_unique<IdleWatch>(std::move(options));
}

void Ownership::begin_leaving() {
  if (control_) control_->set_leaving();
}

void Ownership::stop_watching() {
  idle_.reset();
  fence_.reset();
}

Status Ownership::leave() {
  if (left_) return {};
  left_ = true;
  begin_leaving();
  stop_watching();
  Status removed;
  // The last round of the fence may be a second old: look once more before anything is removed.
  if (!lost_ && lock_.verify_in_place().ok()) {
    if (published_) removed = remove_endpoint(place_, nonce_);
    const Status sockets = sockets_.remove_sockets();
    if (removed.ok()) removed = sockets;
  }
  control_.reset();
  sockets_.release();
  lock_.release();
  const std::lock_guard lock(mutex_);
  spawn_lock_.reset();
  return removed;
}

}  // namespace merganser::owner

#include "owner/stop.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "os/lock.h"
#include "os/lock_holder.h"
#include "os/process.h"
#include "owner/control_client.h"
#include "owner/lock_note.h"

namespace merganser::owner {
namespace {

constexpr std::chrono::milliseconds kPause{10};
constexpr std::chrono::seconds kAnswerWithin{2};
constexpr size_t kNoteLimit = 4096;

// True when nobody holds the file any more, false when the deadline passes first.
Result<bool> wait_until_free(const FilePlace& place, Deadline deadline) {
  while (true) {
    MERGANSER_ASSIGN(const bool held, os::FileLock::is_held(place.lock_path()));
    if (!held) return true;
    if (deadline.expired()) return false;
    std::this_thread::sleep_for(std::min<Duration>(kPause, deadline.remaining()));
  }
}

std::string holder_of(const FilePlace& place) {
  const std::optional<os::LockHolder> holder = os::find_lock_holder(place.lock_path());
  return holder ? os::describe(*holder) : "a process that cannot be seen from here";
}

Error still_there(const FilePlace& place) {
  return make_error(ErrorCode::kCannotConnectNow, "the owner of " + place.path() + " has not left in time",
                    "it is " + holder_of(place),
                    "wait, look at it with: merganser doctor '" + place.path() +
                        "', or end it with: merganser stop --force '" + place.path() + "'");
}

Error not_killed(const FilePlace& place, const std::string& reason) {
  return make_error(ErrorCode::kObjectNotInState, "the holder of " + place.lock_path() + " was not killed", reason,
                    "look at it with: merganser doctor '" + place.path() + "'");
}

Result<StopOutcome> kill_holder(const FilePlace& place, Deadline deadline) {
  MERGANSER_ASSIGN(const std::string text, os::read_small_file(place.lock_path(), kNoteLimit));
  const std::optional<LockNote> note = parse_lock_note(text);
  if (!note) return not_killed(place, "the lock file does not say who holds it");
  const std::optional<os::LockHolder> holder = os::find_lock_holder(place.lock_path());
  if (!holder || holder->pid != note->process.pid) {
    return not_killed(place, "the lock is held by " + holder_of(place) + ", not by pid " +
                                 std::to_string(note->process.pid) + " of the lock file");
  }
  MERGANSER_TRY(os::kill_process(note->process));
  MERGANSER_ASSIGN(const bool free, wait_until_free(place, deadline));
  if (!free) return still_there(place);
  return StopOutcome::kKilled;
}

}  // namespace

Result<StopOutcome> stop(const FilePlace& place, StopOptions options, Deadline deadline) {
  MERGANSER_ASSIGN(const bool held, os::FileLock::is_held(place.lock_path()));
  if (!held) return StopOutcome::kNotRunning;
  const Deadline patience = options.force ? deadline.earlier(Deadline::in(options.grace)) : deadline;
  const Probe found = probe(place, wire::Intent::kLook, patience.earlier(Deadline::in(kAnswerWithin)));
  if (found.state == ProbeState::kRefused) return found.error;
  if (found.state == ProbeState::kLive) {
    const Result<std::string> asked = control_request(*found.endpoint, "stop", "", patience);
    // An owner may be gone before its answer arrives; what counts is the lock.
    const bool says_no = !asked.ok() && asked.error().code != ErrorCode::kConnectionFailure &&
                         asked.error().code != ErrorCode::kQueryCanceled;
    if (says_no && !options.force) return asked.error();
  }
  if (found.state != ProbeState::kSilent || !options.force) {
    MERGANSER_ASSIGN(const bool free, wait_until_free(place, patience));
    if (free) return StopOutcome::kStopped;
  }
  if (!options.force) return found.state == ProbeState::kSilent ? found.error : still_there(place);
  return kill_holder(place, deadline);
}

}  // namespace merganser::owner

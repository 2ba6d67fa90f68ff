#include <fmt/format.h>
#include <thread>

#include "cli/report.h"
#include "cli/status_command.h"
#include "os/process.h"
#include "owner/control_client.h"
#include "owner/stop.h"

namespace merganser::cli {
namespace {

constexpr std::chrono::milliseconds kPause{5};

// An owner lets go of the file a moment before its process is gone; scripts that count processes want both.
void wait_for_exit(const os::ProcessIdentity& process, Deadline deadline) {
  while (os::is_running(process) && !deadline.expired()) std::this_thread::sleep_for(kPause);
}

}  // namespace

int stop_command(const StopOptions& options) {
  const auto place = owner::FilePlace::resolve(options.file);
  if (!place.ok()) return report(place.error());
  owner::StopOptions how;
  how.force = options.force;
  if (options.force) how.grace = options.timeout;
  // Killing takes its own moment after the time to leave has passed.
  const Duration limit = options.force ? options.timeout + std::chrono::seconds(10) : options.timeout;
  const Deadline deadline = Deadline::in(limit);
  const owner::Probe before =
      owner::probe(*place, owner::wire::Intent::kLook, Deadline::in(std::chrono::seconds(2)).earlier(deadline));
  const auto outcome = owner::stop(*place, how, deadline);
  if (!outcome.ok()) return report(outcome.error());
  if (before.endpoint) wait_for_exit(before.endpoint->process, deadline);
  switch (*outcome) {
    case owner::StopOutcome::kNotRunning:
      print(fmt::format("No owner of {} was running.\n", place->path()));
      break;
    case owner::StopOutcome::kStopped:
      print(fmt::format("The owner of {} has left.\n", place->path()));
      break;
    case owner::StopOutcome::kKilled:
      print(fmt::format("The owner of {} did not leave and was killed; the next one replays its write-ahead log.\n",
                        place->path()));
      break;
  }
  return kExitOk;
}

}  // namespace merganser::cli

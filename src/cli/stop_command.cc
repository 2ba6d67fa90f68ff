#include <fmt/format.h>

#include "cli/report.h"
#include "cli/status_command.h"
#include "owner/stop.h"

namespace merganser::cli {

int stop_command(const StopOptions& options) {
  const auto place = owner::FilePlace::resolve(options.file);
  if (!place.ok()) return report(place.error());
  owner::StopOptions how;
  how.force = options.force;
  if (options.force) how.grace = options.timeout;
  // Killing takes its own moment after the time to leave has passed.
  const Duration limit = options.force ? options.timeout + std::chrono::seconds(10) : options.timeout;
  const auto outcome = owner::stop(*place, how, Deadline::in(limit));
  if (!outcome.ok()) return report(outcome.error());
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

#include "owner/start_breaker.h"

#include "base/log.h"
#include "os/process.h"
#include "owner/wire.h"

namespace merganser::owner {
namespace {

constexpr size_t kFileLimit = 64 * 1024;

int64_t unix_seconds(StartBreaker::WallClock::time_point at) {
  return std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
}

}  // namespace

std::optional<Error> StartBreaker::open_error(WallClock::time_point now) const {
  const Result<std::string> text = os::read_small_file(path_, kFileLimit);
  if (!text.ok()) return std::nullopt;
  Result<wire::StoredError> stored = wire::parse_stored_error(*text);
  if (!stored.ok() || stored->boot_id != os::boot_id()) return std::nullopt;
  const int64_t age = unix_seconds(now) - stored->at_unix_s;
  if (age < 0 || age >= kOpenFor.count()) return std::nullopt;  // negative: the clock was set back
  Error error = stored->error;
  const std::string wait = "it is tried again in " + std::to_string(kOpenFor.count() - age) + " s";
  error.hint += error.hint.empty() ? wait : "; " + wait;
  return error;
}

void StartBreaker::trip(const Error& error, WallClock::time_point now) const {
  const Status written =
      os::write_file_atomically(path_, wire::stored_error_text({error, unix_seconds(now), os::boot_id()}), 0600);
  if (!written.ok()) log(LogLevel::kWarn, "start.breaker_not_stored", {{"error", written.error().to_string()}});
}

void StartBreaker::clear() const {
  const Status removed = os::remove_file(path_);
  if (!removed.ok()) log(LogLevel::kWarn, "start.breaker_not_cleared", {{"error", removed.error().to_string()}});
}

}  // namespace merganser::owner

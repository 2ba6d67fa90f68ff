// Remembers why starting an owner crashed, so that a thousand clients do not start a thousand crashing owners.
//
// The memory is a file beside the database; it counts for a minute, and not after a reboot. Only crashes are kept: an
// orderly error is cheap to find again and may be mended in a second. Threads: callers hold the spawn lock to write.
#pragma once

#include <chrono>
#include <optional>

#include "base/result.h"
#include "owner/file_place.h"

namespace merganser::owner {

class StartBreaker {
 public:
  using WallClock = std::chrono::system_clock;
  static constexpr std::chrono::seconds kOpenFor{60};

  explicit StartBreaker(const FilePlace& place) : path_(place.breaker_path()) {}

  // The stored error, with how long it still counts in its hint; nullopt when starting may be tried.
  std::optional<Error> open_error(WallClock::time_point now = WallClock::now()) const;
  void trip(const Error& error, WallClock::time_point now = WallClock::now()) const;
  void clear() const;

 private:
  std::string path_;
};

}  // namespace merganser::owner

#include "engine/sync_clock.h"

#include <cerrno>
#include <dlfcn.h>

namespace merganser::engine {
namespace {

thread_local SyncClock* running = nullptr;

using SyncFunction = int (*)(int);

// What would be called if the program had no fsync of its own.
int next_fsync(int fd) {
  static const auto next = reinterpret_cast<SyncFunction>(dlsym(RTLD_NEXT, "fsync"));
  return next(fd);
}

}  // namespace

SyncClock::SyncClock() : outer_(running) {
  running = this;
}

SyncClock::~SyncClock() {
  running = outer_;
}

static int measured_fsync(int fd) {
  if (running == nullptr) return next_fsync(fd);
  const TimePoint begun = SteadyClock::now();
  const int result = next_fsync(fd);
  const int reason = errno;
  running->add(SteadyClock::now() - begun);
  errno = reason;
  return result;
}

}  // namespace merganser::engine

// DuckDB's library finds this one before the C library's: a program's own symbols come first.
extern "C" __attribute__((visibility("default"))) int fsync(int fd) {
  return merganser::engine::measured_fsync(fd);
}

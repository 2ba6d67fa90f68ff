// Looking for the next piece of work for a moment before going to sleep.
//
// A thread that sleeps is woken through the scheduler, on a virtual machine through its host, and finds its caches
// cold: a small statement then takes twice as long as it needs. Who asks one question after the other gets an answer
// from threads that are still awake. A busy machine loses nothing: between two looks the processor goes to whoever
// wants it.
//
// Threads: any.
#pragma once

#include <thread>

#include "base/clock.h"

namespace merganser {

// Longer than most commits, and than an answer's way to its client and the next question's way back.
constexpr std::chrono::microseconds kAwake{700};

// Whether `ready` became true in time.
template <typename Ready>
bool stay_awake_for(const Ready& ready) {
  const TimePoint until = SteadyClock::now() + kAwake;
  while (!ready()) {
    if (SteadyClock::now() >= until) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace merganser

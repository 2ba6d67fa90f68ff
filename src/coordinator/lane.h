// The write lane: who may write now. The writer thread holds it between interactive transactions; an interactive
// transaction that writes takes it as a lease and gives it back at its end.
//
// The lease can be taken back from a holder that is idle while others wait: then `revoke` runs on the session's thread,
// which rolls back and releases. Threads: any; the destructor releases.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/error.h"
#include "coordinator/write_options.h"

namespace merganser::coordinator {

class Coordinator;

class Lane {
 public:
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // The holder tells when it waits for its client and when it works, so that only idle holders lose the lane.
  void set_busy() { idle_since_.store(0, std::memory_order_release); }
  void set_idle() { idle_since_.store(SteadyClock::now().time_since_epoch().count(), std::memory_order_release); }

 private:
  friend class Coordinator;
  explicit Lane(Coordinator& coordinator) : coordinator_(coordinator) {}

  Coordinator& coordinator_;
  std::atomic<int64_t> idle_since_ = 0;  // steady clock ticks; 0 while busy
  std::function<void()> revoke_;
};

struct LaneRequest {
  uint64_t session = 0;
  WriteOptions options;                                // priority, deadline, order_key
  std::function<void(std::unique_ptr<Lane>)> granted;  // on the session's thread
  std::function<void(Error)> refused;                  // deadline passed, shutting down
  std::function<void()> revoke;                        // see Lane
  TimePoint asked_at;                                  // set by the queue
  std::shared_ptr<std::atomic<bool>> cancelled = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace merganser::coordinator

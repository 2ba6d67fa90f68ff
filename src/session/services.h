// What the sessions of one owner share.
//
// Threads: `post` from any; the description cache and the registry only on the sessions' thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "coordinator/coordinator.h"
#include "engine/database.h"
#include "readers/pool.h"
#include "readers/result_cache.h"
#include "session/activity.h"
#include "session/advisory_locks.h"
#include "session/description.h"
#include "session/notifications.h"
#include "session/replay_log.h"
#include "session/spool.h"

namespace merganser::session {

struct SessionCounters {
  std::atomic<uint64_t> total = 0;  // since the start
  std::atomic<uint64_t> open = 0;
  std::atomic<uint64_t> idle_in_transaction = 0;
  std::atomic<uint64_t> active = 0;  // a statement is running
  std::atomic<uint64_t> statements = 0;
  std::atomic<uint64_t> errors = 0;
  std::atomic<uint64_t> conflicts = 0;  // of them, 40001
  std::atomic<uint64_t> cancels = 0;
  std::atomic<uint64_t> timeouts = 0;
  std::atomic<uint64_t> portals_suspended = 0;
  std::atomic<uint64_t> portals_spooled = 0;
  std::atomic<uint64_t> savepoint_replays = 0;
  std::atomic<uint64_t> copied_in_rows = 0;
  std::atomic<uint64_t> copied_in_bytes = 0;
  std::array<Histogram, kLatencyNames.size()> latency;  // µs from a statement's arrival to its answer
};

struct Timer {
  virtual ~Timer() = default;  // cancels
};

struct Services {
  engine::Database* database = nullptr;
  coordinator::Coordinator* coordinator = nullptr;
  readers::Pool* pool = nullptr;
  readers::ResultCache* results = nullptr;
  std::function<void(std::function<void()>)> post;  // runs on the sessions' thread
  // Calls back once on the sessions' thread unless destroyed before.
  std::function<std::unique_ptr<Timer>(Duration, std::function<void()>)> timer;
  DescriptionCache descriptions{1000};
  SpoolSpace spool;
  ReplaySpace replay;
  AdvisoryLocks advisory_locks;
  Notifications notifications;
  uint64_t lane_holder = 0;  // the session whose transaction has the lane; 0: none
  SessionCounters counters;
  ActivityBoard board;
  size_t output_limit = size_t{1} << 20;
  size_t copy_limit = size_t{128} << 20;  // bytes of all COPY FROM that wait in memory
  std::atomic<size_t> copy_bytes = 0;
  std::chrono::milliseconds slow_statement{0};  // what takes longer is logged; 0: nothing is
  std::chrono::milliseconds statement_timeout{0};
  std::chrono::milliseconds idle_in_transaction_timeout{0};
  std::string time_zone = "UTC";
  std::atomic<uint64_t> next_session = 1;
};

}  // namespace merganser::session

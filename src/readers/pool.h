// Worker threads and snapshot connections: where everything runs that is not the writer's batch.
//
// Starting a transaction waits for a commit's fsync (fact 8). So that reads do not, connections that were lately in
// demand get a snapshot just before each commit ("armed"); a read takes one that is not older than the last commit
// acknowledged before it arrived. Threads: any. Lifetime: stop() before the Database goes; jobs not begun are refused.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <unordered_set>
#include <vector>

#include "base/histogram.h"
#include "base/result.h"
#include "engine/database.h"
#include "readers/lease.h"

namespace merganser::readers {

struct PoolLimits {
  size_t threads = 4;                // for reads; as many again for transactions
  size_t snapshot_connections = 32;  // reads that run at once
  size_t pinned_connections = 1024;  // transactions and sessions with state of their own
  size_t queued_jobs = 100000;
  size_t cached_statements = 128;  // a connection
  std::chrono::milliseconds snapshot_max_age{600000};
};

struct PoolCounters {
  std::atomic<uint64_t> reads = 0;
  std::atomic<uint64_t> reads_on_armed = 0;  // that found a snapshot ready
  std::atomic<uint64_t> snapshots_armed = 0;
  std::atomic<uint64_t> snapshots_expired = 0;
  std::atomic<uint64_t> refused_full = 0;
  Histogram wait;  // µs from a read's arrival to its snapshot
  Histogram run;   // µs that a read kept a thread busy, each time it had one
};

enum class Needs : uint8_t {
  kNothing,     // run(lease) gets an empty lease
  kSnapshot,    // a read-only snapshot, at least as new as min_sequence
  kConnection,  // a connection without a transaction, to keep
};

using CancelFlag = std::shared_ptr<std::atomic<bool>>;

struct Job {
  Needs needs = Needs::kNothing;
  uint64_t min_sequence = 0;
  bool fresh = false;  // the snapshot must be begun after now: the statement asks for the time
  engine::SettingsPtr settings;
  CancelFlag cancelled;  // whose jobs cancel() ends; null: it has to run
  // Runs on a worker; moves the lease away to keep it. `status` is not ok when there is no connection to be had.
  std::function<void(Lease& lease, Status status)> run;
  TimePoint submitted_at;  // set by submit()
};

class Pool {
 public:
  struct Sequences {
    std::function<uint64_t()> committed;
    std::function<uint64_t()> ddl_generation;
  };
  Pool(engine::Database& database, PoolLimits limits, Sequences sequences);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  void submit(Job job);
  // The jobs with this flag that still wait get `why` as their status, at once and on the caller's thread: with every
  // worker busy a cancel or a timeout must not wait as well. Those that run are the caller's to interrupt.
  void cancel(const CancelFlag& flag, const Error& why);

  // See coordinator::Hooks::visibility.
  std::shared_mutex& visibility() { return visibility_; }
  // The writer's hooks; see coordinator::Hooks.
  void before_commit();
  // How many in use were expired just now: their holders let go soon.
  size_t retire_snapshots(bool hard);
  // Waits until nobody uses a snapshot from before this call any more; those begun meanwhile do not count. Gives up
  // after `patience`, and at once when one is so old that it will hardly end in that time.
  bool await_old_snapshots(Duration patience);
  // Tells those whose snapshots are in use that they hold up a checkpoint.
  void warn_holders();

  struct State {
    size_t waiting = 0;
    size_t running = 0;
    size_t snapshot_connections = 0;
    size_t pinned_connections = 0;
    std::chrono::milliseconds oldest_snapshot{0};
  };
  State state() const;
  const PoolCounters& counters() const { return counters_; }

  // Ends the workers; jobs that wait get status 57P01.
  void stop();

 private:
  friend class Lease;
  using Pooled = std::unique_ptr<PooledConnection>;

  void work(bool reads);
  void run_job(Job& job);
  Result<Pooled> take(const Job& job);
  Pooled choose_idle_locked(const Job& job);
  Result<Pooled> open_connection();
  Status make_ready(const Lease& lease, const Job& job);
  Status arm(PooledConnection& pooled);
  static void disarm(PooledConnection& pooled);
  void put_back(Pooled pooled);
  void uncount(PooledConnection& pooled);

  engine::Database& database_;
  const PoolLimits limits_;
  const Sequences sequences_;

  std::shared_mutex visibility_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable wake_reads_;
  std::deque<Job> queue_;  // transactions and chores
  std::deque<Job> reads_;  // Needs::kSnapshot
  std::vector<Pooled> idle_;
  std::unordered_set<PooledConnection*> all_;
  size_t running_ = 0;
  size_t snapshots_out_ = 0;
  size_t reads_since_commit_ = 0;
  TimePoint last_read_;
  bool stopping_ = false;
  bool awake_ = false;                      // one thread without work looks for the next read
  std::atomic<bool> read_arrived_ = false;  // since it began to look
  PoolCounters counters_;
  std::vector<std::thread> threads_;
};

}  // namespace merganser::readers

// The one place where the writes of a file meet: a queue, a writer thread, group commit and the write lane.
//
// Units that wait together share one transaction. An error inside a group never reaches a client: the group is rolled
// back, the suspect runs alone, the rest again; only the solo run decides. Replies go out after the commit is durable.
// After COMMIT was sent an error means "outcome unknown" and nothing is rerun.
//
// Threads: submit(), request_lane(), commit() and the counters from any; callbacks run through Hooks::deliver.
// Lifetime: stop() ends the writer; everything submitted gets its answer before it returns.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <unordered_map>
#include <variant>

#include "coordinator/lane.h"
#include "coordinator/unit.h"
#include "engine/database.h"
#include "engine/statement_cache.h"

namespace merganser::coordinator {

struct Limits {
  size_t queue_units = 10000;
  size_t queue_bytes = size_t{256} << 20;
  size_t session_bytes = size_t{64} << 20;
  size_t batch_units = 1024;
  size_t batch_bytes = size_t{16} << 20;
  std::chrono::milliseconds batch_time{50};    // of executing, before the batch is committed
  std::chrono::microseconds linger{0};         // wait for company after the first unit; 0: never
  std::chrono::milliseconds lane_lease{5000};  // an idle holder loses the lane after this, when others wait
  uint64_t checkpoint_wal_bytes = uint64_t{64} << 20;
  std::chrono::milliseconds checkpoint_interval{60000};  // of idleness with a WAL that is not empty; 0: never
};

struct Counters {
  std::atomic<uint64_t> commits = 0;        // transactions made durable
  std::atomic<uint64_t> units = 0;          // units answered
  std::atomic<uint64_t> grouped_units = 0;  // of them, those that shared a commit
  std::atomic<uint64_t> solo_reruns = 0;    // units that ran alone after an error in their group
  std::atomic<uint64_t> conflicts_retried = 0;
  std::atomic<uint64_t> refused_full = 0;  // 53300: queue or session budget
  std::atomic<uint64_t> expired = 0;       // deadline passed while queued
  std::atomic<uint64_t> cancelled = 0;
  std::atomic<uint64_t> outcome_unknown = 0;
  std::atomic<uint64_t> lanes_granted = 0;
  std::atomic<uint64_t> lanes_revoked = 0;
  std::atomic<uint64_t> checkpoints = 0;
  std::atomic<uint64_t> checkpoint_failures = 0;
  std::atomic<uint64_t> ddl = 0;
};

struct Hooks {
  // Runs the tasks on the sessions' thread; called once a batch.
  std::function<void(std::vector<std::function<void()>>)> deliver;
  // Just before COMMIT takes DuckDB's locks: the last moment at which readers can take a snapshot without waiting.
  std::function<void()> before_commit;
  // Held alone from COMMIT until the commit has its number, shared while a snapshot is begun: so each snapshot knows
  // exactly which commits it sees, and no later read gets an older one. BEGIN waits for COMMIT in DuckDB anyway.
  std::shared_mutex* visibility = nullptr;
  // A commit is visible and durable; before its replies go out.
  std::function<void(uint64_t sequence)> committed;
  // Lets go of idle snapshots (and, when `hard`, of old ones in use) so that a checkpoint can run.
  std::function<void(bool hard)> retire_snapshots;
};

class Coordinator {
 public:
  static Result<std::unique_ptr<Coordinator>> start(engine::Database& database, Limits limits, Hooks hooks);
  ~Coordinator();
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;

  // Answers through unit->done, also when refused.
  void submit(UnitPtr unit);
  void request_lane(LaneRequest request);
  // The session's unit or lane request that still waits is answered with `why` at once; one that executes is
  // interrupted, which the caller repeats until its answer has come.
  void cancel(uint64_t session, const Error& why);
  // Makes an interactive transaction durable. The caller holds the lane, or wrote nothing. Blocks for the fsync.
  Status commit(engine::Connection& connection, bool wrote, bool ddl);

  // The number of the last durable commit. A snapshot taken at N sees all commits up to N.
  uint64_t committed() const { return committed_.load(std::memory_order_acquire); }
  // Moves with every change of the catalog; kept plans and descriptions from before are void.
  uint64_t ddl_generation() const { return ddl_generation_.load(std::memory_order_acquire); }

  struct QueueState {
    size_t waiting = 0;
    size_t bytes = 0;
    bool lane_taken = false;
  };
  QueueState queue_state() const;
  const Counters& counters() const { return counters_; }

  // No new work; what is queued is still done. Waits until the writer has ended, then checkpoints when asked to.
  void stop(bool checkpoint);

 private:
  friend class Lane;
  using Entry = std::variant<UnitPtr, LaneRequest>;
  using Tasks = std::vector<std::function<void()>>;

  Coordinator(engine::Database& database, Limits limits, Hooks hooks);
  void run();
  std::vector<UnitPtr> take_batch(std::unique_lock<std::mutex>& lock);
  void serve_lane(std::unique_lock<std::mutex>& lock);
  void release_lane(Lane& lane);
  std::optional<Error> refusal_locked(const Unit& unit);
  void account_done_locked(const Unit& unit);

  void execute_batch(std::vector<UnitPtr> batch);
  void execute_group(std::vector<UnitPtr>& batch, size_t first, size_t last, Tasks& tasks);
  void execute_solo(UnitPtr& unit, Tasks& tasks);
  Status run_unit(Unit& unit);
  Result<engine::ResultSet> run_statement(const Statement& statement, uint64_t session);
  void mark_executing(uint64_t session);
  Status commit_writer(bool ddl);
  void finish(UnitPtr unit, Tasks& tasks);
  void fail(UnitPtr unit, Error error, Tasks& tasks);
  void deliver(Tasks tasks);
  void after_commit(bool ddl);

  void chores();
  Status checkpoint(bool hard);
  bool checkpoint_due() const;

  engine::Database& database_;
  const Limits limits_;
  const Hooks hooks_;
  std::unique_ptr<engine::Connection> writer_;
  engine::StatementCache cache_;  // the writer thread's alone

  std::atomic<bool> arrived_ = false;  // something was queued since the writer last looked
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Entry> queue_;
  size_t queue_bytes_ = 0;
  size_t queue_units_ = 0;
  std::unordered_map<uint64_t, size_t> session_bytes_;
  std::mutex executing_mutex_;
  uint64_t executing_session_ = 0;  // sessions count from 1
  Lane* lane_ = nullptr;
  bool stopping_ = false;

  std::atomic<uint64_t> committed_ = 0;
  std::atomic<uint64_t> ddl_generation_ = 0;
  TimePoint last_write_;           // guarded by mutex_
  TimePoint next_checkpoint_try_;  // the writer thread's
  Counters counters_;
  std::thread thread_;
};

}  // namespace merganser::coordinator

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
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <thread>

#include "coordinator/coalescer.h"
#include "coordinator/ledger.h"
#include "coordinator/queue.h"
#include "engine/database.h"
#include "engine/statement_cache.h"

namespace merganser::coordinator {

struct Hooks {
  // Runs the tasks on the sessions' thread; called once a batch.
  std::function<void(std::vector<std::function<void()>>)> deliver;
  // Just before COMMIT takes DuckDB's locks: the last moment at which readers can take a snapshot without waiting.
  std::function<void()> before_commit;
  // Held alone from COMMIT until the commit has its number, shared while a snapshot is begun: so each snapshot knows
  // exactly which commits it sees, and no later read gets an older one. BEGIN waits for COMMIT in DuckDB anyway.
  std::shared_mutex* visibility = nullptr;
  // A commit is durable and about to get its number: which tables it changed (lower case, without a schema; `all` when
  // that is not known). Before a snapshot can see it and before its replies go out.
  std::function<void(uint64_t sequence, std::span<const std::string> tables, bool all)> changed;
  // Lets go of idle snapshots (and, when `hard`, of old ones in use) so that a checkpoint can run. How many in use were
  // told to end.
  std::function<size_t(bool hard)> retire_snapshots;
  // Waits for those in use to end; false when they did not.
  std::function<bool(Duration patience)> await_snapshots;
  // Tells those that use one that they are in the way.
  std::function<void()> warn_holders;
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
  // What the session has waiting is answered with "the deadline passed"; what executes goes on.
  void expire(uint64_t session);
  // What waits for its debounce is executed now: the write with this dedup_key, those of a session, all.
  void flush(const std::string& dedup_key) { queue_.flush(dedup_key); }
  void flush_session(uint64_t session) { queue_.flush_session(session); }
  void flush_all() { queue_.flush_all(); }
  // Makes an interactive transaction durable. The caller holds the lane, or wrote nothing. Blocks for the fsync.
  Status commit(engine::Connection& connection, bool wrote, bool ddl);

  // Percent done of what the writer executes for this session; negative: not known.
  double progress(uint64_t session) {
    const std::lock_guard lock(executing_mutex_);
    return executing_session_ == session ? writer_->progress() : -1;
  }

  // The number of the last durable commit. A snapshot taken at N sees all commits up to N.
  uint64_t committed() const { return committed_.load(std::memory_order_acquire); }
  // Moves with every change of the catalog; kept plans and descriptions from before are void.
  uint64_t ddl_generation() const { return ddl_generation_.load(std::memory_order_acquire); }

  struct QueueState {
    size_t waiting = 0;
    size_t debounced = 0;
    size_t bytes = 0;
    bool lane_taken = false;
  };
  QueueState queue_state() const;
  std::unordered_map<uint64_t, size_t> queued_bytes() const { return queue_.bytes_by_session(); }
  const Counters& counters() const { return counters_; }

  // No new work; what is queued is still done. Waits until the writer has ended, then checkpoints when asked to.
  void stop(bool checkpoint);

 private:
  friend class Lane;
  using Tasks = std::vector<std::function<void()>>;
  // What a commit changed: names in lower case, without a schema. A null pointer: nobody knows.
  using Tables = std::vector<std::string>;

  Coordinator(engine::Database& database, Limits limits, Hooks hooks);
  void run();
  void wait_for_company(uint64_t entered_before, size_t answered, Duration took);
  void serve_lane(LaneRequest request);
  void release_lane(Lane& lane);

  void execute_batch(std::vector<UnitPtr> batch);
  void execute_steps(std::vector<Step> steps, Tasks& tasks);
  size_t execute_together(std::vector<Step>& steps, size_t count, Tasks& tasks);
  void finish_steps(std::vector<Step>& steps, size_t at, const Status& committed, Tasks& tasks);
  void halve(std::vector<Step>& steps, size_t index);
  void finish_units(std::span<UnitPtr> units, bool shared, const Status& committed, Tasks& tasks);
  void fail_all(std::span<UnitPtr> units, Tasks& tasks);
  Status execute_step(Step& step);
  void execute_one_by_one(std::vector<UnitPtr>& batch, size_t first, size_t last, Tasks& tasks);
  void execute_solo(UnitPtr& unit, Tasks& tasks);
  Status open_ledger(const Unit& unit);
  void clean_up_ledger();
  void forget_plans();
  Status run_unit(Unit& unit);
  Result<engine::ResultSet> run_statement(const Statement& statement, uint64_t session);
  void mark_executing(uint64_t session);
  Status commit_writer(bool ddl, const Tables* tables = nullptr);
  // `commit` is COMMIT, or a statement that commits itself.
  Status make_durable(engine::Connection& connection, bool ddl, const Tables* tables,
                      const std::function<Status()>& commit);
  void count_batch(uint64_t units, uint64_t rows);
  void finish(UnitPtr unit, Tasks& tasks);
  void fail(UnitPtr unit, Error error, Tasks& tasks);
  // Adds what the unit changes; false when that is not known.
  static bool add_tables(const Unit& unit, Tables& tables);
  static bool add_tables(const Step& step, Tables& tables);
  static void answer(Queue::Answered answered, Tasks& tasks);
  std::optional<Error> overdue(const Unit& unit);
  void refuse(Queue::Withdrawn withdrawn, const Error& why, std::atomic<uint64_t>& counter);
  void deliver(Tasks tasks);
  void after_commit(bool ddl, const Tables* tables);

  void chores();
  Status checkpoint(bool hard, Duration patience);
  void put_off_checkpoint(const Error& why, uint64_t wal_bytes, Duration waited);
  bool checkpoint_due() const;

  engine::Database& database_;
  const Limits limits_;
  Counters counters_;
  const Hooks hooks_;
  std::unique_ptr<engine::Connection> writer_;
  engine::StatementCache cache_;          // the writer thread's alone
  std::unique_ptr<Coalescer> coalescer_;  // likewise

  Ledger ledger_;  // likewise

  Queue queue_{limits_, counters_};
  std::mutex executing_mutex_;
  uint64_t executing_session_ = 0;  // sessions count from 1
  mutable std::mutex lane_mutex_;
  std::condition_variable lane_released_;
  Lane* lane_ = nullptr;  // guarded by lane_mutex_

  std::atomic<uint64_t> committed_ = 0;
  std::atomic<uint64_t> ddl_generation_ = 0;
  std::atomic<TimePoint> last_write_;
  TimePoint next_checkpoint_try_;    // the writer thread's
  bool snapshots_end_soon_ = false;  // likewise: some were expired by the last try
  std::thread thread_;
};

}  // namespace merganser::coordinator

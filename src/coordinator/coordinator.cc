#include "coordinator/coordinator.h"

#include <random>

#include "base/awake.h"
#include "base/log.h"
#include "engine/error_map.h"

namespace merganser::coordinator {
namespace {

constexpr size_t kCachedStatements = 256;
constexpr std::chrono::seconds kChoreInterval{1};
constexpr std::chrono::seconds kCheckpointBackoff{5};
constexpr int kMaxConflictRetries = 20;

Error unknown_outcome(const Error& cause) {
  return make_error(ErrorCode::kTransactionResolutionUnknown, "the commit was sent, but whether it happened is unknown",
                    cause.message, "Look whether the change is there before you send it again.");
}

Error shutting_down() {
  return make_error(ErrorCode::kAdminShutdown, "the owner of this file is shutting down",
                    "The statement was not executed.", "Connect again; merganser url starts a new owner.");
}

Error not_executed(ErrorCode code, std::string message) {
  return make_error(code, std::move(message), "The statement was not executed.");
}

}  // namespace

Lane::~Lane() {
  coordinator_.release_lane(*this);
}

Coordinator::Coordinator(engine::Database& database, Limits limits, Hooks hooks)
    : database_(database), limits_(limits), hooks_(std::move(hooks)), cache_(kCachedStatements) {}

Result<std::unique_ptr<Coordinator>> Coordinator::start(engine::Database& database, Limits limits, Hooks hooks) {
  std::unique_ptr<Coordinator> self(new Coordinator(database, limits, std::move(hooks)));
  MERGANSER_ASSIGN(self->writer_, database.connect());
  self->last_write_ = SteadyClock::now();
  self->thread_ = std::thread([raw = self.get()] { raw->run(); });
  return self;
}

Coordinator::~Coordinator() {
  stop(false);
}

// ---- entering --------------------------------------------------------------------------------------------------

std::optional<Error> Coordinator::refusal_locked(const Unit& unit) {
  if (stopping_) return shutting_down();
  if (database_.invalidated()) {
    return not_executed(ErrorCode::kCrashShutdown, "the database was invalidated by an error and restarts");
  }
  const auto session = session_bytes_.find(unit.session);
  const size_t mine = session == session_bytes_.end() ? 0 : session->second;
  const bool full = queue_units_ >= limits_.queue_units || queue_bytes_ + unit.footprint > limits_.queue_bytes;
  const bool mine_full = mine > 0 && mine + unit.footprint > limits_.session_bytes;
  if (!full && !mine_full) return std::nullopt;
  counters_.refused_full++;
  Error error =
      not_executed(ErrorCode::kTooManyConnections,
                   full ? "the write queue is full" : "this session has too many bytes waiting to be written");
  error.hint = "Try again after a moment, with fewer writes at once.";
  return error;
}

void Coordinator::submit(UnitPtr unit) {
  unit->queued_at = SteadyClock::now();
  unit->footprint = sizeof(Unit);
  for (const Statement& statement : unit->statements) {
    unit->footprint += sizeof(Statement) + statement.sql->size();
    for (const engine::Value& value : statement.values) unit->footprint += value.footprint();
  }
  std::optional<Error> refused;
  {
    const std::lock_guard lock(mutex_);
    refused = refusal_locked(*unit);
    if (!refused) {
      queue_units_++;
      queue_bytes_ += unit->footprint;
      session_bytes_[unit->session] += unit->footprint;
      queue_.emplace_back(std::move(unit));
      arrived_.store(true, std::memory_order_release);
    }
  }
  if (!refused) {
    wake_.notify_one();
    return;
  }
  Tasks tasks;
  unit->footprint = 0;
  fail(std::move(unit), *std::move(refused), tasks);
  deliver(std::move(tasks));
}

void Coordinator::request_lane(LaneRequest request) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
      queue_.emplace_back(std::move(request));
      arrived_.store(true, std::memory_order_release);
      wake_.notify_one();
      return;
    }
  }
  deliver({[refused = std::move(request.refused)] { refused(shutting_down()); }});
}

void Coordinator::cancel(uint64_t session, const Error& why) {
  Tasks tasks;
  std::vector<UnitPtr> cancelled;
  {
    const std::lock_guard lock(mutex_);
    for (auto it = queue_.begin(); it != queue_.end();) {
      if (auto* unit = std::get_if<UnitPtr>(&*it); unit != nullptr && (*unit)->session == session) {
        cancelled.push_back(std::move(*unit));
        it = queue_.erase(it);
      } else if (auto* lane = std::get_if<LaneRequest>(&*it); lane != nullptr && lane->session == session) {
        tasks.push_back([refused = std::move(lane->refused), why] { refused(why); });
        it = queue_.erase(it);
      } else {
        ++it;
      }
    }
  }
  {
    const std::lock_guard lock(executing_mutex_);
    if (executing_session_ == session) writer_->interrupt();
  }
  for (UnitPtr& unit : cancelled) {
    counters_.cancelled++;
    fail(std::move(unit), why, tasks);
  }
  deliver(std::move(tasks));
}

void Coordinator::account_done_locked(const Unit& unit) {
  if (unit.footprint == 0) return;
  queue_units_--;
  queue_bytes_ -= unit.footprint;
  const auto it = session_bytes_.find(unit.session);
  it->second -= unit.footprint;
  if (it->second == 0) session_bytes_.erase(it);
}

// ---- the writer ------------------------------------------------------------------------------------------------

void Coordinator::run() {
  std::unique_lock lock(mutex_);
  bool has_worked = false;
  while (true) {
    if (queue_.empty()) {
      if (stopping_) return;
      if (std::exchange(has_worked, false)) {
        arrived_.store(false, std::memory_order_relaxed);
        lock.unlock();
        stay_awake_for([this] { return arrived_.load(std::memory_order_acquire); });
        lock.lock();
        continue;
      }
      const bool woken = wake_.wait_for(lock, kChoreInterval, [&] { return stopping_ || !queue_.empty(); });
      if (!woken) {
        lock.unlock();
        chores();
        lock.lock();
      }
      continue;
    }
    if (std::holds_alternative<LaneRequest>(queue_.front())) {
      serve_lane(lock);
      continue;
    }
    std::vector<UnitPtr> batch = take_batch(lock);
    lock.unlock();
    execute_batch(std::move(batch));
    if (checkpoint_due()) chores();
    has_worked = true;
    lock.lock();
  }
}

std::vector<UnitPtr> Coordinator::take_batch(std::unique_lock<std::mutex>& lock) {
  if (limits_.linger.count() > 0 && queue_.size() == 1 && !stopping_) {
    wake_.wait_for(lock, limits_.linger, [&] { return stopping_ || queue_.size() > 1; });
  }
  std::vector<UnitPtr> batch;
  size_t bytes = 0;
  while (!queue_.empty() && batch.size() < limits_.batch_units && bytes < limits_.batch_bytes) {
    auto* unit = std::get_if<UnitPtr>(&queue_.front());
    if (unit == nullptr) break;
    const bool alone = (*unit)->alone || (*unit)->checkpoint;
    if (alone && !batch.empty()) break;
    bytes += (*unit)->footprint;
    batch.push_back(std::move(*unit));
    queue_.pop_front();
    if (alone) break;
  }
  return batch;
}

void Coordinator::serve_lane(std::unique_lock<std::mutex>& lock) {
  LaneRequest request = std::move(std::get<LaneRequest>(queue_.front()));
  queue_.pop_front();
  if (request.cancelled->load() || request.deadline.expired() || stopping_) {
    Error error = stopping_ ? shutting_down()
                            : not_executed(ErrorCode::kQueryCanceled,
                                           request.cancelled->load() ? "canceling statement due to user request"
                                                                     : "canceling statement due to statement timeout");
    lock.unlock();
    deliver({[refused = std::move(request.refused), error = std::move(error)] { refused(error); }});
    lock.lock();
    return;
  }
  std::unique_ptr<Lane> lane(new Lane(*this));
  lane->revoke_ = std::move(request.revoke);
  lane->set_busy();
  lane_ = lane.get();
  counters_.lanes_granted++;
  lock.unlock();
  // std::function wants copyable captures: the lane crosses in a shared box.
  auto box = std::make_shared<std::unique_ptr<Lane>>(std::move(lane));
  deliver({[granted = std::move(request.granted), box] { granted(std::move(*box)); }});
  box.reset();
  lock.lock();
  bool revoked = false;
  while (lane_ != nullptr) {
    wake_.wait_for(lock, std::chrono::milliseconds(20));
    if (lane_ == nullptr || revoked) continue;
    const int64_t idle_since = lane_->idle_since_.load(std::memory_order_acquire);
    if (idle_since == 0 || (queue_.empty() && !stopping_)) continue;
    const auto idle = SteadyClock::now() - TimePoint(Duration(idle_since));
    if (idle < limits_.lane_lease && !stopping_) continue;
    revoked = true;
    counters_.lanes_revoked++;
    auto revoke = lane_->revoke_;
    lock.unlock();
    deliver({[revoke = std::move(revoke)] { revoke(); }});
    lock.lock();
  }
}

void Coordinator::release_lane(Lane& lane) {
  {
    const std::lock_guard lock(mutex_);
    if (lane_ != &lane) return;
    lane_ = nullptr;
  }
  wake_.notify_one();
}

void Coordinator::execute_batch(std::vector<UnitPtr> batch) {
  Tasks tasks;
  std::vector<UnitPtr> runnable;
  runnable.reserve(batch.size());
  for (UnitPtr& unit : batch) {
    if (unit->cancelled->load()) {
      counters_.cancelled++;
      fail(std::move(unit), not_executed(ErrorCode::kQueryCanceled, "canceling statement due to user request"), tasks);
    } else if (unit->deadline.expired()) {
      counters_.expired++;
      fail(std::move(unit), not_executed(ErrorCode::kQueryCanceled, "canceling statement due to statement timeout"),
           tasks);
    } else {
      runnable.push_back(std::move(unit));
    }
  }
  if (runnable.size() == 1) {
    execute_solo(runnable.front(), tasks);
  } else if (!runnable.empty()) {
    execute_group(runnable, 0, runnable.size(), tasks);
  }
  deliver(std::move(tasks));
}

// Units [first, last) in one transaction. On an error in unit k: those before k commit together, k alone, and those
// after it together again, which keeps the order of arrival.
void Coordinator::execute_group(std::vector<UnitPtr>& batch, size_t first, size_t last, Tasks& tasks) {
  while (first < last) {
    if (last - first == 1) {
      execute_solo(batch[first], tasks);
      return;
    }
    Status status = writer_->begin();
    size_t at = first;
    const Deadline until = Deadline::in(limits_.batch_time);
    while (status.ok() && at < last && (at == first || !until.expired())) {
      status = run_unit(*batch[at]);
      if (status.ok()) at++;
    }
    if (status.ok()) {
      const Status committed = commit_writer(false);
      const bool shared = at - first > 1;
      for (size_t i = first; i < at; i++) {
        if (!committed.ok()) {
          fail(std::move(batch[i]), unknown_outcome(committed.error()), tasks);
          continue;
        }
        if (shared) counters_.grouped_units++;
        finish(std::move(batch[i]), tasks);
      }
      deliver(std::exchange(tasks, {}));
      first = at;
      continue;
    }
    writer_->rollback();
    if (database_.invalidated()) {
      for (size_t i = first; i < last; i++) {
        fail(std::move(batch[i]),
             not_executed(ErrorCode::kCrashShutdown, "the database was invalidated by an error and restarts"), tasks);
      }
      return;
    }
    execute_group(batch, first, at, tasks);
    counters_.solo_reruns++;
    execute_solo(batch[at], tasks);
    first = at + 1;
  }
}

void Coordinator::execute_solo(UnitPtr& unit, Tasks& tasks) {
  if (unit->checkpoint) {
    const Status status = checkpoint(true);
    if (!status.ok()) return fail(std::move(unit), status.error(), tasks);
    unit->outcome.results.emplace_back();
    return finish(std::move(unit), tasks);
  }
  while (true) {
    Status status = writer_->begin();
    if (status.ok()) status = run_unit(*unit);
    if (status.ok()) {
      const Status committed = commit_writer(unit->alone);
      if (unit->alone) cache_.clear();
      if (!committed.ok()) return fail(std::move(unit), unknown_outcome(committed.error()), tasks);
      return finish(std::move(unit), tasks);
    }
    writer_->rollback();
    if (unit->alone) cache_.clear();
    const bool retry = engine::is_conflict(status.error()) && unit->attempts < kMaxConflictRetries &&
                       !unit->deadline.expired() && !unit->cancelled->load();
    if (!retry) return fail(std::move(unit), status.error(), tasks);
    unit->attempts++;
    counters_.conflicts_retried++;
    static thread_local std::minstd_rand jitter{std::random_device{}()};
    const int ceiling_us = 200 << std::min(unit->attempts, 8);
    std::this_thread::sleep_for(std::chrono::microseconds(ceiling_us / 2 + static_cast<int>(jitter() % ceiling_us)));
  }
}

Status Coordinator::run_unit(Unit& unit) {
  unit.outcome.results.clear();
  if (unit.cancelled->load()) return make_error(ErrorCode::kQueryCanceled, "canceling statement due to user request");
  const engine::SettingsPtr before = writer_->settings();
  MERGANSER_TRY(writer_->apply(unit.settings));
  if (writer_->settings() != before) cache_.clear();
  for (const Statement& statement : unit.statements) {
    MERGANSER_ASSIGN(auto result, run_statement(statement, unit.session));
    unit.outcome.results.push_back(std::move(result));
  }
  return {};
}

Result<engine::ResultSet> Coordinator::run_statement(const Statement& statement, uint64_t session) {
  MERGANSER_ASSIGN(engine::Prepared * prepared, cache_.get(*writer_, *statement.sql, *statement.kind));
  mark_executing(session);
  auto result = prepared->execute(statement.values, false);
  mark_executing(0);
  return result;
}

// A cancel may interrupt the writer only while that session's own statement executes: never another's, never COMMIT.
void Coordinator::mark_executing(uint64_t session) {
  const std::lock_guard lock(executing_mutex_);
  executing_session_ = session;
}

Status Coordinator::commit_writer(bool ddl) {
  return commit(*writer_, true, ddl);
}

Status Coordinator::commit(engine::Connection& connection, bool wrote, bool ddl) {
  if (!wrote) return connection.commit();
  if (hooks_.before_commit) hooks_.before_commit();
  const auto visibility =
      hooks_.visibility != nullptr ? std::unique_lock(*hooks_.visibility) : std::unique_lock<std::shared_mutex>();
  MERGANSER_TRY(connection.commit());
  // The WAL's directory entry has to be durable too, or the file's name may be gone after a power cut.
  const Status acknowledged = database_.acknowledge();
  if (ddl) {
    // The change is durable whatever comes now; without the names of its views nothing further may be let in.
    const Status scanned = database_.rescan_catalog(connection);
    if (!scanned.ok()) database_.mark_invalidated("the catalog cannot be read: " + scanned.error().message);
  }
  after_commit(ddl);
  return acknowledged;
}

void Coordinator::after_commit(bool ddl) {
  counters_.commits++;
  if (ddl) {
    counters_.ddl++;
    ddl_generation_.fetch_add(1, std::memory_order_release);
  }
  const uint64_t sequence = committed_.fetch_add(1, std::memory_order_acq_rel) + 1;
  if (hooks_.committed) hooks_.committed(sequence);
}

void Coordinator::finish(UnitPtr unit, Tasks& tasks) {
  counters_.units++;
  {
    const std::lock_guard lock(mutex_);
    account_done_locked(*unit);
    last_write_ = SteadyClock::now();
  }
  tasks.push_back([unit = std::shared_ptr<Unit>(std::move(unit))] { unit->done(unit->outcome); });
}

void Coordinator::fail(UnitPtr unit, Error error, Tasks& tasks) {
  if (error.code == ErrorCode::kTransactionResolutionUnknown) counters_.outcome_unknown++;
  unit->outcome.error = std::move(error);
  finish(std::move(unit), tasks);
}

void Coordinator::deliver(Tasks tasks) {
  if (!tasks.empty()) hooks_.deliver(std::move(tasks));
}

Coordinator::QueueState Coordinator::queue_state() const {
  const std::lock_guard lock(mutex_);
  return {queue_.size(), queue_bytes_, lane_ != nullptr};
}

// ---- checkpoints -----------------------------------------------------------------------------------------------

bool Coordinator::checkpoint_due() const {
  return database_.acknowledged_wal_bytes() >= limits_.checkpoint_wal_bytes &&
         SteadyClock::now() >= next_checkpoint_try_;
}

void Coordinator::chores() {
  if (database_.invalidated() || SteadyClock::now() < next_checkpoint_try_) return;
  const uint64_t wal = database_.wal_files().wal_bytes;
  if (wal == 0) return;
  const bool large = wal >= limits_.checkpoint_wal_bytes;
  bool idle = false;
  if (limits_.checkpoint_interval.count() > 0) {
    const std::lock_guard lock(mutex_);
    idle = SteadyClock::now() - last_write_ >= limits_.checkpoint_interval;
  }
  if (!large && !idle) return;
  const Status status = checkpoint(wal >= 4 * limits_.checkpoint_wal_bytes);
  if (status.ok()) return;
  next_checkpoint_try_ = SteadyClock::now() + kCheckpointBackoff;
  if (large) {
    log(LogLevel::kWarn, "checkpoint.postponed",
        {{"file", database_.file()}, {"wal_bytes", wal}, {"why", status.error().message}});
  }
}

Status Coordinator::checkpoint(bool hard) {
  if (hooks_.retire_snapshots) hooks_.retire_snapshots(hard);
  Status status = writer_->execute("CHECKPOINT");
  if (!status.ok() && status.error().message.find("other") != std::string::npos) {
    // DuckDB's own advice here, FORCE CHECKPOINT, would stop everybody.
    status = make_error(ErrorCode::kObjectInUse, "cannot checkpoint while older snapshots are in use", {},
                        "It happens by itself once the transactions and reads that began earlier have ended.");
  }
  if (status.ok()) status = database_.after_checkpoint();
  (status.ok() ? counters_.checkpoints : counters_.checkpoint_failures)++;
  return status;
}

void Coordinator::stop(bool checkpoint_too) {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (!thread_.joinable()) return;
  thread_.join();
  cache_.clear();
  if (checkpoint_too && !database_.invalidated() && database_.wal_files().wal_bytes > 0) {
    const Status status = checkpoint(true);
    if (!status.ok()) log(LogLevel::kWarn, "checkpoint.at_exit_failed", {{"why", status.error().message}});
  }
  writer_.reset();
}

}  // namespace merganser::coordinator

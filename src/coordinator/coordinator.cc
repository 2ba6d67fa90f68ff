#include "coordinator/coordinator.h"

#include <random>

#include "base/awake.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "engine/error_map.h"

namespace merganser::coordinator {
namespace {

constexpr size_t kCachedStatements = 256;
constexpr std::chrono::seconds kChoreInterval{1};
constexpr int kMaxConflictRetries = 20;
constexpr char kNotExecuted[] = "The statement was not executed.";
constexpr char kCancelledByUser[] = "canceling statement due to user request";

Error unknown_outcome(const Error& cause) {
  return make_error(ErrorCode::kTransactionResolutionUnknown, "the commit was sent, but whether it happened is unknown",
                    cause.message, "Look whether the change is there before you send it again.");
}

Error not_executed(ErrorCode code, std::string message) {
  return make_error(code, std::move(message), kNotExecuted);
}

Error deadline_passed() {
  Error error = not_executed(ErrorCode::kQueryCanceled, "the deadline passed before the statement was executed");
  error.hint =
      "Send it again if it still makes sense; merganser.deadline_ms and statement_timeout set how long it has.";
  return error;
}

}  // namespace

Lane::~Lane() {
  coordinator_.release_lane(*this);
}

Coordinator::Coordinator(engine::Database& database, Limits limits, Hooks hooks)
    : database_(database),
      limits_(limits),
      hooks_(std::move(hooks)),
      cache_(kCachedStatements),
      ledger_(database, limits_, counters_) {}

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

void Coordinator::submit(UnitPtr unit) {
  kill_point("arrived");
  std::optional<Error> refused;
  Queue::Answered answered;
  if (database_.invalidated()) {
    refused = not_executed(ErrorCode::kCrashShutdown, "the database was invalidated by an error and restarts");
  } else {
    refused = queue_.push(unit, answered);
  }
  if (!refused) kill_point("queued");
  if (!refused && answered.empty()) return;
  Tasks tasks;
  answer(std::move(answered), tasks);
  if (refused) fail(std::move(unit), *std::move(refused), tasks);
  deliver(std::move(tasks));
}

void Coordinator::request_lane(LaneRequest request) {
  if (auto refused = queue_.push(request)) {
    deliver({[refuse = std::move(request.refused), error = *std::move(refused)] { refuse(error); }});
  }
}

void Coordinator::cancel(uint64_t session, const Error& why) {
  Queue::Withdrawn withdrawn = queue_.withdraw(session);
  {
    const std::lock_guard lock(executing_mutex_);
    if (executing_session_ == session) writer_->interrupt();
  }
  refuse(std::move(withdrawn), why, counters_.cancelled);
}

void Coordinator::expire(uint64_t session) {
  refuse(queue_.withdraw(session), deadline_passed(), counters_.expired);
}

void Coordinator::refuse(Queue::Withdrawn withdrawn, const Error& why, std::atomic<uint64_t>& counter) {
  Error error = why;
  if (error.detail.empty()) error.detail = kNotExecuted;
  Tasks tasks;
  for (LaneRequest& lane : withdrawn.lanes) {
    tasks.push_back([refused = std::move(lane.refused), error] { refused(error); });
  }
  for (UnitPtr& unit : withdrawn.units) {
    counter++;
    fail(std::move(unit), error, tasks);
  }
  deliver(std::move(tasks));
}

// ---- the writer ------------------------------------------------------------------------------------------------

void Coordinator::run() {
  bool has_worked = false;
  while (true) {
    Queue::Work work = queue_.take(has_worked ? Duration::zero() : kChoreInterval);
    if (work.lane) {
      serve_lane(*std::move(work.lane));
    } else if (!work.batch.empty()) {
      execute_batch(std::move(work.batch));
      if (checkpoint_due()) chores();
      if (ledger_.clean_up_due()) clean_up_ledger();
      has_worked = true;
    } else if (work.closed) {
      return;
    } else if (std::exchange(has_worked, false)) {
      stay_awake_for([this] { return queue_.arrived(); });
    } else {
      chores();
    }
  }
}

void Coordinator::serve_lane(LaneRequest request) {
  const bool stopping = queue_.closed();
  if (request.cancelled->load() || request.options.deadline.expired() || stopping) {
    Error error = stopping                    ? shutting_down()
                  : request.cancelled->load() ? not_executed(ErrorCode::kQueryCanceled, kCancelledByUser)
                                              : deadline_passed();
    deliver({[refused = std::move(request.refused), error = std::move(error)] { refused(error); }});
    return;
  }
  std::unique_ptr<Lane> lane(new Lane(*this));
  lane->revoke_ = std::move(request.revoke);
  lane->set_busy();
  {
    const std::lock_guard lock(lane_mutex_);
    lane_ = lane.get();
  }
  counters_.lanes_granted++;
  counters_.lane_wait.record(SteadyClock::now() - request.asked_at);
  counters_.writer = WriterState::kLane;
  // std::function wants copyable captures: the lane crosses in a shared box.
  auto box = std::make_shared<std::unique_ptr<Lane>>(std::move(lane));
  deliver({[granted = std::move(request.granted), box] { granted(std::move(*box)); }});
  box.reset();
  bool revoked = false;
  std::unique_lock lock(lane_mutex_);
  while (lane_ != nullptr) {
    lane_released_.wait_for(lock, std::chrono::milliseconds(20));
    if (lane_ == nullptr || revoked) continue;
    const int64_t idle_since = lane_->idle_since_.load(std::memory_order_acquire);
    const bool closed = queue_.closed();
    if (idle_since == 0 || (!closed && !queue_.contended())) continue;
    const auto idle = SteadyClock::now() - TimePoint(Duration(idle_since));
    if (idle < limits_.lane_lease && !closed) continue;
    revoked = true;
    counters_.lanes_revoked++;
    auto revoke = lane_->revoke_;
    lock.unlock();
    deliver({[revoke = std::move(revoke)] { revoke(); }});
    lock.lock();
  }
  counters_.writer = WriterState::kIdle;
}

void Coordinator::release_lane(Lane& lane) {
  {
    const std::lock_guard lock(lane_mutex_);
    if (lane_ != &lane) return;
    lane_ = nullptr;
  }
  lane_released_.notify_one();
}

void Coordinator::execute_batch(std::vector<UnitPtr> batch) {
  kill_point("batch_taken");
  Tasks tasks;
  std::vector<UnitPtr> runnable;
  runnable.reserve(batch.size());
  const TimePoint now = SteadyClock::now();
  counters_.writer = WriterState::kExecuting;
  for (UnitPtr& unit : batch) {
    counters_.queue_wait.record(now - unit->queued_at);
    if (unit->stage) unit->stage->set(Stage::kExecuting, now);
    if (auto error = overdue(*unit)) {
      fail(std::move(unit), *std::move(error), tasks);
    } else if (const Status ready = open_ledger(*unit); !ready.ok()) {
      fail(std::move(unit), ready.error(), tasks);
    } else {
      runnable.push_back(std::move(unit));
    }
  }
  if (runnable.size() == 1) {
    execute_solo(runnable.front(), tasks);
  } else if (!runnable.empty()) {
    execute_group(runnable, 0, runnable.size(), tasks);
  }
  counters_.writer = WriterState::kIdle;
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
    const TimePoint begun = SteadyClock::now();
    Status status = writer_->begin();
    size_t at = first;
    const Deadline until = Deadline::in(limits_.batch_time);
    while (status.ok() && at < last && (at == first || !until.expired())) {
      status = run_unit(*batch[at]);
      if (status.ok()) at++;
    }
    if (status.ok()) {
      counters_.execute.record(SteadyClock::now() - begun);
      const Status committed = commit_writer(false);
      if (committed.ok()) count_batch({&batch[first], at - first});
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
    const Status status = checkpoint(true, Duration::zero());
    if (!status.ok()) return fail(std::move(unit), status.error(), tasks);
    unit->outcome.results.emplace_back();
    return finish(std::move(unit), tasks);
  }
  while (true) {
    // Nothing of an attempt before this one was kept.
    if (auto error = overdue(*unit)) return fail(std::move(unit), *std::move(error), tasks);
    const TimePoint begun = SteadyClock::now();
    Status status = writer_->begin();
    if (status.ok()) status = run_unit(*unit);
    if (status.ok()) {
      counters_.execute.record(SteadyClock::now() - begun);
      const Status committed = commit_writer(unit->alone);
      if (unit->alone) forget_plans();
      if (!committed.ok()) return fail(std::move(unit), unknown_outcome(committed.error()), tasks);
      count_batch({&unit, 1});
      return finish(std::move(unit), tasks);
    }
    writer_->rollback();
    if (unit->alone) forget_plans();
    const bool retry = engine::is_conflict(status.error()) && unit->attempts < kMaxConflictRetries;
    if (!retry) return fail(std::move(unit), status.error(), tasks);
    unit->attempts++;
    counters_.conflicts_retried++;
    static thread_local std::minstd_rand jitter{std::random_device{}()};
    const int ceiling_us = 200 << std::min(unit->attempts, 8);
    std::this_thread::sleep_for(std::chrono::microseconds(ceiling_us / 2 + static_cast<int>(jitter() % ceiling_us)));
  }
}

// The table of idempotency keys is made when the first of them comes.
Status Coordinator::open_ledger(const Unit& unit) {
  if (unit.options.idempotency_key.empty()) return {};
  if (unit.checkpoint) {
    return make_error(ErrorCode::kFeatureNotSupported, "CHECKPOINT takes no idempotency key", {},
                      "It can be repeated without harm.");
  }
  if (ledger_.is_open()) return {};
  cache_.clear();
  return ledger_.open(*writer_, [this](bool ddl) { return commit_writer(ddl); });
}

void Coordinator::clean_up_ledger() {
  if (database_.invalidated()) return;
  const Status status = ledger_.clean_up(*writer_, [this](bool ddl) { return commit_writer(ddl); });
  if (!status.ok()) log(LogLevel::kWarn, "idempotency.clean_up_failed", {{"why", status.error().message}});
}

void Coordinator::forget_plans() {
  cache_.clear();
  ledger_.forget_plans();
}

Status Coordinator::run_unit(Unit& unit) {
  const bool keyed = !unit.options.idempotency_key.empty();
  unit.outcome.results.clear();
  unit.outcome.first_answered.clear();
  kill_point("begun");
  if (unit.cancelled->load()) return make_error(ErrorCode::kQueryCanceled, "canceling statement due to user request");
  const engine::SettingsPtr before = writer_->settings();
  MERGANSER_TRY(writer_->apply(unit.settings));
  if (writer_->settings() != before) cache_.clear();
  if (keyed) {
    MERGANSER_ASSIGN(const bool answered, ledger_.replay(*writer_, unit));
    if (answered) return {};
  }
  for (const Statement& statement : unit.statements) {
    MERGANSER_ASSIGN(auto result, run_statement(statement, unit.session));
    unit.outcome.results.push_back(std::move(result));
  }
  kill_point("executed");
  if (keyed) MERGANSER_TRY(ledger_.record(*writer_, unit));
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
  kill_point("before_commit");
  const TimePoint sent = SteadyClock::now();
  const WriterState before = counters_.writer.exchange(WriterState::kCommitting);
  const Status committed = connection.commit();
  counters_.writer = before;
  counters_.commit.record(SteadyClock::now() - sent);
  MERGANSER_TRY(committed);
  kill_point("after_commit");
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

void Coordinator::count_batch(std::span<const UnitPtr> units) {
  uint64_t rows = 0;
  for (const UnitPtr& unit : units) {
    for (const engine::ResultSet& result : unit->outcome.results) {
      rows += result.kind() == engine::ReturnKind::kRows ? result.materialised_rows() : result.changed_rows();
    }
  }
  counters_.rows += rows;
  counters_.batch_units.record(units.size());
  counters_.batch_rows.record(rows);
}

void Coordinator::finish(UnitPtr unit, Tasks& tasks) {
  counters_.units++;
  if (!unit->options.idempotency_key.empty()) ledger_.count(*unit);
  Queue::Answered answered;
  queue_.settle(*unit, answered);
  last_write_.store(SteadyClock::now(), std::memory_order_relaxed);
  tasks.push_back([unit = std::shared_ptr<Unit>(std::move(unit))] { unit->done(unit->outcome); });
  answer(std::move(answered), tasks);
}

void Coordinator::answer(Queue::Answered answered, Tasks& tasks) {
  for (UnitPtr& unit : answered) {
    tasks.push_back([unit = std::shared_ptr<Unit>(std::move(unit))] { unit->done(unit->outcome); });
  }
}

// Why the unit is not to be begun any more.
std::optional<Error> Coordinator::overdue(const Unit& unit) {
  if (unit.cancelled->load()) {
    counters_.cancelled++;
    return not_executed(ErrorCode::kQueryCanceled, kCancelledByUser);
  }
  if (!unit.options.deadline.expired()) return std::nullopt;
  counters_.expired++;
  return deadline_passed();
}

void Coordinator::fail(UnitPtr unit, Error error, Tasks& tasks) {
  if (error.code == ErrorCode::kTransactionResolutionUnknown) counters_.outcome_unknown++;
  unit->outcome.error = std::move(error);
  finish(std::move(unit), tasks);
}

void Coordinator::deliver(Tasks tasks) {
  if (tasks.empty()) return;
  kill_point("before_acknowledge");
  hooks_.deliver(std::move(tasks));
  kill_point("replies_queued");
}

Coordinator::QueueState Coordinator::queue_state() const {
  const Queue::State state = queue_.state();
  const std::lock_guard lock(lane_mutex_);
  return {state.waiting, state.debounced, state.bytes, lane_ != nullptr};
}

void Coordinator::stop(bool checkpoint_too) {
  queue_.close();
  if (!thread_.joinable()) return;
  thread_.join();
  cache_.clear();
  ledger_.close();
  if (checkpoint_too && !database_.invalidated() && database_.wal_files().wal_bytes > 0) {
    const Status status = checkpoint(true, Duration::zero());
    if (!status.ok()) log(LogLevel::kWarn, "checkpoint.at_exit_failed", {{"why", status.error().message}});
  }
  writer_.reset();
}

}  // namespace merganser::coordinator

#include "coordinator/coordinator.h"

#include "base/awake.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "engine/error_map.h"
#include "engine/sync_clock.h"

namespace merganser::coordinator {
namespace {

constexpr size_t kCachedStatements = 256;
constexpr std::chrono::seconds kChoreInterval{1};
constexpr std::chrono::microseconds kCompany{400};  // for those who were just answered
constexpr char kNotExecuted[] = "The statement was not executed.";
constexpr char kCancelledByUser[] = "canceling statement due to user request";

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
  // So many keys of a batch may become lookups in an index.
  MERGANSER_TRY(self->writer_->execute("SET SESSION dynamic_or_filter_threshold = 5000"));
  self->coalescer_ = std::make_unique<Coalescer>(database, *self->writer_, self->counters_);
  self->coalescer_->set_enabled(limits.coalescing);
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

// A commit costs nearly the same for one write as for all that could share it. Those who were just answered mostly send
// again at once: without this their writes would always wait for the commit of those who came a little earlier. It ends
// when as many are there as took part lately, when nobody comes any more, and in any case soon.
void Coordinator::wait_for_company(uint64_t entered_before, size_t answered, Duration took) {
  const uint64_t came = counters_.entered - entered_before;
  if (answered + came < 2) return;
  const uint64_t expected = entered_before + answered + came;
  queue_.wait_for_company(expected, SteadyClock::now() + std::min<Duration>(kCompany, took / 2));
}

void Coordinator::run() {
  bool has_worked = false;
  while (true) {
    Queue::Work work = queue_.take(has_worked ? Duration::zero() : kChoreInterval);
    if (work.lane) {
      serve_lane(*std::move(work.lane));
    } else if (!work.batch.empty()) {
      const size_t units = work.batch.size();
      const uint64_t entered = counters_.entered;
      const TimePoint begun = SteadyClock::now();
      execute_batch(std::move(work.batch));
      wait_for_company(entered, units, SteadyClock::now() - begun);
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

// A cancel may interrupt the writer only while that session's own statement executes: never another's, never COMMIT.
void Coordinator::mark_executing(uint64_t session) {
  const std::lock_guard lock(executing_mutex_);
  executing_session_ = session;
}

Status Coordinator::commit_writer(bool ddl, const Tables* tables) {
  return make_durable(*writer_, ddl, tables, [&] { return writer_->commit(); });
}

Status Coordinator::commit(engine::Connection& connection, bool wrote, bool ddl) {
  if (!wrote) return connection.commit();
  return make_durable(connection, ddl, nullptr, [&] { return connection.commit(); });
}

Status Coordinator::make_durable(engine::Connection& connection, bool ddl, const Tables* tables,
                                 const std::function<Status()>& commit) {
  if (hooks_.before_commit) hooks_.before_commit();
  const auto visibility =
      hooks_.visibility != nullptr ? std::unique_lock(*hooks_.visibility) : std::unique_lock<std::shared_mutex>();
  kill_point("before_commit");
  const TimePoint sent = SteadyClock::now();
  const WriterState before = counters_.writer.exchange(WriterState::kCommitting);
  const engine::SyncClock disk;
  const Status committed = commit();
  counters_.writer = before;
  counters_.commit.record(SteadyClock::now() - sent);
  if (!committed.ok()) {
    // It may have happened all the same.
    if (hooks_.changed) hooks_.changed(committed_.load() + 1, {}, true);
    return committed;
  }
  counters_.sync.record(disk.spent());
  kill_point("after_commit");
  // The WAL's directory entry has to be durable too, or the file's name may be gone after a power cut.
  const Status acknowledged = database_.acknowledge();
  if (ddl) {
    // The change is durable whatever comes now; without the names of its views nothing further may be let in.
    const Status scanned = database_.rescan_catalog(connection);
    if (!scanned.ok()) database_.mark_invalidated("the catalog cannot be read: " + scanned.error().message);
  }
  after_commit(ddl, ddl ? nullptr : tables);
  return acknowledged;
}

void Coordinator::after_commit(bool ddl, const Tables* tables) {
  counters_.commits++;
  if (ddl) {
    counters_.ddl++;
    ddl_generation_.fetch_add(1, std::memory_order_release);
  }
  const Tables none;
  if (hooks_.changed) hooks_.changed(committed_.load() + 1, tables != nullptr ? *tables : none, tables == nullptr);
  committed_.fetch_add(1, std::memory_order_acq_rel);
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
  coalescer_->clear();
  ledger_.close();
  if (checkpoint_too && !database_.invalidated() && database_.wal_files().wal_bytes > 0) {
    const Status status = checkpoint(true, Duration::zero());
    if (!status.ok()) log(LogLevel::kWarn, "checkpoint.at_exit_failed", {{"why", status.error().message}});
  }
  writer_.reset();
}

}  // namespace merganser::coordinator

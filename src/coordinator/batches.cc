// How a batch is executed: in as few transactions and statements as keep every unit's answer its own.
#include <algorithm>
#include <random>

#include "base/kill_point.h"
#include "base/log.h"
#include "coordinator/coordinator.h"
#include "coordinator/versions.h"
#include "engine/error_map.h"
#include "engine/sql_tokens.h"

namespace merganser::coordinator {
namespace {

constexpr int kMaxConflictRetries = 20;
// How often a batch is taken apart before what fails runs one by one: a round each is rerun of all.
constexpr int kMaxSplits = 16;
constexpr size_t kNoneFailed = SIZE_MAX;
constexpr char kNotExecuted[] = "The statement was not executed.";

Error unknown_outcome(const Error& cause) {
  return make_error(ErrorCode::kTransactionResolutionUnknown, "the commit was sent, but whether it happened is unknown",
                    cause.message, "Look whether the change is there before you send it again.");
}

Error not_executed(ErrorCode code, std::string message) {
  return make_error(code, std::move(message), kNotExecuted);
}

uint64_t rows_of(std::span<const UnitPtr> units) {
  uint64_t rows = 0;
  for (const UnitPtr& unit : units) {
    for (const engine::ResultSet& result : unit->outcome.results) {
      rows += result.kind() == engine::ReturnKind::kRows ? result.materialised_rows() : result.changed_rows();
    }
  }
  return rows;
}

}  // namespace

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
  if (runnable.empty()) return deliver(std::move(tasks));
  coalescer_->begin_batch(ddl_generation());
  for (size_t i = 0; i < runnable.size(); i++) runnable[i]->arrival = i;
  execute_steps(coalescer_->arrange(std::move(runnable)), tasks);
  counters_.writer = WriterState::kIdle;
  deliver(std::move(tasks));
}

// All steps in one transaction. A step that fails is halved, or stands apart when it is one unit, and everything begins
// again: rolled back is not yet answered. What stands apart runs alone where it is, or after all others when that makes
// no difference: so a client with bad rows costs the rest little.
void Coordinator::execute_steps(std::vector<Step> steps, Tasks& tasks) {
  std::vector<UnitPtr> last;
  int failures = 0;
  while (!steps.empty()) {
    size_t together = 0;
    while (together < steps.size() && !steps[together].apart) together++;
    // What stands apart need not cut the transaction in two.
    if (together < steps.size() && Coalescer::may_run_after(steps[together], std::span(steps).subspan(together + 1))) {
      std::move(steps[together].units.begin(), steps[together].units.end(), std::back_inserter(last));
      steps.erase(steps.begin() + static_cast<std::ptrdiff_t>(together));
      continue;
    }
    if (together == 0) {
      execute_one_by_one(steps[0].units, 0, steps[0].units.size(), tasks);
      steps.erase(steps.begin());
      continue;
    }
    if (together == 1 && !steps[0].coalesced) {
      execute_solo(steps[0].units[0], tasks);
      steps.erase(steps.begin());
      continue;
    }
    const size_t failed_at = execute_together(steps, together, tasks);
    if (failed_at == kNoneFailed) continue;
    if (database_.invalidated()) {
      for (Step& step : steps) fail_all(step.units, tasks);
      return fail_all(last, tasks);
    }
    Step& failed = steps[failed_at];
    if (failed.coalesced) counters_.split_batches++;
    if (failed.units.size() == 1 || ++failures > kMaxSplits) {
      counters_.solo_reruns += failed.units.size();
      failed.apart = true;
    } else {
      halve(steps, failed_at);
    }
    // A plan that turned out to be the wrong one is made again before the next transaction.
    coalescer_->prepare(steps);
  }
  std::sort(last.begin(), last.end(), [](const UnitPtr& a, const UnitPtr& b) { return a->arrival < b->arrival; });
  execute_one_by_one(last, 0, last.size(), tasks);
}

// The first `count` steps in one transaction, or as many as its time allows; those that were committed are gone then.
// Gives the step that failed, and rolled back all.
size_t Coordinator::execute_together(std::vector<Step>& steps, size_t count, Tasks& tasks) {
  if (count == 1 && Coalescer::may_commit_itself(steps[0])) {
    Status executed;
    Tables tables;
    const bool known = add_tables(steps[0], tables);
    const Status committed =
        make_durable(*writer_, false, known ? &tables : nullptr, [&] { return executed = execute_step(steps[0]); });
    // DuckDB has rolled it back; only when the instance went down with it, nobody knows.
    if (!executed.ok() && !database_.invalidated()) return 0;
    finish_steps(steps, 1, committed, tasks);
    return kNoneFailed;
  }
  const TimePoint begun = SteadyClock::now();
  Status status = writer_->begin();
  size_t at = 0;
  const Deadline until = Deadline::in(limits_.batch_time);
  while (status.ok() && at < count && (at == 0 || !until.expired())) {
    status = execute_step(steps[at]);
    if (status.ok()) at++;
  }
  if (!status.ok()) {
    writer_->rollback();
    return at;
  }
  counters_.execute.record(SteadyClock::now() - begun);
  Tables tables;
  bool known = true;
  for (size_t i = 0; i < at; i++) known = known && add_tables(steps[i], tables);
  finish_steps(steps, at, commit_writer(false, known ? &tables : nullptr), tasks);
  return kNoneFailed;
}

bool Coordinator::add_tables(const Unit& unit, Tables& tables) {
  for (const Statement& statement : unit.statements) {
    std::string table = engine::changed_table(*statement.sql);
    if (table.empty()) return false;
    tables.push_back(std::move(table));
  }
  return true;
}

bool Coordinator::add_tables(const Step& step, Tables& tables) {
  if (step.plan != nullptr) {
    tables.push_back(engine::folded_name(engine::quote_name(step.plan->facts().name)));
    return true;
  }
  return std::all_of(step.units.begin(), step.units.end(),
                     [&](const UnitPtr& unit) { return add_tables(*unit, tables); });
}

// The first `at` steps were committed, or nobody knows.
void Coordinator::finish_steps(std::vector<Step>& steps, size_t at, const Status& committed, Tasks& tasks) {
  uint64_t units = 0;
  uint64_t rows = 0;
  for (size_t i = 0; i < at; i++) {
    units += steps[i].units.size();
    rows += rows_of(steps[i].units);
  }
  if (committed.ok()) count_batch(units, rows);
  for (size_t i = 0; i < at; i++) {
    if (steps[i].coalesced && committed.ok()) {
      counters_.coalesced_units += steps[i].units.size();
      counters_.coalesced_statements++;
    }
    finish_units(steps[i].units, units > 1, committed, tasks);
  }
  deliver(std::exchange(tasks, {}));
  steps.erase(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(at));
}

// They were committed, or nobody knows.
void Coordinator::finish_units(std::span<UnitPtr> units, bool shared, const Status& committed, Tasks& tasks) {
  for (UnitPtr& unit : units) {
    if (!committed.ok()) {
      fail(std::move(unit), unknown_outcome(committed.error()), tasks);
      continue;
    }
    if (shared) counters_.grouped_units++;
    finish(std::move(unit), tasks);
  }
}

void Coordinator::halve(std::vector<Step>& steps, size_t index) {
  std::vector<UnitPtr> units = std::move(steps[index].units);
  steps.erase(steps.begin() + static_cast<std::ptrdiff_t>(index));
  const auto half = units.begin() + static_cast<std::ptrdiff_t>(units.size() / 2);
  for (const auto& [begin, end] : {std::pair(half, units.end()), std::pair(units.begin(), half)}) {
    auto parts = coalescer_->arrange({std::make_move_iterator(begin), std::make_move_iterator(end)});
    steps.insert(steps.begin() + static_cast<std::ptrdiff_t>(index), std::make_move_iterator(parts.begin()),
                 std::make_move_iterator(parts.end()));
  }
}

void Coordinator::fail_all(std::span<UnitPtr> units, Tasks& tasks) {
  for (UnitPtr& unit : units) {
    fail(std::move(unit),
         not_executed(ErrorCode::kCrashShutdown, "the database was invalidated by an error and restarts"), tasks);
  }
}

Status Coordinator::execute_step(Step& step) {
  if (!step.coalesced) return run_unit(*step.units[0]);
  kill_point("begun");
  MERGANSER_TRY(coalescer_->execute(step));
  kill_point("executed");
  for (const UnitPtr& unit : step.units) {
    if (unit->options.version_column.empty()) continue;
    MERGANSER_ASSIGN(auto missed, missed_version(*writer_, *unit));
    if (!missed) continue;
    // A lone statement that met no row has done nothing: the others need not be rolled back for it.
    if (unit->statements.size() > 1) return *std::move(missed);
    unit->outcome.results.clear();
    unit->outcome.error = std::move(missed);
  }
  return {};
}

// Units [first, last) in one transaction, each by its own statements. On an error in unit k: those before k commit
// together, k alone, and those after it together again.
void Coordinator::execute_one_by_one(std::vector<UnitPtr>& batch, size_t first, size_t last, Tasks& tasks) {
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
      const std::span done(&batch[first], at - first);
      Tables tables;
      bool known = true;
      for (const UnitPtr& unit : done) known = known && add_tables(*unit, tables);
      const Status committed = commit_writer(false, known ? &tables : nullptr);
      if (committed.ok()) count_batch(done.size(), rows_of(done));
      finish_units(done, done.size() > 1, committed, tasks);
      deliver(std::exchange(tasks, {}));
      first = at;
      continue;
    }
    writer_->rollback();
    if (database_.invalidated()) return fail_all(std::span(batch).subspan(first, last - first), tasks);
    execute_one_by_one(batch, first, at, tasks);
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
      Tables tables;
      const bool known = !unit->alone && add_tables(*unit, tables);
      const Status committed = commit_writer(unit->alone, known ? &tables : nullptr);
      if (unit->alone) forget_plans();
      if (!committed.ok()) return fail(std::move(unit), unknown_outcome(committed.error()), tasks);
      count_batch(1, rows_of({&unit, 1}));
      return finish(std::move(unit), tasks);
    }
    writer_->rollback();
    if (unit->alone) forget_plans();
    const bool retry = engine::is_conflict(status.error()) && unit->attempts < kMaxConflictRetries;
    if (!retry) {
      coalescer_->suspect(*unit);
      return fail(std::move(unit), status.error(), tasks);
    }
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
  forget_plans();
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
  unit.outcome.error.reset();
  unit.outcome.first_answered.clear();
  kill_point("begun");
  if (unit.cancelled->load()) return make_error(ErrorCode::kQueryCanceled, "canceling statement due to user request");
  MERGANSER_TRY(writer_->apply(unit.settings));
  if (keyed) {
    MERGANSER_ASSIGN(const bool answered, ledger_.replay(*writer_, unit));
    if (answered) return {};
  }
  for (const Statement& statement : unit.statements) {
    MERGANSER_ASSIGN(auto result, run_statement(statement, unit.session));
    unit.outcome.results.push_back(std::move(result));
  }
  kill_point("executed");
  // A miss is an error of the whole unit: nothing of it is kept, and it is no answer to remember.
  MERGANSER_ASSIGN(auto missed, missed_version(*writer_, unit));
  if (missed) return *std::move(missed);
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

void Coordinator::count_batch(uint64_t units, uint64_t rows) {
  counters_.rows += rows;
  counters_.batch_units.record(units);
  counters_.batch_rows.record(rows);
}

}  // namespace merganser::coordinator

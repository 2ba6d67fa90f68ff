// SAVEPOINT, RELEASE and ROLLBACK TO. DuckDB has no savepoints, and most errors end its transaction: going back means
// to begin again and to repeat what came before, under the lane when it was taken, and comparing every answer.
#include <algorithm>

#include "session/cursor.h"
#include "session/replay.h"
#include "session/session.h"

namespace merganser::session {
namespace {

using engine::CommandKind;
using engine::StatementKind;

constexpr size_t kMaxSavepoints = 10000;  // open at once in one transaction

Error no_such_savepoint(const std::string& name) {
  return make_error(ErrorCode::kInvalidSavepoint, "savepoint \"" + name + "\" does not exist");
}

}  // namespace

// What a statement did is kept when it might have to be repeated.
void Session::note_success(RunRequest& request, const Progress& progress) {
  transaction_.in_doubt = false;
  if (transaction_.active && !request.resumed)
    note_change(transaction_.changes, *request.statement.kind, progress.count);
  // Somebody committed since its first statement began: it is open which of the two came first.
  if (!transaction_.lane && transaction_.snapshot && transaction_.log.statements().empty() &&
      *transaction_.snapshot != services_->coordinator->committed()) {
    transaction_.snapshot.reset();
  }
  if (!transaction_.active || request.resumed || request.statement.kind->tag == "SHOW") return;
  LoggedStatement logged;
  logged.comparable = request.sink != nullptr && request.sink->repeatable();
  logged.complete = logged.comparable && progress.state == Progress::State::kFinished;
  logged.statement = std::move(request.statement);
  logged.settings = variables_.engine_settings();
  logged.sink = request.sink;
  logged.returned = progress.kept;
  logged.count = progress.count;
  logged.digest = progress.digest;
  transaction_.log.add(std::move(logged), services_->replay);
}

std::vector<Savepoint>::iterator Session::find_savepoint(const std::string& name) {
  auto& all = transaction_.savepoints;
  const auto found = std::find_if(all.rbegin(), all.rend(), [&](const Savepoint& one) { return one.name == name; });
  return found == all.rend() ? all.end() : std::prev(found.base());
}

// Before SET changes something: savepoints that have not seen a SET since keep how it was.
void Session::keep_for_savepoints(const Variables& old) {
  for (Savepoint& savepoint : transaction_.savepoints) {
    if (savepoint.variables) continue;
    savepoint.variables = old;
    savepoint.variables_local = transaction_.variables_local;
  }
}

// An error undoes SET up to the last savepoint, at once.
void Session::undo_settings() {
  if (transaction_.failed) return;
  auto& all = transaction_.savepoints;
  auto& before = all.empty() ? transaction_.variables_before : all.back().variables;
  if (!before) return;
  restore_variables(*before);
  transaction_.variables_local = all.empty() ? std::nullopt : std::exchange(all.back().variables_local, std::nullopt);
  before.reset();
}

void Session::run_savepoint(RunRequest request, const engine::SessionCommand& command) {
  const bool release = command.kind == CommandKind::kRelease;
  if (!transaction_.active || transaction_.implicit) {
    if (transaction_.active) fail_transaction(std::nullopt);
    return finish_error(request.done, make_error(ErrorCode::kNoActiveTransaction,
                                                 (release ? "RELEASE SAVEPOINT" : "SAVEPOINT") +
                                                     std::string(" can only be used in transaction blocks")));
  }
  Completion completion;
  completion.tag = command.tag;
  auto& all = transaction_.savepoints;
  if (release) {
    const auto found = find_savepoint(command.name);
    if (found == all.end()) {
      fail_transaction(std::nullopt);
      return finish_error(request.done, no_such_savepoint(command.name));
    }
    all.erase(found, all.end());
    return finish(request.done, std::move(completion));
  }
  if (all.size() >= kMaxSavepoints) {
    fail_transaction(std::nullopt);
    return finish_error(request.done,
                        make_error(ErrorCode::kProgramLimitExceeded, "too many savepoints are open in this transaction",
                                   {}, "Release those that are not needed any more."));
  }
  Savepoint savepoint;
  savepoint.name = command.name;
  savepoint.statements = transaction_.log.statements().size();
  savepoint.read_only = transaction_.read_only;
  savepoint.locks = services_->advisory_locks.taken_in_transaction(id_);
  savepoint.messages = transaction_.notifications.messages.size();
  savepoint.listens = transaction_.notifications.changes.size();
  savepoint.changes = transaction_.changes.size();
  all.push_back(std::move(savepoint));
  finish(request.done, std::move(completion));
}

void Session::run_rollback_to(RunRequest request, const engine::SessionCommand& command) {
  if (!transaction_.active || transaction_.implicit) {
    if (transaction_.active) fail_transaction(std::nullopt);
    return finish_error(request.done, make_error(ErrorCode::kNoActiveTransaction,
                                                 "ROLLBACK TO SAVEPOINT can only be used in transaction blocks"));
  }
  if (transaction_.reason) return finish_error(request.done, failure());
  const auto found = find_savepoint(command.name);
  if (found != transaction_.savepoints.end() && transaction_.lost) return finish_error(request.done, failure());
  if (found == transaction_.savepoints.end()) {
    fail_transaction(std::nullopt);
    return finish_error(request.done, no_such_savepoint(command.name));
  }
  Savepoint& savepoint = *found;
  const bool changed = transaction_.log.changed_since(savepoint.statements) || !transaction_.log.incomplete().empty();
  const bool repeat = transaction_.in_doubt || changed;
  transaction_.savepoints.erase(std::next(found), transaction_.savepoints.end());
  transaction_.read_only = savepoint.read_only;
  services_->advisory_locks.back_to(id_, savepoint.locks);
  transaction_.notifications.messages.resize(std::min(savepoint.messages, transaction_.notifications.messages.size()));
  transaction_.notifications.changes.resize(std::min(savepoint.listens, transaction_.notifications.changes.size()));
  transaction_.changes.resize(std::min(savepoint.changes, transaction_.changes.size()));
  const size_t open = transaction_.savepoints.size();
  drop_cursors([open](const Cursor& one) { return !one.held && one.savepoints >= open; });
  if (savepoint.variables) {
    restore_variables(*savepoint.variables);
    transaction_.variables_local = std::exchange(savepoint.variables_local, std::nullopt);
    savepoint.variables.reset();
  }
  if (transaction_.begun && (repeat || transaction_.failed)) {
    return replay_to(savepoint.statements, !repeat, std::move(request.done), command.tag);
  }
  back_at_savepoint(savepoint.statements);
  Completion completion;
  completion.tag = command.tag;
  finish(request.done, std::move(completion));
}

void Session::back_at_savepoint(size_t statements) {
  transaction_.log.truncate(statements);
  transaction_.failed = false;
  transaction_.in_doubt = false;
  transaction_.reason.reset();
}

void Session::replay_to(size_t statements, bool only_if_dead, Done done, std::string tag) {
  Replay::Task task;
  task.count = statements;
  task.only_if_dead = only_if_dead;
  task.read_only = transaction_.read_only;
  task.settings = variables_.engine_settings();
  const uint64_t now = services_->coordinator->committed();
  task.same_state = transaction_.lane != nullptr && transaction_.snapshot == now;
  auto log = std::make_shared<ReplayLog>(std::move(transaction_.log));
  replay_ = std::make_shared<Replay>();
  stage_->set(Stage::kWorker);
  services_->counters.savepoint_replays++;
  readers::Job job;
  job.cancelled = cancelled_;
  job.run = [self = shared_from_this(), lease = transaction_.lease, replay = replay_, log, task, now, done, tag,
             portals = std::exchange(transaction_.portals, {}),
             cancelled = cancelled_](readers::Lease&, Status status) {
    self->stage_->set(Stage::kExecuting);
    const Status room = make_room(*self->services_, portals, *cancelled);
    if (status.ok()) status = room;
    bool repeated = false;
    if (status.ok()) {
      const auto result = replay->run(*lease, *log, task);
      if (!result.ok()) status = result.error();
      if (result.ok()) repeated = *result;
    }
    self->services_->post([self, log, task, now, done, tag, status, repeated] {
      self->replay_.reset();
      self->transaction_.log = std::move(*log);
      if (!status.ok()) {
        Error error = status.error();
        self->explain(error);
        self->lose_transaction(std::nullopt);
        return self->finish_error(done, std::move(error));
      }
      if (repeated) {
        const bool alone = self->transaction_.lane != nullptr;
        self->transaction_.snapshot = alone ? std::optional(now) : std::nullopt;
      }
      self->back_at_savepoint(task.count);
      Completion completion;
      completion.tag = tag;
      self->finish(done, std::move(completion));
    });
  };
  services_->pool->submit(std::move(job));
}

}  // namespace merganser::session

// What a session waits for besides the engine: advisory locks and, with LOCK TABLE, the lane. Circles are found when
// somebody begins to wait.
#include <algorithm>
#include <unordered_set>

#include "engine/sql_tokens.h"
#include "session/calls.h"
#include "session/session.h"

namespace merganser::session {
namespace {

Error lock_timed_out() {
  return make_error(ErrorCode::kLockNotAvailable, "canceling statement due to lock timeout");
}

Error deadlock() {
  return make_error(ErrorCode::kDeadlockDetected, "deadlock detected",
                    "The session would wait for one that waits for it: by advisory locks, or for its turn as a writer.",
                    "Roll back, and take locks in the same order everywhere.");
}

}  // namespace

// Who keeps this session waiting now.
std::vector<uint64_t> Session::blockers() const {
  std::vector<uint64_t> out = services_->advisory_locks.blockers(id_);
  const Stage stage = stage_->stage();
  const bool for_lane = busy_ && (stage == Stage::kLane || stage == Stage::kWriteQueue);
  if (for_lane && services_->lane_holder != 0 && services_->lane_holder != id_) out.push_back(services_->lane_holder);
  return out;
}

// When those that it waits for wait for it in the end.
std::optional<Error> Session::circle_of_waiting() const {
  if (services_->advisory_locks.waiting() == 0) return std::nullopt;
  std::unordered_set<uint64_t> seen;
  std::vector<uint64_t> next = blockers();
  while (!next.empty()) {
    const uint64_t one = next.back();
    next.pop_back();
    if (one == id_) return deadlock();
    if (!seen.insert(one).second) continue;
    const auto session = services_->board.find(one);
    if (!session) continue;
    for (const uint64_t blocker : session->blockers()) next.push_back(blocker);
  }
  return std::nullopt;
}

void Session::start_lock_timer(std::function<void(Error)> expired) {
  const auto timeout = variables_.lock_timeout();
  if (timeout.count() == 0) return;
  lock_timer_ = services_->timer(timeout, [this, expired = std::move(expired)] {
    services_->counters.timeouts++;
    expired(lock_timed_out());
  });
}

// ---- advisory locks --------------------------------------------------------------------------------------------

std::optional<Error> Session::wait_for_advisory_lock(const std::shared_ptr<CallRun>& run, AdvisoryKey key,
                                                     LockMode mode, LockSpan span) {
  AdvisoryLocks& locks = services_->advisory_locks;
  // The answer comes from the loop, never from within what another session is doing.
  const auto granted = [self = shared_from_this(), run] {
    self->services_->post([self, run] {
      if (!self->lock_wait_) return;  // it was cancelled in the meantime
      self->end_lock_wait();
      run->waits = false;
      if (!self->closed_) self->next_call(run);
    });
  };
  locks.wait(id_, key, mode, span, granted);
  if (auto circle = circle_of_waiting()) {
    locks.withdraw(id_);
    return circle;
  }
  run->waits = true;
  begin_operation({run->request.statement.sql, run->request.statement.kind, 0});
  stage_->set(Stage::kAdvisoryLock);
  lock_wait_ = [this, run, key, mode, span](Error why) {
    AdvisoryLocks& all = services_->advisory_locks;
    if (all.is_waiting(id_)) {
      all.withdraw(id_);
    } else if (span == LockSpan::kSession) {
      all.unlock(id_, key, mode);  // it was granted a moment ago
    } else {
      all.back_to(id_, all.taken_in_transaction(id_) - 1);
    }
    end_lock_wait();
    end_calls(run, std::move(why));
  };
  start_lock_timer([this](Error why) { give_up_lock_wait(std::move(why)); });
  return std::nullopt;
}

void Session::end_lock_wait() {
  lock_wait_ = nullptr;
  lock_timer_.reset();
  end_operation();
}

bool Session::give_up_lock_wait(Error why) {
  if (!lock_wait_) return false;
  const auto give_up = std::exchange(lock_wait_, nullptr);
  give_up(std::move(why));
  return true;
}

// ---- LOCK TABLE ------------------------------------------------------------------------------------------------

// There is one lock for all tables: the turn as a writer. The modes that only readers take need none.
void Session::run_lock(RunRequest request, const engine::SessionCommand& command) {
  const auto fail = [&](Error error) {
    if (transaction_.active) fail_transaction(std::nullopt);
    finish_error(request.done, std::move(error));
  };
  if (!transaction_.active || transaction_.implicit) {
    return fail(make_error(ErrorCode::kNoActiveTransaction, "LOCK TABLE can only be used in transaction blocks"));
  }
  const bool exclusive = command.mode != "ACCESS SHARE" && command.mode != "ROW SHARE";
  const auto queue = services_->coordinator->queue_state();
  if (exclusive && command.nowait && !transaction_.lane && (queue.lane_taken || queue.waiting > 0)) {
    return fail(make_error(ErrorCode::kLockNotAvailable, "could not obtain lock on relation", {},
                           "Another transaction writes."));
  }
  std::string sql;
  std::string name;
  const auto add = [&] {
    if (name.empty()) return;
    sql += std::string(sql.empty() ? "" : " UNION ALL ") + "(SELECT 1 FROM " + std::exchange(name, {}) + " LIMIT 0)";
  };
  for (const engine::Token& token : engine::tokenize(command.query)) {
    if (token.is(',')) {
      add();
    } else if (!token.is('*') && !token.is_word("only")) {
      name += token.text;
    }
  }
  add();
  auto kind = std::make_shared<engine::StatementClass>();
  kind->kind = engine::StatementKind::kRead;
  kind->tag = "LOCK TABLE";
  kind->needs_lane = exclusive;
  request.statement.sql = std::make_shared<const std::string>(std::move(sql));
  request.statement.kind = std::move(kind);
  request.statement.values.clear();
  request.sink = std::make_shared<CollectedRows>();
  run_in_transaction(std::move(request));
}

}  // namespace merganser::session

// The session's transactions: explicit blocks, implicit ones around several statements, the write lane, and the
// connection that they pin.
#include "engine/error_map.h"
#include "session/copy_in.h"
#include "session/cursor.h"
#include "session/session.h"

namespace merganser::session {
namespace {

using engine::StatementKind;

Error lane_lost() {
  return make_error(ErrorCode::kIdleInTransactionTimeout,
                    "the transaction was rolled back: it held the write lane while idle and others waited", {},
                    "Send ROLLBACK and run it again; keep transactions short, or raise lane_lease.");
}

// Keys are for what is one unit: only then is it known at the end of the statement whether it was done.
std::optional<Error> key_in_transaction(const coordinator::WriteOptions& options) {
  const bool dedup = options.dedup != coordinator::DedupMode::kNone;
  if (!dedup && options.idempotency_key.empty()) return std::nullopt;
  return make_error(ErrorCode::kFeatureNotSupported,
                    std::string(dedup ? "merganser.dedup_key" : "merganser.idempotency_key") +
                        " is for writes outside of a transaction",
                    "The statement was not executed.",
                    "Send the writes that belong together as one string or pipeline, without reads among them.");
}

Error snapshot_too_old() {
  return make_error(ErrorCode::kObjectNotInState, "the snapshot of this transaction is too old",
                    "It kept a checkpoint from running for longer than snapshot_max_age.",
                    "Send ROLLBACK and run it again, or raise snapshot_max_age.");
}

// Errors of COMMIT that come before anything is written: the transaction is surely undone.
bool is_definite_abort(const Error& error) {
  return sqlstate(error.code).starts_with("23") || error.code == ErrorCode::kSerializationFailure;
}

Error commit_error(const engine::Database& database, Error cause) {
  if (is_definite_abort(cause) && !database.invalidated()) return cause;
  return make_error(ErrorCode::kTransactionResolutionUnknown, "the commit was sent, but whether it happened is unknown",
                    cause.message, "Look whether the changes are there before you run the transaction again.");
}

}  // namespace

bool Session::changes_file(const engine::StatementClass& kind) {
  return kind.kind == StatementKind::kWrite || kind.kind == StatementKind::kDdl ||
         kind.kind == StatementKind::kExecute || kind.advances_sequence;
}

void Session::end_implicit(bool commit_it, Done done) {
  if (!implicit()) return done({});
  begin_operation();
  if (commit_it) return commit(std::move(done), "COMMIT");
  rollback(std::move(done), "ROLLBACK", std::nullopt);
}

// Sessions with temporary tables and the like keep their connection; each statement is a transaction of its own.
void Session::run_pinned(RunRequest request) {
  begin_implicit();
  request.max_rows = 0;
  request.done = [self = shared_from_this(), done = std::move(request.done)](Completion completion) {
    auto kept = std::make_shared<Completion>(std::move(completion));
    self->end_implicit(!kept->error, [done, kept](Completion ended) {
      if (!kept->error && ended.error) kept->error = std::move(ended.error);
      done(std::move(*kept));
    });
  };
  run_in_transaction(std::move(request));
}

void Session::run_in_transaction(RunRequest request) {
  const engine::StatementClass& kind = *request.statement.kind;
  const bool writes = changes_file(kind);
  const bool wants_lane =
      writes || kind.takes_lane || kind.needs_lane || (transaction_.serializable && !transaction_.read_only);
  if ((writes || kind.takes_lane) && transaction_.read_only) {
    Error error =
        make_error(ErrorCode::kReadOnlyTransaction, "cannot execute " + kind.tag + " in a read-only transaction");
    fail_transaction(std::nullopt);
    return finish_error(request.done, std::move(error));
  }
  coordinator::WriteOptions options;
  if (writes) {
    auto taken = take_write_options({&request.statement, 1});
    std::optional<Error> refused = taken.ok() ? key_in_transaction(*taken) : taken.error();
    if (refused) {
      fail_transaction(std::nullopt);
      return finish_error(request.done, *std::move(refused));
    }
    options = std::move(taken).value();
  }
  const auto shared = std::make_shared<RunRequest>(std::move(request));
  const auto query = make_query(shared);
  if (!wants_lane || transaction_.lane) return execute_in_transaction(shared, query);
  with_lane(std::move(options), [self = shared_from_this(), shared, query](std::optional<Error> error) {
    const bool locks = shared->statement.kind->takes_lane && self->transaction_.begun;
    if (!error && locks && self->transaction_.snapshot != self->services_->coordinator->committed()) {
      // What it would lock may have changed since its snapshot.
      error = make_error(ErrorCode::kSerializationFailure, "could not serialize access due to concurrent update",
                         "Others have written since this transaction read first.",
                         "Run the transaction again, with SELECT … FOR UPDATE as its first statement.");
    }
    if (error) {
      self->explain(*error);
      self->fail_transaction(std::nullopt);
      return self->finish_error(shared->done, *std::move(error));
    }
    self->execute_in_transaction(shared, query);
  });
}

void Session::with_lane(coordinator::WriteOptions options, std::function<void(std::optional<Error>)> then) {
  coordinator::LaneRequest request;
  request.session = id_;
  request.cancelled = cancelled_;
  end_at_deadline(options);
  request.options = std::move(options);
  const auto timeout = variables_.statement_timeout();
  if (timeout.count() > 0) request.options.deadline = request.options.deadline.earlier(Deadline::in(timeout));
  const auto shared_then = std::make_shared<decltype(then)>(std::move(then));
  request.granted = [self = shared_from_this(), shared_then](std::unique_ptr<coordinator::Lane> lane) {
    if (self->closed_) {
      self->end_operation();
      return;
    }
    self->transaction_.lane = std::move(lane);
    self->services_->lane_holder = self->id_;
    self->lock_timer_.reset();
    (*shared_then)(std::nullopt);
  };
  request.refused = [self = shared_from_this(), shared_then](Error error) { (*shared_then)(std::move(error)); };
  request.revoke = [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->revoked();
  };
  stage_->set(Stage::kLane);
  if (auto circle = circle_of_waiting()) return (*shared_then)(std::move(circle));
  start_lock_timer([this](const Error& why) { services_->coordinator->cancel(id_, why); });
  services_->coordinator->request_lane(std::move(request));
}

void Session::execute_in_transaction(const std::shared_ptr<RunRequest>& request, const std::shared_ptr<Query>& query) {
  const engine::StatementClass& kind = *request->statement.kind;
  if (!transaction_.lease && pinned_) transaction_.lease = pinned_;
  const bool new_lease = transaction_.lease == nullptr;
  if (new_lease) transaction_.lease = std::make_shared<readers::Lease>();
  const bool begin = !std::exchange(transaction_.begun, true);
  if (begin) transaction_.snapshot = services_->coordinator->committed();
  transaction_.wrote = transaction_.wrote || changes_file(kind);
  transaction_.in_doubt = changes_state(request->statement);
  if (kind.kind == StatementKind::kDdl) transaction_.ddl = true;
  auto portals = std::exchange(transaction_.portals, {});
  if (kind.pins_session) pinned_ = transaction_.lease;
  stage_->set(Stage::kWorker);
  readers::Job job;
  job.cancelled = cancelled_;
  job.needs = new_lease ? readers::Needs::kConnection : readers::Needs::kNothing;
  job.settings = variables_.engine_settings();
  const auto expired = [post = services_->post, self = weak_from_this(), lease = std::weak_ptr(transaction_.lease)] {
    post([self, lease] {
      if (const auto session = self.lock()) session->snapshot_expired(lease);
    });
  };
  job.run = [services = services_, lease = transaction_.lease, request, query, new_lease, begin, portals,
             cancelled = cancelled_, settings = job.settings, read_only = transaction_.read_only,
             dirty = kind.pins_session, stage = stage_, warn = warn_of_snapshot(),
             expired](readers::Lease& given, Status status) {
    stage->set(Stage::kExecuting);
    if (new_lease && status.ok()) *lease = std::move(given);
    if (status.ok() && lease->expired()) {
      status = snapshot_too_old();
    }
    if (status.ok() && begin) {
      lease->watch(expired, warn);
      status = lease->begin_transaction(read_only);
    }
    const Status room = make_room(*services, portals, *cancelled);
    if (status.ok()) status = room;
    if (status.ok()) status = lease->apply(settings);
    if (!status.ok()) return query->refuse(status.error());
    if (dirty) lease->pooled().dirty = true;
    query->run_borrowed(*lease, request->statement);
  };
  services_->pool->submit(std::move(job));
}

Status Session::make_room(Services& services, const std::vector<std::shared_ptr<Query>>& portals,
                          const std::atomic<bool>& cancelled) {
  Status status;
  for (const auto& portal : portals) {
    if (status.ok() && !portal->abandoned()) {
      if (portal->holds_connection()) services.counters.portals_spooled++;
      status = portal->move_to_spool(services.spool, cancelled);
      if (status.ok()) continue;
    }
    portal->drop();
  }
  return status;
}

void Session::commit(Done done, std::string tag) {
  // A client that has not heard of the failure would take the tag ROLLBACK for success: drivers do not look at it.
  if (transaction_.failed) {
    return rollback(std::move(done), "ROLLBACK", std::exchange(transaction_.reason, std::nullopt));
  }
  Completion completion;
  completion.tag = std::move(tag);
  if (!transaction_.begun) {
    end_transaction_block(true);
    return finish(done, std::move(completion));
  }
  stage_->set(Stage::kWorker);
  readers::Job job;
  job.run = [self = shared_from_this(), lease = transaction_.lease, wrote = transaction_.wrote, ddl = transaction_.ddl,
             lane = std::shared_ptr<coordinator::Lane>(std::move(transaction_.lane)), keep = pinned_ != nullptr,
             portals = std::exchange(transaction_.portals, {}), held = held_cursors(), completion,
             done = std::move(done)](readers::Lease&, const Status&) mutable {
    self->stage_->set(Stage::kExecuting);
    // The rows of WITH HOLD have to be safe before: without them there is no commit.
    const std::atomic<bool> to_the_end = false;
    for (const auto& query : held) {
      const Status stored = query->move_to_spool(self->services_->spool, to_the_end);
      if (stored.ok()) continue;
      for (const auto& portal : portals) portal->drop();
      return self->refuse_commit(lease, std::move(lane), keep, stored.error(), done);
    }
    // Results are closed before their connection goes to others, never beside a statement of theirs.
    for (const auto& portal : portals) {
      if (!portal->stored() || portal->abandoned()) portal->drop();
    }
    portals.clear();
    const Status status = self->services_->coordinator->commit(lease->connection(), wrote, ddl);
    if (!status.ok()) completion.error = commit_error(*self->services_->database, status.error());
    lease->ended_transaction();
    if (!keep) lease->give_back();
    lane.reset();
    self->services_->post([self, completion, done, lease] {
      self->end_transaction_block(!completion.error);
      self->finish(done, completion);
    });
  };
  transaction_.lease.reset();
  if (services_->lane_holder == id_) services_->lane_holder = 0;
  services_->pool->submit(std::move(job));
}

std::vector<std::shared_ptr<Query>> Session::held_cursors() const {
  std::vector<std::shared_ptr<Query>> out;
  for (const auto& [name, cursor] : cursors_) {
    if (cursor->hold && !cursor->held && cursor->query) out.push_back(cursor->query);
  }
  return out;
}

// On the worker: instead of COMMIT.
void Session::refuse_commit(const std::shared_ptr<readers::Lease>& lease, std::shared_ptr<coordinator::Lane> lane,
                            bool keep, Error why, Done done) {
  lease->connection().rollback();
  lease->ended_transaction();
  if (!keep) lease->give_back();
  lane.reset();
  services_->post([self = shared_from_this(), why = std::move(why), done = std::move(done), lease] {
    self->end_transaction_block(false);
    self->finish_error(done, why);
  });
}

void Session::rollback(Done done, std::string tag, std::optional<Error> error) {
  Completion completion;
  completion.tag = std::move(tag);
  completion.error = std::move(error);
  release_transaction([self = shared_from_this(), completion, done = std::move(done)] {
    self->end_transaction_block(false);
    self->finish(done, completion);
  });
}

void Session::fail_transaction(std::optional<Error> reason) {
  const bool no_connection = transaction_.lease != nullptr && !*transaction_.lease;
  undo_settings();
  if (transaction_.savepoints.empty() || reason || no_connection) return lose_transaction(std::move(reason));
  transaction_.failed = true;
}

// Nothing of the transaction can be kept: its lane and connection are free for others at once, while the client still
// has to send ROLLBACK.
void Session::lose_transaction(std::optional<Error> reason) {
  if (transaction_.lost) return;
  transaction_.failed = true;
  transaction_.lost = true;
  transaction_.reason = std::move(reason);
  transaction_.log = {};
  services_->advisory_locks.end_transaction(id_);
  if (pinned_ && !*pinned_) pinned_.reset();  // there was no connection to be had
  release_transaction(nullptr);
}

void Session::release_transaction(std::function<void()> then) {
  auto lease = std::exchange(transaction_.lease, nullptr);
  auto lane = std::shared_ptr<coordinator::Lane>(std::move(transaction_.lane));
  auto portals = std::exchange(transaction_.portals, {});
  if (services_->lane_holder == id_) services_->lane_holder = 0;
  if (!lease && !lane) {
    if (!then) return;
    // After an error the connection of a pinned session may still be rolling back; what comes next must not run beside
    // that on the same connection.
    if (releasing_ > 0 && pinned_) return after_release_.push_back(std::move(then));
    return then();
  }
  releasing_++;
  readers::Job job;
  job.run = [self = shared_from_this(), lease = std::move(lease), lane = std::move(lane), portals = std::move(portals),
             keep = pinned_ != nullptr, then = std::move(then)](readers::Lease&, const Status&) mutable {
    for (const auto& portal : portals) portal->drop();
    portals.clear();
    if (lease && *lease) {
      lease->connection().rollback();
      lease->ended_transaction();
      if (!keep) lease->give_back();
    }
    lane.reset();
    lease.reset();
    self->services_->post([self, then = std::move(then)] {
      if (then) then();
      if (--self->releasing_ > 0) return;
      for (const auto& next : std::exchange(self->after_release_, {})) next();
    });
  };
  services_->pool->submit(std::move(job));
}

void Session::revoked() {
  if (!transaction_.lane) return;
  if (copy_ && copy_->idle()) return copy_->lose(lane_lost());
  if (busy_) {
    transaction_.revoke_wanted = true;
    return;
  }
  lose_transaction(lane_lost());
}

// A checkpoint needs this transaction's snapshot gone, and it is older than may be: idle or not, it ends now.
void Session::snapshot_expired(const std::weak_ptr<readers::Lease>& lease) {
  const auto held = lease.lock();
  if (closed_ || held == nullptr || held != transaction_.lease) return;
  if (busy_) return cancel_with(snapshot_too_old());
  lose_transaction(snapshot_too_old());
}

void Session::snapshot_in_the_way() {
  if (closed_ || !on_warning) return;
  on_warning(make_error(ErrorCode::kObjectInUse,
                        "this session's snapshot keeps the write-ahead log from being shortened",
                        "It is older than changes that others have made, so no checkpoint can run.",
                        "End the transaction or read its rows; after snapshot_max_age it is ended."));
}

std::function<void()> Session::warn_of_snapshot() {
  return [post = services_->post, self = weak_from_this()] {
    post([self] {
      if (const auto session = self.lock()) session->snapshot_in_the_way();
    });
  };
}

}  // namespace merganser::session

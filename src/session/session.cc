#include "session/session.h"

#include <algorithm>

#include "dialect/translate.h"

#include "base/log.h"
#include "engine/error_map.h"
#include "engine/sql_tokens.h"
#include "session/copy_in.h"
#include "session/infer.h"
#include "session/replay.h"
#include "session/session_facts.h"

namespace merganser::session {
namespace {

using engine::StatementKind;

constexpr std::chrono::milliseconds kInterruptAgain{10};

Error cancelled_by_user() {
  return make_error(ErrorCode::kQueryCanceled, "canceling statement due to user request");
}
Error cancelled_by_timeout() {
  return make_error(ErrorCode::kQueryCanceled, "canceling statement due to statement timeout");
}
Error in_failed_transaction() {
  return make_error(ErrorCode::kInFailedTransaction,
                    "current transaction is aborted, commands ignored until end of transaction block");
}

}  // namespace

Session::Session(std::shared_ptr<Services> services, Variables variables)
    : services_(std::move(services)),
      id_(services_->next_session++),
      variables_(std::move(variables)),
      initial_(variables_) {
  services_->counters.total++;
  services_->counters.open++;
}

Session::~Session() {
  services_->board.remove(id_);
  services_->counters.open--;
}

TransactionState Session::state() const {
  if (!transaction_.active || transaction_.implicit) return TransactionState::kIdle;
  return transaction_.failed ? TransactionState::kFailed : TransactionState::kOpen;
}

std::string Session::tag_of(const engine::StatementClass& kind, uint64_t count) {
  return kind.tag_counts ? kind.tag + " " + std::to_string(count) : kind.tag;
}

// ---- operations ------------------------------------------------------------------------------------------------

void Session::count_idle(bool idle) {
  if (idle == counted_idle_) return;
  counted_idle_ = idle;
  services_->counters.idle_in_transaction += idle ? 1 : -1;
}

void Session::begin_operation(RunningStatement statement) {
  busy_ = true;
  changed_at_ = SteadyClock::now();
  statement_ = std::move(statement);
  stage_->begin(changed_at_);
  count_idle(false);
  idle_timer_.reset();
  cancelled_ = std::make_shared<std::atomic<bool>>(false);
  cancel_reason_.reset();
  if (transaction_.lane) transaction_.lane->set_busy();
  services_->counters.active++;
  const auto timeout = variables_.statement_timeout();
  if (timeout.count() > 0) {
    statement_timer_ = services_->timer(timeout, [this] {
      services_->counters.timeouts++;
      cancel_with(cancelled_by_timeout());
    });
  }
}

void Session::end_operation() {
  busy_ = false;
  account_operation();
  services_->counters.active--;
  statement_timer_.reset();
  deadline_timer_.reset();
  lock_timer_.reset();
  interrupt_timer_.reset();
  running_.reset();
  copy_.reset();
  outlives_client_ = false;
  if (closed_) {
    // The client left in the middle of it: nobody else gives back what the session holds.
    release_transaction(nullptr);
    pinned_.reset();
    return;
  }
  count_idle(state() != TransactionState::kIdle);
  if (transaction_.lane) transaction_.lane->set_idle();
  if (transaction_.revoke_wanted) revoked();
  watch_idle();
}

void Session::watch_idle() {
  const auto timeout = variables_.idle_in_transaction_timeout();
  if (timeout.count() == 0 || !transaction_.active || transaction_.implicit) return;
  idle_timer_ = services_->timer(timeout, [this] {
    services_->counters.timeouts++;
    if (on_fatal) {
      on_fatal(make_error(ErrorCode::kIdleInTransactionTimeout,
                          "terminating connection due to idle-in-transaction timeout"));
    }
  });
}

void Session::finish(const Done& done, Completion completion) {
  if (completion.error) count_error(*completion.error);
  end_operation();
  if (!closed_) done(std::move(completion));
}

void Session::finish_error(const Done& done, Error error) {
  Completion completion;
  completion.error = std::move(error);
  finish(done, std::move(completion));
}

void Session::cancel() {
  if (!busy_) return;
  services_->counters.cancels++;
  cancel_with(cancelled_by_user());
}

// Interrupts are lost when they come a moment too early, so they are repeated until the operation has ended.
void Session::cancel_with(Error reason) {
  if (!busy_) return;
  if (!cancel_reason_) cancel_reason_ = std::move(reason);
  if (give_up_lock_wait(*cancel_reason_)) return;
  *cancelled_ = true;
  services_->coordinator->cancel(id_, *cancel_reason_);
  services_->pool->cancel(cancelled_, *cancel_reason_);
  if (running_) running_->cancel(*cancel_reason_);
  if (replay_) replay_->cancel(*cancel_reason_);
  const auto copy = copy_;  // which may end by this, and end the operation
  if (copy) copy->fail(*cancel_reason_);
  if (!busy_) return;
  interrupt_timer_ = services_->timer(kInterruptAgain, [this] { cancel_with(*cancel_reason_); });
}

void Session::close() {
  if (closed_) return;
  closed_ = true;
  leave_others();
  count_idle(false);
  on_fatal = nullptr;
  on_variable = nullptr;
  on_warning = nullptr;
  on_notice = nullptr;
  on_notification = nullptr;
  idle_timer_.reset();
  statement_timer_.reset();
  if (busy_ && outlives_client_) return services_->coordinator->flush_session(id_);
  if (busy_) {
    // The operation ends by itself soon, and end_operation() releases what is held.
    *cancelled_ = true;
    const Error gone = make_error(ErrorCode::kQueryCanceled, "the client has gone");
    services_->coordinator->cancel(id_, gone);
    services_->pool->cancel(cancelled_, gone);
    if (running_) running_->cancel(gone);
    if (replay_) replay_->cancel(gone);
    const auto copy = copy_;
    if (copy) copy->fail(gone);
    interrupt_timer_ = services_->timer(kInterruptAgain, [self = shared_from_this()] { self->close_again(); });
    return;
  }
  release_transaction(nullptr);
  pinned_.reset();
}

void Session::close_again() {
  if (!busy_) return;
  closed_ = false;
  close();
}

// What others may see of it goes at once, whatever still runs.
void Session::leave_others() {
  if (std::exchange(lock_wait_, nullptr)) end_operation();  // nobody else would
  services_->advisory_locks.withdraw(id_);
  services_->advisory_locks.end_transaction(id_);
  services_->advisory_locks.unlock_all(id_);
  services_->notifications.unlisten_all(id_);
  inbox_.clear();
}

void Session::terminate() {
  if (on_fatal) on_fatal(make_error(ErrorCode::kAdminShutdown, "terminating connection due to administrator command"));
}

// ---- describing ------------------------------------------------------------------------------------------------

engine::StatementClass Session::classify(std::string_view sql) const {
  const auto names = services_->database->catalog_names();
  auto translation = dialect::translate(sql);
  if (!translation) return engine::classify(sql, names.get());
  engine::StatementClass kind;
  if (translation->script) kind.kind = StatementKind::kDdl;
  const std::string& text = translation->sql.empty() ? translation->class_as : translation->sql;
  if (!text.empty()) kind = engine::classify(text, names.get());
  // What was not for clients is not for them in other words either.
  if (auto error = engine::refused_names(sql, names.get())) kind.refusal = std::move(error);
  if (!kind.refusal) kind.refusal = std::move(translation->refusal);
  if (kind.refusal) kind.kind = StatementKind::kRefused;
  if (!translation->sql.empty()) kind.translated = std::make_shared<const std::string>(std::move(translation->sql));
  if (!translation->tag.empty()) kind.tag = std::move(translation->tag);
  kind.script = std::move(translation->script);
  kind.takes_lane = translation->takes_lane;
  kind.notices = std::move(translation->notices);
  return kind;
}

void Session::describe(const std::string& sql, std::function<void(Result<DescriptionPtr>)> done) {
  const engine::SettingsPtr settings = variables_.engine_settings();
  const uint64_t generation = services_->coordinator->ddl_generation();
  // Tables that only this transaction sees, or still sees as they were: others know nothing of them.
  const bool own_catalog =
      pinned_ != nullptr || (transaction_.lease != nullptr && (transaction_.ddl || transaction_.catalog != generation));
  if (!own_catalog) {
    if (DescriptionPtr known = services_->descriptions.find(sql, settings, generation)) return done(std::move(known));
  }
  auto description = std::make_shared<Description>();
  description->sql = description->text = std::make_shared<const std::string>(sql);
  description->kind = std::make_shared<const engine::StatementClass>(classify(sql));
  if (description->kind->translated) description->text = description->kind->translated;
  if (description->kind->kind == StatementKind::kWrite)
    description->shape = coordinator::parse_shape(*description->text);
  const auto text = text_to_describe(*description->text, *description->kind);
  if (!text.ok()) {
    if (transaction_.active) fail_transaction(std::nullopt);
    return done(text.error());
  }
  switch (description->kind->kind) {
    case StatementKind::kCursor: {
      if (text->empty()) return done(DescriptionPtr(std::move(description)));
      break;
    }
    case StatementKind::kSessionCall:
    case StatementKind::kRead:
    case StatementKind::kWrite:
    case StatementKind::kUnknown:
    case StatementKind::kPinnedRead:
    case StatementKind::kDdl:
      break;
    default:
      return done(DescriptionPtr(std::move(description)));
  }
  begin_operation();
  readers::Job job;
  job.needs = own_catalog ? readers::Needs::kNothing : readers::Needs::kSnapshot;
  job.settings = settings;
  job.min_sequence = services_->coordinator->committed();
  job.cancelled = cancelled_;
  const auto lease_kept = !own_catalog ? nullptr : transaction_.lease ? transaction_.lease : pinned_;
  auto portals = own_catalog ? std::exchange(transaction_.portals, {}) : std::vector<std::shared_ptr<Query>>();
  const auto asked = std::exchange(description->text, std::make_shared<const std::string>(*text));
  job.run = [self = shared_from_this(), description, settings, generation, own_catalog, lease_kept, asked,
             portals = std::move(portals), cancelled = cancelled_,
             done = std::move(done)](readers::Lease& lease, Status status) {
    readers::Lease& on = lease_kept ? *lease_kept : lease;
    if (own_catalog) {
      const Status room = make_room(*self->services_, portals, *cancelled);
      if (status.ok()) status = room;
      if (status.ok()) status = on.apply(settings);
    }
    if (status.ok()) status = describe_on(*self->services_, on, *description);
    description->text = asked;
    if (description->kind->kind == StatementKind::kCursor) {
      description->columns = nullptr;  // DECLARE gives none
      description->rows_unknown = false;
    }
    if (!status.ok() && on) on.pooled().armed = false;
    if (lease) lease.give_back();
    self->services_->post([self, description, settings, generation, own_catalog, done, status] {
      self->end_operation();
      if (self->closed_) return;
      if (!status.ok()) {
        self->count_error(status.error());
        if (self->transaction_.active && !self->transaction_.failed) self->fail_transaction(std::nullopt);
        return done(status.error());
      }
      if (!own_catalog) self->services_->descriptions.keep(settings, generation, description);
      done(DescriptionPtr(description));
    });
  };
  services_->pool->submit(std::move(job));
}

Status Session::describe_on(const Services& services, readers::Lease& lease, Description& description) {
  MERGANSER_ASSIGN(engine::Prepared * prepared, lease.prepare(*description.text, *description.kind));
  note_description(*prepared, description);
  infer_parameters(lease.connection(), services.database->type_probe(), description);
  return {};
}

// ---- running ---------------------------------------------------------------------------------------------------

Error Session::failure() {
  return transaction_.reason ? *std::exchange(transaction_.reason, std::nullopt) : in_failed_transaction();
}

void Session::run(RunRequest request) {
  fill_facts(request.statement, {client_.user, id_, variables_});
  const engine::StatementClass& kind = *request.statement.kind;
  services_->counters.statements++;
  statements_++;
  begin_operation({request.statement.sql, request.statement.kind, 0});
  for (const std::string& notice : kind.notices) {
    if (on_notice) on_notice(make_error(ErrorCode::kSuccessfulCompletion, notice));
  }
  if (kind.kind == StatementKind::kEmpty) {
    Completion completion;
    completion.empty = true;
    return finish(request.done, std::move(completion));
  }
  if (transaction_.failed && !leaves_failure(kind.kind)) {
    return finish_error(request.done, failure());
  }
  if (kind.asks_session) {
    const Status known = put_session_values(request.statement);
    if (!known.ok()) {
      if (transaction_.active) fail_transaction(std::nullopt);
      return finish_error(request.done, known.error());
    }
  }
  switch (kind.kind) {
    case StatementKind::kSessionCall:
      return run_calls(std::move(request));
    case StatementKind::kRead:
    case StatementKind::kUnknown:
      if (transaction_.active || pinned_) break;
      return run_read(std::move(request));
    case StatementKind::kWrite:
    case StatementKind::kDdl:
      if (transaction_.active || pinned_) break;
      return run_write(std::move(request));
    case StatementKind::kPinnedRead:
    case StatementKind::kPrepare:
    case StatementKind::kExecute:
    case StatementKind::kDeallocate:
      break;
    default:
      return run_control(std::move(request), kind);
  }
  if (!transaction_.active) return run_pinned(std::move(request));
  run_in_transaction(std::move(request));
}

void Session::resume(const std::shared_ptr<Query>& query, RunRequest request) {
  begin_operation({request.statement.sql, request.statement.kind, 0});
  request.resumed = true;
  if (transaction_.failed) return finish_error(request.done, failure());
  if (!query->is_open()) {
    return finish_error(request.done, make_error(ErrorCode::kObjectNotInState, "the portal cannot be run any more"));
  }
  running_ = query;
  hear(query, std::make_shared<RunRequest>(std::move(request)));
  query->resume();
}

std::shared_ptr<Query> Session::make_query(const std::shared_ptr<RunRequest>& request) {
  auto query = std::make_shared<Query>(Query::Setup{services_->pool, services_->post, request->sink,
                                                    services_->output_limit, stage_, transaction_.active});
  hear(query, request);
  running_ = query;
  return query;
}

// The query holds its listener, so the listener must not hold the query.
void Session::hear(const std::shared_ptr<Query>& query, const std::shared_ptr<RunRequest>& request) {
  query->expect(request->max_rows,
                [self = shared_from_this(), weak = std::weak_ptr(query), request](Progress progress) {
                  if (auto locked = weak.lock()) self->deliver(locked, request, std::move(progress));
                });
}

void Session::run_read(RunRequest request) {
  std::string key = cache_key(request);
  if (!key.empty() && answer_from_cache(request, key)) return;
  const auto shared = std::make_shared<RunRequest>(std::move(request));
  const auto query = make_query(shared);
  if (!key.empty()) query->keep_with(keep_in_cache(shared->statement.sql, std::move(key)));
  readers::Job job;
  job.cancelled = cancelled_;
  job.needs = readers::Needs::kSnapshot;
  job.min_sequence = services_->coordinator->committed();
  job.fresh = shared->statement.kind->time_dependent;
  job.settings = variables_.engine_settings();
  bound_read(shared->statement);
  stage_->set(Stage::kWorker);
  job.run = [query, shared, stage = stage_, warn = warn_of_snapshot()](readers::Lease& lease, const Status& status) {
    stage->set(Stage::kExecuting);
    if (!status.ok()) return query->refuse(status.error());
    lease.watch(nullptr, warn);
    query->run_owned(std::move(lease), shared->statement, shared->statement.kind->kind == StatementKind::kUnknown);
  };
  services_->pool->submit(std::move(job));
}

void Session::tell_of_replay(const coordinator::UnitOutcome& outcome) {
  if (outcome.first_answered.empty() || outcome.error || !on_notice) return;
  on_notice(make_error(ErrorCode::kIdempotentReplay,
                       "this request was executed before: the answer is the first one, and nothing was done now",
                       "It was committed at " + outcome.first_answered + "."));
}

void Session::materialised(const std::shared_ptr<RunRequest>& request, engine::ResultSet result) {
  if (result.kind() != engine::ReturnKind::kRows) {
    Completion completion;
    completion.rows = result.changed_rows();
    completion.tag = tag_of(*request->statement.kind, completion.rows);
    return finish(request->done, std::move(completion));
  }
  const auto query = make_query(request);
  constexpr uint64_t kRowsInline = 500;  // more are encoded by a worker
  if (result.materialised_rows() <= kRowsInline) return query->run_materialised(std::move(result));
  readers::Job job;
  job.run = [query, held = std::make_shared<engine::ResultSet>(std::move(result))](readers::Lease&, const Status&) {
    query->run_materialised(std::move(*held));
  };
  services_->pool->submit(std::move(job));
}

void Session::deliver(const std::shared_ptr<Query>& query, const std::shared_ptr<RunRequest>& request,
                      Progress progress) {
  if (progress.state == Progress::State::kMore) {
    if (closed_) {
      query->cancel(make_error(ErrorCode::kQueryCanceled, "the client has gone"));
      query->consumed(progress.bytes.size());
      return;
    }
    return request->bytes(std::move(progress.bytes));
  }
  const bool sent_rows = progress.count > 0 || !progress.bytes.empty();
  if (!closed_ && !progress.bytes.empty()) request->bytes(std::move(progress.bytes));
  if (progress.state == Progress::State::kFailed) {
    Error error = *std::move(progress.error);
    explain(error);
    if (progress.needs_writer && !transaction_.active && !sent_rows && !closed_) return run_write(std::move(*request));
    if (transaction_.active) fail_transaction(std::nullopt);
    return finish_error(request->done, std::move(error));
  }
  Completion completion;
  completion.suspended = progress.state == Progress::State::kSuspended;
  completion.rows = progress.count;
  completion.tag = tag_of(*request->statement.kind, progress.count);
  note_success(*request, progress);
  if (completion.suspended) {
    completion.query = query;
    services_->counters.portals_suspended++;
    auto& portals = transaction_.portals;
    if (transaction_.active && !query->stored() && std::find(portals.begin(), portals.end(), query) == portals.end()) {
      portals.push_back(query);
    }
  }
  finish(request->done, std::move(completion));
}

}  // namespace merganser::session

// The session's autocommit writes: units for the coordinator's queue, with what their client asked of them.
#include "engine/sql_tokens.h"
#include "session/session.h"
#include "session/session_facts.h"
#include "session/write_options.h"

namespace merganser::session {
namespace {

using engine::StatementKind;

Error read_only_session(const std::string& tag) {
  return make_error(ErrorCode::kReadOnlyTransaction, "cannot execute " + tag + " in a read-only transaction", {},
                    "SET default_transaction_read_only = off allows it.");
}

bool mentions_returning(const std::string& sql) {
  for (const engine::Token& token : engine::tokenize(sql)) {
    if (token.is_word("returning")) return true;
  }
  return false;
}

}  // namespace

Result<coordinator::WriteOptions> Session::take_write_options(std::span<const coordinator::Statement> statements) {
  bool plain = variables_.writes_are_plain();
  for (const coordinator::Statement& statement : statements) plain = plain && statement.hints == nullptr;
  if (plain) return coordinator::WriteOptions();
  auto options = resolve_write_options(variables_.write_hints(), statements);
  variables_.forget_single_use();
  return options;
}

Result<coordinator::UnitPtr> Session::make_unit(std::vector<coordinator::Statement> statements) {
  auto unit = std::make_unique<coordinator::Unit>();
  MERGANSER_ASSIGN(unit->options, take_write_options(statements));
  end_at_deadline(unit->options);
  outlives_client_ = unit->options.debounce.count() > 0;
  const auto timeout = variables_.statement_timeout();
  if (timeout.count() > 0) unit->options.deadline = unit->options.deadline.earlier(Deadline::in(timeout));
  for (coordinator::Statement& statement : statements) fill_facts(statement, {client_.user, id_, variables_});
  unit->statements = std::move(statements);
  unit->settings = variables_.engine_settings();
  unit->session = id_;
  unit->cancelled = cancelled_;
  unit->stage = stage_;
  stage_->set(Stage::kWriteQueue);
  if (auto circle = circle_of_waiting()) return *std::move(circle);
  return unit;
}

void Session::run_write(RunRequest request) {
  const engine::StatementClass& kind = *request.statement.kind;
  if (variables_.default_read_only()) return finish_error(request.done, read_only_session(kind.tag));
  auto made = make_unit({request.statement});
  if (!made.ok()) return finish_error(request.done, std::move(made).error());
  coordinator::UnitPtr unit = std::move(made).value();
  unit->alone = kind.kind == StatementKind::kDdl;
  unit->checkpoint = kind.kind == StatementKind::kCheckpoint;
  const auto shared = std::make_shared<RunRequest>(std::move(request));
  unit->done = [self = shared_from_this(), shared](coordinator::UnitOutcome& outcome) {
    if (outcome.error) {
      self->explain(*outcome.error);
      return self->finish_error(shared->done, *std::move(outcome.error));
    }
    if (outcome.skip != coordinator::Skip::kNo) return self->answer_skipped(shared, outcome.skip);
    self->tell_of_replay(outcome);
    self->publish_changes_of({&shared->statement, 1}, outcome);
    self->materialised(shared, std::move(outcome.results.front()));
  };
  services_->coordinator->submit(std::move(unit));
}

void Session::run_unit(std::vector<coordinator::Statement> statements,
                       std::function<void(coordinator::UnitOutcome&)> done) {
  const size_t count = statements.size();
  services_->counters.statements += count;
  statements_ += count;
  begin_operation({statements.front().sql, statements.front().kind, count - 1});
  Status known;
  for (coordinator::Statement& statement : statements) {
    if (known.ok() && statement.kind->asks_session) known = put_session_values(statement);
  }
  auto made = known.ok() ? make_unit(std::move(statements)) : Result<coordinator::UnitPtr>(known.error());
  if (!made.ok()) {
    coordinator::UnitOutcome outcome;
    outcome.error = std::move(made).error();
    count_error(*outcome.error);
    end_operation();
    return done(outcome);
  }
  coordinator::UnitPtr unit = std::move(made).value();
  std::vector<coordinator::Statement> kinds;  // for who listens to their tables
  if (services_->notifications.anybody_listens()) {
    for (const coordinator::Statement& one : unit->statements) kinds.emplace_back().kind = one.kind;
  }
  unit->done = [self = shared_from_this(), done = std::move(done), count,
                kinds = std::move(kinds)](coordinator::UnitOutcome& outcome) {
    if (outcome.error) {
      self->explain(*outcome.error);
      self->count_error(*outcome.error);
    }
    self->tell_of_replay(outcome);
    if (!outcome.error) self->publish_changes_of(kinds, outcome);
    if (outcome.skip != coordinator::Skip::kNo) {
      self->tell_skipped(outcome.skip);
      outcome.results.resize(count);
    }
    self->end_operation();
    if (!self->closed_) done(outcome);
  };
  services_->coordinator->submit(std::move(unit));
}

// ---- deadlines -------------------------------------------------------------------------------------------------

// Whoever still waits at the deadline is told then, not when the writer comes to it. What executes is not interrupted.
void Session::end_at_deadline(const coordinator::WriteOptions& options) {
  if (options.deadline.is_never()) return;
  deadline_timer_ = services_->timer(options.deadline.remaining(), [this] { services_->coordinator->expire(id_); });
}

// Reads can be interrupted, so their deadline is the end of them.
void Session::bound_read(const coordinator::Statement& statement) {
  if (variables_.writes_are_plain() && !statement.hints) return;
  const auto options = resolve_write_options(variables_.write_hints(), {&statement, 1});
  if (!options.ok() || options->deadline.is_never()) return;
  deadline_timer_ = services_->timer(options->deadline.remaining(), [this] {
    services_->counters.timeouts++;
    cancel_with(make_error(ErrorCode::kQueryCanceled, "the deadline passed before the statement was answered"));
  });
}

void Session::explain(Error& error) const {
  if (!cancel_reason_ || error.code != ErrorCode::kQueryCanceled) return;
  // What was withdrawn from the queue says more: that it was not executed.
  if (error.message != cancel_reason_->message) error = *cancel_reason_;
}

// ---- skipped ---------------------------------------------------------------------------------------------------

void Session::tell_skipped(coordinator::Skip skip) {
  if (!on_notice) return;
  switch (skip) {
    case coordinator::Skip::kNo:
      return;
    case coordinator::Skip::kJoined:
      return on_notice(make_error(ErrorCode::kWriteSkipped, "skipped: another write with this dedup_key has been done",
                                  R"({"skipped": true})"));
    case coordinator::Skip::kPresent:
      return on_notice(make_error(ErrorCode::kWriteSkipped,
                                  "skipped: another write with this dedup_key is waiting or being done",
                                  R"({"skipped": true})"));
    case coordinator::Skip::kSuperseded:
      return on_notice(make_error(ErrorCode::kWriteSuperseded, "superseded by a newer write with this dedup_key",
                                  R"({"skipped": true, "superseded": true})"));
  }
}

// A statement with RETURNING gives its columns without a row, so that clients which fetch find what they expect.
void Session::answer_skipped(const std::shared_ptr<RunRequest>& request, coordinator::Skip skip) {
  tell_skipped(skip);
  Completion completion;
  completion.tag = tag_of(*request->statement.kind, 0);
  if (closed_ || !mentions_returning(*request->statement.sql)) return finish(request->done, std::move(completion));
  readers::Job job;
  job.needs = readers::Needs::kSnapshot;
  job.settings = variables_.engine_settings();
  job.min_sequence = services_->coordinator->committed();
  job.cancelled = cancelled_;
  job.run = [self = shared_from_this(), request, completion](readers::Lease& lease, Status status) {
    Description description;
    description.sql = description.text = request->statement.sql;
    description.kind = request->statement.kind;
    if (status.ok()) status = describe_on(*self->services_, lease, description);
    if (!status.ok() && lease) lease.pooled().armed = false;
    if (lease) lease.give_back();
    auto bytes = std::make_shared<std::string>();
    if (status.ok() && description.columns) status = request->sink->begin(description.columns, *bytes);
    self->services_->post([self, request, completion, bytes, status] {
      if (!status.ok()) return self->finish_error(request->done, status.error());
      if (!self->closed_ && !bytes->empty()) request->bytes(*bytes);
      self->finish(request->done, completion);
    });
  };
  services_->pool->submit(std::move(job));
}

}  // namespace merganser::session

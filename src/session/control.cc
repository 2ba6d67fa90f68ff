// Statements that the session answers itself: transaction control, SET, SHOW, USE, DISCARD.
#include "engine/sql_tokens.h"
#include "session/session.h"

namespace merganser::session {
namespace {

using engine::StatementKind;

coordinator::Statement internal_select(const std::string& sql, std::string tag) {
  coordinator::Statement statement;
  statement.sql = std::make_shared<const std::string>(sql);
  auto kind = std::make_shared<engine::StatementClass>();
  kind->kind = StatementKind::kRead;
  kind->tag = std::move(tag);
  statement.kind = std::move(kind);
  return statement;
}

}  // namespace

void Session::run_control(RunRequest request, const engine::StatementClass& kind) {
  Completion completion;
  completion.tag = kind.tag;
  switch (kind.kind) {
    case StatementKind::kRefused: {
      Error error = *kind.refusal;
      if (transaction_.active) fail_transaction(std::nullopt);
      return finish_error(request.done, std::move(error));
    }
    case StatementKind::kSavepoint:
      if (transaction_.active) fail_transaction(std::nullopt);
      return finish_error(request.done, make_error(ErrorCode::kFeatureNotSupported, "savepoints are not supported", {},
                                                   "DuckDB has none. Use one transaction for what belongs together."));
    case StatementKind::kBegin:
      run_begin(kind);
      return finish(request.done, std::move(completion));
    case StatementKind::kCommit:
      if (!transaction_.active) {
        warn(ErrorCode::kNoActiveTransaction, "there is no transaction in progress");
        return finish(request.done, std::move(completion));
      }
      return commit(std::move(request.done), kind.tag);
    case StatementKind::kRollback:
      if (!transaction_.active) {
        warn(ErrorCode::kNoActiveTransaction, "there is no transaction in progress");
        return finish(request.done, std::move(completion));
      }
      return rollback(std::move(request.done), kind.tag, std::nullopt);
    case StatementKind::kSet:
    case StatementKind::kUse:
      return run_set(std::move(request), kind);
    case StatementKind::kShow:
      return run_show(std::move(request), kind);
    case StatementKind::kDiscard:
      return run_discard(std::move(request), kind);
    case StatementKind::kCheckpoint:
      if (transaction_.active) {
        const bool block = !transaction_.implicit;
        fail_transaction(std::nullopt);
        return finish_error(request.done, make_error(ErrorCode::kActiveTransaction,
                                                     block ? "CHECKPOINT cannot run inside a transaction block"
                                                           : "CHECKPOINT cannot run together with other statements"));
      }
      return run_write(std::move(request));
    default:
      return finish_error(request.done, make_error(ErrorCode::kInternalError, "unexpected kind of statement"));
  }
}

void Session::run_begin(const engine::StatementClass& kind) {
  if (transaction_.active) {
    if (!transaction_.implicit) warn(ErrorCode::kActiveTransaction, "there is already a transaction in progress");
    transaction_.implicit = false;
    return;
  }
  transaction_ = {};
  transaction_.active = true;
  transaction_.catalog = services_->coordinator->ddl_generation();
  transaction_.begun_at = SteadyClock::now();
  transaction_.read_only = kind.read_only_transaction || variables_.default_read_only();
}

// SET merganser.flush = 'key', or '*' for all: an order, not a setting that is kept.
bool Session::flush_debounced(RunRequest& request, const engine::StatementClass& kind) {
  if (kind.setting != "merganser.flush" || kind.setting_is_default) return false;
  if (kind.setting_value == "*") {
    services_->coordinator->flush_all();
  } else {
    services_->coordinator->flush(kind.setting_value);
  }
  Completion completion;
  completion.tag = kind.tag;
  finish(request.done, std::move(completion));
  return true;
}

void Session::run_set(RunRequest request, const engine::StatementClass& kind) {
  if (flush_debounced(request, kind)) return;
  std::string name = kind.setting;
  const engine::SettingsPtr before = variables_.engine_settings();
  const Variables old = variables_;
  bool to_default = kind.setting_is_default;
  std::string value = kind.setting_value;
  if (kind.kind == StatementKind::kUse) {
    name = "search_path";
    value = kind.setting;
    const auto tokens = engine::tokenize(kind.setting);
    const bool whole = !tokens.empty() && tokens.size() == 1 &&
                       engine::folded_name(tokens[0]) ==
                           engine::folded_name({engine::TokenKind::kWord, 0, 0, services_->database->name()});
    to_default = whole;
  }
  const auto assign = [&](Variables& to) { return to_default ? to.reset(name) : to.set(name, value); };
  const Status status = assign(variables_);
  if (!status.ok()) {
    if (transaction_.active) fail_transaction(std::nullopt);
    return finish_error(request.done, status.error());
  }
  // SET TRANSACTION READ ONLY, SET transaction_read_only = on: for the transaction that is open, and only that way.
  const auto flag = name == "transaction_read_only" ? variables_.show(name) : Result<std::string>(std::string());
  if (transaction_.active && (kind.read_only_transaction || (flag.ok() && *flag == "on")))
    transaction_.read_only = true;
  if (name == "transaction_read_only") variables_ = old;
  if (kind.setting_is_local) {
    if (!transaction_.active || transaction_.implicit) {
      warn(ErrorCode::kNoActiveTransaction, "SET LOCAL can only be used in transaction blocks");
      variables_ = old;  // it would end with this statement
    } else if (!transaction_.variables_local) {
      transaction_.variables_local = old;
    }
  }
  // What the end of SET LOCAL goes back to has to hold this one, which outlives the transaction.
  if (!kind.setting_is_local && transaction_.variables_local) (void)assign(*transaction_.variables_local);
  if (transaction_.active && !transaction_.variables_before) transaction_.variables_before = old;
  const engine::SettingsPtr changed = variables_.engine_settings();
  if (changed == before || changed == nullptr) {
    report(name);
    Completion completion;
    completion.tag = kind.tag;
    return finish(request.done, std::move(completion));
  }
  // Only the engine knows whether it takes the value.
  readers::Job job;
  const auto own = transaction_.lease ? transaction_.lease : pinned_;  // its schemas may be known here only
  job.needs = own ? readers::Needs::kNothing : readers::Needs::kSnapshot;
  job.settings = changed;
  job.cancelled = cancelled_;
  job.run = [self = shared_from_this(), old, name, own, changed, tag = kind.tag, cancelled = cancelled_,
             portals = std::exchange(transaction_.portals, {}),
             done = std::move(request.done)](readers::Lease& lease, Status applied) {
    lease.give_back();
    if (own) {
      const Status room = make_room(*self->services_, portals, *cancelled);
      if (applied.ok()) applied = room;
      if (applied.ok()) applied = own->apply(changed);
    }
    self->services_->post([self, old, name, tag, done, applied] {
      if (!applied.ok()) {
        self->variables_ = old;
        if (self->transaction_.active) self->fail_transaction(std::nullopt);
        Error error = applied.error();
        const bool not_tried = error.code == ErrorCode::kQueryCanceled || error.code == ErrorCode::kAdminShutdown ||
                               error.code == ErrorCode::kTooManyConnections;
        if (!not_tried) error.code = ErrorCode::kInvalidParameterValue;
        error.position = 0;
        return self->finish_error(done, std::move(error));
      }
      self->report(name);
      Completion completion;
      completion.tag = tag;
      self->finish(done, std::move(completion));
    });
  };
  services_->pool->submit(std::move(job));
}

void Session::run_show(RunRequest request, const engine::StatementClass& kind) {
  std::string sql;
  if (kind.setting == "all") {
    for (const auto& [name, value] : variables_.show_all()) {
      sql += (sql.empty() ? "VALUES (" : ", (") + engine::quote_literal(name) + ", " + engine::quote_literal(value) +
             ", '')";
    }
    sql = "SELECT * FROM (" + sql + ") AS settings(name, setting, description)";
  } else {
    const auto value = variables_.show(kind.setting);
    if (!value.ok()) {
      if (transaction_.active) fail_transaction(std::nullopt);
      return finish_error(request.done, value.error());
    }
    sql = "SELECT " + engine::quote_literal(*value) + " AS " + engine::quote_name(kind.setting);
  }
  request.statement = internal_select(sql, "SHOW");
  if (transaction_.active) return run_in_transaction(std::move(request));
  run_read(std::move(request));
}

void Session::run_discard(RunRequest request, const engine::StatementClass& kind) {
  if (transaction_.active && !transaction_.implicit) {
    fail_transaction(std::nullopt);
    return finish_error(request.done,
                        make_error(ErrorCode::kActiveTransaction, kind.tag + " cannot run inside a transaction block"));
  }
  pinned_.reset();
  if (kind.tag == "DISCARD ALL") restore_variables(initial_);
  Completion completion;
  completion.tag = kind.tag;
  finish(request.done, std::move(completion));
}

void Session::warn(ErrorCode code, std::string message) {
  if (on_warning) on_warning(make_error(code, std::move(message)));
}

void Session::restore_variables(const Variables& to) {
  const Variables from = std::exchange(variables_, to);
  for (const std::string& name : Variables::reported()) {
    if (from.show(name).ok() && variables_.show(name).ok() && *from.show(name) != *variables_.show(name)) report(name);
  }
}

void Session::report(const std::string& name) {
  if (!on_variable) return;
  const auto tell = [&](const std::string& one) {
    const auto value = variables_.show(one);
    if (value.ok()) on_variable(one, *value);
  };
  for (const std::string& reported : Variables::reported()) {
    if (name == "all" || name == reported) tell(reported);
  }
}

}  // namespace merganser::session

// Settings, and what ends with the session: SET, SHOW, USE, DISCARD.
#include "engine/sql_tokens.h"
#include "session/cursor.h"
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

Status drop_temporary_tables(engine::Connection& connection) {
  constexpr const char* kNext =
      "SELECT (SELECT 'VIEW ' || quote_ident(view_name) FROM duckdb_views() WHERE temporary AND NOT internal LIMIT 1), "
      "(SELECT 'TABLE ' || quote_ident(table_name) FROM duckdb_tables() WHERE temporary AND NOT internal LIMIT 1)";
  const std::string next = "SELECT coalesce(a, b) FROM (" + std::string(kNext) + ") AS t(a, b)";
  while (true) {
    MERGANSER_ASSIGN(const std::string what, connection.query_text(next));
    if (what.empty()) return {};
    const size_t name = what.find(' ') + 1;
    MERGANSER_TRY(connection.execute("DROP " + what.substr(0, name) + "temp." + what.substr(name)));
  }
}

}  // namespace

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
  if (is_transaction_setting(kind.setting)) return set_of_transaction(std::move(request), kind);
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
  keep_for_savepoints(old);
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
    for (const auto& [name, given] : variables_.show_all()) {
      const std::string value = is_transaction_setting(name) ? transaction_setting(name) : given;
      sql += (sql.empty() ? "VALUES (" : ", (") + engine::quote_literal(name) + ", " + engine::quote_literal(value) +
             ", '')";
    }
    sql = "SELECT * FROM (" + sql + ") AS settings(name, setting, description)";
  } else {
    auto value = variables_.show(kind.setting);
    if (is_transaction_setting(kind.setting)) value = transaction_setting(kind.setting);
    if (!value.ok()) {
      if (transaction_.active) fail_transaction(std::nullopt);
      return finish_error(request.done, value.error());
    }
    sql = "SELECT " + engine::quote_literal(*value) + " AS " + engine::quote_name(kind.setting);
  }
  request.statement = internal_select(sql, "SHOW");
  // It looks at nothing, so it takes no snapshot: SET TRANSACTION may follow.
  if (transaction_.begun) return run_in_transaction(std::move(request));
  run_read(std::move(request));
}

void Session::run_discard(RunRequest request, const engine::SessionCommand& command) {
  const bool all = command.tag == "DISCARD ALL";
  if (all && transaction_.active) {
    const bool block = !transaction_.implicit;
    fail_transaction(std::nullopt);
    return finish_error(request.done, make_error(ErrorCode::kActiveTransaction,
                                                 block ? "DISCARD ALL cannot run inside a transaction block"
                                                       : "DISCARD ALL cannot be executed from a multi-command string"));
  }
  Completion completion;
  completion.tag = command.tag;
  if (all) {
    pinned_.reset();
    restore_variables(initial_);
    drop_cursors([](const Cursor&) { return true; });
    services_->advisory_locks.unlock_all(id_);
    services_->notifications.unlisten_all(id_);
  }
  if (command.tag == "DISCARD TEMP" && pinned_) return discard_temporary(std::move(request));
  finish(request.done, std::move(completion));
}

// Temporary tables alone; what else the session keeps on its connection stays.
void Session::discard_temporary(RunRequest request) {
  readers::Job job;
  job.cancelled = cancelled_;
  job.run = [self = shared_from_this(), on = pinned_, cancelled = cancelled_, inside = transaction_.begun,
             portals = std::exchange(transaction_.portals, {}),
             done = std::move(request.done)](readers::Lease&, Status status) {
    const Status room = make_room(*self->services_, portals, *cancelled);
    if (status.ok()) status = room;
    if (status.ok()) status = drop_temporary_tables(on->connection());
    if (inside) on->pooled().cache.clear();
    self->services_->post([self, status, done] {
      if (!status.ok()) {
        if (self->transaction_.active) self->fail_transaction(std::nullopt);
        return self->finish_error(done, status.error());
      }
      Completion completion;
      completion.tag = "DISCARD TEMP";
      self->finish(done, std::move(completion));
    });
  };
  services_->pool->submit(std::move(job));
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

// BEGIN, COMMIT, ROLLBACK, SET TRANSACTION and their kin, as PostgreSQL answers them.
#include "session/cursor.h"
#include "session/session.h"

namespace merganser::session {
namespace {

using engine::CommandKind;
using engine::StatementKind;

constexpr std::string_view kSerializable = "serializable";

Error after_first_query(std::string what) {
  return make_error(ErrorCode::kActiveTransaction, std::move(what) + " before any query");
}

}  // namespace

void Session::run_control(RunRequest request, const engine::StatementClass& kind) {
  switch (kind.kind) {
    case StatementKind::kRefused: {
      Error error = *kind.refusal;
      if (transaction_.active) fail_transaction(std::nullopt);
      return finish_error(request.done, std::move(error));
    }
    case StatementKind::kBegin:
      return run_begin(std::move(request), *kind.command);
    case StatementKind::kCommit:
    case StatementKind::kRollback:
      return run_end(std::move(request), *kind.command);
    case StatementKind::kSavepoint:
      return run_savepoint(std::move(request), *kind.command);
    case StatementKind::kRollbackTo:
      return run_rollback_to(std::move(request), *kind.command);
    case StatementKind::kSetTransaction:
      return run_set_transaction(std::move(request), *kind.command);
    case StatementKind::kSet:
    case StatementKind::kUse:
      return run_set(std::move(request), kind);
    case StatementKind::kShow:
      return run_show(std::move(request), kind);
    case StatementKind::kDiscard:
      return run_discard(std::move(request), *kind.command);
    case StatementKind::kCheckpoint:
      if (transaction_.active) {
        const bool block = !transaction_.implicit;
        fail_transaction(std::nullopt);
        return finish_error(request.done, make_error(ErrorCode::kActiveTransaction,
                                                     block ? "CHECKPOINT cannot run inside a transaction block"
                                                           : "CHECKPOINT cannot run together with other statements"));
      }
      return run_write(std::move(request));
    case StatementKind::kCursor:
      return run_cursor(std::move(request), *kind.command);
    case StatementKind::kNotify:
      return run_notify(std::move(request), *kind.command);
    case StatementKind::kLock:
      return run_lock(std::move(request), *kind.command);
    default:
      return finish_error(request.done, make_error(ErrorCode::kInternalError, "unexpected kind of statement"));
  }
}

// ---- beginning and ending --------------------------------------------------------------------------------------

void Session::begin_transaction(const engine::TransactionModes& modes, bool implicit) {
  transaction_ = {};
  transaction_.active = true;
  transaction_.implicit = implicit;
  transaction_.catalog = services_->coordinator->ddl_generation();
  transaction_.begun_at = SteadyClock::now();
  transaction_.read_only = modes.read_only.value_or(variables_.default_read_only());
  transaction_.serializable =
      modes.isolation.empty() ? variables_.default_serializable() : modes.isolation == kSerializable;
  transaction_.deferrable = modes.deferrable.value_or(variables_.default_deferrable());
}

void Session::begin_implicit() {
  if (!transaction_.active) begin_transaction({}, true);
}

void Session::run_begin(RunRequest request, const engine::SessionCommand& command) {
  Completion completion;
  completion.tag = command.tag;
  if (!transaction_.active) {
    begin_transaction(command.modes, false);
    return finish(request.done, std::move(completion));
  }
  if (!transaction_.implicit) warn(ErrorCode::kActiveTransaction, "there is already a transaction in progress");
  transaction_.implicit = false;
  const Status applied = apply_modes(command.modes);
  if (applied.ok()) return finish(request.done, std::move(completion));
  fail_transaction(std::nullopt);
  finish_error(request.done, applied.error());
}

void Session::run_end(RunRequest request, const engine::SessionCommand& command) {
  const bool block = transaction_.active && !transaction_.implicit;
  if (!block && command.chain) {
    if (transaction_.active) fail_transaction(std::nullopt);
    return finish_error(request.done, make_error(ErrorCode::kNoActiveTransaction,
                                                 command.tag + " AND CHAIN can only be used in transaction blocks"));
  }
  if (!block) warn(ErrorCode::kNoActiveTransaction, "there is no transaction in progress");
  if (!transaction_.active) {
    Completion completion;
    completion.tag = command.tag;
    return finish(request.done, std::move(completion));
  }
  transaction_.chain = command.chain;
  if (command.kind == CommandKind::kCommit) return commit(std::move(request.done), command.tag);
  rollback(std::move(request.done), command.tag, std::nullopt);
}

void Session::end_transaction_block(bool committed) {
  const PendingNotifications pending = std::move(transaction_.notifications);
  const std::vector<TableChange> changes = std::move(transaction_.changes);
  services_->advisory_locks.end_transaction(id_);
  drop_cursors([committed](Cursor& one) { return !one.held && !(one.hold && committed); });
  for (const auto& [name, cursor] : cursors_) cursor->held = true;
  if (transaction_.variables_before && !committed) restore_variables(*transaction_.variables_before);
  if (transaction_.variables_local && committed) restore_variables(*transaction_.variables_local);
  const bool chain = transaction_.chain;
  engine::TransactionModes same;
  same.isolation = transaction_.serializable ? kSerializable : "repeatable read";
  same.read_only = transaction_.read_only;
  same.deferrable = transaction_.deferrable;
  transaction_ = {};
  if (committed) {
    publish(pending);
    publish_changes(changes);
  }
  if (chain) begin_transaction(same, false);
}

// ---- modes -----------------------------------------------------------------------------------------------------

// PostgreSQL's rules for what may still be changed once a query has run.
Status Session::apply_modes(const engine::TransactionModes& modes) {
  const bool serializable = modes.isolation == kSerializable;
  if (!modes.isolation.empty() && serializable != transaction_.serializable) {
    if (transaction_.begun) return after_first_query("SET TRANSACTION ISOLATION LEVEL must be called");
    if (!transaction_.savepoints.empty()) {
      return make_error(ErrorCode::kActiveTransaction,
                        "SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction");
    }
    transaction_.serializable = serializable;
  }
  if (modes.read_only && !*modes.read_only && transaction_.read_only) {
    if (transaction_.begun) return after_first_query("transaction read-write mode must be set");
    if (!transaction_.savepoints.empty()) {
      return make_error(ErrorCode::kActiveTransaction,
                        "cannot set transaction read-write mode inside a read-only transaction");
    }
  }
  if (modes.deferrable && *modes.deferrable != transaction_.deferrable && transaction_.begun) {
    return after_first_query("SET TRANSACTION [NOT] DEFERRABLE must be called");
  }
  transaction_.read_only = modes.read_only.value_or(transaction_.read_only);
  transaction_.deferrable = modes.deferrable.value_or(transaction_.deferrable);
  return {};
}

void Session::run_set_transaction(RunRequest request, const engine::SessionCommand& command) {
  Completion completion;
  completion.tag = command.tag;
  const bool block = transaction_.active && !transaction_.implicit;
  Status status;
  if (command.kind == CommandKind::kSetDefaults) {
    const auto flag = [](bool on) { return std::string(on ? "on" : "off"); };
    const engine::TransactionModes& modes = command.modes;
    if (transaction_.active && !transaction_.variables_before) transaction_.variables_before = variables_;
    keep_for_savepoints(variables_);
    if (!modes.isolation.empty()) status = variables_.set("default_transaction_isolation", modes.isolation);
    if (modes.read_only) status = variables_.set("default_transaction_read_only", flag(*modes.read_only));
    if (modes.deferrable) status = variables_.set("default_transaction_deferrable", flag(*modes.deferrable));
    report("default_transaction_read_only");
  } else if (!block) {
    // Constraints are always immediate; both words are taken, since frameworks send them around what they load.
    const bool constraints = command.kind == CommandKind::kSetConstraints;
    warn(ErrorCode::kNoActiveTransaction, (constraints ? "SET CONSTRAINTS" : "SET TRANSACTION") +
                                              std::string(" can only be used in transaction blocks"));
  } else if (command.kind == CommandKind::kSetTransaction) {
    status = apply_modes(command.modes);
  }
  if (status.ok()) return finish(request.done, std::move(completion));
  if (transaction_.active) fail_transaction(std::nullopt);
  finish_error(request.done, status.error());
}

// ---- as settings -----------------------------------------------------------------------------------------------

bool Session::is_transaction_setting(std::string_view name) {
  return name == "transaction_isolation" || name == "transaction_read_only" || name == "transaction_deferrable";
}

std::string Session::transaction_setting(std::string_view name) const {
  const auto flag = [](bool on) { return std::string(on ? "on" : "off"); };
  const bool active = transaction_.active;
  if (name == "transaction_read_only") return flag(active ? transaction_.read_only : variables_.default_read_only());
  if (name == "transaction_deferrable") return flag(active ? transaction_.deferrable : variables_.default_deferrable());
  const bool serializable = active ? transaction_.serializable : variables_.default_serializable();
  return std::string(serializable ? kSerializable : "repeatable read");
}

std::optional<std::string> Session::setting(const std::string& name) const {
  if (is_transaction_setting(name)) return transaction_setting(name);
  const auto value = variables_.show(name);
  return value.ok() ? std::optional(*value) : std::nullopt;
}

// SET transaction_read_only = on and the like: for the transaction that is open.
void Session::set_of_transaction(RunRequest request, const engine::StatementClass& kind) {
  Variables checked = variables_;
  const std::string name = "default_" + kind.setting;
  Status status = kind.setting_is_default ? checked.reset(name) : checked.set(name, kind.setting_value);
  if (status.ok() && transaction_.active && !transaction_.implicit) {
    engine::TransactionModes modes;
    const std::string value = *checked.show(name);
    if (kind.setting == "transaction_isolation") modes.isolation = value;
    if (kind.setting == "transaction_read_only") modes.read_only = value == "on";
    if (kind.setting == "transaction_deferrable") modes.deferrable = value == "on";
    status = apply_modes(modes);
  }
  if (!status.ok()) {
    if (transaction_.active) fail_transaction(std::nullopt);
    return finish_error(request.done, status.error());
  }
  Completion completion;
  completion.tag = kind.tag;
  finish(request.done, std::move(completion));
}

}  // namespace merganser::session

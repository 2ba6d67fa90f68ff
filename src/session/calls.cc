// SELECT of functions that act on sessions: their arguments are read like any rows, then each call is done here, row by
// row, and what they gave goes out as rows again.
#include "session/calls.h"

#include <algorithm>

#include "engine/session_calls.h"
#include "engine/value_text.h"
#include "session/session.h"

namespace merganser::session {
namespace {

using engine::SessionCall;
using engine::SessionFunction;
using engine::StatementKind;

constexpr size_t kMaxRows = 10000;  // of one statement
constexpr size_t kMaxValueBytes = size_t{1} << 20;
constexpr size_t kMaxAdvisoryLocks = 100000;  // a session may hold

Error missing_row(int64_t pid) {
  return make_error(ErrorCode::kWarning, "PID " + std::to_string(pid) + " is not a backend of this owner");
}

std::string literal(const std::optional<std::string>& value, const std::string& type) {
  return "CAST(" + (value ? engine::quote_literal(*value) : "NULL") + " AS " + type + ")";
}

bool gives_boolean(const SessionCall& call) {
  switch (call.function) {
    case SessionFunction::kTryAdvisoryLock:
    case SessionFunction::kAdvisoryUnlock:
    case SessionFunction::kCancelBackend:
    case SessionFunction::kTerminateBackend:
      return true;
    default:
      return false;
  }
}

AdvisoryKey key_of(const CallArguments& arguments) {
  const auto number = [&](size_t i) { return std::stoll(*arguments[i]); };
  if (arguments.size() == 1) return {number(0), false};
  return AdvisoryKey::of(static_cast<int32_t>(number(0)), static_cast<int32_t>(number(1)));
}

}  // namespace

Status CollectedRows::begin(const engine::Columns& columns, std::string&) {
  columns_ = columns;
  return {};
}

Status CollectedRows::rows(const engine::Chunk& chunk, size_t first, size_t count, std::string&) {
  for (size_t row = first; row < first + count; row++) {
    if (rows_.size() >= kMaxRows) {
      return make_error(ErrorCode::kProgramLimitExceeded, "a function that acts on sessions is called for more than " +
                                                              std::to_string(kMaxRows) + " rows by one statement");
    }
    std::vector<std::optional<std::string>> values(chunk.columns());
    for (size_t i = 0; i < chunk.columns(); i++) {
      if (!chunk.column(i).valid(row)) continue;
      std::string text;
      {
        engine::TextSink sink(text, kMaxValueBytes);
        engine::append_text(sink, chunk.column(i), row, *TimeZone::utc());
        if (sink.failed()) return make_error(ErrorCode::kProgramLimitExceeded, "an argument is too long");
      }
      values[i] = std::move(text);
    }
    rows_.push_back(std::move(values));
  }
  return {};
}

std::shared_ptr<const engine::StatementClass> Session::plain_read(std::string tag) {
  auto kind = std::make_shared<engine::StatementClass>();
  kind->kind = StatementKind::kRead;
  kind->tag = std::move(tag);
  kind->tag_counts = true;
  return kind;
}

// pg_backend_pid() and current_setting() become values.
Status Session::put_session_values(coordinator::Statement& statement) const {
  engine::SessionValues values;
  values.backend_pid = static_cast<int64_t>(id_ & 0x7fffffff);
  values.setting = [this](const std::string& name) { return setting(name); };
  values.settings = [this] { return variables_.show_all(); };
  MERGANSER_ASSIGN(auto text, engine::with_session_values(*statement.sql, values));
  statement.sql = std::make_shared<const std::string>(std::move(text));
  return {};
}

// What DuckDB is shown of a statement that it does not know as it is.
Result<std::string> Session::text_to_describe(const std::string& sql, const engine::StatementClass& kind) const {
  coordinator::Statement statement;
  statement.sql = std::make_shared<const std::string>(sql);
  if (kind.kind == StatementKind::kCursor) {
    if (kind.command->kind != engine::CommandKind::kDeclare) return std::string();
    return kind.command->query;
  }
  if (kind.asks_session) MERGANSER_TRY(put_session_values(statement));
  if (kind.kind != StatementKind::kSessionCall) return *statement.sql;
  MERGANSER_ASSIGN(const auto calls, engine::parse_session_calls(*statement.sql));
  return calls ? calls->shape_sql : *statement.sql;
}

// ---- reading the arguments -------------------------------------------------------------------------------------

void Session::run_calls(RunRequest request) {
  auto parsed = engine::parse_session_calls(*request.statement.sql);
  if (parsed.ok() && !*parsed) parsed = make_error(ErrorCode::kInternalError, "there is no such call");
  if (!parsed.ok()) {
    if (transaction_.active) fail_transaction(std::nullopt);
    return finish_error(request.done, parsed.error());
  }
  auto run = std::make_shared<CallRun>();
  run->calls = **std::move(parsed);
  run->rows = std::make_shared<CollectedRows>();
  RunRequest inner;
  inner.statement = request.statement;
  inner.statement.sql = std::make_shared<const std::string>(run->calls.arguments_sql);
  inner.statement.kind = plain_read("SELECT");
  inner.sink = run->rows;
  inner.resumed = true;
  inner.bytes = [](const std::string&) {};
  run->request = std::move(request);
  inner.done = [self = shared_from_this(), run](Completion completion) {
    if (completion.error) return self->end_calls(run, *std::move(completion.error));
    self->next_call(run);
  };
  if (transaction_.active) return run_in_transaction(std::move(inner));
  if (pinned_) return run_pinned(std::move(inner));
  run_read(std::move(inner));
}

// ---- the calls, one after another ------------------------------------------------------------------------------

// Between operations: one that has to wait begins one of its own.
void Session::next_call(const std::shared_ptr<CallRun>& run) {
  const auto& items = run->calls.items;
  while (run->row < run->rows->rows().size()) {
    const auto& values = run->rows->rows()[run->row];
    if (run->item == items.size()) {
      run->row++;
      run->item = 0;
      run->column = 0;
      continue;
    }
    if (run->item == 0) run->results.emplace_back();
    const size_t index = run->item++;
    if (!items[index]) {
      const size_t width = run->width_of(index);
      for (size_t i = 0; i < width; i++) run->results.back().push_back(values[run->column++]);
      continue;
    }
    const SessionCall& call = *items[index];
    const size_t width = std::max<size_t>(1, call.arguments);
    const CallArguments arguments(values.begin() + static_cast<ptrdiff_t>(run->column),
                                  values.begin() + static_cast<ptrdiff_t>(run->column + call.arguments));
    run->column += width;
    run->results.back().emplace_back();
    // Strict, like PostgreSQL's: a NULL gives NULL and does nothing. set_config alone takes one.
    const bool strict = call.function != SessionFunction::kSetConfig && call.function != SessionFunction::kNotify;
    const bool null = std::any_of(arguments.begin(), arguments.end(), [](const auto& one) { return !one; });
    if (strict && null) continue;
    if (const auto error = call_now(run, call, arguments)) return end_calls(run, *error);
    if (run->waits) return;
  }
  give_call_results(run);
}

// What has to wait sets run->waits and goes on by itself.
std::optional<Error> Session::call_now(const std::shared_ptr<CallRun>& run, const SessionCall& call,
                                       const CallArguments& arguments) {
  std::optional<std::string>& result = run->results.back().back();
  const auto flag = [](bool on) { return std::string(on ? "true" : "false"); };
  AdvisoryLocks& locks = services_->advisory_locks;
  const LockMode mode = call.shared ? LockMode::kShared : LockMode::kExclusive;
  const LockSpan span = call.transaction ? LockSpan::kTransaction : LockSpan::kSession;
  switch (call.function) {
    case SessionFunction::kAdvisoryLock:
    case SessionFunction::kTryAdvisoryLock: {
      if (locks.held_by(id_) >= kMaxAdvisoryLocks) {
        return make_error(ErrorCode::kOutOfMemory, "the session holds too many advisory locks");
      }
      const AdvisoryKey key = key_of(arguments);
      const bool taken = locks.try_lock(id_, key, mode, span);
      const bool waits = call.function == SessionFunction::kAdvisoryLock;
      result = waits ? "" : flag(taken);
      if (taken || !waits) return std::nullopt;
      return wait_for_advisory_lock(run, key, mode, span);
    }
    case SessionFunction::kAdvisoryUnlock: {
      const bool held = locks.unlock(id_, key_of(arguments), mode);
      if (!held) {
        warn(ErrorCode::kWarning,
             "you don't own a lock of type " + std::string(call.shared ? "ShareLock" : "ExclusiveLock"));
      }
      result = flag(held);
      return std::nullopt;
    }
    case SessionFunction::kAdvisoryUnlockAll:
      locks.unlock_all(id_);
      result = "";
      return std::nullopt;
    case SessionFunction::kNotify:
      result = "";
      return notify(arguments[0].value_or(""), arguments[1].value_or(""));
    case SessionFunction::kCancelBackend:
    case SessionFunction::kTerminateBackend: {
      const int64_t pid = std::stoll(*arguments[0]);
      const auto other = services_->board.find(static_cast<uint64_t>(pid));
      if (!other) warn(ErrorCode::kWarning, missing_row(pid).message);
      if (other && call.function == SessionFunction::kCancelBackend) other->cancel();
      if (other && call.function == SessionFunction::kTerminateBackend) other->terminate();
      result = flag(other != nullptr);
      return std::nullopt;
    }
    case SessionFunction::kSetConfig:
      return set_config(run, arguments);
  }
  return std::nullopt;
}

std::optional<Error> Session::set_config(const std::shared_ptr<CallRun>& run, const CallArguments& arguments) {
  if (!arguments[0]) return make_error(ErrorCode::kNullNotAllowed, "SET requires parameter name");
  auto kind = std::make_shared<engine::StatementClass>();
  kind->kind = StatementKind::kSet;
  kind->tag = "SET";
  kind->setting = engine::folded_name(std::string_view(*arguments[0]));
  if (kind->setting.empty()) kind->setting = *arguments[0];
  kind->setting_value = arguments[1].value_or("");
  kind->setting_is_default = !arguments[1];
  kind->setting_is_local = arguments[2] == "t" && transaction_.active && !transaction_.implicit;
  RunRequest inner;
  inner.statement.sql = run->request.statement.sql;
  inner.statement.kind = kind;
  inner.done = [self = shared_from_this(), run, name = kind->setting](const Completion& completion) {
    run->waits = false;
    run->set_error = completion.error;
    const auto value = self->setting(name);
    if (value) run->results.back().back() = *value;
    // Most settings are done at once: then whoever asked goes on.
    if (run->in_call) return;
    if (run->set_error) return self->end_calls(run, *run->set_error);
    self->next_call(run);
  };
  run->waits = true;
  run->in_call = true;
  begin_operation({run->request.statement.sql, run->request.statement.kind, 0});
  run_set(std::move(inner), *kind);
  run->in_call = false;
  return run->set_error;
}

// ---- the answer ------------------------------------------------------------------------------------------------

void Session::give_call_results(const std::shared_ptr<CallRun>& run) {
  std::vector<std::pair<std::string, std::string>> columns;  // name and type
  size_t at = 0;
  for (size_t i = 0; i < run->calls.items.size(); i++) {
    const auto& call = run->calls.items[i];
    if (call) {
      columns.emplace_back(call->column, gives_boolean(*call) ? "BOOLEAN" : "VARCHAR");
      at += std::max<size_t>(1, call->arguments);
      continue;
    }
    const size_t width = run->width_of(i);
    for (size_t j = 0; j < width; j++, at++) {
      const engine::Column& column = (*run->rows->columns())[at];
      columns.emplace_back(column.name, column.type->to_sql());
    }
  }
  std::string sql = "SELECT * FROM (VALUES ";
  const size_t rows = run->results.size();
  for (size_t row = 0; row < std::max<size_t>(1, rows); row++) {
    sql += row == 0 ? "(" : ", (";
    for (size_t i = 0; i < columns.size(); i++) {
      const bool there = row < rows && i < run->results[row].size();
      sql += (i == 0 ? "" : ", ") + literal(there ? run->results[row][i] : std::nullopt, columns[i].second);
    }
    sql += ")";
  }
  sql += ") AS answer(";
  for (size_t i = 0; i < columns.size(); i++) sql += (i == 0 ? "" : ", ") + engine::quote_name(columns[i].first);
  sql += rows == 0 ? ") LIMIT 0" : ")";
  if (!transaction_.active) services_->advisory_locks.end_transaction(id_);
  RunRequest last = std::move(run->request);
  last.statement.values.clear();
  last.statement.sql = std::make_shared<const std::string>(std::move(sql));
  last.statement.kind = plain_read("SELECT");
  last.resumed = true;
  begin_operation({last.statement.sql, last.statement.kind, 0});
  if (transaction_.active) return run_in_transaction(std::move(last));
  if (pinned_) return run_pinned(std::move(last));
  run_read(std::move(last));
}

void Session::end_calls(const std::shared_ptr<CallRun>& run, Error error) {
  begin_operation({run->request.statement.sql, run->request.statement.kind, 0});
  if (!transaction_.active) services_->advisory_locks.end_transaction(id_);
  if (transaction_.active) fail_transaction(std::nullopt);
  finish_error(run->request.done, std::move(error));
}

}  // namespace merganser::session

#include "session/replay.h"

#include <algorithm>

#include "engine/sql_tokens.h"

namespace merganser::session {
namespace {

using engine::StatementKind;

// Functions whose answer is another one each time, besides those of the time.
bool is_volatile(const coordinator::Statement& statement) {
  constexpr std::string_view kNames[] = {"random", "uuid", "uuidv4", "uuidv7", "gen_random_uuid", "currval", "lastval"};
  if (statement.kind->time_dependent) return true;
  for (const engine::Token& token : engine::tokenize(*statement.sql)) {
    if (token.kind != engine::TokenKind::kWord) continue;
    if (std::find(std::begin(kNames), std::end(kNames), engine::folded_name(token)) != std::end(kNames)) return true;
  }
  return false;
}

bool looks_at_tables(const coordinator::Statement& statement) {
  for (const engine::Token& token : engine::tokenize(*statement.sql)) {
    if (token.is_word("from") || token.is_word("table")) return true;
  }
  return false;
}

Error conflict(std::string detail) {
  return make_error(ErrorCode::kSerializationFailure,
                    "could not roll back to the savepoint, because others have changed what the transaction has read",
                    std::move(detail), "Send ROLLBACK and run the transaction again.");
}

Error not_repeatable(const std::string& what, std::string detail) {
  return make_error(
      ErrorCode::kFeatureNotSupported, "could not roll back to the savepoint: " + what, std::move(detail),
      "ROLLBACK TO SAVEPOINT repeats the transaction up to the savepoint. Send ROLLBACK; take random values, the time "
      "and the like as parameters.");
}

Error different(const Replay::Task& task) {
  const std::string detail = "A statement from before the savepoint gives another answer when it is repeated.";
  return task.same_state ? not_repeatable("a statement before it has no repeatable answer", detail) : conflict(detail);
}

}  // namespace

void Replay::cancel(const Error& why) {
  const std::lock_guard lock(mutex_);
  if (!why_) why_ = why;
  if (connection_ != nullptr) connection_->interrupt();
}

Status Replay::cancelled() {
  const std::lock_guard lock(mutex_);
  return why_ ? Status(*why_) : Status();
}

Result<bool> Replay::run(readers::Lease& lease, const ReplayLog& log, const Task& task) {
  engine::Connection& connection = lease.connection();
  if (task.only_if_dead && connection.execute("SELECT 1").ok()) {
    MERGANSER_TRY(lease.apply(task.settings));
    return false;
  }
  if (!log.incomplete().empty()) {
    return make_error(ErrorCode::kProgramLimitExceeded,
                      "could not roll back to the savepoint: the transaction cannot be repeated, " + log.incomplete(),
                      {}, "Send ROLLBACK. Smaller transactions, or higher limits, can be rolled back in part.");
  }
  {
    const std::lock_guard lock(mutex_);
    connection_ = &connection;
  }
  const auto all = [&]() -> Status {
    MERGANSER_TRY(lease.begin_transaction(task.read_only));  // ends the old one
    lease.pooled().cache.clear();                            // plans may know tables that are gone now
    bool changed = false;
    for (size_t i = 0; i < task.count; i++) {
      const LoggedStatement& logged = log.statements()[i];
      MERGANSER_TRY(repeat(lease, logged, task, changed));
      changed = changed || changes_state(logged.statement);
    }
    return lease.apply(task.settings);
  };
  const Status done = all();
  const Status stopped = cancelled();
  {
    const std::lock_guard lock(mutex_);
    connection_ = nullptr;
  }
  if (!stopped.ok()) return stopped.error();
  if (!done.ok()) return done.error();
  return true;
}

// Reads are repeated to see whether they still say what the client was told.
Status Replay::repeat(readers::Lease& lease, const LoggedStatement& logged, const Task& task, bool changed) {
  MERGANSER_TRY(cancelled());
  const coordinator::Statement& statement = logged.statement;
  const engine::StatementClass& kind = *statement.kind;
  // A sequence never gives a number twice: the client keeps the one it has, and the sequence stays ahead of it.
  if (kind.advances_sequence) return execute(lease, logged, false, task);
  if (changes_state(statement)) return execute(lease, logged, true, task);
  if (kind.kind != StatementKind::kRead || kind.tag != "SELECT") return {};
  if (task.same_state && !changed) return {};
  if (is_volatile(statement)) {
    if (!looks_at_tables(statement)) return {};
    return not_repeatable("a statement before it reads the time, random values or the like together with tables", {});
  }
  if (!logged.complete) {
    return task.same_state ? Status() : Status(conflict("The rows of an open cursor cannot be compared."));
  }
  return execute(lease, logged, true, task);
}

// The numbers that are put in by hand came from sequences: these go on behind them, and the commit says so to the log,
// or they would be given again after a crash.
Status Replay::advance_sequences(readers::Lease& lease, const PinnedInsert& pinned) {
  const auto tokens = engine::tokenize(pinned.table);
  const std::string table = tokens.empty() ? std::string() : engine::folded_name(tokens.back());
  for (const std::string& column : pinned.columns) {
    MERGANSER_ASSIGN(const std::string preset,
                     lease.connection().query_text(
                         "SELECT column_default FROM duckdb_columns() WHERE NOT internal AND lower(table_name) = " +
                         engine::quote_literal(table) + " AND lower(column_name) = " + engine::quote_literal(column) +
                         " AND column_default ILIKE '%nextval%' LIMIT 1"));
    if (!preset.empty()) MERGANSER_TRY(lease.connection().execute("SELECT " + preset));
  }
  return {};
}

Status Replay::execute(readers::Lease& lease, const LoggedStatement& logged, bool compare, const Task& task) {
  MERGANSER_TRY(lease.apply(logged.settings));
  const coordinator::Statement& statement = logged.statement;
  uint64_t count = 0;
  uint64_t digest = 0;
  const auto run = [&]() -> Status {
    MERGANSER_ASSIGN(const auto pinned, pin_insert(*statement.sql, logged.returned));
    if (pinned) MERGANSER_TRY(advance_sequences(lease, *pinned));
    MERGANSER_ASSIGN(engine::Prepared * prepared,
                     lease.prepare(pinned ? pinned->sql : *statement.sql, *statement.kind));
    MERGANSER_ASSIGN(engine::ResultSet result,
                     prepared->execute(statement.values, statement.kind->kind == StatementKind::kRead));
    if (result.kind() != engine::ReturnKind::kRows) {
      count = result.changed_rows();
      return {};
    }
    std::string bytes;
    if (logged.comparable) MERGANSER_TRY(logged.sink->begin(result.columns(), bytes));
    while (true) {
      MERGANSER_TRY(cancelled());
      MERGANSER_ASSIGN(auto chunk, result.next());
      if (!chunk) return {};
      count += chunk->rows();
      if (!logged.comparable) continue;
      bytes.clear();
      MERGANSER_TRY(logged.sink->rows(*chunk, 0, chunk->rows(), bytes));
      digest += logged.sink->digest(bytes);
    }
  };
  const Status done = run();
  if (!done.ok()) {
    const std::string_view state = sqlstate(done.error().code);
    const bool of_the_statement = state.starts_with("2") || state.starts_with("4") || state.starts_with("0A");
    if (!of_the_statement) return done;
    return task.same_state ? not_repeatable("a statement before it fails when it is repeated", done.error().message)
                           : conflict("When it was repeated: " + done.error().message);
  }
  if (!compare || (count == logged.count && (!logged.comparable || digest == logged.digest))) return {};
  return different(task);
}

}  // namespace merganser::session

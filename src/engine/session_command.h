// Statements that a session answers itself, in PostgreSQL's grammar: transactions, savepoints, cursors, notifications,
// LOCK, DISCARD. DuckDB knows few of them and would take other spellings, so they never reach it.
//
// Threads: pure functions over values.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/sql_tokens.h"

namespace merganser::engine {

// What BEGIN, START TRANSACTION and SET TRANSACTION ask for; empty: not said.
struct TransactionModes {
  std::string isolation;  // "read committed" and the like, in lower case
  std::optional<bool> read_only;
  std::optional<bool> deferrable;

  bool empty() const { return isolation.empty() && !read_only && !deferrable; }
};

enum class CommandKind : uint8_t {
  kBegin,
  kCommit,
  kRollback,
  kSavepoint,
  kRelease,
  kRollbackTo,
  kSetTransaction,  // of the open transaction
  kSetDefaults,     // SET SESSION CHARACTERISTICS
  kSetConstraints,
  kDeclare,
  kFetch,  // and MOVE
  kClose,
  kListen,
  kUnlisten,
  kNotify,
  kLock,
  kDiscard,
};

// Where FETCH goes, as PostgreSQL has it: forward and backward by `count`, to row `count`, or by `count` rows.
enum class FetchDirection : uint8_t { kForward, kBackward, kAbsolute, kRelative };
inline constexpr int64_t kFetchAll = INT64_MAX;

struct SessionCommand {
  CommandKind kind = CommandKind::kBegin;
  std::string tag;
  std::string name;  // of a savepoint, cursor or channel; empty for CLOSE ALL and UNLISTEN *
  TransactionModes modes;
  bool chain = false;  // COMMIT AND CHAIN
  // DECLARE
  bool binary = false;
  bool hold = false;
  std::optional<bool> scroll;
  std::string query;
  // FETCH, MOVE
  bool move = false;
  FetchDirection direction = FetchDirection::kForward;
  int64_t count = 1;
  std::string payload;  // NOTIFY
  std::string mode;     // LOCK, in upper case; SET CONSTRAINTS: "DEFERRED" or "IMMEDIATE"
  bool nowait = false;
};

// The command that these tokens of `sql` are: none when they are another kind of statement, an error with its position
// when they begin as one of these and go on in another way.
Result<std::optional<SessionCommand>> parse_session_command(std::string_view sql, std::span<const Token> tokens);

enum class StatementKind : uint8_t;
StatementKind statement_kind(CommandKind kind);

// The table that INSERT, UPDATE, DELETE, MERGE, TRUNCATE, or CREATE, ALTER and DROP TABLE name: "t" or "schema.t",
// folded. Empty for other statements.
std::string target_of(std::span<const Token> tokens, StatementKind kind);

// As PostgreSQL takes a name: folded unless quoted.
std::string identifier(const Token& token);

}  // namespace merganser::engine

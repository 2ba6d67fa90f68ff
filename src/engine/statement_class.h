// What a statement is, seen from its text alone: where it may run, whether it may run at all, and its command tag.
//
// This is the allow list: statement types and the names behind CALL, PRAGMA, SET and function calls pass here before
// DuckDB sees them, because one client's statement can stop the whole process (docs/ARCHITECTURE.md, "Lockdown").
// Threads: pure functions.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/catalog_names.h"
#include "engine/copy_statement.h"
#include "engine/script.h"
#include "engine/session_command.h"

namespace merganser::engine {

enum class StatementKind : uint8_t {
  kEmpty,  // spaces and comments
  kRead,   // runs on a snapshot; falls back to the writer when DuckDB says that it writes (nextval)
  kWrite,  // INSERT, UPDATE, DELETE, MERGE: may share a transaction with others
  kDdl,    // everything else that changes the file: alone in its transaction
  kBegin,
  kCommit,
  kRollback,
  kSavepoint,       // SAVEPOINT, RELEASE
  kRollbackTo,      // ROLLBACK TO SAVEPOINT: what a failed transaction takes besides its end
  kSetTransaction,  // SET TRANSACTION, SET SESSION CHARACTERISTICS, SET CONSTRAINTS
  kCursor,          // DECLARE, FETCH, MOVE, CLOSE
  kNotify,          // LISTEN, UNLISTEN, NOTIFY
  kLock,
  kSet,   // SET, RESET: the session decides what to do with it
  kShow,  // SHOW name of one setting
  kUse,
  kPrepare,  // SQL-level PREPARE, EXECUTE, DEALLOCATE: kept by the session's own connection
  kExecute,
  kDeallocate,
  kDiscard,
  kCheckpoint,
  kCopyFrom,     // COPY … FROM STDIN
  kCopyTo,       // COPY … TO STDOUT: `copied` is what it reads
  kSessionCall,  // SELECT of functions that act on sessions: see session_calls.h
  kPinnedRead,   // needs the session's own connection: temporary tables, variables
  kUnknown,      // DuckDB will say that it is a syntax error
  kRefused,      // not for clients: see refusal
};

struct StatementClass {
  StatementKind kind = StatementKind::kEmpty;
  std::string tag;                  // command tag without counts: "INSERT 0", "CREATE TABLE", "SELECT"
  bool tag_counts = false;          // the tag ends with a number of rows
  bool explains = false;            // EXPLAIN: rows are a plan
  bool time_dependent = false;      // names now() or its like: needs a snapshot begun after the statement arrived
  bool plain_insert = false;        // INSERT INTO t [(…)] VALUES (…) and nothing else: its plan scans no table
  bool pins_session = false;        // leaves state behind on its connection
  bool advances_sequence = false;   // names nextval: writes, whatever its first word says
  bool needs_lane = false;          // LOCK TABLE
  bool asks_session = false;        // names pg_backend_pid or current_setting
  std::string target;               // the table that it changes, as named, folded; empty: none, or not known
  std::string setting;              // kSet, kShow: lower-case name ("time zone" becomes "timezone"); kUse: the rest
  std::string setting_value;        // kSet: the value as text; quotes removed
  bool setting_is_default = false;  // RESET x, SET x TO DEFAULT
  bool setting_is_local = false;    // SET LOCAL
  CopyStatementPtr copy;            // kCopyFrom, kCopyTo
  std::shared_ptr<const StatementClass> copied;   // kCopyTo: the statement whose rows are sent
  std::shared_ptr<const std::string> copied_sql;  // kCopyTo: its text
  std::shared_ptr<const SessionCommand> command;  // of those that sessions answer themselves
  std::optional<Error> refusal;
  // What the dialect made of the client's text, when DuckDB is to see something else (src/dialect/translate.h).
  std::shared_ptr<const std::string> translated;
  ScriptPtr script;
  bool takes_lane = false;           // SELECT … FOR UPDATE: within a transaction it waits for its turn to write
  std::vector<std::string> notices;  // what the client should know of it
};

// What a statement names that is not for clients, wherever it stands.
std::optional<Error> refused_names(std::string_view sql, const CatalogNames* names);

// One statement (see split_statements). `names` (may be null) are the file's own views and macros to know of.
StatementClass classify(std::string_view sql, const CatalogNames* names = nullptr);

// For the bodies of views and macros.
bool calls_refused_function(std::string_view sql);
bool names_time_function(std::string_view sql);

}  // namespace merganser::engine

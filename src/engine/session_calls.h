// Functions that act on sessions (advisory locks, pg_notify, pg_cancel_backend, set_config) and those that tell about
// one (pg_backend_pid, current_setting), which DuckDB knows nothing of.
//
// The first run outside of the engine: a SELECT whose list holds calls of them becomes a SELECT of their arguments.
// They have to be whole items of the outermost list; anywhere else they are refused. The second are put into the text
// as values. Threads: pure functions over values.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/sql_tokens.h"

namespace merganser::engine {

enum class SessionFunction : uint8_t {
  kAdvisoryLock,
  kTryAdvisoryLock,
  kAdvisoryUnlock,
  kAdvisoryUnlockAll,
  kNotify,
  kCancelBackend,
  kTerminateBackend,
  kSetConfig,
};

struct SessionCall {
  SessionFunction function = SessionFunction::kNotify;
  bool shared = false;       // advisory locks: not exclusive
  bool transaction = false;  // advisory locks: until the transaction ends
  size_t arguments = 0;      // columns of arguments_sql
  std::string column;        // its name in the result
};

struct SessionCalls {
  // What stands at each place of the select list: nothing for an expression of DuckDB's, which is passed through.
  std::vector<std::optional<SessionCall>> items;
  std::optional<size_t> star;  // the item that is *, of as many columns as are left
  std::string arguments_sql;   // gives the expressions, and instead of each call its arguments
  std::string shape_sql;       // gives the columns of the result; for Describe
};

// Whether the text may call any of the first kind, or of the second.
bool mentions_session_function(std::span<const Token> tokens);
bool mentions_session_value(std::span<const Token> tokens);

// Of a statement that mentions one of the first kind. Nothing when it calls none after all.
Result<std::optional<SessionCalls>> parse_session_calls(std::string_view sql);

// What a session knows of itself: a setting's value by its lower-case name, or nothing.
struct SessionValues {
  int64_t backend_pid = 0;
  std::function<std::optional<std::string>(const std::string&)> setting;
  std::function<std::vector<std::pair<std::string, std::string>>()> settings;
};
// The statement with the values of the second kind in the place of their calls.
Result<std::string> with_session_values(std::string_view sql, const SessionValues& values);

}  // namespace merganser::engine

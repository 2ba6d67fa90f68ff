// The interactive prompt of `merganser sql`.
//
// Threads: main's.
#pragma once

#include <functional>
#include <string>

#include "cli/sql_session.h"

namespace merganser::cli {

struct PromptOptions {
  std::string database;                                 // shown in the prompt
  std::string greeting;                                 // printed first
  std::function<Result<ClientConnection>()> reconnect;  // after the owner was lost; starts one when none runs
  std::string history_file;
};

// Reads and runs statements until \q, Ctrl-D or a lost connection that cannot be made again. Returns the exit code.
int run_prompt(SqlSession& session, const PromptOptions& options);

// The SQL behind \d, \dt and \d NAME; empty when the command is none of them.
std::string describe_query(std::string_view command);

}  // namespace merganser::cli

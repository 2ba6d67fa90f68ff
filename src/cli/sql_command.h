// `merganser sql`: one statement, a script, standard input or a prompt.
//
// Threads: main's.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/client_connection.h"
#include "cli/result_writer.h"

namespace merganser::cli {

struct SqlOptions {
  std::string database;                   // for the prompt
  std::vector<std::string> statements;    // from the command line; run in order
  std::vector<std::string> script_files;  // --file; "-" is standard input
  OutputFormat format = OutputFormat::kTable;
  bool quiet = false;       // no tags of statements without rows
  bool keep_going = false;  // after an error in a script
  int max_cell = -1;        // columns of a table's cell; -1: 100 on a terminal, else no limit
  std::function<Result<ClientConnection>()> connect;
};

int sql_command(const SqlOptions& options);

}  // namespace merganser::cli

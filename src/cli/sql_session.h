// Runs statements over one connection and writes their results: what `merganser sql` does between reading and leaving.
//
// Threads: one.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cli/client_connection.h"
#include "cli/interrupts.h"
#include "cli/output.h"
#include "cli/result_writer.h"

namespace merganser::cli {

struct StatementOutcome {
  bool ok = false;
  bool connection_lost = false;
  bool changed_catalog = false;  // DDL: names for completion are stale
};

class SqlSession {
 public:
  // Everything given must outlive the session, except the connection, which it takes.
  SqlSession(ClientConnection connection, Output& output, ResultWriter& writer);

  // Runs one statement. Errors go to standard error, with `origin` ("load.sql:12: ") in front. Ctrl-C asks the server
  // to stop the statement; a second one ends the process.
  StatementOutcome run(const std::string& statement, std::string_view origin = {});

  ClientConnection& connection() { return connection_; }
  void replace(ClientConnection connection);  // after the old one was lost
  const Output& output() const { return output_; }

 private:
  bool wait_for_result(Interrupts& interrupts, int& interruptions);
  void take_result(const PGresult* result, std::string_view statement, std::string_view origin,
                   StatementOutcome& outcome);
  void write_rows(const PGresult* result);
  void write_copy_data();

  ClientConnection connection_;
  Output& output_;
  ResultWriter& writer_;
  bool in_result_ = false;  // begin() was called, end() not yet
};

}  // namespace merganser::cli

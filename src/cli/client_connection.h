// A PostgreSQL connection of our own commands, over libpq.
//
// Threads: one. Move-only; closes itself. Waiting is interruptible: a descriptor given to wait() ends it early.
#pragma once

#include <libpq-fe.h>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "cli/address.h"

namespace merganser::cli {

struct ResultFree {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, ResultFree>;

class ClientConnection {
 public:
  // `application` becomes application_name, so that people see who is connected.
  static Result<ClientConnection> open(const Address& address, std::string_view application);
  // A libpq connection string, for tests against other servers.
  static Result<ClientConnection> open_conninfo(const std::string& conninfo);

  PGconn* raw() const { return connection_.get(); }
  bool alive() const { return PQstatus(connection_.get()) == CONNECTION_OK; }

  // Runs one statement to its end and keeps all rows. A failed statement is an Error with the server's own words.
  Result<ResultPtr> query(const std::string& sql);

  // Sends a statement whose rows are then read one by one with next_result().
  Status send(const std::string& sql);

  enum class Wait { kReady, kInterrupted };
  // Until a result can be read, or `interrupt_fd` (when not -1) becomes readable.
  Result<Wait> wait(int interrupt_fd);
  // Null when the statement is over. Call after wait() said kReady.
  ResultPtr next_result() { return ResultPtr(PQgetResult(connection_.get())); }
  // Asks the server to stop the running statement, over a connection of its own.
  Status cancel();

 private:
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  explicit ClientConnection(PGconn* connection) : connection_(connection) {}
  static Result<ClientConnection> checked(PGconn* connection);
  std::unique_ptr<PGconn, Finish> connection_;
};

// The server's error as ours: message, detail, hint and position; the SQLSTATE stays in sqlstate_of().
Error server_error(const PGresult* result);
std::string sqlstate_of(const PGresult* result);  // "42P01"; "08006" when the server said nothing

}  // namespace merganser::cli

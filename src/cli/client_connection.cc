#include "cli/client_connection.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <fmt/format.h>
#include <poll.h>

namespace merganser::cli {
namespace {

std::string without_line_end(const char* text) {
  std::string result = text == nullptr ? "" : text;
  while (!result.empty() && result.back() == '\n') result.pop_back();
  return result;
}

std::string field(const PGresult* result, int code) {
  const char* text = result == nullptr ? nullptr : PQresultErrorField(result, code);
  return text == nullptr ? std::string() : text;
}

}  // namespace

Result<ClientConnection> ClientConnection::checked(PGconn* connection) {
  ClientConnection opened(connection);
  if (!opened.alive()) {
    return make_error(ErrorCode::kConnectionFailure, "cannot connect to the owner",
                      without_line_end(PQerrorMessage(connection)),
                      "look at: merganser status FILE, or merganser doctor FILE");
  }
  return opened;
}

Result<ClientConnection> ClientConnection::open(const Address& address, std::string_view application) {
  const std::string name(application);
  const std::array<const char*, 8> keywords{
      "host", "port", "dbname", "user", "application_name", "sslmode", "client_encoding", nullptr};
  // TLS is only worth asking for beyond this machine, and this connection is to the owner's own socket.
  const std::array<const char*, 8> values{address.host.c_str(),
                                          address.port.c_str(),
                                          address.database.c_str(),
                                          address.user.c_str(),
                                          name.c_str(),
                                          "disable",
                                          "UTF8",
                                          nullptr};
  return checked(PQconnectdbParams(keywords.data(), values.data(), 0));
}

Result<ClientConnection> ClientConnection::open_conninfo(const std::string& conninfo) {
  return checked(PQconnectdb(conninfo.c_str()));
}

Result<ResultPtr> ClientConnection::query(const std::string& sql) {
  ResultPtr result(PQexec(raw(), sql.c_str()));
  const ExecStatusType status = PQresultStatus(result.get());
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY) return result;
  if (!alive()) {
    return make_error(ErrorCode::kConnectionFailure, "the connection to the owner was lost",
                      without_line_end(PQerrorMessage(raw())));
  }
  return server_error(result.get());
}

Status ClientConnection::send(const std::string& sql) {
  if (PQsendQuery(raw(), sql.c_str()) == 0) {
    return make_error(ErrorCode::kConnectionFailure, "cannot send the statement",
                      without_line_end(PQerrorMessage(raw())));
  }
  PQsetSingleRowMode(raw());
  return {};
}

Result<ClientConnection::Wait> ClientConnection::wait(int interrupt_fd) {
  while (PQisBusy(raw()) == 1) {
    std::array<struct pollfd, 2> ready{{{PQsocket(raw()), POLLIN, 0}, {interrupt_fd, POLLIN, 0}}};
    if (poll(ready.data(), ready.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return errno_error(errno, "cannot wait for the owner's answer");
    }
    if (ready[1].revents != 0) return Wait::kInterrupted;
    // A lost connection shows up as a result with an error: PQgetResult tells it.
    if (PQconsumeInput(raw()) == 0) return Wait::kReady;
  }
  return Wait::kReady;
}

Status ClientConnection::cancel() {
  const std::unique_ptr<PGcancel, void (*)(PGcancel*)> request(PQgetCancel(raw()), &PQfreeCancel);
  std::array<char, 256> reason{};
  if (!request || PQcancel(request.get(), reason.data(), static_cast<int>(reason.size())) == 0) {
    return make_error(ErrorCode::kConnectionFailure, "cannot ask the owner to stop the statement",
                      without_line_end(reason.data()));
  }
  return {};
}

std::string sqlstate_of(const PGresult* result) {
  const std::string state = field(result, PG_DIAG_SQLSTATE);
  return state.empty() ? "08006" : state;
}

Error server_error(const PGresult* result) {
  Error error;
  error.message = field(result, PG_DIAG_MESSAGE_PRIMARY);
  if (error.message.empty()) error.message = without_line_end(PQresultErrorMessage(result));
  if (error.message.empty()) error.message = "the connection to the owner was lost";
  error.detail = field(result, PG_DIAG_MESSAGE_DETAIL);
  error.hint = field(result, PG_DIAG_MESSAGE_HINT);
  const std::string position = field(result, PG_DIAG_STATEMENT_POSITION);
  std::from_chars(position.data(), position.data() + position.size(), error.position);
  const std::string state = sqlstate_of(result);
  if (state.starts_with("08")) error.code = ErrorCode::kConnectionFailure;
  if (state == "57014") error.code = ErrorCode::kQueryCanceled;
  return error;
}

}  // namespace merganser::cli

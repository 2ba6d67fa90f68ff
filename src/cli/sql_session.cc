#include "cli/sql_session.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <unistd.h>
#include <vector>

#include "cli/report.h"
#include "cli/sql_error.h"

namespace merganser::cli {
namespace {

void print_notice(void*, const PGresult* notice) {
  const char* severity = PQresultErrorField(notice, PG_DIAG_SEVERITY);
  const char* message = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
  write_all(STDERR_FILENO,
            fmt::format("{}: {}\n", severity == nullptr ? "NOTICE" : severity, message == nullptr ? "" : message));
}

// By the statement's first word: the tag of CREATE TABLE … AS speaks of rows.
bool changes_catalog(std::string_view statement) {
  for (const std::string_view word : {"create", "drop", "alter"}) {
    const bool same = statement.size() > word.size() && std::equal(word.begin(), word.end(), statement.begin(),
                                                                   [](char a, char b) { return a == (b | 0x20); });
    if (same) return true;
  }
  return false;
}

}  // namespace

SqlSession::SqlSession(ClientConnection connection, Output& output, ResultWriter& writer)
    : connection_(std::move(connection)), output_(output), writer_(writer) {
  PQsetNoticeReceiver(connection_.raw(), &print_notice, nullptr);
}

void SqlSession::replace(ClientConnection connection) {
  connection_ = std::move(connection);
  PQsetNoticeReceiver(connection_.raw(), &print_notice, nullptr);
}

// False when the process should stop waiting because the reader of the output has gone or Ctrl-C came twice.
bool SqlSession::wait_for_result(Interrupts& interrupts, int& interruptions) {
  while (true) {
    const auto waited = connection_.wait(interrupts.fd());
    if (!waited.ok()) {
      report(waited.error());
      return false;
    }
    if (*waited == ClientConnection::Wait::kReady) return true;
    interrupts.take();
    if (++interruptions > 1) _exit(128 + SIGINT);
    if (const Status asked = connection_.cancel(); !asked.ok()) {
      report(asked.error());
      return false;
    }
  }
}

StatementOutcome SqlSession::run(const std::string& statement, std::string_view origin) {
  StatementOutcome outcome;
  if (const Status sent = connection_.send(statement); !sent.ok()) {
    report(sent.error());
    outcome.connection_lost = !connection_.alive();
    return outcome;
  }
  outcome.ok = true;
  Interrupts interrupts;
  int interruptions = 0;
  bool stopped = false;  // nobody reads the output any more
  while (wait_for_result(interrupts, interruptions)) {
    const ResultPtr result = connection_.next_result();
    if (!result) break;
    if (!stopped) take_result(result.get(), statement, origin, outcome);
    if (output_.failed() && !stopped) {
      stopped = true;
      outcome.ok = false;
      if (const Status asked = connection_.cancel(); !asked.ok()) break;
    }
  }
  if (in_result_) writer_.end();
  in_result_ = false;
  output_.flush();
  outcome.connection_lost = !connection_.alive();
  outcome.ok = outcome.ok && !outcome.connection_lost;
  return outcome;
}

void SqlSession::take_result(const PGresult* result, std::string_view statement, std::string_view origin,
                             StatementOutcome& outcome) {
  switch (PQresultStatus(result)) {
    case PGRES_SINGLE_TUPLE:
    case PGRES_TUPLES_OK:
      write_rows(result);
      break;
    case PGRES_COMMAND_OK: {
      const std::string_view tag = PQcmdStatus(const_cast<PGresult*>(result));
      outcome.changed_catalog = outcome.changed_catalog || changes_catalog(statement);
      writer_.command(tag);
      break;
    }
    case PGRES_EMPTY_QUERY:
      break;
    case PGRES_COPY_OUT:
      write_copy_data();
      break;
    case PGRES_COPY_IN:
      PQputCopyEnd(connection_.raw(), "merganser sql does not send COPY data; use psql or INSERT");
      break;
    default:
      outcome.ok = false;
      if (in_result_) writer_.end();
      in_result_ = false;
      output_.flush();
      write_all(STDERR_FILENO, format_sql_error(sqlstate_of(result), server_error(result), statement, origin));
  }
}

void SqlSession::write_rows(const PGresult* result) {
  const int columns = PQnfields(result);
  if (!in_result_) {
    std::vector<ResultColumn> described;
    described.reserve(static_cast<size_t>(columns));
    for (int i = 0; i < columns; ++i) described.push_back({PQfname(result, i), PQftype(result, i)});
    writer_.begin(described);
    in_result_ = true;
  }
  std::vector<Cell> cells(static_cast<size_t>(columns));
  for (int row = 0; row < PQntuples(result); ++row) {
    for (int i = 0; i < columns; ++i) {
      cells[static_cast<size_t>(i)] =
          PQgetisnull(result, row, i) != 0
              ? Cell()
              : Cell(std::string_view(PQgetvalue(result, row, i), static_cast<size_t>(PQgetlength(result, row, i))));
    }
    writer_.row(cells);
  }
  // In single-row mode an empty result with this status says that all rows have come.
  if (PQresultStatus(result) == PGRES_TUPLES_OK) {
    writer_.end();
    in_result_ = false;
  }
}

void SqlSession::write_copy_data() {
  char* data = nullptr;
  int length;
  while ((length = PQgetCopyData(connection_.raw(), &data, 0)) > 0) {
    output_.write(std::string_view(data, static_cast<size_t>(length)));
    PQfreemem(data);
  }
  output_.flush();
}

}  // namespace merganser::cli

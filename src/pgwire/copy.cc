// COPY: rows out as CopyData, and CopyData in as rows.
#include <algorithm>

#include "pgwire/connection.h"
#include "pgwire/copy_row_sink.h"

namespace merganser::pgwire {

using engine::StatementKind;

namespace {

int characters(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

void Connection::run_or_copy(session::RunRequest request) {
  switch (request.statement.kind->kind) {
    case StatementKind::kCopyTo:
      return copy_to(std::move(request));
    default:
      return session_->run(std::move(request));
  }
}

// The rows of the statement inside, with other words around them.
void Connection::copy_to(session::RunRequest request) {
  const std::shared_ptr<const engine::StatementClass> kind = request.statement.kind;
  const auto sink = std::make_shared<CopyRowSink>(kind->copy, time_zone());
  // Of the statement inside, DuckDB tells positions; the client counts from the start of its own.
  const int before = characters(std::string_view(*request.statement.sql).substr(0, kind->copy->query_offset));
  const bool own_text = kind->copy->query.empty();
  request.statement.sql = kind->copied_sql;
  request.statement.kind = kind->copied;
  request.sink = sink;
  request.max_rows = 0;
  request.done = [self = shared_from_this(), sink, before, own_text,
                  done = std::move(request.done)](session::Completion completion) {
    if (completion.error && completion.error->position > 0) {
      completion.error->position = own_text ? 0 : completion.error->position + before;
    }
    if (!completion.error) self->out_ += sink->finish();
    done(std::move(completion));
  };
  session_->run(std::move(request));
}

}  // namespace merganser::pgwire

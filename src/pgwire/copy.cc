// COPY: rows out as CopyData, and CopyData in as rows.
#include <algorithm>

#include "pgwire/connection.h"
#include "pgwire/copy_reader.h"
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
    case StatementKind::kCopyFrom:
      return copy_from(std::move(request));
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

// CopyInResponse goes out when the table is known; from then on messages are data, until CopyDone or CopyFail.
void Connection::copy_from(session::RunRequest request) {
  const engine::CopyStatementPtr copy = request.statement.kind->copy;
  session::CopyInRequest in;
  in.statement = request.statement;
  in.source = CopyReader::make(copy, time_zone());
  in.ready = [self = shared_from_this(), copy](std::shared_ptr<session::CopyIn> copying, size_t columns) {
    self->copying_ = std::move(copying);
    self->writer_.copy_in_response(copy->options.format == engine::CopyFormat::kBinary ? 1 : 0,
                                   static_cast<uint16_t>(columns));
    self->flush();
    self->waiting_ = false;
    self->resume_processing();
    if (self->transport_ != nullptr) self->transport_->resume_reading();
  };
  in.room = [self = shared_from_this()] {
    self->resume_processing();
    if (self->transport_ != nullptr) self->transport_->resume_reading();
  };
  in.done = [self = shared_from_this(), done = std::move(request.done)](session::Completion completion) {
    self->copying_.reset();
    done(std::move(completion));
    if (self->transport_ != nullptr) self->transport_->resume_reading();
  };
  session_->copy_in(std::move(in));
}

// Whether the message was for COPY.
bool Connection::on_copy_message(FrontendMessage& message) {
  const auto copying = copying_;
  if (const auto* data = std::get_if<CopyData>(&message)) {
    copying->data(data->bytes);
    return true;
  }
  if (std::holds_alternative<Sync>(message) || std::holds_alternative<Flush>(message)) return true;  // libpq's habit
  if (std::holds_alternative<Terminate>(message)) return false;
  copying_.reset();
  waiting_ = true;
  if (std::holds_alternative<CopyDone>(message)) {
    copying->finish();
  } else if (const auto* failed = std::get_if<CopyFail>(&message)) {
    copying->fail(make_error(ErrorCode::kQueryCanceled, "COPY from stdin failed: " + std::string(failed->reason)));
  } else {
    copying->fail(make_error(ErrorCode::kProtocolViolation, "unexpected message during COPY from stdin"));
  }
  return true;
}

}  // namespace merganser::pgwire

// SQL cursors as the protocol shows them: FETCH has the columns of its cursor, and any format that its Bind asks for.
#include "session/cursor.h"

#include "pgwire/connection.h"

namespace merganser::pgwire {
namespace {

using engine::CommandKind;

// One word for equal formats, however they were written.
std::string format_word(const std::vector<int16_t>& formats) {
  std::string out;
  for (const int16_t format : formats) {
    const char c = format == 0 ? 't' : 'b';
    if (out.size() != 1 || out[0] != c) out += c;
  }
  return out.empty() ? "t" : out;
}

const session::Cursor* fetched_by(const session::Session& session, const engine::StatementClass& kind) {
  if (kind.command->kind != CommandKind::kFetch || kind.command->move) return nullptr;
  const session::Cursor* cursor = session.find_cursor(kind.command->name);
  return cursor != nullptr && cursor->sink->columns() ? cursor : nullptr;
}

}  // namespace

// The rows of a simple query's FETCH come with their description, once it is known that there is no error.
session::RunRequest Connection::prepare_cursor(session::RunRequest request, std::vector<int16_t> formats, bool simple) {
  const engine::StatementClass& kind = *request.statement.kind;
  const session::Cursor* cursor = fetched_by(*session_, kind);
  const bool binary = cursor != nullptr ? cursor->binary : kind.command->binary;
  if (simple && binary) formats = {1};
  request.format = format_word(formats);
  request.sink = make_sink(false, formats, nullptr);
  if (!simple || cursor == nullptr) return request;
  auto description = std::make_shared<std::string>(row_description_of(*cursor->sink->columns(), formats));
  const auto describe = [self = shared_from_this(), description] {
    self->out_ += *description;
    description->clear();
  };
  request.bytes = [describe, bytes = std::move(request.bytes)](std::string rows) {
    describe();
    bytes(std::move(rows));
  };
  request.done = [describe, done = std::move(request.done)](session::Completion completion) {
    if (!completion.error) describe();
    done(std::move(completion));
  };
  return request;
}

void Connection::describe_cursor_statement(const engine::StatementClass& kind, std::span<const int16_t> formats) {
  const session::Cursor* cursor = fetched_by(*session_, kind);
  if (cursor == nullptr) return writer_.no_data();
  out_ += row_description_of(*cursor->sink->columns(), formats);
}

// A portal that DECLARE made.
bool Connection::describe_cursor(const std::string& name) {
  const session::Cursor* cursor = session_->find_cursor(name);
  if (cursor == nullptr || !cursor->sink->columns()) return false;
  const int16_t format = cursor->binary ? 1 : 0;
  out_ += row_description_of(*cursor->sink->columns(), std::span(&format, 1));
  return true;
}

}  // namespace merganser::pgwire

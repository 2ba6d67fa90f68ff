// The simple query protocol: one string, any number of statements, one ReadyForQuery.
#include <algorithm>

#include "engine/sql_tokens.h"
#include "pgwire/connection.h"

namespace merganser::pgwire {
namespace {

using engine::StatementKind;

bool all_of_kind(const std::vector<coordinator::Statement>& statements, StatementKind kind) {
  return std::all_of(statements.begin(), statements.end(),
                     [kind](const coordinator::Statement& s) { return s.kind->kind == kind; });
}

}  // namespace

void Connection::on_query(std::string_view sql) {
  if (!deferred_.empty()) {
    return settle([this, text = std::string(sql)] { on_query(text); });
  }
  close_portal("");
  simple_ = {};
  size_t before = 0;
  for (const engine::StatementSpan& span : engine::split_statements(sql)) {
    coordinator::Statement statement;
    auto hints = session::parse_write_hints(sql.substr(before, span.offset - before));
    if (!hints.ok()) {
      session_->fail_open_transaction();
      error(std::move(hints).error());
      return end_simple(false);
    }
    statement.hints = std::move(hints).value();
    before = span.offset + span.text.size();
    statement.sql = std::make_shared<const std::string>(span.text);
    statement.kind = std::make_shared<const engine::StatementClass>(session_->classify(span.text));
    if (statement.kind->translated) statement.sql = statement.kind->translated;
    if (statement.kind->kind == StatementKind::kWrite) {
      coordinator::ParsedShape parsed = coordinator::parse_shape(*statement.sql);
      statement.shape = std::move(parsed.shape);
      statement.why_no_shape = parsed.why;
    }
    simple_.statements.push_back(std::move(statement));
    simple_.offsets.push_back(span.offset);
  }
  simple_.text = std::string(sql);
  if (simple_.statements.empty()) {
    writer_.empty_query_response();
    return end_simple(true);
  }
  simple_.implicit = simple_.statements.size() > 1 && !all_of_kind(simple_.statements, StatementKind::kRead);
  if (simple_.implicit && session_->can_run_unit() && all_of_kind(simple_.statements, StatementKind::kWrite)) {
    return run_simple_unit();
  }
  next_simple();
}

void Connection::run_simple_unit() {
  waiting_ = true;
  auto statements = simple_.statements;
  session_->run_unit(std::move(statements), [self = shared_from_this()](coordinator::UnitOutcome& outcome) {
    for (size_t i = 0; i < outcome.results.size(); i++) {
      const auto sink = self->make_sink(true, {}, nullptr);
      self->append_result(outcome.results[i], *sink, *self->simple_.statements[i].kind);
    }
    if (outcome.error) {
      self->simple_.next = std::min(outcome.results.size() + 1, self->simple_.statements.size());
      self->simple_error(*std::move(outcome.error));
    }
    self->waiting_ = false;
    self->end_simple(true);
    self->resume_processing();
  });
}

// Positions count within the whole string that the client sent.
void Connection::simple_error(Error error) {
  if (error.position > 0 && simple_.next > 0) {
    const uint32_t offset = simple_.offsets[simple_.next - 1];
    for (uint32_t i = 0; i < offset; i++) {
      if ((static_cast<unsigned char>(simple_.text[i]) & 0xC0) != 0x80) error.position++;
    }
  }
  this->error(std::move(error));
}

// Runs statement after statement. Callbacks that come at once leave the going on to the loop, so that a string of many
// short statements does not recurse.
void Connection::next_simple() {
  if (simple_.looping) return;
  simple_.looping = true;
  while (!waiting_ && !simple_.ended) run_one_simple();
  simple_.looping = false;
}

void Connection::run_one_simple() {
  if (simple_.next >= simple_.statements.size()) return end_simple(true);
  const coordinator::Statement statement = simple_.statements[simple_.next++];
  const StatementKind kind = statement.kind->kind;
  if (kind == StatementKind::kDeallocate && deallocate(*statement.sql)) return writer_.command_complete("DEALLOCATE");
  const bool control =
      kind == StatementKind::kBegin || kind == StatementKind::kCommit || kind == StatementKind::kRollback;
  if (simple_.implicit && !control && session_->state() == session::TransactionState::kIdle) {
    session_->begin_implicit();
  }
  session::RunRequest request = make_request(statement, make_sink(true, {}, nullptr));
  waiting_ = true;
  request.done = [self = shared_from_this(), kind](session::Completion completion) {
    self->waiting_ = false;
    const bool completion_failed = completion.error.has_value();
    if (completion.error) {
      self->simple_error(*std::move(completion.error));
      self->end_simple(false);
    } else if (completion.empty) {
      self->writer_.empty_query_response();
    } else {
      if (completion.tag == "DISCARD ALL") self->forget_prepared();
      self->writer_.command_complete(completion.tag);
    }
    if (completion_failed) self->break_portals();
    const bool over = completion_failed && self->session_->state() == session::TransactionState::kIdle;
    if (over || session::ends_transaction(kind)) self->close_all_portals();
    if (self->simple_.looping) return;  // the loop goes on with this string, and only then with the next message
    self->next_simple();
    self->resume_processing();
  };
  if (kind == StatementKind::kCursor) request = prepare_cursor(std::move(request), {}, true);
  run_or_copy(std::move(request));
}

void Connection::end_simple(bool ok) {
  simple_.ended = true;
  // The text may be large, and the session idle for long.
  simple_.text = {};
  simple_.statements = {};
  simple_.offsets = {};
  if (!session_->implicit()) return ready();
  waiting_ = true;
  session_->end_implicit(ok, [self = shared_from_this(), ok](session::Completion completion) {
    self->waiting_ = false;
    if (ok && completion.error) self->error(*std::move(completion.error));
    self->ready();
    self->resume_processing();
  });
}

// DEALLOCATE of a statement that was prepared by protocol; false when SQL's own PREPARE has to answer.
bool Connection::deallocate(std::string_view sql) {
  const auto tokens = engine::tokenize(sql);
  if (tokens.size() < 2) return false;
  const size_t at = tokens.size() > 2 && tokens[1].is_word("prepare") ? 2 : 1;
  if (tokens[at].is_word("all")) {
    statements_.clear();
    return !session_->pinned();
  }
  std::string name = engine::folded_name(tokens[at]);
  if (tokens[at].kind == engine::TokenKind::kQuotedName) name = tokens[at].text.substr(1, tokens[at].text.size() - 2);
  return statements_.erase(name) > 0;
}

void Connection::forget_prepared() {
  statements_.clear();
  close_all_portals();
}

}  // namespace merganser::pgwire

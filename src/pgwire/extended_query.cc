// The extended query protocol: Parse, Bind, Describe, Execute, Close, Flush, Sync.
#include <algorithm>

#include "engine/sql_tokens.h"
#include "pgwire/connection.h"
#include "pgwire/decode.h"
#include "pgwire/pgtype.h"

namespace merganser::pgwire {
namespace {

using engine::StatementKind;

int16_t format_of(std::span<const int16_t> formats, size_t index) {
  return formats.empty() ? int16_t{0} : formats.size() == 1 ? formats[0] : formats[index];
}

// What stands for a bound parameter when its statement is described: a literal that was spliced stays, an untyped NULL
// is one, anything else has the type that the client declared or DuckDB found.
session::ParameterRewrite as_bound(const session::ParameterRewrite& rewrite, const engine::Value& value, int32_t oid,
                                   const engine::LogicalType* inferred) {
  if (rewrite.form == session::ParameterForm::kLiteral) return rewrite;
  const engine::TypePtr declared = oid != 0 ? logical_type_of(oid) : nullptr;
  if (declared) return {session::ParameterForm::kCast, declared->to_sql(), false, {}};
  if (inferred != nullptr) return {session::ParameterForm::kCast, inferred->to_sql(), false, {}};
  return value.is_null() ? session::ParameterRewrite{session::ParameterForm::kNull, {}, false, {}}
                         : session::ParameterRewrite{session::ParameterForm::kCast, "VARCHAR", false, {}};
}

// How many parameters the text names, where DuckDB was not asked (SET and the like have none).
size_t parameters_of(const session::Description& description) {
  return description.parameters.size();
}

}  // namespace

// Columns that depend on parameters: where DuckDB does not know them, and where the client says other types than those
// that were inferred.
bool Connection::rows_unknown(const PreparedStatement& statement) {
  const session::Description& description = *statement.description;
  if (description.rows_unknown || !description.columns) return description.rows_unknown;
  for (size_t i = 0; i < description.inferred.size(); i++) {
    if (!description.inferred[i] || statement.oids[i] == 0 || statement.oids[i] == oid::kUnknown) continue;
    if (pg_type_of(*description.parameters[i]).oid != statement.oids[i]) return true;
  }
  return false;
}

Error Connection::missing_statement(const std::string& name) {
  return make_error(ErrorCode::kInvalidStatementName, name.empty()
                                                          ? "unnamed prepared statement does not exist"
                                                          : "prepared statement \"" + name + "\" does not exist");
}
Error Connection::missing_portal(const std::string& name) {
  return make_error(ErrorCode::kInvalidCursorName, "portal \"" + name + "\" does not exist");
}

void Connection::extended_error(Error error) {
  if (!deferred_.empty()) {
    // What came before it in the pipeline is answered first, as if each had run when it came; Sync undoes it.
    return settle([this, error = std::move(error)] { extended_error(error); });
  }
  if (session_->state() != session::TransactionState::kIdle) break_portals();
  session_->fail_open_transaction();
  writer_.error_response(error);
  skip_to_sync_ = true;
}

// ---- Parse -----------------------------------------------------------------------------------------------------

void Connection::on_parse(const Parse& message) {
  std::string name(message.name);
  const bool failed = session_->state() == session::TransactionState::kFailed;
  if (!failed && !name.empty() && statements_.contains(name)) {
    return extended_error(
        make_error(ErrorCode::kDuplicatePreparedStatement, "prepared statement \"" + name + "\" already exists"));
  }
  if (statements_.size() >= options_->named_statements) {
    return extended_error(make_error(ErrorCode::kProgramLimitExceeded, "too many prepared statements in this session",
                                     {}, "Close those that are not needed, or use DEALLOCATE ALL."));
  }
  std::vector<int32_t> oids(message.oids.begin(), message.oids.end());
  const auto spans = engine::split_statements(message.sql);
  if (spans.size() > 1) {
    return extended_error(
        make_error(ErrorCode::kSyntaxError, "cannot insert multiple commands into a prepared statement"));
  }
  std::string sql = spans.empty() ? std::string() : std::string(spans.front().text);
  // Positions count characters of what the client sent, which may begin with a comment.
  int before = 0;
  for (const char c : message.sql.substr(0, spans.empty() ? 0 : spans.front().offset)) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) before++;
  }
  if (session_->state() == session::TransactionState::kFailed &&
      !session::leaves_failure(session_->classify(sql).kind)) {
    return extended_error(session_->failure());
  }
  if (!name.empty() && statements_.contains(name)) {
    return extended_error(
        make_error(ErrorCode::kDuplicatePreparedStatement, "prepared statement \"" + name + "\" already exists"));
  }
  const auto parsed = session::parse_write_hints(message.sql.substr(0, spans.empty() ? 0 : spans.front().offset));
  if (!parsed.ok()) return extended_error(parsed.error());
  waiting_ = true;
  session_->describe(
      sql, [self = shared_from_this(), name, oids, before, hints = *parsed](Result<session::DescriptionPtr> described) {
        self->waiting_ = false;
        if (!described.ok()) {
          Error error = described.error();
          if (error.position > 0) error.position += before;
          self->extended_error(std::move(error));
        } else {
          self->add_statement(name, *std::move(described), oids, hints);
        }
        self->resume_processing();
      });
}

void Connection::add_statement(const std::string& name, session::DescriptionPtr description, std::vector<int32_t> oids,
                               session::HintsPtr hints) {
  oids.resize(std::max(oids.size(), parameters_of(*description)), 0);
  statements_[name] = PreparedStatement{std::move(description), std::move(oids), std::move(hints)};
  writer_.parse_complete();
}

// ---- Bind ------------------------------------------------------------------------------------------------------

void Connection::on_bind(const Bind& message) {
  const std::string name(message.portal);
  const auto statement = statements_.find(std::string(message.statement));
  if (statement == statements_.end()) return extended_error(missing_statement(std::string(message.statement)));
  if (!name.empty() && (portals_.contains(name) || session_->find_cursor(name) != nullptr)) {
    return extended_error(make_error(ErrorCode::kDuplicateCursor, "cursor \"" + name + "\" already exists"));
  }
  auto portal = bind_portal(statement->second, message);
  if (!portal.ok()) return extended_error(std::move(portal).error());
  close_portal(name);
  portals_[name] = std::move(portal).value();
  writer_.bind_complete();
}

Result<Connection::Portal> Connection::bind_portal(const PreparedStatement& statement, const Bind& message) {
  const session::Description& description = *statement.description;
  const size_t wanted = parameters_of(description);
  if (message.params.size() != wanted) {
    return make_error(ErrorCode::kProtocolViolation, "bind message supplies " + std::to_string(message.params.size()) +
                                                         " parameters, but prepared statement \"" +
                                                         std::string(message.statement) + "\" requires " +
                                                         std::to_string(wanted));
  }
  if (message.formats.size() > 1 && message.formats.size() != wanted) {
    return make_error(ErrorCode::kProtocolViolation, "bind message has " + std::to_string(message.formats.size()) +
                                                         " parameter formats but " + std::to_string(wanted) +
                                                         " parameters");
  }
  const size_t columns = description.columns ? description.columns->size() : 0;
  if (message.result_formats.size() > 1 && !rows_unknown(statement) && message.result_formats.size() != columns) {
    return make_error(ErrorCode::kProtocolViolation,
                      "bind message has " + std::to_string(message.result_formats.size()) +
                          " result formats but query has " + std::to_string(columns) + " columns");
  }
  Portal portal;
  portal.description = statement.description;
  portal.rows_unknown = rows_unknown(statement);
  portal.typed.resize(portal.rows_unknown ? wanted : 0);
  portal.formats.assign(message.result_formats.begin(), message.result_formats.end());
  portal.statement.kind = description.kind;
  portal.statement.hints = statement.hints;
  std::vector<session::ParameterRewrite> rewrites(wanted);
  std::vector<engine::Value> values(wanted);
  bool literals = false;
  for (size_t i = 0; i < wanted; i++) {
    const engine::LogicalType* inferred = description.parameters[i].get();
    int32_t oid = statement.oids[i];
    const bool ours = !description.inferred.empty() && description.inferred[i];
    // A number keeps all its digits: it is not going into the column that it stands beside.
    if (ours && oid == 0 && inferred->id == engine::TypeId::kDecimal) {
      oid = oid::kNumeric;
      inferred = nullptr;
    }
    int16_t format = format_of(message.formats, i);
    // Where nobody knows the type we announced text, whose binary form is the text itself.
    if (oid == 0 && inferred == nullptr) format = 0;
    auto decoded = decode_param(message.params[i], format, oid, inferred, *time_zone());
    if (!decoded.ok()) {
      Error error = std::move(decoded).error();
      if (error.detail.empty()) error.detail = "Parameter $" + std::to_string(i + 1) + ".";
      return error;
    }
    values[i] = std::move(decoded->value);
    if (decoded->form == ParamForm::kCastText) {
      rewrites[i] = {session::ParameterForm::kCast, decoded->cast_type, decoded->through_json, {}};
      portal.rewritten = true;
    } else if (decoded->form == ParamForm::kLiteral) {
      rewrites[i] = {session::ParameterForm::kLiteral, {}, false, std::get<std::string>(values[i].data)};
      portal.rewritten = literals = true;
    } else if (ours && values[i].is_null()) {
      rewrites[i] = {session::ParameterForm::kNull, description.parameters[i]->to_sql(), false, {}};
      portal.rewritten = true;
    }
    if (portal.rows_unknown) portal.typed[i] = as_bound(rewrites[i], values[i], oid, inferred);
  }
  if (!portal.rewritten) {
    portal.statement.sql = description.text;
    portal.statement.values = std::move(values);
    portal.statement.shape = description.shape.shape;
    portal.statement.why_no_shape = description.shape.why;
    return portal;
  }
  std::vector<size_t> kept;
  portal.statement.sql =
      std::make_shared<const std::string>(session::rewrite_parameters(*description.text, rewrites, kept));
  for (const size_t index : kept) portal.statement.values.push_back(std::move(values[index]));
  if (literals) {
    // Each value makes another text: none of them is worth keeping prepared.
    auto kind = std::make_shared<engine::StatementClass>(*description.kind);
    kind->plain_insert = false;
    portal.statement.kind = std::move(kind);
  }
  return portal;
}

// ---- Execute ---------------------------------------------------------------------------------------------------

bool Connection::next_is_sync() const {
  return in_at_ < in_.size() && in_[in_at_] == 'S';
}

void Connection::on_execute(const Execute& message) {
  const std::string name(message.portal);
  const auto it = portals_.find(name);
  if (it == portals_.end()) return extended_error(missing_portal(name));
  const auto max_rows = static_cast<uint64_t>(message.max_rows);
  if (max_rows == 0 && defer(name, it->second)) return;
  if (!deferred_.empty()) return settle([this, name, max_rows] { run_portal(name, max_rows); });
  run_portal(name, max_rows);
}

// Writes of a pipeline wait for its Sync, to become one unit. A write that Sync follows at once needs no company.
bool Connection::defer(const std::string& name, Portal& portal) {
  if (portal.statement.kind->kind != StatementKind::kWrite || portal.query || portal.finished) return false;
  if (!session_->can_run_unit() || (deferred_.empty() && next_is_sync())) return false;
  if (deferred_.size() >= options_->pipeline_statements || deferred_bytes_ >= options_->pipeline_bytes) return false;
  Deferred item;
  item.before = std::exchange(out_, {});
  item.statement = portal.statement;
  item.sink = make_sink(false, portal.formats, portal.announced);
  deferred_bytes_ += item.before.size() + item.statement.sql->size() + 128;
  for (const engine::Value& value : item.statement.values) deferred_bytes_ += value.footprint();
  deferred_.push_back(std::move(item));
  portal.finished = true;
  if (name.empty()) close_portal(name);
  return true;
}

void Connection::run_portal(const std::string& name, uint64_t max_rows) {
  const auto it = portals_.find(name);
  if (it == portals_.end()) return extended_error(missing_portal(name));
  Portal& portal = it->second;
  if (portal.broken || portal.finished) {
    const bool failed = session_->state() == session::TransactionState::kFailed;
    if (failed) return extended_error(session_->failure());
  }
  if (portal.finished && portal.statement.kind->kind == StatementKind::kEmpty) return writer_.empty_query_response();
  if (portal.finished && !portal.broken && portal.statement.kind->kind == StatementKind::kRead) {
    return writer_.command_complete(session::Session::tag_of(*portal.statement.kind, 0));
  }
  if (portal.finished || portal.broken) {
    return extended_error(make_error(ErrorCode::kObjectNotInState, "portal \"" + name + "\" cannot be run"));
  }
  const StatementKind kind = portal.statement.kind->kind;
  if (kind == StatementKind::kDeallocate && deallocate(*portal.statement.sql)) {
    portal.finished = true;
    return writer_.command_complete("DEALLOCATE");
  }
  // DDL and the like within a longer pipeline share its transaction; alone they need none.
  const bool shares = kind == StatementKind::kWrite || kind == StatementKind::kDdl;
  if (shares && session_->can_run_unit() && !next_is_sync()) session_->begin_implicit();
  session::RunRequest request = make_request(portal.statement, make_sink(false, portal.formats, portal.announced));
  request.max_rows = max_rows;
  waiting_ = true;
  request.done = [self = shared_from_this(), name, kind](session::Completion completion) {
    self->waiting_ = false;
    const auto found = self->portals_.find(name);
    if (found != self->portals_.end()) {
      found->second.finished = !completion.suspended;
      found->second.query = completion.query;
    }
    if (completion.error) {
      self->extended_error(*std::move(completion.error));
    } else if (completion.empty) {
      self->writer_.empty_query_response();
    } else if (completion.suspended) {
      self->writer_.portal_suspended();
    } else {
      if (completion.tag == "DISCARD ALL") self->forget_prepared();
      if (session::ends_transaction(kind)) self->close_all_portals();
      self->writer_.command_complete(completion.tag);
    }
    self->resume_processing();
  };
  if (portal.query) {
    const std::shared_ptr<session::Query> query = portal.query;
    return session_->resume(query, std::move(request));
  }
  if (kind == StatementKind::kCursor) request = prepare_cursor(std::move(request), portal.formats, false);
  run_or_copy(std::move(request));
}

// ---- the deferred writes ---------------------------------------------------------------------------------------

// Something needs the results of the deferred writes before Sync: they run one after another in a transaction that
// Sync ends.
void Connection::settle(std::function<void()> then) {
  auto list = std::make_shared<std::vector<Deferred>>(std::exchange(deferred_, {}));
  deferred_bytes_ = 0;
  std::string tail = std::exchange(out_, {});
  session_->begin_implicit();
  settle_next(list, 0, [this, tail = std::move(tail), then = std::move(then)] {
    out_ += tail;
    then();
  });
}

void Connection::settle_next(std::shared_ptr<std::vector<Deferred>> list, size_t index, std::function<void()> then) {
  if (index == list->size()) {
    waiting_ = false;
    then();
    return resume_processing();
  }
  Deferred& item = (*list)[index];
  out_ += item.before;
  waiting_ = true;
  session::RunRequest request = make_request(item.statement, item.sink);
  request.done = [self = shared_from_this(), list, index, then = std::move(then)](session::Completion completion) {
    if (completion.error) {
      self->waiting_ = false;
      self->extended_error(*std::move(completion.error));
      return self->resume_processing();
    }
    self->writer_.command_complete(completion.tag);
    self->settle_next(list, index + 1, then);
  };
  session_->run(std::move(request));
}

void Connection::run_deferred_unit() {
  auto list = std::make_shared<std::vector<Deferred>>(std::exchange(deferred_, {}));
  deferred_bytes_ = 0;
  auto tail = std::make_shared<std::string>(std::exchange(out_, {}));
  std::vector<coordinator::Statement> statements;
  statements.reserve(list->size());
  for (const Deferred& item : *list) statements.push_back(item.statement);
  waiting_ = true;
  session_->run_unit(std::move(statements), [self = shared_from_this(), list, tail](coordinator::UnitOutcome& outcome) {
    self->waiting_ = false;
    for (size_t i = 0; i < outcome.results.size(); i++) {
      Deferred& item = (*list)[i];
      self->out_ += item.before;
      // The last result is not sent when the commit failed: its statement has not happened.
      if (outcome.error && i + 1 == list->size()) break;
      self->append_result(outcome.results[i], *item.sink, *item.statement.kind);
    }
    if (outcome.error) {
      if (outcome.results.size() < list->size()) self->out_ += (*list)[outcome.results.size()].before;
      self->writer_.error_response(*outcome.error);
    } else {
      self->out_ += *tail;
    }
    self->end_sync();
    self->resume_processing();
  });
}

// ---- Sync, Flush, Close ----------------------------------------------------------------------------------------

void Connection::on_sync() {
  const bool failed = std::exchange(skip_to_sync_, false);
  if (!deferred_.empty()) return run_deferred_unit();
  if (!session_->implicit()) return end_sync();
  waiting_ = true;
  session_->end_implicit(!failed, [self = shared_from_this(), failed](session::Completion completion) {
    self->waiting_ = false;
    if (!failed && completion.error) self->error(*std::move(completion.error));
    self->end_sync();
    self->resume_processing();
  });
}

// Outside a transaction block portals end with it.
void Connection::end_sync() {
  if (session_->state() == session::TransactionState::kIdle) close_all_portals();
  ready();
}

void Connection::on_flush() {
  if (!deferred_.empty()) return settle([this] { flush(); });
  flush();
}

void Connection::on_close(const Close& message) {
  const std::string name(message.name);
  if (message.kind == 'S') {
    statements_.erase(name);
  } else if (!portals_.contains(name)) {
    session_->close_cursor(name);
  } else {
    close_portal(name);
  }
  writer_.close_complete();
}

void Connection::close_portal(const std::string& name) {
  const auto it = portals_.find(name);
  if (it == portals_.end()) return;
  if (it->second.query) it->second.query->abandon();
  portals_.erase(it);
}

// After an error in a transaction block: they are there until its end, and cannot be run any more.
void Connection::break_portals() {
  for (auto& [name, portal] : portals_) {
    if (portal.query) portal.query->abandon();
    portal.query = nullptr;
    portal.broken = true;
  }
}

void Connection::close_all_portals() {
  for (auto& [name, portal] : portals_) {
    if (portal.query) portal.query->abandon();
  }
  portals_.clear();
}

}  // namespace merganser::pgwire

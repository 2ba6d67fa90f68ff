// The extended query protocol's Describe: what a statement takes and gives, and what a portal gives.
#include "pgwire/connection.h"
#include "pgwire/pgtype.h"

namespace merganser::pgwire {

using engine::StatementKind;

void Connection::on_describe(const Describe& message) {
  if (message.kind == 'S') return describe_statement(std::string(message.name));
  describe_portal(std::string(message.name));
}

void Connection::describe_statement(const std::string& name) {
  const auto it = statements_.find(name);
  if (it == statements_.end()) return extended_error(missing_statement(name));
  const session::DescriptionPtr description = it->second.description;
  std::vector<int32_t> oids;
  for (size_t i = 0; i < description->parameters.size(); i++) {
    const engine::TypePtr& type = description->parameters[i];
    const int32_t declared = it->second.oids[i];
    oids.push_back(declared != 0 ? declared : type ? pg_type_of(*type).oid : oid::kText);
  }
  writer_.parameter_description(oids);
  if (description->kind->kind == StatementKind::kShow) {
    const std::vector<engine::Column> column{{description->kind->setting, engine::make_type(engine::TypeId::kVarchar)}};
    if (description->kind->setting != "all") out_ += row_description_of(column, {});
    return;
  }
  if (description->kind->kind == StatementKind::kCursor) return describe_cursor_statement(*description->kind, {});
  if (!rows_unknown(it->second)) {
    if (description->columns) {
      out_ += row_description_of(*description->columns, {});
    } else {
      writer_.no_data();
    }
    return;
  }
  waiting_ = true;
  std::vector<session::ParameterRewrite> typed(oids.size());
  for (size_t i = 0; i < oids.size(); i++) {
    const engine::TypePtr declared = it->second.oids[i] != 0 ? logical_type_of(it->second.oids[i]) : nullptr;
    const engine::TypePtr& type = declared ? declared : description->parameters[i];
    typed[i] = {session::ParameterForm::kCast, type ? type->to_sql() : "VARCHAR", false, {}};
  }
  describe_typed(*description->text, typed, [self = shared_from_this()](Result<engine::Columns> columns) {
    self->waiting_ = false;
    if (columns.ok() && *columns) {
      self->out_ += row_description_of(**columns, {});
    } else {
      self->extended_error(make_error(ErrorCode::kIndeterminateDatatype,
                                      "could not determine the data types of the result", {},
                                      "Cast the parameters, for example $1::INTEGER."));
    }
    self->resume_processing();
  });
}

// Columns that DuckDB knows only once the parameters have types: tries the statement with these typed parameters, and
// where even that is not enough (arguments of table functions) with NULLs of those types.
void Connection::describe_typed(const std::string& sql, const std::vector<session::ParameterRewrite>& typed,
                                std::function<void(Result<engine::Columns>)> done) {
  std::vector<session::ParameterRewrite> nulls = typed;
  for (session::ParameterRewrite& rewrite : nulls) {
    if (rewrite.form == session::ParameterForm::kCast) rewrite.form = session::ParameterForm::kNull;
  }
  std::vector<size_t> kept;
  const std::string with_types = session::rewrite_parameters(sql, typed, kept);
  const std::string with_nulls = session::rewrite_parameters(sql, nulls, kept);
  session_->describe(with_types, [self = shared_from_this(), with_nulls, typed,
                                  done = std::move(done)](const Result<session::DescriptionPtr>& first) {
    if (first.ok() && (*first)->columns) return done(session::named_as_sent((*first)->columns, typed));
    self->session_->describe(with_nulls, [done](const Result<session::DescriptionPtr>& second) {
      if (second.ok()) return done((*second)->columns);
      done(second.error());
    });
  });
}

void Connection::describe_portal(const std::string& name) {
  const auto it = portals_.find(name);
  if (it == portals_.end()) {
    if (!describe_cursor(name)) extended_error(missing_portal(name));
    return;
  }
  Portal& portal = it->second;
  if (portal.description->kind->kind == StatementKind::kCursor) {
    return describe_cursor_statement(*portal.description->kind, portal.formats);
  }
  if (portal.description->kind->kind == StatementKind::kShow && portal.description->kind->setting != "all") {
    const std::vector<engine::Column> column{
        {portal.description->kind->setting, engine::make_type(engine::TypeId::kVarchar)}};
    out_ += row_description_of(column, portal.formats);
    return;
  }
  const auto tell = [this, name](const engine::Columns& columns) {
    const auto found = portals_.find(name);
    if (found == portals_.end()) return;
    if (!columns) return writer_.no_data();
    if (found->second.formats.size() > 1 && found->second.formats.size() != columns->size()) {
      return extended_error(
          make_error(ErrorCode::kProtocolViolation, "bind message has " + std::to_string(found->second.formats.size()) +
                                                        " result formats but query has " +
                                                        std::to_string(columns->size()) + " columns"));
    }
    found->second.announced = columns;
    out_ += row_description_of(*columns, found->second.formats);
  };
  if (!portal.rows_unknown) return tell(portal.description->columns);
  waiting_ = true;
  describe_typed(*portal.description->text, portal.typed,
                 [self = shared_from_this(), tell](const Result<engine::Columns>& columns) {
                   self->waiting_ = false;
                   if (columns.ok()) tell(*columns);
                   if (!columns.ok()) self->extended_error(columns.error());
                   self->resume_processing();
                 });
}

}  // namespace merganser::pgwire

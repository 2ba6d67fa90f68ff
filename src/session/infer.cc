#include "session/infer.h"

#include <algorithm>

#include "dialect/parameter_hints.h"

namespace merganser::session {
namespace {

using dialect::ParameterHint;
using Kind = ParameterHint::Kind;
using engine::TypePtr;
using As = engine::TypeProbe::Slots::As;

// Looks at a statement: $2 in a + $1 + $2 has the type of a + $1, once that is known.
constexpr int kRounds = 4;

TypePtr list_of(const TypePtr& element) {
  auto list = std::make_shared<engine::LogicalType>();
  list->id = list->storage = engine::TypeId::kList;
  list->children.push_back({"", element});
  return list;
}

// The statement as a question: each open parameter asks for the type of what it stands beside, the others are NULLs.
std::string as_question(const std::string& sql, const std::vector<dialect::OpenParameter>& parameters,
                        const std::vector<ParameterHint>& hints, const engine::TypeProbe::Slots& slots) {
  std::vector<ParameterRewrite> rewrites(hints.size());
  for (size_t i = 0; i < hints.size(); i++) {
    const ParameterHint& hint = hints[i];
    const As as = hint.op.empty() ? As::kExpression : As::kNull;
    if (hint.kind == Kind::kSameAs) rewrites[i] = {ParameterForm::kText, {}, false, slots.sql(i, hint.text, as)};
    if (hint.kind == Kind::kArrayOf) {
      rewrites[i] = {ParameterForm::kText, {}, false, "[" + slots.sql(i, hint.text, As::kExpression) + "]"};
    }
    if (hint.kind == Kind::kType) rewrites[i] = {ParameterForm::kNull, hint.text, false, {}};
    if (hint.kind == Kind::kNone && !parameters[i].type.empty()) {
      rewrites[i] = {ParameterForm::kNull, parameters[i].type, false, {}};
    }
  }
  std::vector<size_t> kept;
  return rewrite_parameters(sql, rewrites, kept);
}

engine::TypePtr column_of(engine::Connection& connection, const std::string& query) {
  const auto prepared = connection.prepare(query, engine::Origin::kClient);
  return prepared.ok() && (*prepared)->columns() ? (*prepared)->columns()->front().type : nullptr;
}

}  // namespace

void note_description(const engine::Prepared& prepared, Description& description) {
  using engine::StatementKind;
  description.parameters.clear();
  for (int i = 0; i < prepared.parameter_count(); i++) description.parameters.push_back(prepared.parameter_type(i));
  const bool read = description.kind->kind == StatementKind::kRead;
  description.columns = read || prepared.gives_rows() ? prepared.columns() : nullptr;
  description.rows_unknown = prepared.columns() == nullptr && (read || prepared.mentions_returning());
}

namespace {

// With these types the rest, and the columns, are known to DuckDB.
void settle(engine::Connection& connection, const std::vector<dialect::OpenParameter>& parameters,
            const std::vector<engine::TypePtr>& types, const std::vector<bool>& inferred, Description& description) {
  const size_t count = parameters.size();
  std::vector<ParameterRewrite> typed(count);
  for (size_t i = 0; i < count; i++) {
    if (inferred[i]) typed[i] = {ParameterForm::kCast, parameters[i].type, false, {}};
  }
  std::vector<size_t> kept;
  const auto answered = connection.prepare(rewrite_parameters(*description.text, typed, kept), engine::Origin::kClient);
  if (!answered.ok() || (*answered)->parameter_count() != static_cast<int>(count)) return;
  note_description(**answered, description);
  for (size_t i = 0; i < count; i++) {
    if (inferred[i] && types[i] != nullptr) description.parameters[i] = types[i];
  }
  if (description.columns) description.columns = named_as_sent(description.columns, typed);
  description.inferred = inferred;
  // Where DuckDB still knows nothing, neither do we.
  for (size_t i = 0; i < count; i++) {
    if (description.parameters[i] == nullptr) description.inferred[i] = false;
  }
}

}  // namespace

void infer_parameters(engine::Connection& connection, engine::TypeProbe& probe, Description& description) {
  const size_t count = description.parameters.size();
  const auto is_text = [&](size_t i) {
    return description.parameters[i] != nullptr && description.parameters[i]->id == engine::TypeId::kVarchar;
  };
  std::vector<dialect::OpenParameter> parameters(count);
  std::vector<engine::TypePtr> types = description.parameters;
  bool any_open = false;
  for (size_t i = 0; i < count; i++) {
    parameters[i].open = types[i] == nullptr || is_text(i);
    if (types[i] != nullptr) parameters[i].type = types[i]->to_sql();
    any_open |= parameters[i].open;
  }
  if (!any_open) return;

  std::vector<bool> inferred(count);
  bool again = true;
  for (int round = 0; again && round < kRounds; round++) {
    std::vector<ParameterHint> hints = dialect::parameter_hints(*description.text, parameters);
    for (size_t i = 0; i < count; i++) {
      if (is_text(i) && !hints[i].replaces_text) hints[i] = {};
    }
    if (std::all_of(hints.begin(), hints.end(), [](const ParameterHint& h) { return h.kind == Kind::kNone; })) return;
    const engine::TypeProbe::Slots slots(probe, count);
    // Also a statement that cannot be bound even so has told the types of what was bound before the error.
    const auto asked =
        connection.prepare(as_question(*description.text, parameters, hints, slots), engine::Origin::kClient);
    bool learnt = false;
    bool open = false;
    for (size_t i = 0; i < count; i++) {
      if (hints[i].kind == Kind::kType) {
        parameters[i].type = hints[i].text;
        inferred[i] = true;
      }
      const TypePtr other = hints[i].kind == Kind::kColumn ? column_of(connection, hints[i].text) : slots.type(i);
      open |= hints[i].rests_on_open;
      if (other == nullptr) continue;
      types[i] = hints[i].kind == Kind::kArrayOf ? list_of(other) : dialect::type_beside(hints[i], other);
      inferred[i] = true;
      learnt |= parameters[i].type != types[i]->to_sql();
      parameters[i].type = types[i]->to_sql();
    }
    again = learnt && open;
  }
  settle(connection, parameters, types, inferred, description);
}

}  // namespace merganser::session

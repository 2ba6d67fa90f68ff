#include "engine/reserved_names.h"

#include <algorithm>

#include "engine/pg_catalog.h"

namespace merganser::engine {
namespace {

using Tokens = std::vector<Token>;

constexpr std::string_view kReservedTable = "idempotency_keys";  // and its indexes, whose names begin so

bool is_name(const Tokens& tokens, size_t at) {
  return at < tokens.size() && (tokens[at].kind == TokenKind::kWord || tokens[at].kind == TokenKind::kQuotedName);
}

bool is_dot(const Tokens& tokens, size_t at) {
  return at < tokens.size() && tokens[at].is('.');
}

bool any_word(const Tokens& tokens, size_t at, std::initializer_list<std::string_view> words) {
  return at < tokens.size() &&
         std::any_of(words.begin(), words.end(), [&](std::string_view word) { return tokens[at].is_word(word); });
}

// Whether merganser.idempotency_keys begins here, with or without the database before it.
bool is_reserved_table(const Tokens& tokens, size_t schema) {
  return is_name(tokens, schema) && is_dot(tokens, schema + 1) && is_name(tokens, schema + 2) &&
         folded_name(tokens[schema]) == kReservedSchema && folded_name(tokens[schema + 2]).starts_with(kReservedTable);
}

// The first token of the name that `at` belongs to: that of the database, if it is said.
size_t chain_start(const Tokens& tokens, size_t at) {
  while (at >= 2 && is_dot(tokens, at - 1) && is_name(tokens, at - 2)) at -= 2;
  return at;
}

// What stands before a table that is written, made, changed or dropped. Where a table is only read, FROM, JOIN or a
// comma stands there.
bool is_target(const Tokens& tokens, size_t at) {
  if (at == 0) return false;
  const size_t before = at - 1;
  if (any_word(tokens, before,
               {"into", "update", "table", "exists", "truncate", "references", "view", "index", "type", "sequence",
                "macro", "function"})) {
    return true;
  }
  if (any_word(tokens, before, {"from"})) return before > 0 && any_word(tokens, before - 1, {"delete"});
  // CREATE INDEX … ON, COMMENT ON COLUMN and the like; ON of a join is part of a query.
  const bool on_object = any_word(tokens, before, {"on", "column"});
  return on_object && any_word(tokens, 0, {"create", "comment", "alter"});
}

Error refused() {
  return make_error(ErrorCode::kInsufficientPrivilege, "merganser.idempotency_keys is written by the owner alone",
                    "It says which requests were executed.",
                    "It can be read like any table. Old keys go by themselves: idempotency_retention.");
}

// DROP SCHEMA merganser would take the table along, and so would CREATE OR REPLACE SCHEMA.
bool removes_schema(const Tokens& tokens) {
  if (!any_word(tokens, 0, {"drop", "create", "alter"})) return false;
  for (size_t i = 1; i < tokens.size(); i++) {
    if (!is_name(tokens, i) || is_dot(tokens, i + 1) || folded_name(tokens[i]) != kReservedSchema) continue;
    const size_t first = chain_start(tokens, i);
    const bool replaces = any_word(tokens, 0, {"drop", "alter"}) || any_word(tokens, 2, {"replace"});
    if (any_word(tokens, first - 1, {"schema"})) return replaces;
    if (any_word(tokens, first - 1, {"exists"})) return replaces && any_word(tokens, 1, {"schema"});
  }
  return false;
}

}  // namespace

std::optional<Error> refuse_reserved(const Tokens& tokens) {
  for (size_t i = 0; i < tokens.size(); i++) {
    if (is_name(tokens, i) && folded_name(tokens[i]) == PgCatalog::kDatabase) {
      return make_error(ErrorCode::kInsufficientPrivilege, "merganser_pg is not for clients", {},
                        "What it holds is read as pg_catalog and information_schema.");
    }
  }
  for (size_t i = 0; i + 2 < tokens.size(); i++) {
    if (!is_reserved_table(tokens, i)) continue;
    if (any_word(tokens, 0, {"drop", "alter"}) || is_target(tokens, chain_start(tokens, i))) return refused();
  }
  if (removes_schema(tokens)) return refused();
  return std::nullopt;
}

bool path_has_reserved_schema(std::string_view search_path) {
  const Tokens tokens = tokenize(search_path);
  for (size_t i = 0; i < tokens.size(); i++) {
    if (is_name(tokens, i) && folded_name(tokens[i]) == PgCatalog::kDatabase) return true;
    const bool last = i + 1 == tokens.size() || tokens[i + 1].is(',');
    const bool text = tokens[i].kind == TokenKind::kString && path_has_reserved_schema(unquoted_string(tokens[i]));
    if (text || (last && is_name(tokens, i) && folded_name(tokens[i]) == kReservedSchema)) return true;
  }
  return false;
}

}  // namespace merganser::engine

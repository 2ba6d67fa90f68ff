#include "engine/copy_target.h"

#include <algorithm>

#include "engine/sql_tokens.h"

namespace merganser::engine {
namespace {

std::string without_quotes(const Token& token) {
  if (token.kind != TokenKind::kQuotedName) return std::string(token.text);
  std::string out;
  for (size_t i = 1; i + 1 < token.text.size(); i++) {
    out += token.text[i];
    if (token.text[i] == '"') i++;
  }
  return out;
}

// The columns of a CREATE TABLE text, as DuckDB writes it, that are GENERATED.
std::vector<std::string> generated_columns(const std::string& create) {
  std::vector<std::string> out;
  const std::vector<Token> tokens = tokenize(create);
  size_t first = tokens.size();
  for (size_t i = 0; i < tokens.size(); i++) {
    if (tokens[i].is('(') && tokens[i].depth == 0) {
      first = i + 1;
    } else if (tokens[i].is(',') && tokens[i].depth == 1) {
      first = i + 1;
    } else if (tokens[i].depth == 1 && first < tokens.size() && i > first && tokens[i].is_word("generated")) {
      out.push_back(without_quotes(tokens[first]));
    }
  }
  return out;
}

bool names(const std::vector<std::string>& list, std::string_view name) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& one) { return is_same_name(one, name); });
}

}  // namespace

Result<CopyTarget> read_copy_target(Connection& connection, std::string_view database, const std::string& table) {
  CopyTarget out;
  {
    MERGANSER_ASSIGN(const auto prepared, connection.prepare("SELECT * FROM " + table, Origin::kClient));
    if (!prepared->columns()) {
      return make_error(ErrorCode::kWrongObjectType, "the columns of " + table + " cannot be told");
    }
    out.columns = *prepared->columns();
  }
  out.generated.resize(out.columns.size());
  // A table of that name in another schema may make this more careful than it has to be, nothing else.
  const std::string name = without_quotes(tokenize(table).back());
  const std::string like = quote_literal(name);
  MERGANSER_ASSIGN(
      const auto prepared,
      connection.prepare("SELECT sql FROM system.main.duckdb_tables() WHERE (database_name = " +
                         quote_literal(database) + " OR temporary) AND lower(table_name) = lower(" + like + ")"));
  MERGANSER_ASSIGN(auto result, prepared->execute({}, false));
  while (true) {
    MERGANSER_ASSIGN(const auto chunk, result.next());
    if (!chunk) break;
    for (size_t row = 0; row < chunk->rows(); row++) {
      if (!chunk->column(0).valid(row)) continue;
      const std::string create(chunk->column(0).string_at(row));
      for (const Token& token : tokenize(create)) out.foreign_keys |= token.is_word("references");
      const std::vector<std::string> generated = generated_columns(create);
      for (size_t i = 0; i < out.columns.size(); i++) {
        if (names(generated, out.columns[i].name)) out.generated[i] = true;
      }
    }
  }
  return out;
}

Result<std::vector<Column>> choose_copy_columns(const CopyTarget& target, const CopyStatement& copy) {
  std::vector<Column> out;
  if (copy.columns.empty()) {
    for (size_t i = 0; i < target.columns.size(); i++) {
      if (!target.generated[i]) out.push_back(target.columns[i]);
    }
    return out;
  }
  for (const std::string& name : copy.columns) {
    const auto same = [&](const Column& column) { return is_same_name(column.name, name); };
    const auto found = std::find_if(target.columns.begin(), target.columns.end(), same);
    if (found == target.columns.end()) {
      return make_error(ErrorCode::kUndefinedColumn,
                        "column \"" + name + "\" of relation \"" + copy.table_name + "\" does not exist");
    }
    if (target.generated[static_cast<size_t>(found - target.columns.begin())]) {
      return make_error(ErrorCode::kInvalidColumnReference, "column \"" + name + "\" is a generated column",
                        "Generated columns cannot be used in COPY.");
    }
    if (std::any_of(out.begin(), out.end(), same)) {
      return make_error(ErrorCode::kDuplicateColumn, "column \"" + name + "\" specified more than once");
    }
    out.push_back(*found);
  }
  return out;
}

}  // namespace merganser::engine

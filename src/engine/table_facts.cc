#include "engine/table_facts.h"

#include <algorithm>
#include <cctype>

#include "engine/sql_tokens.h"
#include "engine/text_rows.h"

namespace merganser::engine {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// DuckDB writes an index's columns as "[x, pid]", and expressions and odd names with quotes and parentheses.
bool read_index_columns(const std::string& text, const TableFacts& facts, std::vector<size_t>& columns) {
  std::string name;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') {
      name += c;
    } else if (c == ',' || c == ']') {
      const auto found = facts.find(name);
      if (!found) return false;
      columns.push_back(*found);
      name.clear();
    } else if (c != '[' && c != ' ') {
      return false;
    }
  }
  return !columns.empty();
}

}  // namespace

std::optional<size_t> TableFacts::find(std::string_view wanted) const {
  for (size_t i = 0; i < columns.size(); i++) {
    if (same_name(columns[i].name, wanted)) return i;
  }
  return std::nullopt;
}

std::string TableFacts::sql_name(std::string_view database) const {
  return quote_name(database) + "." + quote_name(schema) + "." + quote_name(name);
}

Result<std::optional<TableFacts>> read_table_facts(Connection& connection, std::string_view database,
                                                   std::string_view schema, std::string_view table) {
  const std::string where = " WHERE database_name = " + quote_literal(database) + " AND lower(schema_name) = lower(" +
                            quote_literal(schema) + ")";
  const std::string name_is = "lower(table_name) = lower(" + quote_literal(table) + ")";
  MERGANSER_ASSIGN(const auto tables, text_rows(connection,
                                                "SELECT schema_name, table_name, estimated_size::VARCHAR, sql FROM "
                                                "system.main.duckdb_tables()" +
                                                    where + " AND NOT temporary AND " + name_is));
  // lower() knows more letters than DuckDB's catalog does.
  if (tables.size() != 1 || !same_name(tables[0][0], schema) || !same_name(tables[0][1], table)) {
    return std::optional<TableFacts>();
  }
  TableFacts facts;
  facts.schema = tables[0][0];
  facts.name = tables[0][1];
  facts.estimated_rows = tables[0][2].empty() ? 0 : std::stoull(tables[0][2]);
  for (const Token& token : tokenize(tables[0][3])) {
    facts.generated_columns |= token.is_word("generated");
    facts.defaults |= token.is_word("default");
    facts.sequences |= token.is_word("nextval");
    facts.collations |= token.is_word("collate");
  }
  MERGANSER_ASSIGN(const auto prepared, connection.prepare("SELECT * FROM " + facts.sql_name(database)));
  if (!prepared->columns()) return std::optional<TableFacts>();
  for (const Column& column : *prepared->columns()) facts.columns.push_back({column.name, column.type});

  MERGANSER_ASSIGN(
      const auto constraints,
      text_rows(connection,
                "SELECT constraint_type, array_to_string(constraint_column_names, chr(10)), table_name "
                "FROM system.main.duckdb_constraints()" +
                    where + " AND (" + name_is + " OR lower(referenced_table) = lower(" + quote_literal(table) + "))"));
  for (const auto& row : constraints) {
    if (row[0] == "FOREIGN KEY") facts.foreign_keys = true;
    if ((row[0] != "PRIMARY KEY" && row[0] != "UNIQUE") || !same_name(row[2], facts.name)) continue;
    std::vector<size_t> key;
    for (size_t at = 0; at <= row[1].size();) {
      const size_t end = std::min(row[1].find('\n', at), row[1].size());
      const auto column = facts.find(std::string_view(row[1]).substr(at, end - at));
      if (!column) {
        facts.unclear_index = true;
        break;
      }
      key.push_back(*column);
      at = end + 1;
    }
    facts.unique_keys.push_back(std::move(key));
  }
  MERGANSER_ASSIGN(const auto indexes, text_rows(connection, "SELECT expressions FROM system.main.duckdb_indexes()" +
                                                                 where + " AND is_unique AND " + name_is));
  for (const auto& row : indexes) {
    std::vector<size_t> key;
    if (read_index_columns(row[0], facts, key)) {
      facts.unique_keys.push_back(std::move(key));
    } else {
      facts.unclear_index = true;
    }
  }
  return std::optional<TableFacts>(std::move(facts));
}

}  // namespace merganser::engine

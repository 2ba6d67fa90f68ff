#include "cli/completion.h"

#include <algorithm>
#include <array>

namespace merganser::cli {
namespace {

constexpr std::array kKeywords{
    "ALTER",     "ANALYZE",    "AND",     "ARRAY",   "ASC",        "BEGIN",      "BETWEEN",   "BY",       "CASE",
    "CAST",      "CHECKPOINT", "COLUMN",  "COMMIT",  "CONFLICT",   "CONSTRAINT", "COPY",      "COUNT",    "CREATE",
    "CROSS",     "DEFAULT",    "DELETE",  "DESC",    "DESCRIBE",   "DISTINCT",   "DO",        "DROP",     "ELSE",
    "END",       "EXCEPT",     "EXISTS",  "EXPLAIN", "FALSE",      "FILTER",     "FROM",      "FULL",     "GROUP",
    "HAVING",    "ILIKE",      "IN",      "INDEX",   "INNER",      "INSERT",     "INTERSECT", "INTERVAL", "INTO",
    "IS",        "JOIN",       "KEY",     "LATERAL", "LEFT",       "LIKE",       "LIMIT",     "MERGE",    "NOT",
    "NOTHING",   "NULL",       "NULLS",   "OFFSET",  "ON",         "OR",         "ORDER",     "OUTER",    "OVER",
    "PARTITION", "PIVOT",      "PRIMARY", "QUALIFY", "REFERENCES", "REPLACE",    "RETURNING", "RIGHT",    "ROLLBACK",
    "SCHEMA",    "SELECT",     "SET",     "SHOW",    "SUMMARIZE",  "TABLE",      "TEMPORARY", "THEN",     "TRANSACTION",
    "TRUE",      "UNION",      "UNIQUE",  "UNPIVOT", "UPDATE",     "USING",      "VALUES",    "VIEW",     "WHEN",
    "WHERE",     "WINDOW",     "WITH"};

constexpr const char* kNamesQuery =
    "SELECT DISTINCT table_name, column_name FROM information_schema.columns "
    "WHERE table_schema NOT IN ('information_schema', 'pg_catalog') LIMIT 20000";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool begins_with(std::string_view name, std::string_view word) {
  return name.size() >= word.size() &&
         std::equal(word.begin(), word.end(), name.begin(), [](char a, char b) { return lower(a) == lower(b); });
}

}  // namespace

std::vector<std::string> Completion::candidates(std::string_view word) const {
  std::vector<std::string> found;
  if (!word.empty()) {
    const bool small = std::ranges::none_of(word, [](char c) { return c >= 'A' && c <= 'Z'; });
    for (std::string keyword : kKeywords) {
      if (!begins_with(keyword, word)) continue;
      if (small) std::ranges::transform(keyword, keyword.begin(), lower);
      found.push_back(std::move(keyword));
    }
  }
  for (const std::string& name : names_) {
    if (begins_with(name, word)) found.push_back(name);
  }
  std::ranges::sort(found);
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

void Completion::refresh(ClientConnection& connection) {
  stale_ = false;
  // A query inside a failed transaction would fail, one inside an open one would take a snapshot.
  if (PQtransactionStatus(connection.raw()) != PQTRANS_IDLE) {
    stale_ = true;
    return;
  }
  const auto result = connection.query(kNamesQuery);
  if (!result.ok()) return;
  std::vector<std::string> names;
  for (int row = 0; row < PQntuples(result->get()); ++row) {
    for (int column = 0; column < 2; ++column) names.emplace_back(PQgetvalue(result->get(), row, column));
  }
  set_names(std::move(names));
}

void Completion::set_names(std::vector<std::string> names) {
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  names_ = std::move(names);
}

}  // namespace merganser::cli

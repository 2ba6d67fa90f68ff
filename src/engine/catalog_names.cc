#include "engine/catalog_names.h"

#include <algorithm>
#include <vector>

#include "engine/connection.h"
#include "engine/sql_tokens.h"
#include "engine/statement_class.h"

namespace merganser::engine {
namespace {

struct Entry {
  std::string name;
  std::string body;
};

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(tolower(c)); });
  return out;
}

Result<std::vector<Entry>> entries_of(Connection& connection) {
  // A view's sql is its whole CREATE statement, a macro's definition an expression or a query.
  MERGANSER_ASSIGN(auto prepared,
                   connection.prepare("SELECT view_name, sql FROM duckdb_views() WHERE NOT internal UNION ALL "
                                      "SELECT function_name, macro_definition FROM duckdb_functions() "
                                      "WHERE NOT internal AND macro_definition IS NOT NULL"));
  MERGANSER_ASSIGN(auto result, prepared->execute({}, false));
  std::vector<Entry> entries;
  while (true) {
    MERGANSER_ASSIGN(const auto chunk, result.next());
    if (!chunk) return entries;
    for (size_t row = 0; row < chunk->rows(); row++) {
      if (!chunk->column(0).valid(row) || !chunk->column(1).valid(row)) continue;
      entries.push_back({lowered(chunk->column(0).string_at(row)), std::string(chunk->column(1).string_at(row))});
    }
  }
}

bool mentions(const std::string& body, const std::set<std::string, std::less<>>& names) {
  if (names.empty()) return false;
  const auto tokens = tokenize(body);
  return std::any_of(tokens.begin(), tokens.end(), [&](const Token& token) {
    return (token.kind == TokenKind::kWord || token.kind == TokenKind::kQuotedName) &&
           names.contains(folded_name(token));
  });
}

}  // namespace

Result<CatalogNamesPtr> scan_catalog_names(Connection& connection) {
  MERGANSER_ASSIGN(const auto entries, entries_of(connection));
  auto names = std::make_shared<CatalogNames>();
  for (const Entry& entry : entries) {
    if (calls_refused_function(entry.body)) names->refused.insert(entry.name);
    if (names_time_function(entry.body)) names->time_dependent.insert(entry.name);
  }
  // What names one of them is one of them, until nothing is added any more.
  for (bool grew = true; grew;) {
    grew = false;
    for (const Entry& entry : entries) {
      for (auto* set : {&names->refused, &names->time_dependent}) {
        if (!set->contains(entry.name) && mentions(entry.body, *set)) grew |= set->insert(entry.name).second;
      }
    }
  }
  MERGANSER_ASSIGN(const std::string schemas,
                   connection.query_text("SELECT count(*) FROM duckdb_schemas() WHERE schema_name = 'public' AND "
                                         "database_name = current_database()"));
  names->has_public_schema = schemas != "0";
  return CatalogNamesPtr(std::move(names));
}

}  // namespace merganser::engine

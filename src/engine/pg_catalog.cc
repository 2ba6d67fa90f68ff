#include "engine/pg_catalog.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <pwd.h>
#include <unistd.h>

#include "engine/connection.h"
#include "engine/database.h"
#include "engine/pg_names.h"
#include "engine/sql_tokens.h"

namespace merganser::engine {
namespace {

constexpr std::string_view kLive = "live";
constexpr std::string_view kKept = "kept";
constexpr std::array<std::string_view, 7> kSchemas{"fixed", "file", "copy", "live", "live_info", "kept", "kept_info"};
// Of the schema `file`: what `copy` holds copies of.
constexpr std::array<std::string_view, 8> kCopied{"namespace", "relation", "column", "constraint",
                                                  "index",     "enum",     "view",   "function"};

constexpr int64_t kCopyAge = 60;  // seconds

// Of the catalog's views those that are tables in the kept form: what every tool asks for.
constexpr std::array<std::string_view, 19> kTables{"relation",
                                                   "foreign_key",
                                                   "pg_class",
                                                   "index_part",
                                                   "pg_attribute",
                                                   "pg_attrdef",
                                                   "pg_index",
                                                   "pg_constraint",
                                                   "pg_type",
                                                   "type_name",
                                                   "constraint_text",
                                                   "index_text",
                                                   "pg_description",
                                                   "pg_depend",
                                                   "pg_proc",
                                                   "named_constraint",
                                                   "info.tables",
                                                   "info.columns",
                                                   "info.key_column_usage"};

// The name that CREATE VIEW @name or @info.name gives; empty for other statements.
std::string made_view(std::string_view statement) {
  const std::vector<Token> tokens = tokenize(statement);
  if (tokens.size() < 6 || !tokens[0].is_word("create") || !tokens[1].is_word("view")) return {};
  const std::string name = folded_name(tokens[3]);
  return tokens[4].is('.') ? name + "." + folded_name(tokens[5]) : name;
}

int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

constexpr std::string_view kCreateView = "CREATE VIEW";

bool is_table(std::string_view name) {
  return std::find(kTables.begin(), kTables.end(), name) != kTables.end();
}

std::string operating_system_user() {
  std::array<char, 4096> buffer{};
  struct passwd entry {};
  struct passwd* found = nullptr;
  if (getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    return found->pw_name;
  }
  return std::to_string(geteuid());
}

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  struct tm parts {};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S+00", &parts);
  return text.data();
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

// DuckDB's type for one of PostgreSQL's catalog columns.
std::string column_type(std::string_view type) {
  constexpr std::pair<std::string_view, std::string_view> kTypes[] = {{"bool", "BOOLEAN"},
                                                                      {"int2", "SMALLINT"},
                                                                      {"int4", "INTEGER"},
                                                                      {"int8", "BIGINT"},
                                                                      {"oid", "BIGINT"},
                                                                      {"regproc", "BIGINT"},
                                                                      {"regtype", "BIGINT"},
                                                                      {"xid", "BIGINT"},
                                                                      {"float4", "FLOAT"},
                                                                      {"float8", "DOUBLE"},
                                                                      {"numeric", "DOUBLE"},
                                                                      {"interval", "INTERVAL"},
                                                                      {"timestamptz", "TIMESTAMPTZ"},
                                                                      {"bytea", "BLOB"},
                                                                      {"int2vector", "SMALLINT[]"},
                                                                      {"oidvector", "BIGINT[]"},
                                                                      {"anyarray", "VARCHAR[]"}};
  const bool array = type.starts_with('_');
  if (array) type.remove_prefix(1);
  for (const auto& [postgres, duckdb] : kTypes) {
    if (postgres == type) return std::string(duckdb) + (array ? "[]" : "");
  }
  return array ? "VARCHAR[]" : "VARCHAR";
}

// A relation that nobody defined: the right columns and no rows.
std::string empty_view(const std::string& name, std::string_view columns) {
  std::string sql = "CREATE VIEW " + name + " AS SELECT ";
  while (!columns.empty()) {
    const std::string_view column = columns.substr(0, columns.find(','));
    const size_t blank = column.find(' ');
    sql += "NULL::" + column_type(column.substr(blank + 1)) + " AS " + quote_name(column.substr(0, blank)) + ", ";
    columns.remove_prefix(std::min(columns.size(), column.size() + 1));
  }
  sql.resize(sql.size() - 2);
  return sql + " WHERE false";
}

}  // namespace

PgCatalog::PgCatalog(Database& database) : database_(database) {}
PgCatalog::~PgCatalog() = default;

void PgCatalog::close() {
  connection_.reset();
}

Status PgCatalog::attach(Connection& keeper) {
  return keeper.execute("ATTACH ':memory:' AS " + std::string(kDatabase) + " (HIDDEN)");
}

// The text's short names in full: @fixed.x, @file.x, @info.x and @x.
std::string PgCatalog::placed(std::string_view text, std::string_view form) const {
  std::string out(text);
  const std::string database = std::string(kDatabase) + ".";
  replace_all(out, "@fixed.", database + "fixed.");
  replace_all(out, "@file.", database + (form == kLive ? "file." : "copy."));
  replace_all(out, "@info.", database + std::string(form) + "_info.");
  replace_all(out, "@", database + std::string(form) + ".");
  replace_all(out, "$MAIN$", database_.catalog_names()->has_public_schema ? "main" : "public");
  replace_all(out, "$OWNER$", operating_system_user());
  replace_all(out, "$STARTED$", now_text());
  replace_all(out, "$VERSION$", "PostgreSQL 15.18 (Merganser, DuckDB " + Database::library_version() + ")");
  return out;
}

Status PgCatalog::run(std::string_view text, std::string_view form, bool only_tables) {
  for (const StatementSpan& statement : split_statements(text)) {
    std::string sql = placed(statement.text, form);
    const bool table = form == kKept && is_table(made_view(statement.text));
    if (only_tables && !table) continue;
    if (table) sql.replace(0, kCreateView.size(), "CREATE OR REPLACE TABLE");
    MERGANSER_TRY(connection_->execute(sql));
  }
  return {};
}

Status PgCatalog::fill() {
  const std::string database(kDatabase);
  for (const std::string_view schema : kSchemas) {
    MERGANSER_TRY(connection_->execute("CREATE SCHEMA " + database + "." + std::string(schema)));
  }
  const PgCatalogTexts& texts = pg_catalog_texts();
  for (const std::string_view text : texts.fixed) MERGANSER_TRY(run(text, kLive, false));
  MERGANSER_TRY(run(texts.file, kLive, false));
  MERGANSER_TRY(copy());
  for (const std::string_view form : {kLive, kKept}) {
    for (const std::string_view text : texts.catalog) MERGANSER_TRY(run(text, form, false));
    for (const PgNames::Relation& relation : PgNames::get().undefined()) {
      const std::string place = std::string(relation.information ? "@info." : "@") + quote_name(relation.name);
      MERGANSER_TRY(connection_->execute(placed(empty_view(place, relation.columns), form)));
    }
  }
  return {};
}

Status PgCatalog::copy() {
  for (const std::string_view name : kCopied) {
    const std::string table = "\"" + std::string(name) + "\"";
    MERGANSER_TRY(connection_->execute("CREATE OR REPLACE TABLE " + std::string(kDatabase) + ".copy." + table +
                                       " AS FROM " + std::string(kDatabase) + ".file." + table));
  }
  if (!filled_) return {};  // the rest is made by fill()
  for (const std::string_view text : pg_catalog_texts().catalog) MERGANSER_TRY(run(text, kKept, true));
  return {};
}

Status PgCatalog::make_ready(bool kept) {
  const auto is_ready = [&] {
    return filled_.load(std::memory_order_acquire) &&
           (!kept || (copied_.load(std::memory_order_acquire) == changes_.load(std::memory_order_acquire) &&
                      seconds_now() < copies_end_.load(std::memory_order_relaxed)));
  };
  if (is_ready()) return {};
  const std::lock_guard lock(mutex_);
  const uint64_t changes = changes_.load(std::memory_order_acquire);
  if (!connection_) {
    MERGANSER_ASSIGN(connection_, database_.connect());
  }
  const bool empty = !filled_.load(std::memory_order_relaxed);
  if (is_ready()) return {};
  MERGANSER_TRY(connection_->begin());
  const Status made = empty ? fill() : copy();
  if (!made.ok()) {
    connection_->rollback();
    return made;
  }
  MERGANSER_TRY(connection_->commit());
  copies_end_.store(seconds_now() + kCopyAge, std::memory_order_relaxed);
  copied_.store(changes, std::memory_order_release);
  filled_.store(true, std::memory_order_release);
  return {};
}

}  // namespace merganser::engine

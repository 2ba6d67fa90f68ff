#include "engine/plain.h"

#include <duckdb.h>
#include <utility>

namespace merganser::engine {
namespace {

struct OwnedResult {
  duckdb_result result{};
  ~OwnedResult() { duckdb_destroy_result(&result); }
};

std::optional<std::string> cell(duckdb_result* result, idx_t column, idx_t row) {
  char* text = duckdb_value_varchar(result, column, row);
  if (text == nullptr) return std::nullopt;
  std::string value = text;
  duckdb_free(text);
  return value;
}

}  // namespace

struct PlainDatabase::Handles {
  duckdb_database database = nullptr;
  duckdb_connection connection = nullptr;
  ~Handles() {
    if (connection != nullptr) duckdb_disconnect(&connection);
    if (database != nullptr) duckdb_close(&database);
  }
};

PlainDatabase::PlainDatabase(std::unique_ptr<Handles> handles) : handles_(std::move(handles)) {}
PlainDatabase::~PlainDatabase() = default;
PlainDatabase::PlainDatabase(PlainDatabase&&) noexcept = default;
PlainDatabase& PlainDatabase::operator=(PlainDatabase&&) noexcept = default;

Result<PlainDatabase> PlainDatabase::open(const std::string& path) {
  return open_with(path, nullptr);
}

Result<PlainDatabase> PlainDatabase::open_read_only(const std::string& path) {
  duckdb_config config = nullptr;
  if (duckdb_create_config(&config) != DuckDBSuccess ||
      duckdb_set_config(config, "access_mode", "READ_ONLY") != DuckDBSuccess) {
    duckdb_destroy_config(&config);
    return make_error(ErrorCode::kInternalError, "DuckDB cannot open read-only");
  }
  auto opened = open_with(path, config);
  duckdb_destroy_config(&config);
  return opened;
}

Result<PlainDatabase> PlainDatabase::open_with(const std::string& path, void* config) {
  auto handles = std::make_unique<Handles>();
  char* reason = nullptr;
  if (duckdb_open_ext(path.c_str(), &handles->database, static_cast<duckdb_config>(config), &reason) != DuckDBSuccess) {
    Error error = make_error(ErrorCode::kIoError, reason == nullptr ? "cannot open the database " + path : reason);
    duckdb_free(reason);
    return error;
  }
  if (duckdb_connect(handles->database, &handles->connection) != DuckDBSuccess) {
    return make_error(ErrorCode::kIoError, "cannot connect to the database " + path);
  }
  return PlainDatabase(std::move(handles));
}

Result<std::vector<PlainDatabase::Row>> PlainDatabase::run(const std::string& sql) {
  OwnedResult owned;
  if (duckdb_query(handles_->connection, sql.c_str(), &owned.result) != DuckDBSuccess) {
    const char* reason = duckdb_result_error(&owned.result);
    return make_error(ErrorCode::kSystemError, reason == nullptr ? "the statement failed" : reason);
  }
  std::vector<Row> rows;
  const idx_t columns = duckdb_column_count(&owned.result);
  const idx_t count = duckdb_row_count(&owned.result);
  for (idx_t row = 0; row < count; ++row) {
    Row& values = rows.emplace_back();
    for (idx_t column = 0; column < columns; ++column) values.push_back(cell(&owned.result, column, row));
  }
  return rows;
}

std::string duckdb_version() {
  return duckdb_library_version();
}

}  // namespace merganser::engine

// For this room's tests: an in-memory DuckDB, and queries whose chunks come through our own views.
#pragma once

#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

#include "engine/chunk.h"
#include "engine/duckdb_types.h"
#include "engine/raw.h"

namespace merganser::engine {

class RawQueryTest : public testing::Test {
 protected:
  struct Rows {
    std::vector<std::string> names;
    std::vector<TypePtr> types;
    std::vector<Chunk> chunks;
    size_t count() const {
      size_t sum = 0;
      for (const Chunk& chunk : chunks) sum += chunk.rows();
      return sum;
    }
  };

  void SetUp() override {
    ASSERT_EQ(duckdb_open(nullptr, &database_), DuckDBSuccess);
    ASSERT_EQ(duckdb_connect(database_, &connection_), DuckDBSuccess);
  }
  void TearDown() override {
    duckdb_disconnect(&connection_);
    duckdb_close(&database_);
  }

  Rows query(const std::string& sql) {
    Rows rows;
    duckdb_result result;
    const bool ok = duckdb_query(connection_, sql.c_str(), &result) == DuckDBSuccess;
    EXPECT_TRUE(ok) << sql << "\n" << (ok ? "" : duckdb_result_error(&result));
    for (idx_t i = 0; ok && i < duckdb_column_count(&result); ++i) {
      duckdb_logical_type type = duckdb_column_logical_type(&result, i);
      rows.types.push_back(type_from_duckdb(type));
      rows.names.emplace_back(duckdb_column_name(&result, i));
      duckdb_destroy_logical_type(&type);
    }
    while (ok) {
      duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
      if (chunk == nullptr) break;
      rows.chunks.emplace_back(chunk, rows.types);
    }
    duckdb_destroy_result(&result);
    return rows;
  }

 private:
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
};

}  // namespace merganser::engine

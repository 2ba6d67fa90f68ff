// For the tests of what the design takes for granted about DuckDB: a file attached as production does it, and a table
// function `batch()` (slot BIGINT, k BIGINT, v VARCHAR) that gives the rows of `batch_`. The raw C API, none of our
// code.
//
// These tests fail when another version of DuckDB behaves differently: then the rules that rest on it are to be thought
// through again, also where it became better.
#pragma once

#include <cstdint>
#include <filesystem>
#include <gtest/gtest.h>
#include <optional>
#include <stdlib.h>
#include <string>
#include <utility>
#include <vector>

#include "engine/raw.h"

namespace merganser::engine {

struct BatchRow {
  std::optional<int64_t> key;
  std::string value = "x";
};

// What became of a statement. Rows are texts, with NULL as "NULL", columns divided by blanks.
struct Told {
  std::string error;
  uint64_t changed = 0;
  std::vector<std::string> rows;
  bool ok() const { return error.empty(); }
};

class BatchFacts : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "mrg-facts-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    duckdb_config config = nullptr;
    duckdb_create_config(&config);
    duckdb_set_config(config, "threads", "1");
    ASSERT_EQ(duckdb_open_ext(nullptr, &database_, config, nullptr), DuckDBSuccess);
    duckdb_destroy_config(&config);
    connection_ = connect();
    register_batch();
    must("ATTACH '" + folder_ + "/f.duckdb' AS f");
    must("USE f");
  }
  void TearDown() override {
    for (duckdb_prepared_statement statement : kept_) duckdb_destroy_prepare(&statement);
    for (duckdb_connection one : connections_) duckdb_disconnect(&one);
    duckdb_close(&database_);
    std::filesystem::remove_all(folder_);
  }

  duckdb_connection connect() {
    duckdb_connection made = nullptr;
    EXPECT_EQ(duckdb_connect(database_, &made), DuckDBSuccess);
    connections_.push_back(made);
    return made;
  }

  static Told query(duckdb_connection connection, const std::string& sql) {
    duckdb_result result;
    const bool ok = duckdb_query(connection, sql.c_str(), &result) == DuckDBSuccess;
    return read(result, ok);
  }
  Told query(const std::string& sql) { return query(connection_, sql); }
  void must(const std::string& sql) {
    const Told told = query(sql);
    ASSERT_TRUE(told.ok()) << sql << ": " << told.error;
  }
  std::vector<std::string> rows(const std::string& sql) {
    const Told told = query(sql);
    EXPECT_TRUE(told.ok()) << sql << ": " << told.error;
    return told.rows;
  }

  // Lives until the end of the test, as a kept plan does.
  duckdb_prepared_statement prepare(const std::string& sql) {
    duckdb_prepared_statement made = nullptr;
    EXPECT_EQ(duckdb_prepare(connection_, sql.c_str(), &made), DuckDBSuccess) << duckdb_prepare_error(made);
    kept_.push_back(made);
    return made;
  }
  static Told execute(duckdb_prepared_statement prepared) {
    duckdb_result result;
    const bool ok = duckdb_execute_prepared(prepared, &result) == DuckDBSuccess;
    return read(result, ok);
  }
  Told run(const std::string& sql, std::vector<BatchRow> batch) {
    batch_ = std::move(batch);
    return execute(prepare(sql));
  }

  std::vector<BatchRow> batch_;
  idx_t cardinality_ = 0;  // what the batch tells the planner of its size; 0: nothing
  std::string folder_;
  duckdb_connection connection_ = nullptr;

 private:
  static Told read(duckdb_result& result, bool ok) {
    Told told;
    if (!ok) told.error = duckdb_result_error(&result);
    told.changed = ok ? duckdb_rows_changed(&result) : 0;
    const idx_t columns = ok ? duckdb_column_count(&result) : 0;
    for (idx_t row = 0; ok && row < duckdb_row_count(&result); row++) {
      std::string line;
      for (idx_t column = 0; column < columns; column++) {
        const DuckdbString text(duckdb_value_varchar(&result, column, row));
        line += (column > 0 ? " " : "") + std::string(text != nullptr ? text.get() : "NULL");
      }
      told.rows.push_back(line);
    }
    duckdb_destroy_result(&result);
    return told;
  }

  static void bind(duckdb_bind_info info) {
    duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    duckdb_bind_add_result_column(info, "slot", number);
    duckdb_bind_add_result_column(info, "k", number);
    duckdb_bind_add_result_column(info, "v", text);
    duckdb_destroy_logical_type(&number);
    duckdb_destroy_logical_type(&text);
    const auto& self = *static_cast<BatchFacts*>(duckdb_bind_get_extra_info(info));
    if (self.cardinality_ > 0) duckdb_bind_set_cardinality(info, self.cardinality_, false);
  }
  static void init(duckdb_init_info info) {
    duckdb_init_set_init_data(info, new size_t(0), [](void* at) { delete static_cast<size_t*>(at); });
    duckdb_init_set_max_threads(info, 1);
  }
  static void scan(duckdb_function_info info, duckdb_data_chunk output) {
    const auto& batch = static_cast<BatchFacts*>(duckdb_function_get_extra_info(info))->batch_;
    size_t& at = *static_cast<size_t*>(duckdb_function_get_init_data(info));
    auto* slots = static_cast<int64_t*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(output, 0)));
    const duckdb_vector keys = duckdb_data_chunk_get_vector(output, 1);
    duckdb_vector_ensure_validity_writable(keys);
    idx_t count = 0;
    for (; at < batch.size() && count < kChunk; at++, count++) {
      slots[count] = static_cast<int64_t>(at);
      static_cast<int64_t*>(duckdb_vector_get_data(keys))[count] = batch[at].key.value_or(0);
      duckdb_validity_set_row_validity(duckdb_vector_get_validity(keys), count, batch[at].key.has_value());
      duckdb_vector_assign_string_element_len(duckdb_data_chunk_get_vector(output, 2), count, batch[at].value.data(),
                                              batch[at].value.size());
    }
    duckdb_data_chunk_set_size(output, count);
  }
  void register_batch() {
    duckdb_table_function function = duckdb_create_table_function();
    duckdb_table_function_set_name(function, "batch");
    duckdb_table_function_set_extra_info(function, this, nullptr);
    duckdb_table_function_set_bind(function, bind);
    duckdb_table_function_set_init(function, init);
    duckdb_table_function_set_function(function, scan);
    EXPECT_EQ(duckdb_register_table_function(connection_, function), DuckDBSuccess);
    duckdb_destroy_table_function(&function);
  }

  static constexpr idx_t kChunk = 100;  // less than a vector, so that large batches come in several chunks
  duckdb_database database_ = nullptr;
  std::vector<duckdb_connection> connections_;
  std::vector<duckdb_prepared_statement> kept_;
};

}  // namespace merganser::engine

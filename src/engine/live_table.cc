#include "engine/live_table.h"

#include <exception>

#include "engine/database.h"
#include "engine/live_names.h"
#include "engine/raw.h"

namespace merganser::engine {
namespace {

// One execution: the rows as they were when it began.
struct Reading {
  const LiveTable* table = nullptr;
  LiveRows rows;
  size_t next = 0;
};

duckdb_type type_of(LiveType type) {
  switch (type) {
    case LiveType::kText:
      return DUCKDB_TYPE_VARCHAR;
    case LiveType::kInteger:
      return DUCKDB_TYPE_BIGINT;
    case LiveType::kReal:
      return DUCKDB_TYPE_DOUBLE;
    case LiveType::kBoolean:
      return DUCKDB_TYPE_BOOLEAN;
    case LiveType::kTime:
      return DUCKDB_TYPE_TIMESTAMP_TZ;
  }
  return DUCKDB_TYPE_VARCHAR;
}

void bind(duckdb_bind_info info) {
  const auto* table = static_cast<const LiveTable*>(duckdb_bind_get_extra_info(info));
  for (const LiveColumn& column : table->columns) {
    duckdb_logical_type type = duckdb_create_logical_type(type_of(column.type));
    duckdb_bind_add_result_column(info, column.name.c_str(), type);
    duckdb_destroy_logical_type(&type);
  }
}

// The rows are made here and not in bind(): a statement may be prepared once and executed often.
void init(duckdb_init_info info) {
  const auto* table = static_cast<const LiveTable*>(duckdb_init_get_extra_info(info));
  try {
    auto rows = table->rows();
    if (!rows.ok()) return duckdb_init_set_error(info, rows.error().message.c_str());
    auto* reading = new Reading{table, std::move(rows).value(), 0};
    duckdb_init_set_init_data(info, reading, [](void* data) { delete static_cast<Reading*>(data); });
  } catch (const std::exception& problem) {  // DuckDB is written for C here: nothing may fly through it
    duckdb_init_set_error(info, problem.what());
  }
}

void set(duckdb_vector vector, idx_t row, LiveType type, const LiveValue& value) {
  if (std::holds_alternative<std::monostate>(value)) {
    duckdb_vector_ensure_validity_writable(vector);
    duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), row);
  } else if (type == LiveType::kText) {
    const auto& text = std::get<std::string>(value);
    duckdb_vector_assign_string_element_len(vector, row, text.data(), text.size());
  } else if (type == LiveType::kReal) {
    static_cast<double*>(duckdb_vector_get_data(vector))[row] = std::get<double>(value);
  } else if (type == LiveType::kBoolean) {
    static_cast<bool*>(duckdb_vector_get_data(vector))[row] = std::get<bool>(value);
  } else {
    static_cast<int64_t*>(duckdb_vector_get_data(vector))[row] = std::get<int64_t>(value);
  }
}

void produce(duckdb_function_info info, duckdb_data_chunk output) {
  auto* reading = static_cast<Reading*>(duckdb_function_get_init_data(info));
  const size_t rows = std::min<size_t>(duckdb_vector_size(), reading->rows.size() - reading->next);
  const auto& columns = reading->table->columns;
  for (size_t column = 0; column < columns.size(); column++) {
    duckdb_vector vector = duckdb_data_chunk_get_vector(output, column);
    for (size_t row = 0; row < rows; row++) {
      set(vector, row, columns[column].type, reading->rows[reading->next + row][column]);
    }
  }
  reading->next += rows;
  duckdb_data_chunk_set_size(output, rows);
}

}  // namespace

Status add_live_table(Database& database, LiveTable table) {
  const std::string name = live_function(table.name);
  duckdb_table_function function = duckdb_create_table_function();
  duckdb_table_function_set_name(function, name.c_str());
  duckdb_table_function_set_extra_info(function, new LiveTable(std::move(table)),
                                       [](void* data) { delete static_cast<LiveTable*>(data); });
  duckdb_table_function_set_bind(function, bind);
  duckdb_table_function_set_init(function, init);
  duckdb_table_function_set_function(function, produce);
  const Status status = database.register_table_function(function);
  duckdb_destroy_table_function(&function);
  return status;
}

}  // namespace merganser::engine

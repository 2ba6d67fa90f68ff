#include "engine/batch_source.h"

#include <algorithm>
#include <cstring>

#include "engine/connection.h"
#include "engine/raw.h"

namespace merganser::engine {
namespace {

constexpr char kName[] = "merganser_batch";
// Told to the optimizer: few enough for index joins, whatever the first batch was.
constexpr idx_t kCardinality = 16;

duckdb_logical_type logical_type_of(const BatchColumn& column) {
  if (column.type == TypeId::kDecimal) return duckdb_create_decimal_type(column.width, column.scale);
  return duckdb_create_logical_type(static_cast<duckdb_type>(column.type));
}

template <typename Stored, typename Held>
void store(duckdb_vector vector, idx_t row, const Value& value) {
  static_cast<Stored*>(duckdb_vector_get_data(vector))[row] = static_cast<Stored>(std::get<Held>(value.data));
}

void store_decimal(duckdb_vector vector, idx_t row, const Value& value) {
  const Decimal& decimal = std::get<Decimal>(value.data);
  void* data = duckdb_vector_get_data(vector);
  const auto low = static_cast<int64_t>(decimal.value.lower);
  if (decimal.width <= 4) {
    static_cast<int16_t*>(data)[row] = static_cast<int16_t>(low);
  } else if (decimal.width <= 9) {
    static_cast<int32_t*>(data)[row] = static_cast<int32_t>(low);
  } else if (decimal.width <= 18) {
    static_cast<int64_t*>(data)[row] = low;
  } else {
    static_cast<Hugeint*>(data)[row] = decimal.value;
  }
}

void store_cell(duckdb_vector vector, idx_t row, TypeId type, const Value& value) {
  switch (type) {
    case TypeId::kBoolean:
      return store<bool, bool>(vector, row, value);
    case TypeId::kTinyInt:
      return store<int8_t, int64_t>(vector, row, value);
    case TypeId::kSmallInt:
      return store<int16_t, int64_t>(vector, row, value);
    case TypeId::kInteger:
    case TypeId::kDate:
      return store<int32_t, int64_t>(vector, row, value);
    case TypeId::kBigInt:
    case TypeId::kTime:
    case TypeId::kTimestamp:
    case TypeId::kTimestampTz:
      return store<int64_t, int64_t>(vector, row, value);
    case TypeId::kUTinyInt:
      return store<uint8_t, uint64_t>(vector, row, value);
    case TypeId::kUSmallInt:
      return store<uint16_t, uint64_t>(vector, row, value);
    case TypeId::kUInteger:
      return store<uint32_t, uint64_t>(vector, row, value);
    case TypeId::kUBigInt:
    case TypeId::kTimeTz:
      return store<uint64_t, uint64_t>(vector, row, value);
    case TypeId::kFloat:
      return store<float, double>(vector, row, value);
    case TypeId::kDouble:
      return store<double, double>(vector, row, value);
    case TypeId::kHugeInt:
    case TypeId::kUuid:
      return store<Hugeint, Hugeint>(vector, row, value);
    case TypeId::kUHugeInt:
      return store<UHugeint, UHugeint>(vector, row, value);
    case TypeId::kInterval:
      return store<Interval, Interval>(vector, row, value);
    case TypeId::kDecimal:
      return store_decimal(vector, row, value);
    default: {
      const auto& text = std::get<std::string>(value.data);
      return duckdb_vector_assign_string_element_len(vector, row, text.data(), text.size());
    }
  }
}

}  // namespace

size_t cell_size(const BatchColumn& column) {
  switch (column.type) {
    case TypeId::kBoolean:
    case TypeId::kTinyInt:
    case TypeId::kUTinyInt:
      return 1;
    case TypeId::kSmallInt:
    case TypeId::kUSmallInt:
      return 2;
    case TypeId::kInteger:
    case TypeId::kUInteger:
    case TypeId::kFloat:
    case TypeId::kDate:
      return 4;
    case TypeId::kDecimal:
      return column.width <= 4 ? 2 : column.width <= 9 ? 4 : column.width <= 18 ? 8 : 16;
    case TypeId::kHugeInt:
    case TypeId::kUHugeInt:
    case TypeId::kUuid:
    case TypeId::kInterval:
    case TypeId::kVarchar:
    case TypeId::kBlob:
      return 16;
    default:
      return 8;
  }
}

bool fits_batch(TypeId type) {
  switch (type) {
    case TypeId::kBoolean:
    case TypeId::kTinyInt:
    case TypeId::kSmallInt:
    case TypeId::kInteger:
    case TypeId::kBigInt:
    case TypeId::kUTinyInt:
    case TypeId::kUSmallInt:
    case TypeId::kUInteger:
    case TypeId::kUBigInt:
    case TypeId::kFloat:
    case TypeId::kDouble:
    case TypeId::kHugeInt:
    case TypeId::kUHugeInt:
    case TypeId::kUuid:
    case TypeId::kDecimal:
    case TypeId::kVarchar:
    case TypeId::kBlob:
    case TypeId::kDate:
    case TypeId::kTime:
    case TypeId::kTimeTz:
    case TypeId::kTimestamp:
    case TypeId::kTimestampTz:
    case TypeId::kInterval:
      return true;
    default:
      return false;
  }
}

std::string BatchSource::sql() const {
  return std::string("system.main.") + kName + "(" + std::to_string(id_) + ")";
}

BatchSource::~BatchSource() {
  function_.forget(id_);
}

// DuckDB calls these. The rows lie still while a statement executes; a scan keeps its own position, so that it can be
// begun again.
struct BatchFunction::Calls {
  struct Scan {
    idx_t next = 0;
  };

  static void bind(duckdb_bind_info info) {
    auto* self = static_cast<BatchFunction*>(duckdb_bind_get_extra_info(info));
    duckdb_value argument = duckdb_bind_get_parameter(info, 0);
    const int64_t id = duckdb_get_int64(argument);
    duckdb_destroy_value(&argument);
    duckdb_client_context context = nullptr;
    duckdb_table_function_get_client_context(info, &context);
    const uint64_t connection = duckdb_client_context_get_connection_id(context);
    duckdb_destroy_client_context(&context);
    const std::lock_guard lock(self->mutex_);
    const auto it = self->sources_.find(id);
    if (it == self->sources_.end() || it->second->connection_ != connection) {
      return duckdb_bind_set_error(info, "this function is not for clients");
    }
    for (size_t i = 0; i < it->second->columns_.size(); i++) {
      duckdb_logical_type type = logical_type_of(it->second->columns_[i]);
      duckdb_bind_add_result_column(info, BatchSource::column_name(i).c_str(), type);
      duckdb_destroy_logical_type(&type);
    }
    duckdb_bind_set_cardinality(info, kCardinality, false);
    duckdb_bind_set_bind_data(info, it->second, nullptr);
  }

  static void init(duckdb_init_info info) {
    duckdb_init_set_init_data(info, new Scan(), [](void* scan) { delete static_cast<Scan*>(scan); });
    duckdb_init_set_max_threads(info, 1);
  }

  // Strings stay where they are: the chunk keeps them until the statement has ended, and what stores them copies them.
  static void scan_chunk(duckdb_function_info info, const BatchSource& source, duckdb_data_chunk output) {
    auto* state = static_cast<Scan*>(duckdb_function_get_init_data(info));
    if (state->next == source.rows_) return duckdb_data_chunk_set_size(output, 0);
    const Chunk& chunk = *source.chunks_[state->next++];
    for (size_t column = 0; column < source.columns_.size(); column++) {
      duckdb_vector vector = duckdb_data_chunk_get_vector(output, column);
      const VectorView& view = chunk.column(column);
      std::memcpy(duckdb_vector_get_data(vector), view.data, chunk.rows() * cell_size(source.columns_[column]));
      if (view.validity == nullptr) continue;
      duckdb_vector_ensure_validity_writable(vector);
      std::memcpy(duckdb_vector_get_validity(vector), view.validity, (chunk.rows() + 63) / 64 * sizeof(uint64_t));
    }
    duckdb_data_chunk_set_size(output, chunk.rows());
  }

  static void scan(duckdb_function_info info, duckdb_data_chunk output) {
    const auto* source = static_cast<const BatchSource*>(duckdb_function_get_bind_data(info));
    if (source->chunks_ != nullptr) return scan_chunk(info, *source, output);
    auto* state = static_cast<Scan*>(duckdb_function_get_init_data(info));
    const idx_t first = state->next;
    const idx_t count = std::min<idx_t>(source->rows_ - first, duckdb_vector_size());
    const size_t width = source->columns_.size();
    for (size_t column = 0; column < width; column++) {
      duckdb_vector vector = duckdb_data_chunk_get_vector(output, column);
      const TypeId type = source->columns_[column].type;
      uint64_t* validity = nullptr;
      for (idx_t row = 0; row < count; row++) {
        const Value& value = *source->cells_[(first + row) * width + column];
        if (!value.is_null()) {
          store_cell(vector, row, type, value);
          continue;
        }
        if (validity == nullptr) {
          duckdb_vector_ensure_validity_writable(vector);
          validity = duckdb_vector_get_validity(vector);
        }
        duckdb_validity_set_row_invalid(validity, row);
      }
    }
    state->next += count;
    duckdb_data_chunk_set_size(output, count);
  }
};

Result<std::unique_ptr<BatchFunction>> BatchFunction::install(void* connection) {
  std::unique_ptr<BatchFunction> self(new BatchFunction());
  duckdb_table_function function = duckdb_create_table_function();
  duckdb_table_function_set_name(function, kName);
  duckdb_logical_type id = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
  duckdb_table_function_add_parameter(function, id);
  duckdb_destroy_logical_type(&id);
  duckdb_table_function_set_extra_info(function, self.get(), nullptr);
  duckdb_table_function_set_bind(function, Calls::bind);
  duckdb_table_function_set_init(function, Calls::init);
  duckdb_table_function_set_function(function, Calls::scan);
  const duckdb_state state = duckdb_register_table_function(static_cast<duckdb_connection>(connection), function);
  duckdb_destroy_table_function(&function);
  if (state == DuckDBError) {
    return make_error(ErrorCode::kInternalError, "DuckDB did not take the batch function");
  }
  return self;
}

BatchFunction::~BatchFunction() = default;

std::unique_ptr<BatchSource> BatchFunction::make_source(const Connection& connection,
                                                        std::vector<BatchColumn> columns) {
  const std::lock_guard lock(mutex_);
  const int64_t id = next_id_++;
  std::unique_ptr<BatchSource> source(new BatchSource(*this, id, connection.id(), std::move(columns)));
  sources_[id] = source.get();
  return source;
}

void BatchFunction::forget(int64_t id) {
  const std::lock_guard lock(mutex_);
  sources_.erase(id);
}

}  // namespace merganser::engine

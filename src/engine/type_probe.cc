#include "engine/type_probe.h"

#include <algorithm>

#include "engine/duckdb_types.h"
#include "engine/raw.h"

namespace merganser::engine {
namespace {

constexpr const char* kName = "merganser_type";

// What a literal is once something gives it a type of its own.
TypePtr settled(TypePtr type) {
  if (!type) return nullptr;
  switch (type->id) {
    case TypeId::kStringLiteral:
      return make_type(TypeId::kVarchar);
    case TypeId::kIntegerLiteral:
      return make_type(TypeId::kInteger);
    case TypeId::kInvalid:
    case TypeId::kAny:
    case TypeId::kSqlNull:
      return nullptr;
    default:
      return type;
  }
}

int64_t slot_of(duckdb_bind_info info) {
  duckdb_client_context context = nullptr;
  duckdb_scalar_function_get_client_context(info, &context);
  duckdb_expression expression = duckdb_scalar_function_bind_get_argument(info, 0);
  duckdb_value value = nullptr;
  duckdb_error_data error = duckdb_expression_fold(context, expression, &value);
  const int64_t slot = value != nullptr ? duckdb_get_int64(value) : 0;
  if (value != nullptr) duckdb_destroy_value(&value);
  if (error != nullptr) duckdb_destroy_error_data(&error);
  duckdb_destroy_expression(&expression);
  duckdb_destroy_client_context(&context);
  return slot;
}

}  // namespace

struct TypeProbe::Calls {
  static void bind(duckdb_bind_info info) {
    auto* self = static_cast<TypeProbe*>(duckdb_scalar_function_bind_get_extra_info(info));
    const int64_t slot = slot_of(info);
    duckdb_expression expression = duckdb_scalar_function_bind_get_argument(info, 1);
    duckdb_logical_type type = duckdb_expression_return_type(expression);
    TypePtr found = settled(type != nullptr ? type_from_duckdb(type) : nullptr);
    if (type != nullptr) duckdb_destroy_logical_type(&type);
    duckdb_destroy_expression(&expression);
    const std::lock_guard lock(self->mutex_);
    const auto it = self->found_.find(slot);
    if (it == self->found_.end())
      return duckdb_scalar_function_bind_set_error(info, "this function is not for clients");
    if (found) it->second = std::move(found);
  }

  // The arguments of table functions are computed when a statement is bound.
  static void execute(duckdb_function_info /*info*/, duckdb_data_chunk input, duckdb_vector output) {
    auto* answers = static_cast<bool*>(duckdb_vector_get_data(output));
    std::fill_n(answers, duckdb_data_chunk_get_size(input), false);
  }
};

Result<std::unique_ptr<TypeProbe>> TypeProbe::install(void* connection) {
  std::unique_ptr<TypeProbe> self(new TypeProbe());
  duckdb_scalar_function function = duckdb_create_scalar_function();
  duckdb_scalar_function_set_name(function, kName);
  duckdb_logical_type slot = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
  duckdb_logical_type any = duckdb_create_logical_type(DUCKDB_TYPE_ANY);
  duckdb_logical_type answer = duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
  duckdb_scalar_function_add_parameter(function, slot);
  duckdb_scalar_function_add_parameter(function, any);
  duckdb_scalar_function_set_return_type(function, answer);
  duckdb_destroy_logical_type(&slot);
  duckdb_destroy_logical_type(&any);
  duckdb_destroy_logical_type(&answer);
  duckdb_scalar_function_set_extra_info(function, self.get(), nullptr);
  duckdb_scalar_function_set_bind(function, Calls::bind);
  duckdb_scalar_function_set_function(function, Calls::execute);
  duckdb_scalar_function_set_volatile(function);          // never folded while a statement is planned
  duckdb_scalar_function_set_special_handling(function);  // also bound when what it asks about is a NULL
  const duckdb_state state = duckdb_register_scalar_function(static_cast<duckdb_connection>(connection), function);
  duckdb_destroy_scalar_function(&function);
  if (state == DuckDBError) return make_error(ErrorCode::kInternalError, "DuckDB did not take the type probe");
  return self;
}

TypeProbe::Slots::Slots(TypeProbe& probe, size_t count) : probe_(probe), first_(0), count_(count) {
  const std::lock_guard lock(probe_.mutex_);
  first_ = probe_.next_;
  probe_.next_ += static_cast<int64_t>(count);
  for (size_t i = 0; i < count; i++) probe_.found_[first_ + static_cast<int64_t>(i)] = nullptr;
}

TypeProbe::Slots::~Slots() {
  const std::lock_guard lock(probe_.mutex_);
  for (size_t i = 0; i < count_; i++) probe_.found_.erase(first_ + static_cast<int64_t>(i));
}

std::string TypeProbe::Slots::sql(size_t slot, std::string_view expression, As as) const {
  const std::string x(expression);
  return "(CASE WHEN system.main." + std::string(kName) + "(" + std::to_string(first_ + static_cast<int64_t>(slot)) +
         ", " + x + ") THEN " + (as == As::kNull ? "NULL" : x) + " END)";
}

TypePtr TypeProbe::Slots::type(size_t slot) const {
  const std::lock_guard lock(probe_.mutex_);
  const auto it = probe_.found_.find(first_ + static_cast<int64_t>(slot));
  return it == probe_.found_.end() ? nullptr : it->second;
}

}  // namespace merganser::engine

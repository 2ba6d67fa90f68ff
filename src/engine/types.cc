#include "engine/types.h"

#include <array>

#include "engine/duckdb_types.h"
#include "engine/raw.h"

namespace merganser::engine {

namespace {

// The rooms above switch over our numbers; a header with other numbers must not compile.
template <TypeId Ours, int Theirs>
constexpr bool same() {
  return static_cast<int>(Ours) == Theirs;
}
static_assert(same<TypeId::kBoolean, DUCKDB_TYPE_BOOLEAN>() && same<TypeId::kTinyInt, DUCKDB_TYPE_TINYINT>());
static_assert(same<TypeId::kSmallInt, DUCKDB_TYPE_SMALLINT>() && same<TypeId::kInteger, DUCKDB_TYPE_INTEGER>());
static_assert(same<TypeId::kBigInt, DUCKDB_TYPE_BIGINT>() && same<TypeId::kUTinyInt, DUCKDB_TYPE_UTINYINT>());
static_assert(same<TypeId::kUSmallInt, DUCKDB_TYPE_USMALLINT>() && same<TypeId::kUInteger, DUCKDB_TYPE_UINTEGER>());
static_assert(same<TypeId::kUBigInt, DUCKDB_TYPE_UBIGINT>() && same<TypeId::kFloat, DUCKDB_TYPE_FLOAT>());
static_assert(same<TypeId::kDouble, DUCKDB_TYPE_DOUBLE>() && same<TypeId::kTimestamp, DUCKDB_TYPE_TIMESTAMP>());
static_assert(same<TypeId::kDate, DUCKDB_TYPE_DATE>() && same<TypeId::kTime, DUCKDB_TYPE_TIME>());
static_assert(same<TypeId::kInterval, DUCKDB_TYPE_INTERVAL>() && same<TypeId::kHugeInt, DUCKDB_TYPE_HUGEINT>());
static_assert(same<TypeId::kVarchar, DUCKDB_TYPE_VARCHAR>() && same<TypeId::kBlob, DUCKDB_TYPE_BLOB>());
static_assert(same<TypeId::kDecimal, DUCKDB_TYPE_DECIMAL>() && same<TypeId::kTimestampS, DUCKDB_TYPE_TIMESTAMP_S>());
static_assert(same<TypeId::kTimestampMs, DUCKDB_TYPE_TIMESTAMP_MS>());
static_assert(same<TypeId::kTimestampNs, DUCKDB_TYPE_TIMESTAMP_NS>() && same<TypeId::kEnum, DUCKDB_TYPE_ENUM>());
static_assert(same<TypeId::kList, DUCKDB_TYPE_LIST>() && same<TypeId::kStruct, DUCKDB_TYPE_STRUCT>());
static_assert(same<TypeId::kMap, DUCKDB_TYPE_MAP>() && same<TypeId::kUuid, DUCKDB_TYPE_UUID>());
static_assert(same<TypeId::kUnion, DUCKDB_TYPE_UNION>() && same<TypeId::kBit, DUCKDB_TYPE_BIT>());
static_assert(same<TypeId::kTimeTz, DUCKDB_TYPE_TIME_TZ>() && same<TypeId::kTimestampTz, DUCKDB_TYPE_TIMESTAMP_TZ>());
static_assert(same<TypeId::kUHugeInt, DUCKDB_TYPE_UHUGEINT>() && same<TypeId::kArray, DUCKDB_TYPE_ARRAY>());
static_assert(same<TypeId::kAny, DUCKDB_TYPE_ANY>() && same<TypeId::kBignum, DUCKDB_TYPE_BIGNUM>());
static_assert(same<TypeId::kSqlNull, DUCKDB_TYPE_SQLNULL>());
static_assert(same<TypeId::kStringLiteral, DUCKDB_TYPE_STRING_LITERAL>());
static_assert(same<TypeId::kIntegerLiteral, DUCKDB_TYPE_INTEGER_LITERAL>());
static_assert(same<TypeId::kTimeNs, DUCKDB_TYPE_TIME_NS>());

static_assert(sizeof(Hugeint) == sizeof(duckdb_hugeint) && offsetof(duckdb_hugeint, upper) == 8);
static_assert(sizeof(UHugeint) == sizeof(duckdb_uhugeint) && offsetof(duckdb_uhugeint, upper) == 8);
static_assert(sizeof(Interval) == sizeof(duckdb_interval) && offsetof(duckdb_interval, days) == 4 &&
              offsetof(duckdb_interval, micros) == 8);
static_assert(sizeof(ListEntry) == sizeof(duckdb_list_entry) && offsetof(duckdb_list_entry, length) == 8);
static_assert(sizeof(StringRef) == sizeof(duckdb_string_t) && offsetof(StringRef, pointer) == 8);
static_assert(sizeof(bool) == 1, "a vector of BOOLEAN is read as bool");

constexpr size_t kTypeIds = static_cast<size_t>(TypeId::kVariant) + 1;

struct DestroyType {
  void operator()(duckdb_logical_type type) const { duckdb_destroy_logical_type(&type); }
};
using TypeHandle = std::unique_ptr<_duckdb_logical_type, DestroyType>;

TypePtr convert_owned(duckdb_logical_type raw) {
  const TypeHandle owned(raw);
  return type_from_duckdb(raw);
}

std::string take_text(char* raw) {
  const DuckdbString owned(raw);
  return raw == nullptr ? std::string() : std::string(raw);
}

void read_struct_fields(duckdb_logical_type type, LogicalType& out) {
  const idx_t count = duckdb_struct_type_child_count(type);
  for (idx_t i = 0; i < count; ++i) {
    out.children.push_back(
        {take_text(duckdb_struct_type_child_name(type, i)), convert_owned(duckdb_struct_type_child_type(type, i))});
  }
}

void read_union_members(duckdb_logical_type type, LogicalType& out) {
  const idx_t count = duckdb_union_type_member_count(type);
  for (idx_t i = 0; i < count; ++i) {
    out.children.push_back(
        {take_text(duckdb_union_type_member_name(type, i)), convert_owned(duckdb_union_type_member_type(type, i))});
  }
}

void read_map(duckdb_logical_type type, LogicalType& out) {
  out.children.push_back({"key", convert_owned(duckdb_map_type_key_type(type))});
  out.children.push_back({"value", convert_owned(duckdb_map_type_value_type(type))});
  auto entry = std::make_shared<LogicalType>();
  entry->id = entry->storage = TypeId::kStruct;
  entry->children = out.children;
  out.map_entry = std::move(entry);
}

void read_enum(duckdb_logical_type type, LogicalType& out) {
  out.storage = static_cast<TypeId>(duckdb_enum_internal_type(type));
  const uint32_t count = duckdb_enum_dictionary_size(type);
  out.enum_values.reserve(count);
  for (uint32_t i = 0; i < count; ++i) out.enum_values.push_back(take_text(duckdb_enum_dictionary_value(type, i)));
}

void read_parameters(duckdb_logical_type type, LogicalType& out) {
  switch (out.id) {
    case TypeId::kDecimal:
      out.width = duckdb_decimal_width(type);
      out.scale = duckdb_decimal_scale(type);
      out.storage = static_cast<TypeId>(duckdb_decimal_internal_type(type));
      break;
    case TypeId::kEnum:
      read_enum(type, out);
      break;
    case TypeId::kList:
      out.children.push_back({"", convert_owned(duckdb_list_type_child_type(type))});
      break;
    case TypeId::kArray:
      out.children.push_back({"", convert_owned(duckdb_array_type_child_type(type))});
      out.array_size = duckdb_array_type_array_size(type);
      break;
    case TypeId::kMap:
      read_map(type, out);
      break;
    case TypeId::kUnion:
      read_union_members(type, out);
      break;
    case TypeId::kStruct:
    case TypeId::kVariant:
      read_struct_fields(type, out);
      break;
    default:
      break;
  }
}

bool has_parameters(TypeId id) {
  switch (id) {
    case TypeId::kDecimal:
    case TypeId::kEnum:
    case TypeId::kList:
    case TypeId::kArray:
    case TypeId::kMap:
    case TypeId::kUnion:
    case TypeId::kStruct:
    case TypeId::kVariant:
      return true;
    default:
      return false;
  }
}

}  // namespace

TypePtr make_type(TypeId id) {
  static const auto types = [] {
    std::array<TypePtr, kTypeIds> all;
    for (size_t i = 0; i < kTypeIds; ++i) {
      auto type = std::make_shared<LogicalType>();
      type->id = type->storage = static_cast<TypeId>(i);
      all[i] = std::move(type);
    }
    return all;
  }();
  const auto index = static_cast<size_t>(id);
  return types[index < kTypeIds ? index : 0];
}

TypePtr type_from_duckdb(void* duckdb_logical_type_pointer) {
  auto* const type = static_cast<duckdb_logical_type>(duckdb_logical_type_pointer);
  if (type == nullptr) return make_type(TypeId::kInvalid);
  const auto number = static_cast<size_t>(duckdb_get_type_id(type));
  const TypeId id = number < kTypeIds ? static_cast<TypeId>(number) : TypeId::kInvalid;
  std::string alias = take_text(duckdb_logical_type_get_alias(type));
  if (alias.empty() && !has_parameters(id)) return make_type(id);

  auto out = std::make_shared<LogicalType>();
  out->id = out->storage = id;
  out->alias = std::move(alias);
  read_parameters(type, *out);
  return out;
}

}  // namespace merganser::engine

#include "pgwire/pgtype.h"

#include <algorithm>
#include <array>

namespace merganser::pgwire {

using engine::LogicalType;
using engine::TypeId;
using engine::TypePtr;

namespace {

constexpr PgType scalar(int32_t type, int16_t length, int32_t array, std::string_view name, std::string_view words) {
  return {type, length, -1, 0, array, name, words};
}
constexpr PgType array_of(int32_t type, int32_t element, std::string_view name, std::string_view words) {
  return {type, -1, -1, element, 0, name, words};
}

// Sorted by oid. Lengths and names as in PostgreSQL's pg_type.dat.
constexpr std::array kTypes = {
    scalar(oid::kBool, 1, 1000, "bool", "boolean"),
    scalar(oid::kBytea, -1, 1001, "bytea", "bytea"),
    scalar(oid::kChar, 1, 1002, "char", "\"char\""),
    scalar(oid::kName, 64, 1003, "name", "name"),
    scalar(oid::kInt8, 8, 1016, "int8", "bigint"),
    scalar(oid::kInt2, 2, 1005, "int2", "smallint"),
    scalar(oid::kInt4, 4, 1007, "int4", "integer"),
    scalar(oid::kRegproc, 4, 1008, "regproc", "regproc"),
    scalar(oid::kText, -1, 1009, "text", "text"),
    scalar(oid::kOid, 4, 1028, "oid", "oid"),
    scalar(oid::kXid, 4, 1011, "xid", "xid"),
    scalar(oid::kJson, -1, 199, "json", "json"),
    scalar(oid::kXml, -1, 143, "xml", "xml"),
    array_of(199, oid::kJson, "_json", "json[]"),
    scalar(oid::kFloat4, 4, 1021, "float4", "real"),
    scalar(oid::kFloat8, 8, 1022, "float8", "double precision"),
    scalar(oid::kUnknown, -2, 0, "unknown", "unknown"),
    array_of(1000, oid::kBool, "_bool", "boolean[]"),
    array_of(1001, oid::kBytea, "_bytea", "bytea[]"),
    array_of(1002, oid::kChar, "_char", "\"char\"[]"),
    array_of(1003, oid::kName, "_name", "name[]"),
    array_of(1005, oid::kInt2, "_int2", "smallint[]"),
    array_of(1007, oid::kInt4, "_int4", "integer[]"),
    array_of(1009, oid::kText, "_text", "text[]"),
    array_of(1014, oid::kBpchar, "_bpchar", "character[]"),
    array_of(1015, oid::kVarchar, "_varchar", "character varying[]"),
    array_of(1016, oid::kInt8, "_int8", "bigint[]"),
    array_of(1021, oid::kFloat4, "_float4", "real[]"),
    array_of(1022, oid::kFloat8, "_float8", "double precision[]"),
    array_of(1028, oid::kOid, "_oid", "oid[]"),
    scalar(oid::kBpchar, -1, 1014, "bpchar", "character"),
    scalar(oid::kVarchar, -1, 1015, "varchar", "character varying"),
    scalar(oid::kDate, 4, 1182, "date", "date"),
    scalar(oid::kTime, 8, 1183, "time", "time"),
    scalar(oid::kTimestamp, 8, 1115, "timestamp", "timestamp"),
    array_of(1115, oid::kTimestamp, "_timestamp", "timestamp without time zone[]"),
    array_of(1182, oid::kDate, "_date", "date[]"),
    array_of(1183, oid::kTime, "_time", "time without time zone[]"),
    scalar(oid::kTimestampTz, 8, 1185, "timestamptz", "timestamp with time zone"),
    array_of(1185, oid::kTimestampTz, "_timestamptz", "timestamp with time zone[]"),
    scalar(oid::kInterval, 16, 1187, "interval", "interval"),
    array_of(1187, oid::kInterval, "_interval", "interval[]"),
    array_of(1231, oid::kNumeric, "_numeric", "numeric[]"),
    scalar(oid::kTimeTz, 12, 1270, "timetz", "time with time zone"),
    array_of(1270, oid::kTimeTz, "_timetz", "time with time zone[]"),
    scalar(oid::kBit, -1, 1561, "bit", "bit"),
    array_of(1561, oid::kBit, "_bit", "bit[]"),
    scalar(oid::kVarbit, -1, 1563, "varbit", "bit varying"),
    array_of(1563, oid::kVarbit, "_varbit", "bit varying[]"),
    scalar(oid::kNumeric, -1, 1231, "numeric", "numeric"),
    scalar(oid::kRegclass, 4, 2210, "regclass", "regclass"),
    scalar(oid::kRegtype, 4, 2211, "regtype", "regtype"),
    scalar(oid::kUuid, 16, 2951, "uuid", "uuid"),
    array_of(2951, oid::kUuid, "_uuid", "uuid[]"),
    scalar(oid::kJsonb, -1, 3807, "jsonb", "jsonb"),
    array_of(3807, oid::kJsonb, "_jsonb", "jsonb[]"),
};
static_assert(std::is_sorted(kTypes.begin(), kTypes.end(), [](const auto& a, const auto& b) { return a.oid < b.oid; }));

int32_t scalar_oid_of(const LogicalType& type) {
  switch (type.id) {
    case TypeId::kBoolean:
      return oid::kBool;
    case TypeId::kTinyInt:
    case TypeId::kSmallInt:
    case TypeId::kUTinyInt:
      return oid::kInt2;
    case TypeId::kInteger:
    case TypeId::kUSmallInt:
      return oid::kInt4;
    case TypeId::kBigInt:
    case TypeId::kUInteger:
    case TypeId::kIntegerLiteral:
      return oid::kInt8;
    case TypeId::kUBigInt:
    case TypeId::kHugeInt:
    case TypeId::kUHugeInt:
    case TypeId::kBignum:
    case TypeId::kDecimal:
      return oid::kNumeric;
    case TypeId::kFloat:
      return oid::kFloat4;
    case TypeId::kDouble:
      return oid::kFloat8;
    case TypeId::kBlob:
      return oid::kBytea;
    case TypeId::kDate:
      return oid::kDate;
    case TypeId::kTime:
      return oid::kTime;
    case TypeId::kTimeTz:
      return oid::kTimeTz;
    case TypeId::kTimestamp:
    case TypeId::kTimestampS:
    case TypeId::kTimestampMs:
      return oid::kTimestamp;
    case TypeId::kTimestampTz:
      return oid::kTimestampTz;
    case TypeId::kInterval:
      return oid::kInterval;
    case TypeId::kUuid:
      return oid::kUuid;
    case TypeId::kBit:
      return oid::kVarbit;
    case TypeId::kVarchar:
      return type.is_json() ? oid::kJson : oid::kText;
    case TypeId::kStruct:
    case TypeId::kMap:
    case TypeId::kUnion:
    case TypeId::kList:
    case TypeId::kArray:
    case TypeId::kVariant:
      return oid::kJson;
    default:
      return oid::kText;
  }
}

bool is_nested(TypeId id) {
  switch (id) {
    case TypeId::kStruct:
    case TypeId::kMap:
    case TypeId::kUnion:
    case TypeId::kList:
    case TypeId::kArray:
    case TypeId::kVariant:
      return true;
    default:
      return false;
  }
}

TypePtr list_of(TypePtr element) {
  auto list = std::make_shared<LogicalType>();
  list->id = list->storage = TypeId::kList;
  list->children.push_back({"", std::move(element)});
  return list;
}

TypePtr json_type() {
  auto json = std::make_shared<LogicalType>();
  json->id = json->storage = TypeId::kVarchar;
  json->alias = "JSON";
  return json;
}

TypePtr wide_decimal() {
  auto decimal = std::make_shared<LogicalType>();
  decimal->id = TypeId::kDecimal;
  decimal->storage = TypeId::kHugeInt;
  decimal->width = 38;
  decimal->scale = 10;
  return decimal;
}

}  // namespace

const PgType* find_pg_type(int32_t type) {
  const auto found = std::lower_bound(kTypes.begin(), kTypes.end(), type,
                                      [](const PgType& entry, int32_t o) { return entry.oid < o; });
  return found != kTypes.end() && found->oid == type ? &*found : nullptr;
}

PgType pg_type_of(const LogicalType& type) {
  const bool is_list = type.id == TypeId::kList || type.id == TypeId::kArray;
  const LogicalType* element = is_list && !type.children.empty() ? type.children[0].type.get() : nullptr;
  if (element != nullptr && !is_nested(element->id)) {
    const PgType inner = pg_type_of(*element);
    PgType out = *find_pg_type(inner.array);
    out.modifier = inner.modifier;
    return out;
  }
  PgType out = *find_pg_type(scalar_oid_of(type));
  if (type.id == TypeId::kDecimal) out.modifier = ((int32_t{type.width} << 16) | type.scale) + 4;
  return out;
}

TypePtr logical_type_of(int32_t type) {
  switch (type) {
    case oid::kBool:
      return engine::make_type(TypeId::kBoolean);
    case oid::kInt2:
      return engine::make_type(TypeId::kSmallInt);
    case oid::kInt4:
      return engine::make_type(TypeId::kInteger);
    case oid::kInt8:
      return engine::make_type(TypeId::kBigInt);
    case oid::kOid:
    case oid::kXid:
      return engine::make_type(TypeId::kUInteger);
    case oid::kFloat4:
      return engine::make_type(TypeId::kFloat);
    case oid::kFloat8:
      return engine::make_type(TypeId::kDouble);
    case oid::kNumeric:
      return wide_decimal();
    case oid::kBytea:
      return engine::make_type(TypeId::kBlob);
    case oid::kDate:
      return engine::make_type(TypeId::kDate);
    case oid::kTime:
      return engine::make_type(TypeId::kTime);
    case oid::kTimeTz:
      return engine::make_type(TypeId::kTimeTz);
    case oid::kTimestamp:
      return engine::make_type(TypeId::kTimestamp);
    case oid::kTimestampTz:
      return engine::make_type(TypeId::kTimestampTz);
    case oid::kInterval:
      return engine::make_type(TypeId::kInterval);
    case oid::kUuid:
      return engine::make_type(TypeId::kUuid);
    case oid::kBit:
    case oid::kVarbit:
      return engine::make_type(TypeId::kBit);
    case oid::kJson:
    case oid::kJsonb:
      return json_type();
    default:
      break;
  }
  const PgType* const known = find_pg_type(type);
  if (known == nullptr || type == oid::kUnknown) return nullptr;
  return known->element != 0 ? list_of(logical_type_of(known->element)) : engine::make_type(TypeId::kVarchar);
}

}  // namespace merganser::pgwire

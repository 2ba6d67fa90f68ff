// LogicalType::to_sql: a type as DuckDB's parser reads it.
#include <algorithm>

#include "engine/types.h"

namespace merganser::engine {

namespace {

void append_quoted(std::string& out, std::string_view text, char quote) {
  out.push_back(quote);
  for (const char c : text) {
    if (c == quote) out.push_back(quote);
    out.push_back(c);
  }
  out.push_back(quote);
}

std::string_view plain_name(TypeId id) {
  switch (id) {
    case TypeId::kBoolean:
      return "BOOLEAN";
    case TypeId::kTinyInt:
      return "TINYINT";
    case TypeId::kSmallInt:
      return "SMALLINT";
    case TypeId::kInteger:
      return "INTEGER";
    case TypeId::kBigInt:
      return "BIGINT";
    case TypeId::kUTinyInt:
      return "UTINYINT";
    case TypeId::kUSmallInt:
      return "USMALLINT";
    case TypeId::kUInteger:
      return "UINTEGER";
    case TypeId::kUBigInt:
      return "UBIGINT";
    case TypeId::kFloat:
      return "FLOAT";
    case TypeId::kDouble:
      return "DOUBLE";
    case TypeId::kTimestamp:
      return "TIMESTAMP";
    case TypeId::kDate:
      return "DATE";
    case TypeId::kTime:
      return "TIME";
    case TypeId::kInterval:
      return "INTERVAL";
    case TypeId::kHugeInt:
      return "HUGEINT";
    case TypeId::kBlob:
      return "BLOB";
    case TypeId::kTimestampS:
      return "TIMESTAMP_S";
    case TypeId::kTimestampMs:
      return "TIMESTAMP_MS";
    case TypeId::kTimestampNs:
      return "TIMESTAMP_NS";
    case TypeId::kUuid:
      return "UUID";
    case TypeId::kBit:
      return "BIT";
    case TypeId::kTimeTz:
      return "TIME WITH TIME ZONE";
    case TypeId::kTimestampTz:
      return "TIMESTAMP WITH TIME ZONE";
    case TypeId::kUHugeInt:
      return "UHUGEINT";
    case TypeId::kBignum:
      return "BIGNUM";
    case TypeId::kSqlNull:
      return "\"NULL\"";
    case TypeId::kIntegerLiteral:
      return "BIGINT";
    case TypeId::kTimeNs:
      return "TIME_NS";
    case TypeId::kGeometry:
      return "GEOMETRY";
    case TypeId::kVariant:
      return "VARIANT";
    default:
      return "VARCHAR";
  }
}

// JSON, INET and other types of DuckDB and its extensions have capital names and are found from everywhere. A name
// that a client gave to a type may not be on the search path: such a type is written out.
bool is_well_known_alias(const LogicalType& type) {
  return !type.alias.empty() && type.id != TypeId::kEnum &&
         std::all_of(type.alias.begin(), type.alias.end(),
                     [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; });
}

void append_type(std::string& out, const LogicalType& type);

void append_fields(std::string& out, std::string_view name, const std::vector<TypeField>& fields) {
  out.append(name).push_back('(');
  // A struct made by row() has fields without names: DuckDB's parser has no such type, so they are counted.
  size_t number = 0;
  for (const TypeField& field : fields) {
    ++number;
    if (number > 1) out.append(", ");
    append_quoted(out, field.name.empty() ? "v" + std::to_string(number) : field.name, '"');
    out.push_back(' ');
    append_type(out, *field.type);
  }
  out.push_back(')');
}

void append_enum(std::string& out, const std::vector<std::string>& labels) {
  out.append("ENUM(");
  for (size_t i = 0; i < labels.size(); ++i) {
    if (i > 0) out.append(", ");
    append_quoted(out, labels[i], '\'');
  }
  out.push_back(')');
}

void append_type(std::string& out, const LogicalType& type) {
  if (is_well_known_alias(type)) {
    append_quoted(out, type.alias, '"');
    return;
  }
  switch (type.id) {
    case TypeId::kDecimal:
      out.append("DECIMAL(").append(std::to_string(type.width)).append(",").append(std::to_string(type.scale));
      out.push_back(')');
      return;
    case TypeId::kEnum:
      return append_enum(out, type.enum_values);
    case TypeId::kList:
      append_type(out, *type.children.at(0).type);
      out.append("[]");
      return;
    case TypeId::kArray:
      append_type(out, *type.children.at(0).type);
      out.append("[").append(std::to_string(type.array_size)).append("]");
      return;
    case TypeId::kMap:
      out.append("MAP(");
      append_type(out, *type.children.at(0).type);
      out.append(", ");
      append_type(out, *type.children.at(1).type);
      out.push_back(')');
      return;
    case TypeId::kStruct:
      return append_fields(out, "STRUCT", type.children);
    case TypeId::kUnion:
      return append_fields(out, "UNION", type.children);
    default:
      out.append(plain_name(type.id));
      return;
  }
}

}  // namespace

std::string LogicalType::to_sql() const {
  std::string out;
  append_type(out, *this);
  return out;
}

}  // namespace merganser::engine

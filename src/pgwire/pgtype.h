// Which PostgreSQL type stands for which DuckDB type, and back.
//
// Threads: pure functions over constant tables.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/types.h"

namespace merganser::pgwire {

namespace oid {
inline constexpr int32_t kUnspecified = 0;
inline constexpr int32_t kBool = 16, kBytea = 17, kChar = 18, kName = 19, kInt8 = 20, kInt2 = 21, kInt4 = 23;
inline constexpr int32_t kRegproc = 24, kText = 25, kOid = 26, kXid = 28, kJson = 114, kXml = 142, kFloat4 = 700;
inline constexpr int32_t kFloat8 = 701, kUnknown = 705, kBpchar = 1042, kVarchar = 1043, kDate = 1082, kTime = 1083;
inline constexpr int32_t kTimestamp = 1114, kTimestampTz = 1184, kInterval = 1186, kTimeTz = 1266, kBit = 1560;
inline constexpr int32_t kVarbit = 1562, kNumeric = 1700, kRegclass = 2205, kRegtype = 2206, kUuid = 2950,
                         kJsonb = 3802;
}  // namespace oid

struct PgType {
  int32_t oid;
  int16_t length;          // bytes, -1 variable
  int32_t modifier;        // numeric: precision and scale; else -1
  int32_t element;         // of an array; else 0
  int32_t array;           // the array type of this one; 0 for arrays
  std::string_view name;   // as pg_type has it: int4, _int4
  std::string_view words;  // as error messages have it: integer, double precision
};

// Every DuckDB type has one. What PostgreSQL lacks comes as text (ENUM, TIMESTAMP_NS: PostgreSQL has no nanoseconds,
// GEOMETRY) or as json (STRUCT, MAP, UNION, VARIANT, lists of those and lists of lists, since PostgreSQL's arrays
// must be rectangular and DuckDB's need not be).
PgType pg_type_of(const engine::LogicalType& type);

// Null when nothing here knows the oid.
const PgType* find_pg_type(int32_t oid);

// What a parameter of that type is in DuckDB; null when nothing here knows the oid. numeric gives DECIMAL(38, 10):
// parameters get a width of their own, this one is for those that only want a type.
engine::TypePtr logical_type_of(int32_t oid);

}  // namespace merganser::pgwire

// DuckDB's types and the layout of its vectors, without duckdb.h: what the rooms above may know of them.
//
// The numbers of TypeId equal those of duckdb_type (asserted in types.cc), the structs below equal DuckDB's
// in-memory layout (asserted too). Threads: LogicalType is immutable and shared; views are plain data.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace merganser::engine {

enum class TypeId : uint8_t {
  kInvalid = 0,
  kBoolean = 1,
  kTinyInt = 2,
  kSmallInt = 3,
  kInteger = 4,
  kBigInt = 5,
  kUTinyInt = 6,
  kUSmallInt = 7,
  kUInteger = 8,
  kUBigInt = 9,
  kFloat = 10,
  kDouble = 11,
  kTimestamp = 12,  // int64 microseconds since 1970
  kDate = 13,       // int32 days since 1970
  kTime = 14,       // int64 microseconds since midnight
  kInterval = 15,
  kHugeInt = 16,
  kVarchar = 17,
  kBlob = 18,
  kDecimal = 19,      // stored as int16, int32, int64 or Hugeint: see LogicalType::storage
  kTimestampS = 20,   // int64 seconds
  kTimestampMs = 21,  // int64 milliseconds
  kTimestampNs = 22,  // int64 nanoseconds
  kEnum = 23,         // uint8, uint16 or uint32 index: see LogicalType::storage
  kList = 24,
  kStruct = 25,
  kMap = 26,
  kUuid = 27,  // Hugeint whose highest bit is flipped
  kUnion = 28,
  kBit = 29,
  kTimeTz = 30,       // 40 bits microseconds, 24 bits offset
  kTimestampTz = 31,  // int64 microseconds since 1970, UTC
  kUHugeInt = 32,
  kArray = 33,
  kAny = 34,
  kBignum = 35,
  kSqlNull = 36,
  kStringLiteral = 37,
  kIntegerLiteral = 38,
  kTimeNs = 39,    // int64 nanoseconds since midnight
  kGeometry = 40,  // newer than the C header that we build with
  kVariant = 41,   // likewise
};

struct LogicalType;
using TypePtr = std::shared_ptr<const LogicalType>;

struct TypeField {
  std::string name;  // field of a struct, member of a union; "key" and "value" of a map; empty for a list
  TypePtr type;
};

struct LogicalType {
  TypeId id = TypeId::kInvalid;
  TypeId storage = TypeId::kInvalid;     // decimal and enum: the type of the stored numbers; else equal to id
  uint8_t width = 0;                     // decimal
  uint8_t scale = 0;                     // decimal
  uint64_t array_size = 0;               // array: elements in each
  std::string alias;                     // "JSON" and other named types; else empty
  std::vector<TypeField> children;       // list and array: one; struct, union, map: each field
  std::vector<std::string> enum_values;  // enum: the labels in order
  TypePtr map_entry;                     // map: the struct of key and value, the type of the map's child vector

  bool is_json() const { return id == TypeId::kVarchar && alias == "JSON"; }
  // The type as DuckDB SQL writes it, with names quoted where they must be: usable in CAST(x AS …).
  std::string to_sql() const;
};

TypePtr make_type(TypeId id);  // types without parameters; shared instances

// ---- layout ----------------------------------------------------------------------------------------------------

struct Hugeint {
  uint64_t lower;
  int64_t upper;
  bool operator==(const Hugeint&) const = default;
};
struct UHugeint {
  uint64_t lower;
  uint64_t upper;
  bool operator==(const UHugeint&) const = default;
};
struct Interval {
  int32_t months;
  int32_t days;
  int64_t micros;
  bool operator==(const Interval&) const = default;
};
struct ListEntry {
  uint64_t offset;  // into the child vector
  uint64_t length;
};

// DuckDB's 16-byte string: up to 12 bytes inline, else a pointer into the chunk's heap.
struct StringRef {
  uint32_t length;
  char prefix_or_inlined[4];
  union {
    char inlined_rest[8];
    const char* pointer;
  };
  std::string_view view() const {
    return length <= 12 ? std::string_view(prefix_or_inlined, length) : std::string_view(pointer, length);
  }
};
static_assert(sizeof(StringRef) == 16);

inline constexpr int32_t kDateInfinity = 2147483647;
inline constexpr int32_t kDateNegInfinity = -2147483647;
inline constexpr int64_t kTimestampInfinity = INT64_MAX;
inline constexpr int64_t kTimestampNegInfinity = -INT64_MAX;

// One column of a chunk, or a child of one. Valid as long as its Chunk.
struct VectorView {
  const LogicalType* type = nullptr;
  const uint64_t* validity = nullptr;  // null when every row is valid; else one bit a row, 1 = valid
  const void* data = nullptr;
  uint64_t base = 0;  // of a slice: what its row 0 is in the vector
  // list, map: the child vector (a map's child is a struct of key and value); array: the child vector, array_size
  // elements a row; struct: one a field; union: the tag (uint8), then one a member; variant: the four parts of its
  // shredded form (keys, children, values, data).
  std::vector<VectorView> children;

  bool valid(uint64_t row) const {
    row += base;
    return validity == nullptr || (validity[row / 64] >> (row % 64) & 1) != 0;
  }
  template <typename T>
  const T& at(uint64_t row) const {
    return static_cast<const T*>(data)[row + base];
  }
  // The same vector from row `first` on.
  VectorView from(uint64_t first) const;
  std::string_view string_at(uint64_t row) const { return at<StringRef>(row).view(); }
};

}  // namespace merganser::engine

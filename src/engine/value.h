// One parameter value on its way into the engine.
//
// Threads: a value.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "engine/types.h"

namespace merganser::engine {

// A DECIMAL(width, scale): value / 10^scale.
struct Decimal {
  uint8_t width;
  uint8_t scale;
  Hugeint value;
  bool operator==(const Decimal&) const = default;
};

// `type` says how to read `data`:
//   kSqlNull              monostate (a NULL without a type)
//   kBoolean              bool
//   kTinyInt … kBigInt    int64_t        kUTinyInt … kUBigInt   uint64_t
//   kFloat, kDouble       double
//   kHugeInt, kUuid       Hugeint (kUuid: DuckDB's internal form, highest bit flipped)    kUHugeInt  UHugeint
//   kDecimal              Decimal
//   kVarchar              std::string, valid UTF-8 without NUL    kBlob  std::string, any bytes
//   kDate                 int64_t days since 1970
//   kTime                 int64_t microseconds      kTimeTz  uint64_t, DuckDB's packed bits
//   kTimestamp, kTimestampTz   int64_t microseconds since 1970
//   kInterval             Interval
struct Value {
  TypeId type = TypeId::kSqlNull;
  std::variant<std::monostate, bool, int64_t, uint64_t, double, Hugeint, UHugeint, Decimal, Interval, std::string> data;

  static Value null() { return {}; }
  static Value varchar(std::string text) { return Value{TypeId::kVarchar, std::move(text)}; }
  static Value bigint(int64_t number) { return Value{TypeId::kBigInt, number}; }
  bool is_null() const { return std::holds_alternative<std::monostate>(data); }
  // About how many bytes it keeps in memory: for budgets.
  size_t footprint() const {
    const auto* text = std::get_if<std::string>(&data);
    return sizeof(Value) + (text != nullptr ? text->size() : 0);
  }
};

}  // namespace merganser::engine

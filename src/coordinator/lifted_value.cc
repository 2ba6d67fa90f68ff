#include "coordinator/lifted_value.h"

#include <array>
#include <limits>

#include "engine/sql_tokens.h"

namespace merganser::coordinator {
namespace {

using engine::BatchColumn;
using engine::Decimal;
using engine::Hugeint;
using engine::LogicalType;
using engine::TypeId;
using engine::Value;

struct Range {
  int64_t lowest;
  uint64_t highest;
};

std::optional<Range> range_of(TypeId type) {
  const auto of = [](auto zero) -> Range {
    using Integer = decltype(zero);
    return {static_cast<int64_t>(std::numeric_limits<Integer>::min()),
            static_cast<uint64_t>(std::numeric_limits<Integer>::max())};
  };
  switch (type) {
    case TypeId::kTinyInt:
      return of(int8_t{});
    case TypeId::kSmallInt:
      return of(int16_t{});
    case TypeId::kInteger:
      return of(int32_t{});
    case TypeId::kBigInt:
      return of(int64_t{});
    case TypeId::kUTinyInt:
      return of(uint8_t{});
    case TypeId::kUSmallInt:
      return of(uint16_t{});
    case TypeId::kUInteger:
      return of(uint32_t{});
    case TypeId::kUBigInt:
      return of(uint64_t{});
    default:
      return std::nullopt;
  }
}

bool is_unsigned(TypeId type) {
  return type >= TypeId::kUTinyInt && type <= TypeId::kUBigInt;
}

// The same number as a value of `type`, when it fits.
std::optional<LiftedValue> as_integer(const Value& value, TypeId type) {
  const Range range = *range_of(type);
  bool negative = false;
  uint64_t bits = 0;
  if (const auto* number = std::get_if<int64_t>(&value.data)) {
    negative = *number < 0;
    if (negative && *number < range.lowest) return std::nullopt;
    bits = static_cast<uint64_t>(*number);
  } else {
    bits = std::get<uint64_t>(value.data);
  }
  if (!negative && bits > range.highest) return std::nullopt;
  LiftedValue lifted{BatchColumn{type, 0, 0}, std::nullopt, false};
  if (value.type == type) return lifted;
  lifted.changed = is_unsigned(type) ? Value{type, bits} : Value{type, static_cast<int64_t>(bits)};
  return lifted;
}

constexpr std::array<int64_t, 19> kPowers = [] {
  std::array<int64_t, 19> powers{1};
  for (size_t i = 1; i < powers.size(); i++) powers[i] = powers[i - 1] * 10;
  return powers;
}();

bool is_small(const Decimal& decimal) {
  return decimal.value.upper == (static_cast<int64_t>(decimal.value.lower) < 0 ? -1 : 0);
}

std::optional<LiftedValue> as_decimal(const Decimal& decimal, const LogicalType& target) {
  if (!is_small(decimal) || target.width > 18 || decimal.scale > target.scale) return std::nullopt;
  const int64_t factor = kPowers[static_cast<size_t>(target.scale - decimal.scale)];
  const auto number = static_cast<int64_t>(decimal.value.lower);
  int64_t scaled = 0;
  if (__builtin_mul_overflow(number, factor, &scaled)) return std::nullopt;
  if (scaled >= kPowers[target.width] || scaled <= -kPowers[target.width]) return std::nullopt;
  const Hugeint wide{static_cast<uint64_t>(scaled), scaled < 0 ? -1 : 0};
  return LiftedValue{BatchColumn{TypeId::kDecimal, target.width, target.scale},
                     Value{TypeId::kDecimal, Decimal{target.width, target.scale, wide}}, false};
}

// As DuckDB divides it: exact up to 2^53.
std::optional<LiftedValue> decimal_as_double(const Decimal& decimal) {
  constexpr int64_t kExact = int64_t{1} << 53;
  const auto number = static_cast<int64_t>(decimal.value.lower);
  if (!is_small(decimal) || decimal.scale > 18 || number > kExact || number < -kExact) return std::nullopt;
  const double real = static_cast<double>(number) / static_cast<double>(kPowers[decimal.scale]);
  return LiftedValue{BatchColumn{TypeId::kDouble, 0, 0}, Value{TypeId::kDouble, real}, false};
}

// The type that a cast as written names, where it leaves a fitting value as it is.
std::optional<TypeId> cast_type(std::string_view cast) {
  struct Known {
    std::string_view name;
    TypeId type;
  };
  static constexpr Known kKnown[] = {
      {"smallint", TypeId::kSmallInt}, {"int2", TypeId::kSmallInt},   {"integer", TypeId::kInteger},
      {"int", TypeId::kInteger},       {"int4", TypeId::kInteger},    {"bigint", TypeId::kBigInt},
      {"int8", TypeId::kBigInt},       {"varchar", TypeId::kVarchar}, {"text", TypeId::kVarchar}};
  // A quoted name may be a type of the client's own.
  if (!cast.starts_with("::") || cast.find('"') != std::string_view::npos) return std::nullopt;
  const std::string name = engine::folded_name(cast.substr(2));
  for (const Known& known : kKnown) {
    if (known.name == name) return known.type;
  }
  return std::nullopt;
}

LiftedValue as_it_is(const Value& value) {
  BatchColumn column{value.type, 0, 0};
  if (const auto* decimal = std::get_if<Decimal>(&value.data)) {
    column.width = decimal->width;
    column.scale = decimal->scale;
  }
  return {column, std::nullopt, false};
}

bool is_integer_value(const Value& value) {
  return range_of(value.type).has_value() &&
         (std::holds_alternative<int64_t>(value.data) || std::holds_alternative<uint64_t>(value.data));
}

}  // namespace

std::optional<LiftedValue> lift_value(const Value& value, const LogicalType& target, const std::string& cast) {
  if (value.is_null()) return LiftedValue{{}, std::nullopt, true};
  if (!engine::fits_batch(value.type)) return std::nullopt;
  if (!cast.empty()) return as_it_is(value);
  if (is_integer_value(value)) {
    if (range_of(target.id)) return as_integer(value, target.id);
    switch (target.id) {
      case TypeId::kFloat:
      case TypeId::kDouble:
      case TypeId::kDecimal:
      case TypeId::kHugeInt:
      case TypeId::kUHugeInt:
      case TypeId::kVarchar:
        return as_integer(value, TypeId::kBigInt);
      default:
        return std::nullopt;
    }
  }
  if (const auto* decimal = std::get_if<Decimal>(&value.data)) {
    if (target.id == TypeId::kDecimal) return as_decimal(*decimal, target);
    if (target.id == TypeId::kDouble) return decimal_as_double(*decimal);
    return std::nullopt;
  }
  if (value.type == TypeId::kBoolean && target.id != TypeId::kBoolean) return std::nullopt;
  return as_it_is(value);
}

bool has_bytewise_equality(const LogicalType& type) {
  switch (type.id) {
    case TypeId::kVarchar:
      return type.alias.empty();
    case TypeId::kBlob:
    case TypeId::kUuid:
    case TypeId::kBoolean:
    case TypeId::kDate:
    case TypeId::kTimestamp:
    case TypeId::kTimestampTz:
      return true;
    default:
      return range_of(type.id).has_value();
  }
}

std::optional<LiftedValue> lift_key(const Value& value, const LogicalType& target, const std::string& cast) {
  if (value.is_null() || !has_bytewise_equality(target)) return std::nullopt;
  const auto type = cast.empty() ? std::optional(value.type) : cast_type(cast);
  if (is_integer_value(value)) {
    if (!range_of(target.id) || !type || !range_of(*type) || !as_integer(value, *type)) return std::nullopt;
    return as_integer(value, target.id);
  }
  if (!cast.empty() && (type != TypeId::kVarchar || value.type != TypeId::kVarchar)) return std::nullopt;
  if (value.type != target.id) return std::nullopt;
  return as_it_is(value);
}

BatchColumn natural_column(const LogicalType& type) {
  if (range_of(type.id)) return {type.id, 0, 0};
  return {TypeId::kVarchar, 0, 0};
}

void append_key(std::string& out, const Value& value) {
  const auto add = [&](const auto& number) { out.append(reinterpret_cast<const char*>(&number), sizeof(number)); };
  if (const auto* text = std::get_if<std::string>(&value.data)) {
    add(text->size());
    out += *text;
  } else if (const auto* number = std::get_if<int64_t>(&value.data)) {
    add(*number);
  } else if (const auto* natural = std::get_if<uint64_t>(&value.data)) {
    add(*natural);
  } else if (const auto* flag = std::get_if<bool>(&value.data)) {
    out += *flag ? '\1' : '\0';
  } else if (const auto* huge = std::get_if<Hugeint>(&value.data)) {
    add(huge->lower);
    add(huge->upper);
  }
}

}  // namespace merganser::coordinator

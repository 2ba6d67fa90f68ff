// Numbers from text: integers, floating point, numeric.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "engine/int128.h"
#include "pgwire/decode_text.h"

namespace merganser::pgwire {

using engine::Decimal;
using engine::int128_t;
using engine::LogicalType;
using engine::TypeId;
using engine::uint128_t;
using engine::Value;

namespace {

constexpr int kMaxDecimalDigits = 38;
// More digits than any number of ours has; a longer text is read up to here and then only counted.
constexpr size_t kMaxKeptDigits = 400;
constexpr int kMaxExponent = 100'000;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool same_ignoring_case(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b; });
}

struct IntegerRange {
  std::string_view words;
  uint128_t below;  // the largest magnitude of a negative number
  uint128_t above;
};

IntegerRange range_of(TypeId type) {
  constexpr uint128_t kOne = 1;
  switch (type) {
    case TypeId::kTinyInt:
      return {"tinyint", kOne << 7, (kOne << 7) - 1};
    case TypeId::kSmallInt:
      return {"smallint", kOne << 15, (kOne << 15) - 1};
    case TypeId::kInteger:
      return {"integer", kOne << 31, (kOne << 31) - 1};
    case TypeId::kBigInt:
      return {"bigint", kOne << 63, (kOne << 63) - 1};
    case TypeId::kHugeInt:
      return {"hugeint", kOne << 127, (kOne << 127) - 1};
    case TypeId::kUTinyInt:
      return {"utinyint", 0, (kOne << 8) - 1};
    case TypeId::kUSmallInt:
      return {"usmallint", 0, (kOne << 16) - 1};
    case TypeId::kUInteger:
      return {"uinteger", 0, (kOne << 32) - 1};
    case TypeId::kUBigInt:
      return {"ubigint", 0, (kOne << 64) - 1};
    default:
      return {"uhugeint", 0, ~uint128_t{0}};
  }
}

// Nullopt when the number is outside the type.
std::optional<Value> make_integer(TypeId type, bool negative, uint128_t size) {
  const IntegerRange range = range_of(type);
  if (size > (negative ? range.below : range.above)) return std::nullopt;
  if (type == TypeId::kUHugeInt) return Value{type, engine::from_uint128(size)};
  if (type == TypeId::kHugeInt) {
    return Value{type, engine::from_int128(static_cast<int128_t>(negative ? uint128_t{0} - size : size))};
  }
  const auto low = static_cast<uint64_t>(size);
  if (range.below == 0) return Value{type, low};
  return Value{type, static_cast<int64_t>(negative ? uint64_t{0} - low : low)};
}

// Adds a digit; false when 128 bits are not enough.
bool push_digit(uint128_t& number, char digit) {
  const auto value = static_cast<unsigned>(digit - '0');
  if (number > (~uint128_t{0} - value) / 10) return false;
  number = number * 10 + value;
  return true;
}

// digits × 10^-scale. Digits have no leading zeros; scale is never negative.
struct NumericText {
  bool negative = false;
  std::string digits;
  int64_t scale = 0;
  int64_t whole_digits() const { return static_cast<int64_t>(digits.size()) - scale; }
};

// [sign] digits [. digits] [e [sign] digits]; nullopt when the text is none. Too long ones keep their magnitude.
std::optional<NumericText> parse_numeric(std::string_view text) {
  NumericText out;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    out.negative = text.front() == '-';
    text.remove_prefix(1);
  }
  bool any = false, after_point = false;
  size_t i = 0;
  for (; i < text.size(); ++i) {
    if (text[i] == '.' && !after_point) {
      after_point = true;
      continue;
    }
    if (!is_digit(text[i])) break;
    any = true;
    if (out.digits.size() < kMaxKeptDigits) {
      if (!out.digits.empty() || text[i] != '0') out.digits.push_back(text[i]);
      out.scale += after_point ? 1 : 0;
    } else if (!after_point) {
      --out.scale;
    }
  }
  if (!any) return std::nullopt;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    const size_t start = i + 1 + (i + 1 < text.size() && text[i + 1] == '+' ? 1 : 0);
    int exponent = 0;
    const auto [end, error] = std::from_chars(text.data() + start, text.data() + text.size(), exponent);
    if (start >= text.size() || (start == i + 2 && !is_digit(text[start])) || end != text.data() + text.size() ||
        error == std::errc::invalid_argument) {
      return std::nullopt;
    }
    if (error == std::errc::result_out_of_range) exponent = text[start] == '-' ? -kMaxExponent : kMaxExponent;
    out.scale -= std::clamp(exponent, -kMaxExponent, kMaxExponent);
    i = text.size();
  }
  if (i != text.size()) return std::nullopt;
  return out;
}

// Drops digits after the point until `scale` are left, rounding half away from zero as PostgreSQL does.
void round_to(NumericText& number, int64_t scale) {
  if (number.scale <= scale) return;
  const int64_t dropped = number.scale - scale;
  number.scale = scale;
  const auto size = static_cast<int64_t>(number.digits.size());
  if (dropped > size) {
    number.digits.clear();
    return;
  }
  const auto keep = static_cast<size_t>(size - dropped);
  const bool up = number.digits[keep] >= '5';
  number.digits.resize(keep);
  if (!up) return;
  size_t i = keep;
  while (i > 0 && number.digits[i - 1] == '9') number.digits[--i] = '0';
  if (i > 0) {
    ++number.digits[i - 1];
  } else {
    number.digits.insert(number.digits.begin(), '1');
  }
}

void drop_trailing_zeros(NumericText& number) {
  while (number.scale > 0 && !number.digits.empty() && number.digits.back() == '0') {
    number.digits.pop_back();
    --number.scale;
  }
  if (number.digits.empty()) number.scale = 0;
}

bool is_integer_type(TypeId type) {
  switch (type) {
    case TypeId::kTinyInt:
    case TypeId::kSmallInt:
    case TypeId::kInteger:
    case TypeId::kBigInt:
    case TypeId::kHugeInt:
    case TypeId::kUTinyInt:
    case TypeId::kUSmallInt:
    case TypeId::kUInteger:
    case TypeId::kUBigInt:
    case TypeId::kUHugeInt:
      return true;
    default:
      return false;
  }
}

std::optional<uint128_t> to_number(std::string_view digits) {
  uint128_t number = 0;
  for (const char c : digits) {
    if (!push_digit(number, c)) return std::nullopt;
  }
  return number;
}

std::optional<Value> make_decimal(const NumericText& number, int width, int scale) {
  std::string digits = number.digits;
  digits.append(static_cast<size_t>(scale - number.scale), '0');
  const auto size = to_number(digits);
  if (!size) return std::nullopt;
  const auto value = static_cast<int128_t>(*size);
  return Value{TypeId::kDecimal, Decimal{static_cast<uint8_t>(width), static_cast<uint8_t>(scale),
                                         engine::from_int128(number.negative ? -value : value)}};
}

std::optional<Value> special_number(std::string_view text, TypeId type) {
  const bool negative = !text.empty() && text.front() == '-';
  std::string_view bare = text;
  if (negative || (!text.empty() && text.front() == '+')) bare.remove_prefix(1);
  if (same_ignoring_case(text, "nan")) return Value{type, std::numeric_limits<double>::quiet_NaN()};
  if (!same_ignoring_case(bare, "infinity") && !same_ignoring_case(bare, "inf")) return std::nullopt;
  const double infinity = std::numeric_limits<double>::infinity();
  return Value{type, negative ? -infinity : infinity};
}

}  // namespace

ReadValue read_integer(TypeId type, std::string_view text) {
  std::string_view digits = trim(text);
  const bool negative = !digits.empty() && digits.front() == '-';
  if (!digits.empty() && (negative || digits.front() == '+')) digits.remove_prefix(1);
  const IntegerRange range = range_of(type);
  if (digits.empty() || !std::all_of(digits.begin(), digits.end(), is_digit)) return invalid_text(range.words, text);
  while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
  const auto size = to_number(digits);
  const auto value = size ? make_integer(type, negative, *size) : std::nullopt;
  if (!value) return out_of_range(range.words, text);
  return value;
}

ReadValue read_floating(TypeId type, std::string_view text) {
  const std::string_view words = type == TypeId::kFloat ? "real" : "double precision";
  std::string_view number = trim(text);
  if (const auto special = special_number(number, type)) return special;
  if (!number.empty() && number.front() == '+') {
    number.remove_prefix(1);
    if (!number.empty() && number.front() == '-') return invalid_text(words, text);
  }
  const size_t first = !number.empty() && number.front() == '-' ? 1 : 0;
  if (first >= number.size() || !(is_digit(number[first]) || number[first] == '.')) return invalid_text(words, text);
  const char* const end = number.data() + number.size();
  double value = 0;
  std::from_chars_result result{};
  if (type == TypeId::kFloat) {
    float narrow = 0;
    result = std::from_chars(number.data(), end, narrow);
    value = static_cast<double>(narrow);
  } else {
    result = std::from_chars(number.data(), end, value);
  }
  if (result.ec == std::errc::invalid_argument || result.ptr != end) return invalid_text(words, text);
  if (result.ec == std::errc::result_out_of_range) {
    return make_error(ErrorCode::kNumericOutOfRange,
                      "\"" + shown(text) + "\" is out of range for type " + std::string(words));
  }
  return std::optional<Value>(Value{type, value});
}

ReadValue read_numeric(const LogicalType* target, std::string_view text) {
  const std::string_view plain = trim(text);
  if (const auto special = special_number(plain, TypeId::kDouble)) return special;
  auto number = parse_numeric(plain);
  if (!number) return invalid_text("numeric", text);
  const TypeId wanted = target == nullptr ? TypeId::kInvalid : target->id;
  if (wanted == TypeId::kFloat || wanted == TypeId::kDouble) return read_floating(wanted, text);

  const Error overflow = make_error(ErrorCode::kNumericOutOfRange, "value overflows numeric format",
                                    "DuckDB's decimals have at most 38 digits.");
  if (!number->digits.empty() && number->whole_digits() > kMaxDecimalDigits + 1) return overflow;
  if (number->scale < 0 && !number->digits.empty()) number->digits.append(static_cast<size_t>(-number->scale), '0');
  number->scale = std::max<int64_t>(number->scale, 0);

  const bool wants_decimal = wanted == TypeId::kDecimal;
  NumericText shortest = *number;
  drop_trailing_zeros(shortest);
  if (is_integer_type(wanted) || (!wants_decimal && shortest.whole_digits() > kMaxDecimalDigits)) {
    const TypeId integer = is_integer_type(wanted) ? wanted : number->negative ? TypeId::kHugeInt : TypeId::kUHugeInt;
    const auto size = shortest.scale == 0 ? to_number(shortest.digits) : std::nullopt;
    const auto value = size ? make_integer(integer, number->negative, *size) : std::nullopt;
    if (value) return value;
    if (shortest.scale == 0) return overflow;
  }
  if (wants_decimal && shortest.scale <= target->scale && shortest.whole_digits() <= target->width - target->scale) {
    return make_decimal(shortest, target->width, target->scale);
  }
  if (number->scale > kMaxDecimalDigits || static_cast<int>(number->digits.size()) > kMaxDecimalDigits) {
    *number = shortest;
    round_to(*number, kMaxDecimalDigits - std::clamp<int64_t>(number->whole_digits(), 0, kMaxDecimalDigits));
  }
  const int64_t width = std::max<int64_t>({static_cast<int64_t>(number->digits.size()), number->scale, 1});
  if (width > kMaxDecimalDigits) return overflow;
  return make_decimal(*number, static_cast<int>(width), static_cast<int>(number->scale));
}

}  // namespace merganser::pgwire

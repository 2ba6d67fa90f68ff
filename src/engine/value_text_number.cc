// Numbers as text: integers of every width, decimals, floating point, BIGNUM.
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

#include "engine/int128.h"
#include "engine/value_text.h"

namespace merganser::engine {

namespace {

constexpr uint64_t kTenTo18 = 1'000'000'000'000'000'000;

char* write_padded(char* at, uint64_t value, int digits) {
  for (int i = digits - 1; i >= 0; --i) {
    at[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return at + digits;
}

// digits × 10^exponent, digits without trailing zeros.
struct Shortest {
  uint64_t digits = 0;
  int count = 0;     // how many digits
  int exponent = 0;  // of the last digit
};

// Reads what std::to_chars wrote in scientific form: d[.ddd]e±dd.
Shortest read_scientific(const char* at, const char* end) {
  Shortest out;
  int fraction = 0;
  bool after_point = false;
  for (; at < end && *at != 'e'; ++at) {
    if (*at == '.') {
      after_point = true;
      continue;
    }
    out.digits = out.digits * 10 + static_cast<uint64_t>(*at - '0');
    ++out.count;
    if (after_point) ++fraction;
  }
  int exponent = 0;
  if (at + 2 < end) std::from_chars(at[1] == '+' ? at + 2 : at + 1, end, exponent);
  out.exponent = exponent - fraction;
  while (out.count > 1 && out.digits % 10 == 0) {
    out.digits /= 10;
    --out.count;
    ++out.exponent;
  }
  return out;
}

// Is odd × 2^power the number? odd < 2^56.
bool equals_exactly(const Shortest& number, uint64_t odd, int power) {
  if (number.exponent < -3 || number.exponent > 24) return false;
  if (number.exponent < 0) {
    for (int i = number.exponent; i < 0; ++i) odd *= 5;
    power -= number.exponent;
    return power >= 0 && power < 64 && (odd << power) >> power == odd && number.digits == odd << power;
  }
  for (int i = 0; i < number.exponent; ++i) {
    if (odd % 5 != 0) return false;
    odd /= 5;
  }
  power -= number.exponent;
  if (power >= 0) return power < 64 && (odd << power) >> power == odd && number.digits == odd << power;
  return power > -64 && (number.digits << -power) >> -power == number.digits && number.digits << -power == odd;
}

// Is the number half way between a value and one of its neighbours? Readers that do not round to even would read it
// as the neighbour, which is why PostgreSQL does not print it.
template <typename Float>
bool is_half_way(Float value, const Shortest& number) {
  constexpr int kBits = std::numeric_limits<Float>::digits;
  // Half-way points below have more digits than the shortest text ever has.
  if (value < std::ldexp(Float{1}, kBits - 5)) return false;
  int exponent = 0;
  const auto mantissa = static_cast<uint64_t>(std::ldexp(std::frexp(value, &exponent), kBits));
  const int power = exponent - kBits;
  if (equals_exactly(number, 2 * mantissa + 1, power - 1)) return true;
  const bool lowest_of_binade = mantissa == uint64_t{1} << (kBits - 1);
  return lowest_of_binade ? equals_exactly(number, 4 * mantissa - 1, power - 2)
                          : equals_exactly(number, 2 * mantissa - 1, power - 1);
}

template <typename Float>
Shortest shortest(Float value) {
  char text[64];
  const char* end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  Shortest number = read_scientific(text, end);
  if (!is_half_way(value, number)) return number;
  for (int precision = number.count - 1; precision < std::numeric_limits<Float>::max_digits10; ++precision) {
    end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific, precision).ptr;
    Float back = 0;
    std::from_chars(text, end, back);
    const Shortest longer = read_scientific(text, end);
    if (back == value && !is_half_way(value, longer)) return longer;
  }
  return number;
}

// Plain notation for exponents from -4 to below `limit`, else 1.5e+20.
char* write_shortest(char* at, const Shortest& number, int limit) {
  char digits[24];
  write_padded(digits, number.digits, number.count);
  const int exponent = number.exponent + number.count - 1;
  if (exponent < -4 || exponent >= limit) {
    *at++ = digits[0];
    if (number.count > 1) {
      *at++ = '.';
      at = std::copy(digits + 1, digits + number.count, at);
    }
    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    const auto size = static_cast<uint64_t>(std::abs(exponent));
    return size < 100 ? write_padded(at, size, 2) : write_uint(at, size);
  }
  if (exponent < 0) {
    *at++ = '0';
    *at++ = '.';
    at = std::fill_n(at, -exponent - 1, '0');
    return std::copy(digits, digits + number.count, at);
  }
  const int before_point = std::min(number.count, exponent + 1);
  at = std::copy(digits, digits + before_point, at);
  at = std::fill_n(at, exponent + 1 - before_point, '0');
  if (number.count > before_point) {
    *at++ = '.';
    at = std::copy(digits + before_point, digits + number.count, at);
  }
  return at;
}

template <typename Float>
char* write_floating(char* at, Float value, int limit) {
  const auto literal = [at](std::string_view text) { return std::copy(text.begin(), text.end(), at); };
  if (std::isnan(value)) return literal("NaN");
  if (std::isinf(value)) return literal(value < 0 ? "-Infinity" : "Infinity");
  if (std::signbit(value)) *at++ = '-';
  if (value == 0) {
    *at++ = '0';
    return at;
  }
  return write_shortest(at, shortest(std::abs(value)), limit);
}

}  // namespace

char* write_int(char* at, int64_t value) {
  return std::to_chars(at, at + kMaxScalarText, value).ptr;
}
char* write_uint(char* at, uint64_t value) {
  return std::to_chars(at, at + kMaxScalarText, value).ptr;
}

char* write_uint128(char* at, uint128_t value) {
  if (value <= std::numeric_limits<uint64_t>::max()) return write_uint(at, static_cast<uint64_t>(value));
  const uint128_t high = value / kTenTo18;
  at = write_uint128(at, high);
  return write_padded(at, static_cast<uint64_t>(value - high * kTenTo18), 18);
}

char* write_hugeint(char* at, Hugeint value) {
  if (value.upper < 0) *at++ = '-';
  return write_uint128(at, magnitude(to_int128(value)));
}

char* write_uhugeint(char* at, UHugeint value) {
  return write_uint128(at, to_uint128(value));
}

char* write_decimal(char* at, Hugeint value, uint8_t scale) {
  char digits[48];
  const char* const end = write_uint128(digits, magnitude(to_int128(value)));
  const auto count = static_cast<int>(end - digits);
  if (value.upper < 0) *at++ = '-';
  if (scale == 0) return std::copy(digits, digits + count, at);
  if (count <= scale) {
    *at++ = '0';
    *at++ = '.';
    at = std::fill_n(at, scale - count, '0');
    return std::copy(digits, digits + count, at);
  }
  at = std::copy(digits, digits + count - scale, at);
  *at++ = '.';
  return std::copy(digits + count - scale, digits + count, at);
}

char* write_double(char* at, double value) {
  return write_floating(at, value, 15);
}
char* write_float(char* at, float value) {
  return write_floating(at, value, 6);
}

void append_bignum(TextSink& sink, std::string_view stored) {
  // Three bytes of header whose highest bit is set for numbers that are not negative, then the magnitude, most
  // significant byte first; all inverted when negative.
  constexpr size_t kHeader = 3;
  if (stored.size() <= kHeader) return sink.append("0");
  if (stored.size() > kMaxBignumBytes) {
    return sink.fail(
        make_error(ErrorCode::kProgramLimitExceeded, "a BIGNUM of this size cannot be sent as decimal digits"));
  }
  const bool negative = (static_cast<uint8_t>(stored[0]) & 0x80) == 0;
  stored.remove_prefix(kHeader);
  std::vector<uint32_t> limbs;  // base 10^9, least significant first
  constexpr uint64_t kBase = 1'000'000'000;
  const auto multiply_and_add = [&limbs](uint64_t factor, uint64_t carry) {
    for (uint32_t& limb : limbs) {
      carry += limb * factor;
      limb = static_cast<uint32_t>(carry % kBase);
      carry /= kBase;
    }
    for (; carry > 0; carry /= kBase) limbs.push_back(static_cast<uint32_t>(carry % kBase));
  };
  for (size_t i = 0; i < stored.size();) {
    uint64_t word = 0, factor = 1;
    for (; factor <= 0xffffff && i < stored.size(); ++i, factor <<= 8) {
      const auto byte = static_cast<uint8_t>(stored[i]);
      word = word << 8 | (negative ? static_cast<uint8_t>(~byte) : byte);
    }
    multiply_and_add(factor, word);
  }
  if (limbs.empty()) return sink.append("0");
  if (negative) sink.put('-');
  sink.wrote_to(write_uint(sink.room(), limbs.back()));
  for (size_t i = limbs.size() - 1; i-- > 0;) sink.wrote_to(write_padded(sink.room(), limbs[i], 9));
}

Hugeint decimal_at(const VectorView& column, uint64_t row) {
  int64_t narrow = 0;
  switch (column.type->storage) {
    case TypeId::kSmallInt:
      narrow = column.at<int16_t>(row);
      break;
    case TypeId::kInteger:
      narrow = column.at<int32_t>(row);
      break;
    case TypeId::kBigInt:
      narrow = column.at<int64_t>(row);
      break;
    default:
      return column.at<Hugeint>(row);
  }
  return {static_cast<uint64_t>(narrow), narrow < 0 ? -1 : 0};
}

}  // namespace merganser::engine

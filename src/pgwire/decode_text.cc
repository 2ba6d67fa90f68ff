#include "pgwire/decode_text.h"

#include <algorithm>
#include <cctype>

#include "base/utf8.h"
#include "engine/int128.h"
#include "engine/value_text.h"

namespace merganser::pgwire {

using engine::Hugeint;
using engine::LogicalType;
using engine::TypeId;
using engine::Value;

namespace {

constexpr size_t kMaxQuoted = 200;  // bytes of a client's text that an error repeats

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// `rest` begins with the character that is no digit, which may have several bytes.
Error bad_hex_digit(std::string_view rest) {
  size_t length = 1;
  while (length < rest.size() && (static_cast<uint8_t>(rest[length]) & 0xc0) == 0x80) ++length;
  return make_error(ErrorCode::kInvalidParameterValue,
                    "invalid hexadecimal digit: \"" + std::string(rest.substr(0, length)) + "\"");
}

ReadValue read_hex_bytea(std::string_view digits) {
  std::string bytes;
  bytes.reserve(digits.size() / 2);
  for (size_t i = 0; i < digits.size();) {
    if (is_space(digits[i])) {
      ++i;
      continue;
    }
    const auto high = hex_digit(digits[i]);
    if (!high) return bad_hex_digit(digits.substr(i));
    if (i + 1 == digits.size()) {
      return make_error(ErrorCode::kInvalidParameterValue, "invalid hexadecimal data: odd number of digits");
    }
    const auto low = hex_digit(digits[i + 1]);
    if (!low) return bad_hex_digit(digits.substr(i + 1));
    bytes.push_back(static_cast<char>(*high << 4 | *low));
    i += 2;
  }
  return std::optional<Value>(Value{TypeId::kBlob, std::move(bytes)});
}

// A backslash doubled, or followed by three octal digits.
ReadValue read_escaped_bytea(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  const auto octal = [](char c, char most) { return c >= '0' && c <= most; };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes.push_back(text[i]);
    } else if (i + 1 < text.size() && text[i + 1] == '\\') {
      bytes.push_back('\\');
      ++i;
    } else if (i + 3 < text.size() && octal(text[i + 1], '3') && octal(text[i + 2], '7') && octal(text[i + 3], '7')) {
      bytes.push_back(static_cast<char>((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 | (text[i + 3] - '0')));
      i += 3;
    } else {
      return make_error(ErrorCode::kInvalidTextRepresentation, "invalid input syntax for type bytea");
    }
  }
  return std::optional<Value>(Value{TypeId::kBlob, std::move(bytes)});
}

// DuckDB writes "(BC)" right after the date.
std::string with_duckdb_era(std::string text) {
  constexpr std::string_view kEra = " BC";
  if (!text.ends_with(kEra)) return text;
  text.resize(text.size() - kEra.size());
  text.insert(std::min(text.find(' '), text.size()), " (BC)");
  return text;
}

template <typename Write>
std::string written(Write write) {
  char text[engine::kMaxScalarText];
  return {text, write(text)};
}

}  // namespace

std::string shown(std::string_view text) {
  std::string_view cut = text.substr(0, kMaxQuoted);
  while (cut.size() < text.size() && find_invalid_utf8(cut)) cut.remove_suffix(1);
  return std::string(cut);
}

Error invalid_text(std::string_view type_words, std::string_view text) {
  return make_error(ErrorCode::kInvalidTextRepresentation,
                    "invalid input syntax for type " + std::string(type_words) + ": \"" + shown(text) + "\"");
}

Error out_of_range(std::string_view type_words, std::string_view text) {
  return make_error(ErrorCode::kNumericOutOfRange,
                    "value \"" + shown(text) + "\" is out of range for type " + std::string(type_words));
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

Status check_utf8(std::string_view text) {
  const auto invalid = find_invalid_utf8(text);
  const size_t zero = text.find('\0');
  if (zero != text.npos && (!invalid || zero < *invalid)) return invalid_utf8_error(text, zero);
  if (invalid) return invalid_utf8_error(text, *invalid);
  return {};
}

ReadValue read_bool(std::string_view text) {
  std::string word(trim(text).substr(0, 8));
  for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto prefix_of = [&word](std::string_view whole, size_t least) {
    return word.size() >= least && whole.starts_with(word);
  };
  const auto value = [](bool flag) { return ReadValue(std::optional<Value>(Value{TypeId::kBoolean, flag})); };
  if (prefix_of("true", 1) || prefix_of("yes", 1) || word == "on" || word == "1") return value(true);
  if (prefix_of("false", 1) || prefix_of("no", 1) || prefix_of("off", 2) || word == "0") return value(false);
  return invalid_text("boolean", text);
}

ReadValue read_bytea(std::string_view text) {
  return text.starts_with("\\x") ? read_hex_bytea(text.substr(2)) : read_escaped_bytea(text);
}

// Hyphens may stand after any group of four digits, braces around the whole.
ReadValue read_uuid(std::string_view text) {
  std::string_view in = text;
  const bool braces = in.starts_with('{');
  if (braces) in.remove_prefix(1);
  uint64_t halves[2] = {0, 0};
  for (size_t i = 0; i < 32; ++i) {
    const auto digit = in.empty() ? std::nullopt : hex_digit(in.front());
    if (!digit) return invalid_text("uuid", text);
    halves[i / 16] = halves[i / 16] << 4 | *digit;
    in.remove_prefix(1);
    if (i % 4 == 3 && i < 31 && in.starts_with('-')) in.remove_prefix(1);
  }
  if (in != (braces ? "}" : "")) return invalid_text("uuid", text);
  return std::optional<Value>(
      Value{TypeId::kUuid, Hugeint{halves[1], static_cast<int64_t>(halves[0] ^ (uint64_t{1} << 63))}});
}

ReadValue read_text(const LogicalType& type, std::string_view text, const TimeZone& zone) {
  switch (type.id) {
    case TypeId::kBoolean:
      return read_bool(text);
    case TypeId::kTinyInt:
    case TypeId::kSmallInt:
    case TypeId::kInteger:
    case TypeId::kBigInt:
    case TypeId::kUTinyInt:
    case TypeId::kUSmallInt:
    case TypeId::kUInteger:
      return read_integer(type.id, text);
    case TypeId::kUBigInt:
    case TypeId::kHugeInt:
    case TypeId::kUHugeInt:
    case TypeId::kDecimal:
      // numeric to clients, so they may send a point or an exponent.
      return read_numeric(&type, text);
    case TypeId::kFloat:
    case TypeId::kDouble:
      return read_floating(type.id, text);
    case TypeId::kVarchar:
      return std::optional<Value>(Value::varchar(std::string(text)));
    case TypeId::kBlob:
      return read_bytea(text);
    case TypeId::kUuid:
      return read_uuid(text);
    case TypeId::kDate:
      return read_date(text);
    case TypeId::kTime:
      return read_time(text);
    case TypeId::kTimeTz:
      return read_timetz(text);
    case TypeId::kTimestamp:
    case TypeId::kTimestampS:
    case TypeId::kTimestampMs:
      return read_timestamp(text);
    case TypeId::kTimestampTz:
      return read_timestamptz(text, zone);
    case TypeId::kInterval:
      return read_interval(text);
    default:
      return std::optional<Value>();
  }
}

std::string duckdb_text(const Value& value) {
  using namespace engine;  // NOLINT: the writers of one room
  const auto integer = [&value] { return std::get<int64_t>(value.data); };
  switch (value.type) {
    case TypeId::kBoolean:
      return std::get<bool>(value.data) ? "true" : "false";
    case TypeId::kFloat:
      return written([&](char* at) { return write_float(at, static_cast<float>(std::get<double>(value.data))); });
    case TypeId::kDouble:
      return written([&](char* at) { return write_double(at, std::get<double>(value.data)); });
    case TypeId::kDecimal: {
      const auto& decimal = std::get<Decimal>(value.data);
      return written([&](char* at) { return write_decimal(at, decimal.value, decimal.scale); });
    }
    case TypeId::kHugeInt:
      return written([&](char* at) { return write_hugeint(at, std::get<Hugeint>(value.data)); });
    case TypeId::kUHugeInt:
      return written([&](char* at) { return write_uhugeint(at, std::get<UHugeint>(value.data)); });
    case TypeId::kUuid:
      return written([&](char* at) { return write_uuid(at, std::get<Hugeint>(value.data)); });
    case TypeId::kDate:
      return with_duckdb_era(written([&](char* at) { return write_date(at, static_cast<int32_t>(integer())); }));
    case TypeId::kTime:
      return written([&](char* at) { return write_time(at, integer()); });
    case TypeId::kTimeTz:
      return written([&](char* at) { return write_timetz(at, std::get<uint64_t>(value.data)); });
    case TypeId::kTimestamp:
      return with_duckdb_era(written([&](char* at) { return write_timestamp(at, integer(), TimeUnit::kMicros); }));
    case TypeId::kTimestampTz: {
      std::string text = written([&](char* at) { return write_timestamp(at, integer(), TimeUnit::kMicros); });
      const bool finite = integer() != kTimestampInfinity && integer() != kTimestampNegInfinity;
      return with_duckdb_era(std::move(text)) + (finite ? "+00" : "");
    }
    case TypeId::kInterval: {
      const auto& span = std::get<Interval>(value.data);
      return std::to_string(span.months) + " months " + std::to_string(span.days) + " days " +
             std::to_string(span.micros) + " microseconds";
    }
    case TypeId::kBlob: {
      constexpr char kHex[] = "0123456789ABCDEF";
      std::string text;
      for (const char c : std::get<std::string>(value.data)) {
        const auto byte = static_cast<uint8_t>(c);
        text.append({'\\', 'x', kHex[byte >> 4], kHex[byte & 15]});
      }
      return text;
    }
    default:
      break;
  }
  if (const auto* number = std::get_if<int64_t>(&value.data)) return std::to_string(*number);
  if (const auto* natural = std::get_if<uint64_t>(&value.data)) return std::to_string(*natural);
  if (const auto* text = std::get_if<std::string>(&value.data)) return *text;
  return "NULL";
}

}  // namespace merganser::pgwire

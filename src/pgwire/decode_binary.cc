#include "pgwire/decode_binary.h"

#include <bit>

#include "base/bytes.h"
#include "pgwire/decode_text.h"
#include "pgwire/numeric.h"
#include "pgwire/pgtype.h"

namespace merganser::pgwire {

using engine::Hugeint;
using engine::Interval;
using engine::TypeId;
using engine::Value;

namespace {

constexpr int64_t kEpochDays = 10957;  // PostgreSQL counts from 2000-01-01
constexpr int64_t kEpochMicros = kEpochDays * 86'400'000'000;
constexpr int64_t kMinTimestamp = -9223372022400000000;  // DuckDB's
constexpr int64_t kDayMicros = 86'400'000'000;
constexpr int32_t kMaxZoneSeconds = 16 * 3600 - 1;

Error bad_form(int32_t type_oid) {
  const PgType* const type = find_pg_type(type_oid);
  return make_error(ErrorCode::kInvalidBinaryRepresentation, "incorrect binary data format",
                    type == nullptr ? "" : "The parameter is of type " + std::string(type->words) + ".");
}
Error too_far(const char* what) {
  return make_error(ErrorCode::kDatetimeOverflow, std::string(what) + " out of range");
}

template <typename T>
Result<Value> read_fixed(int32_t type_oid, std::string_view bytes, TypeId type) {
  ByteReader in(bytes);
  const auto value = in.get<T>();
  if (!value || !in.empty()) return bad_form(type_oid);
  return Value{type, static_cast<int64_t>(*value)};
}

Result<Value> read_float4(std::string_view bytes) {
  ByteReader in(bytes);
  const auto bits = in.get<uint32_t>();
  if (!bits || !in.empty()) return bad_form(oid::kFloat4);
  return Value{TypeId::kFloat, static_cast<double>(std::bit_cast<float>(*bits))};
}

Result<Value> read_float8(std::string_view bytes) {
  ByteReader in(bytes);
  const auto bits = in.get<uint64_t>();
  if (!bits || !in.empty()) return bad_form(oid::kFloat8);
  return Value{TypeId::kDouble, std::bit_cast<double>(*bits)};
}

Result<Value> read_date_binary(std::string_view bytes) {
  ByteReader in(bytes);
  const auto days = in.get<int32_t>();
  if (!days || !in.empty()) return bad_form(oid::kDate);
  if (*days == INT32_MAX) return Value{TypeId::kDate, int64_t{engine::kDateInfinity}};
  if (*days == INT32_MIN) return Value{TypeId::kDate, int64_t{engine::kDateNegInfinity}};
  const int64_t since_1970 = *days + kEpochDays;
  if (since_1970 >= engine::kDateInfinity) return too_far("date");
  return Value{TypeId::kDate, since_1970};
}

Result<Value> read_time_binary(std::string_view bytes) {
  ByteReader in(bytes);
  const auto micros = in.get<int64_t>();
  if (!micros || !in.empty()) return bad_form(oid::kTime);
  if (*micros < 0 || *micros > kDayMicros) return too_far("time");
  return Value{TypeId::kTime, *micros};
}

Result<Value> read_timetz_binary(std::string_view bytes) {
  ByteReader in(bytes);
  const auto micros = in.get<int64_t>();
  const auto west = in.get<int32_t>();
  if (!micros || !west || !in.empty()) return bad_form(oid::kTimeTz);
  if (*micros < 0 || *micros > kDayMicros) return too_far("time");
  if (*west > kMaxZoneSeconds || *west < -kMaxZoneSeconds) return too_far("time zone displacement");
  return Value{TypeId::kTimeTz, static_cast<uint64_t>(*micros) << 24 | static_cast<uint64_t>(kMaxZoneSeconds + *west)};
}

Result<Value> read_timestamp_binary(std::string_view bytes, int32_t type_oid) {
  const TypeId type = type_oid == oid::kTimestamp ? TypeId::kTimestamp : TypeId::kTimestampTz;
  ByteReader in(bytes);
  const auto count = in.get<int64_t>();
  if (!count || !in.empty()) return bad_form(type_oid);
  if (*count == INT64_MAX) return Value{type, engine::kTimestampInfinity};
  if (*count == INT64_MIN) return Value{type, engine::kTimestampNegInfinity};
  int64_t micros = 0;
  if (__builtin_add_overflow(*count, kEpochMicros, &micros) || micros < kMinTimestamp ||
      micros == engine::kTimestampInfinity) {
    return too_far("timestamp");
  }
  return Value{type, micros};
}

Result<Value> read_interval_binary(std::string_view bytes) {
  ByteReader in(bytes);
  const auto micros = in.get<int64_t>();
  const auto days = in.get<int32_t>();
  const auto months = in.get<int32_t>();
  if (!micros || !days || !months || !in.empty()) return bad_form(oid::kInterval);
  return Value{TypeId::kInterval, Interval{*months, *days, *micros}};
}

Result<Value> read_uuid_binary(std::string_view bytes) {
  ByteReader in(bytes);
  const auto upper = in.get<uint64_t>();
  const auto lower = in.get<uint64_t>();
  if (!upper || !lower || !in.empty()) return bad_form(oid::kUuid);
  return Value{TypeId::kUuid, Hugeint{*lower, static_cast<int64_t>(*upper ^ (uint64_t{1} << 63))}};
}

Result<Value> read_numeric_binary(std::string_view bytes) {
  MERGANSER_ASSIGN(const std::string text, numeric_text(bytes));
  MERGANSER_ASSIGN(auto value, read_numeric(nullptr, text));
  return std::move(*value);
}

Result<Value> read_bits(std::string_view bytes, int32_t type_oid) {
  ByteReader in(bytes);
  const auto count = in.get<int32_t>();
  if (!count || *count < 0 || in.remaining() != (static_cast<size_t>(*count) + 7) / 8) return bad_form(type_oid);
  std::string text;
  text.reserve(static_cast<size_t>(*count));
  for (size_t i = 0; i < static_cast<size_t>(*count); ++i) {
    text.push_back(static_cast<uint8_t>(in.rest()[i / 8]) >> (7 - i % 8) & 1 ? '1' : '0');
  }
  return Value::varchar(std::move(text));
}

Result<Value> read_string(std::string_view bytes) {
  MERGANSER_TRY(check_utf8(bytes));
  return Value::varchar(std::string(bytes));
}

}  // namespace

Result<Value> read_binary(int32_t type_oid, std::string_view bytes) {
  switch (type_oid) {
    case oid::kBool: {
      if (bytes.size() != 1) return bad_form(type_oid);
      return Value{TypeId::kBoolean, bytes[0] != '\0'};
    }
    case oid::kInt2:
      return read_fixed<int16_t>(type_oid, bytes, TypeId::kSmallInt);
    case oid::kInt4:
      return read_fixed<int32_t>(type_oid, bytes, TypeId::kInteger);
    case oid::kInt8:
      return read_fixed<int64_t>(type_oid, bytes, TypeId::kBigInt);
    case oid::kOid:
    case oid::kXid:
      return read_fixed<uint32_t>(type_oid, bytes, TypeId::kBigInt);
    case oid::kFloat4:
      return read_float4(bytes);
    case oid::kFloat8:
      return read_float8(bytes);
    case oid::kNumeric:
      return read_numeric_binary(bytes);
    case oid::kBytea:
      return Value{TypeId::kBlob, std::string(bytes)};
    case oid::kDate:
      return read_date_binary(bytes);
    case oid::kTime:
      return read_time_binary(bytes);
    case oid::kTimeTz:
      return read_timetz_binary(bytes);
    case oid::kTimestamp:
    case oid::kTimestampTz:
      return read_timestamp_binary(bytes, type_oid);
    case oid::kInterval:
      return read_interval_binary(bytes);
    case oid::kUuid:
      return read_uuid_binary(bytes);
    case oid::kBit:
    case oid::kVarbit:
      return read_bits(bytes, type_oid);
    case oid::kJsonb:
      if (bytes.empty() || bytes[0] != 1) return bad_form(type_oid);  // a version number is in front
      return read_string(bytes.substr(1));
    case oid::kText:
    case oid::kVarchar:
    case oid::kBpchar:
    case oid::kName:
    case oid::kChar:
    case oid::kJson:
    case oid::kXml:
    case oid::kUnknown:
      return read_string(bytes);
    default:
      break;
  }
  const PgType* const known = find_pg_type(type_oid);
  if (known == nullptr) {
    return make_error(ErrorCode::kUndefinedObject, "type with OID " + std::to_string(type_oid) + " does not exist");
  }
  return make_error(ErrorCode::kFeatureNotSupported,
                    "no binary input function available for type " + std::string(known->words), {}, "Send it as text.");
}

}  // namespace merganser::pgwire

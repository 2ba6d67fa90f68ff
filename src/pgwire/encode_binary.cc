// Fields in binary format: the bytes of PostgreSQL's send functions.
#include <bit>

#include "base/civil.h"
#include "engine/value_text.h"
#include "pgwire/encode.h"
#include "pgwire/encode_field.h"
#include "pgwire/numeric.h"

namespace merganser::pgwire {

using engine::TextSink;
using engine::TypeId;
using engine::VectorView;
using Column = RowEncoder::Column;

namespace {

// PostgreSQL counts from 2000-01-01.
constexpr int64_t kEpochDays = 10957;
constexpr int64_t kEpochMicros = kEpochDays * 86'400'000'000;

void out_of_range(TextSink& sink, const char* what) {
  sink.fail(make_error(ErrorCode::kDatetimeOverflow, std::string(what) + " out of range",
                       "PostgreSQL's binary format cannot hold it.", "Ask for the column in text format."));
}

template <typename Stored, typename Wire>
void encode_int(const Column&, const VectorView& view, uint64_t row, TextSink& sink) {
  write_field(sink, static_cast<Wire>(view.at<Stored>(row)));
}

void encode_bool(const Column&, const VectorView& view, uint64_t row, TextSink& sink) {
  write_field(sink, static_cast<uint8_t>(view.at<uint8_t>(row) != 0));
}

void encode_float(const Column&, const VectorView& view, uint64_t row, TextSink& sink) {
  write_field(sink, std::bit_cast<uint32_t>(view.at<float>(row)));
}
void encode_double(const Column&, const VectorView& view, uint64_t row, TextSink& sink) {
  write_field(sink, std::bit_cast<uint64_t>(view.at<double>(row)));
}

void encode_string(const Column&, const VectorView& view, uint64_t row, TextSink& sink) {
  write_field(sink, view.string_at(row));
}
void encode_enum(const Column&, const VectorView& view, uint64_t row, TextSink& sink) {
  write_field(sink, engine::enum_label_at(view, row));
}
// Types that come as text or json: their binary form is their text.
void encode_as_text(const Column& column, const VectorView& view, uint64_t row, TextSink& sink) {
  write_long_field(sink, [&] { engine::append_text(sink, view, row, *column.zone); });
}

void encode_date(const Column&, const VectorView& view, uint64_t row, TextSink& sink) {
  const int32_t days = view.at<int32_t>(row);
  if (days == engine::kDateInfinity) return write_field(sink, INT32_MAX);
  if (days == engine::kDateNegInfinity) return write_field(sink, INT32_MIN);
  const int64_t since_2000 = days - kEpochDays;
  if (since_2000 <= INT32_MIN) return out_of_range(sink, "date");
  write_field(sink, static_cast<int32_t>(since_2000));
}

void encode_time(const Column&, const VectorView& view, uint64_t row, TextSink& sink) {
  write_field(sink, view.at<int64_t>(row));
}

void encode_timetz(const Column&, const VectorView& view, uint64_t row, TextSink& sink) {
  constexpr int32_t kBias = 16 * 3600 - 1;
  const uint64_t bits = view.at<uint64_t>(row);
  write_short_field(sink, [bits](char* at) {
    store_big_endian(at, static_cast<int64_t>(bits >> 24));
    store_big_endian(at + 8, static_cast<int32_t>(bits & 0xffffff) - kBias);  // seconds west of Greenwich
    return at + 12;
  });
}

template <int64_t MicrosPerCount>
void encode_timestamp(const Column&, const VectorView& view, uint64_t row, TextSink& sink) {
  const int64_t count = view.at<int64_t>(row);
  if (count == engine::kTimestampInfinity) return write_field(sink, INT64_MAX);
  if (count == engine::kTimestampNegInfinity) return write_field(sink, INT64_MIN);
  int64_t micros = 0;
  if (__builtin_mul_overflow(count, MicrosPerCount, &micros) || __builtin_sub_overflow(micros, kEpochMicros, &micros) ||
      micros == INT64_MIN) {
    return out_of_range(sink, "timestamp");
  }
  write_field(sink, micros);
}

void encode_interval(const Column&, const VectorView& view, uint64_t row, TextSink& sink) {
  const auto& value = view.at<engine::Interval>(row);
  write_short_field(sink, [&value](char* at) {
    store_big_endian(at, value.micros);
    store_big_endian(at + 8, value.days);
    store_big_endian(at + 12, value.months);
    return at + 16;
  });
}

void encode_uuid(const Column&, const VectorView& view, uint64_t row, TextSink& sink) {
  const auto& value = view.at<engine::Hugeint>(row);
  write_short_field(sink, [&value](char* at) {
    store_big_endian(at, static_cast<uint64_t>(value.upper) ^ (uint64_t{1} << 63));
    store_big_endian(at + 8, value.lower);
    return at + 16;
  });
}

// The digits as text first: at most 40 of them, and one routine for every kind of number.
template <typename Stored, auto Write>
void encode_whole_numeric(const Column&, const VectorView& view, uint64_t row, TextSink& sink) {
  char digits[engine::kMaxScalarText];
  const char* const end = Write(digits, view.at<Stored>(row));
  write_long_field(sink, [&] { append_numeric(sink, {digits, static_cast<size_t>(end - digits)}); });
}
void encode_decimal(const Column& column, const VectorView& view, uint64_t row, TextSink& sink) {
  char digits[engine::kMaxScalarText];
  const char* const end = engine::write_decimal(digits, engine::decimal_at(view, row), column.type->scale);
  write_long_field(sink, [&] { append_numeric(sink, {digits, static_cast<size_t>(end - digits)}); });
}
void encode_bignum(const Column&, const VectorView& view, uint64_t row, TextSink& sink) {
  std::string digits;
  TextSink text(digits, kMaxRowBytes);
  engine::append_bignum(text, view.string_at(row));
  if (text.failed()) return sink.fail(text.take_error());
  text.finish();
  write_long_field(sink, [&] { append_numeric(sink, digits); });
}

// DuckDB right-aligns the bits after a byte that counts the unused ones; PostgreSQL left-aligns them after their
// number.
void encode_bit(const Column&, const VectorView& view, uint64_t row, TextSink& sink) {
  const std::string_view stored = view.string_at(row);
  write_long_field(sink, [&] {
    if (stored.size() < 2) return append_big_endian(sink, int32_t{0});
    const unsigned unused = static_cast<uint8_t>(stored[0]) & 7;
    const std::string_view bytes = stored.substr(1);
    append_big_endian(sink, static_cast<int32_t>(bytes.size() * 8 - unused));
    const auto byte_at = [&bytes](size_t i) { return i < bytes.size() ? static_cast<uint8_t>(bytes[i]) : 0u; };
    for (size_t i = 0; i < bytes.size() && !sink.failed(); ++i) {
      sink.put(static_cast<char>((byte_at(i) << unused | byte_at(i + 1) >> (8 - unused)) & 0xff));
    }
  });
}

// One dimension, or none when empty; elements with their own lengths.
void encode_array(const Column& column, const VectorView& view, uint64_t row, TextSink& sink) {
  const VectorView& elements = view.children[0];
  const engine::ListEntry entry = engine::list_entry_at(view, row);
  bool has_null = false;
  for (uint64_t i = 0; i < entry.length && !has_null; ++i) has_null = !elements.valid(entry.offset + i);
  if (entry.length > INT32_MAX) {
    return sink.fail(make_error(ErrorCode::kProgramLimitExceeded, "an array has too many elements"));
  }
  write_long_field(sink, [&] {
    append_big_endian(sink, int32_t{entry.length == 0 ? 0 : 1});
    append_big_endian(sink, int32_t{has_null ? 1 : 0});
    append_big_endian(sink, column.element_oid);
    if (entry.length == 0) return;
    append_big_endian(sink, static_cast<int32_t>(entry.length));
    append_big_endian(sink, int32_t{1});  // lower bound
    for (uint64_t i = entry.offset; i < entry.offset + entry.length && !sink.failed(); ++i) {
      elements.valid(i) ? column.element->encode(*column.element, elements, i, sink) : write_null(sink);
    }
  });
}

RowEncoder::EncodeField choose(const engine::LogicalType& type) {
  switch (type.id) {
    case TypeId::kBoolean:
      return encode_bool;
    case TypeId::kTinyInt:
      return encode_int<int8_t, int16_t>;
    case TypeId::kUTinyInt:
      return encode_int<uint8_t, int16_t>;
    case TypeId::kSmallInt:
      return encode_int<int16_t, int16_t>;
    case TypeId::kUSmallInt:
      return encode_int<uint16_t, int32_t>;
    case TypeId::kInteger:
      return encode_int<int32_t, int32_t>;
    case TypeId::kUInteger:
      return encode_int<uint32_t, int64_t>;
    case TypeId::kBigInt:
    case TypeId::kIntegerLiteral:
      return encode_int<int64_t, int64_t>;
    case TypeId::kUBigInt:
      return encode_whole_numeric<uint64_t, engine::write_uint>;
    case TypeId::kHugeInt:
      return encode_whole_numeric<engine::Hugeint, engine::write_hugeint>;
    case TypeId::kUHugeInt:
      return encode_whole_numeric<engine::UHugeint, engine::write_uhugeint>;
    case TypeId::kBignum:
      return encode_bignum;
    case TypeId::kDecimal:
      return encode_decimal;
    case TypeId::kFloat:
      return encode_float;
    case TypeId::kDouble:
      return encode_double;
    case TypeId::kDate:
      return encode_date;
    case TypeId::kTime:
      return encode_time;
    case TypeId::kTimeTz:
      return encode_timetz;
    case TypeId::kTimestampS:
      return encode_timestamp<1'000'000>;
    case TypeId::kTimestampMs:
      return encode_timestamp<1'000>;
    case TypeId::kTimestamp:
    case TypeId::kTimestampTz:
      return encode_timestamp<1>;
    case TypeId::kInterval:
      return encode_interval;
    case TypeId::kUuid:
      return encode_uuid;
    case TypeId::kBit:
      return encode_bit;
    case TypeId::kVarchar:
    case TypeId::kBlob:
      return encode_string;
    case TypeId::kEnum:
      return encode_enum;
    case TypeId::kList:
    case TypeId::kArray:
      return pg_type_of(type).element != 0 ? encode_array : encode_as_text;
    default:
      return encode_as_text;
  }
}

}  // namespace

void choose_binary_encoder(RowEncoder::Column& column) {
  column.encode = choose(*column.type);
  const PgType type = pg_type_of(*column.type);
  if (type.element == 0) return;
  column.element_oid = type.element;
  column.element = std::make_unique<Column>();
  column.element->type = column.type->children[0].type;
  column.element->format = Format::kBinary;
  column.element->zone = column.zone;
  choose_binary_encoder(*column.element);
}

}  // namespace merganser::pgwire

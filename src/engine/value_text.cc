#include "engine/value_text.h"

#include <algorithm>
#include <cstdlib>

#include "engine/value_json.h"

namespace merganser::engine {

namespace {

constexpr char kHex[] = "0123456789abcdef";

char* write_hex_byte(char* at, uint8_t byte) {
  *at++ = kHex[byte >> 4];
  *at++ = kHex[byte & 15];
  return at;
}

}  // namespace

char* write_uuid(char* at, Hugeint value) {
  const uint64_t upper = static_cast<uint64_t>(value.upper) ^ (uint64_t{1} << 63);
  for (int i = 0; i < 16; ++i) {
    const uint64_t half = i < 8 ? upper : value.lower;
    if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
    at = write_hex_byte(at, static_cast<uint8_t>(half >> (56 - 8 * (i % 8))));
  }
  return at;
}

void append_blob(TextSink& sink, std::string_view bytes) {
  sink.append("\\x");
  constexpr size_t kStep = TextSink::kRoom / 2;
  for (; !bytes.empty() && !sink.failed(); bytes.remove_prefix(std::min(kStep, bytes.size()))) {
    char* at = sink.room();
    for (const char c : bytes.substr(0, kStep)) at = write_hex_byte(at, static_cast<uint8_t>(c));
    sink.wrote_to(at);
  }
}

void append_bit(TextSink& sink, std::string_view stored) {
  if (stored.size() < 2) return;
  const auto unused = std::min<size_t>(static_cast<uint8_t>(stored[0]), 8);
  for (size_t byte = 1; byte < stored.size() && !sink.failed(); ++byte) {
    char* at = sink.room();
    for (size_t bit = byte == 1 ? unused : 0; bit < 8; ++bit) {
      *at++ = static_cast<char>('0' + (static_cast<uint8_t>(stored[byte]) >> (7 - bit) & 1));
    }
    sink.wrote_to(at);
  }
}

std::string_view enum_label_at(const VectorView& column, uint64_t row) {
  uint32_t index = 0;
  switch (column.type->storage) {
    case TypeId::kUTinyInt:
      index = column.at<uint8_t>(row);
      break;
    case TypeId::kUSmallInt:
      index = column.at<uint16_t>(row);
      break;
    default:
      index = column.at<uint32_t>(row);
      break;
  }
  const auto& labels = column.type->enum_values;
  return index < labels.size() ? std::string_view(labels[index]) : std::string_view();
}

ListEntry list_entry_at(const VectorView& column, uint64_t row) {
  const uint64_t size = column.type->array_size;
  return column.type->id == TypeId::kArray ? ListEntry{row * size, size} : column.at<ListEntry>(row);
}

void append_text(TextSink& sink, const VectorView& column, uint64_t row, const TimeZone& zone) {
  const auto wrote = [&sink](char* end) { sink.wrote_to(end); };
  switch (column.type->id) {
    case TypeId::kBoolean:
      return sink.put(column.at<uint8_t>(row) != 0 ? 't' : 'f');
    case TypeId::kTinyInt:
      return wrote(write_int(sink.room(), column.at<int8_t>(row)));
    case TypeId::kSmallInt:
      return wrote(write_int(sink.room(), column.at<int16_t>(row)));
    case TypeId::kInteger:
      return wrote(write_int(sink.room(), column.at<int32_t>(row)));
    case TypeId::kBigInt:
    case TypeId::kIntegerLiteral:
      return wrote(write_int(sink.room(), column.at<int64_t>(row)));
    case TypeId::kUTinyInt:
      return wrote(write_uint(sink.room(), column.at<uint8_t>(row)));
    case TypeId::kUSmallInt:
      return wrote(write_uint(sink.room(), column.at<uint16_t>(row)));
    case TypeId::kUInteger:
      return wrote(write_uint(sink.room(), column.at<uint32_t>(row)));
    case TypeId::kUBigInt:
      return wrote(write_uint(sink.room(), column.at<uint64_t>(row)));
    case TypeId::kHugeInt:
      return wrote(write_hugeint(sink.room(), column.at<Hugeint>(row)));
    case TypeId::kUHugeInt:
      return wrote(write_uhugeint(sink.room(), column.at<UHugeint>(row)));
    case TypeId::kDecimal:
      return wrote(write_decimal(sink.room(), decimal_at(column, row), column.type->scale));
    case TypeId::kFloat:
      return wrote(write_float(sink.room(), column.at<float>(row)));
    case TypeId::kDouble:
      return wrote(write_double(sink.room(), column.at<double>(row)));
    case TypeId::kDate:
      return wrote(write_date(sink.room(), column.at<int32_t>(row)));
    case TypeId::kTime:
      return wrote(write_time(sink.room(), column.at<int64_t>(row)));
    case TypeId::kTimeNs:
      return wrote(write_time_ns(sink.room(), column.at<int64_t>(row)));
    case TypeId::kTimeTz:
      return wrote(write_timetz(sink.room(), column.at<uint64_t>(row)));
    case TypeId::kTimestampS:
      return wrote(write_timestamp(sink.room(), column.at<int64_t>(row), TimeUnit::kSeconds));
    case TypeId::kTimestampMs:
      return wrote(write_timestamp(sink.room(), column.at<int64_t>(row), TimeUnit::kMillis));
    case TypeId::kTimestamp:
      return wrote(write_timestamp(sink.room(), column.at<int64_t>(row), TimeUnit::kMicros));
    case TypeId::kTimestampNs:
      return wrote(write_timestamp(sink.room(), column.at<int64_t>(row), TimeUnit::kNanos));
    case TypeId::kTimestampTz:
      return wrote(write_timestamptz(sink.room(), column.at<int64_t>(row), zone));
    case TypeId::kInterval:
      return wrote(write_interval(sink.room(), column.at<Interval>(row)));
    case TypeId::kUuid:
      return wrote(write_uuid(sink.room(), column.at<Hugeint>(row)));
    case TypeId::kVarchar:
    case TypeId::kStringLiteral:
      return sink.append(column.string_at(row));
    case TypeId::kBlob:
      return append_blob(sink, column.string_at(row));
    case TypeId::kBit:
      return append_bit(sink, column.string_at(row));
    case TypeId::kBignum:
      return append_bignum(sink, column.string_at(row));
    case TypeId::kGeometry:
      return append_geometry(sink, column.string_at(row));
    case TypeId::kEnum:
      return sink.append(enum_label_at(column, row));
    case TypeId::kList:
    case TypeId::kArray:
    case TypeId::kStruct:
    case TypeId::kMap:
    case TypeId::kUnion:
    case TypeId::kVariant:
      return append_json(sink, column, row, zone);
    case TypeId::kInvalid:
    case TypeId::kAny:
    case TypeId::kSqlNull:
      break;
  }
  sink.fail(make_error(ErrorCode::kFeatureNotSupported, "a value of this type cannot be sent",
                       "DuckDB's type number is " + std::to_string(static_cast<int>(column.type->id)) + ".",
                       "Cast it to VARCHAR."));
}

}  // namespace merganser::engine

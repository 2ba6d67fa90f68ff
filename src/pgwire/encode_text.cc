// Fields in text format: what psql shows.
#include <cctype>

#include "engine/value_text.h"
#include "pgwire/encode.h"
#include "pgwire/encode_field.h"

namespace merganser::pgwire {

using engine::TextSink;
using engine::TypeId;
using engine::VectorView;
using Column = RowEncoder::Column;

namespace {

void encode_bool(const Column&, const VectorView& view, uint64_t row, TextSink& sink) {
  write_short_field(sink, [&](char* at) {
    *at = view.at<uint8_t>(row) != 0 ? 't' : 'f';
    return at + 1;
  });
}

template <typename Stored, auto Write>
void encode_scalar(const Column&, const VectorView& view, uint64_t row, TextSink& sink) {
  write_short_field(sink, [&](char* at) { return Write(at, view.at<Stored>(row)); });
}

template <engine::TimeUnit Unit>
void encode_timestamp(const Column&, const VectorView& view, uint64_t row, TextSink& sink) {
  write_short_field(sink, [&](char* at) { return engine::write_timestamp(at, view.at<int64_t>(row), Unit); });
}

void encode_timestamptz(const Column& column, const VectorView& view, uint64_t row, TextSink& sink) {
  write_short_field(sink, [&](char* at) { return engine::write_timestamptz(at, view.at<int64_t>(row), *column.zone); });
}

void encode_decimal(const Column& column, const VectorView& view, uint64_t row, TextSink& sink) {
  write_short_field(
      sink, [&](char* at) { return engine::write_decimal(at, engine::decimal_at(view, row), column.type->scale); });
}

void encode_string(const Column&, const VectorView& view, uint64_t row, TextSink& sink) {
  write_field(sink, view.string_at(row));
}

void encode_enum(const Column&, const VectorView& view, uint64_t row, TextSink& sink) {
  write_field(sink, engine::enum_label_at(view, row));
}

// Types that are rare, long or nested.
void encode_any(const Column& column, const VectorView& view, uint64_t row, TextSink& sink) {
  write_long_field(sink, [&] { engine::append_text(sink, view, row, *column.zone); });
}

bool is_array_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// array_out's rule: empty, the word NULL, or anything that the array syntax uses.
bool needs_quotes(std::string_view element) {
  if (element.empty()) return true;
  if (element.size() == 4 && std::tolower(element[0]) == 'n' && std::tolower(element[1]) == 'u' &&
      std::tolower(element[2]) == 'l' && std::tolower(element[3]) == 'l') {
    return true;
  }
  for (const char c : element) {
    if (c == '"' || c == '\\' || c == '{' || c == '}' || c == ',' || is_array_space(c)) return true;
  }
  return false;
}

// The element was written at [start, end of the sink); quotes it there.
void quote_in_place(TextSink& sink, size_t start) {
  const std::string_view element(sink.at(start), sink.size() - start);
  if (!needs_quotes(element)) return;
  size_t escapes = 0;
  for (const char c : element) escapes += c == '"' || c == '\\' ? 1 : 0;
  const size_t length = element.size();
  sink.expect(escapes + 2);
  char* const first = sink.at(start);
  char* to = first + length + escapes + 2;
  sink.wrote_to(to);
  *--to = '"';
  for (size_t i = length; i-- > 0;) {
    *--to = first[i];
    if (first[i] == '"' || first[i] == '\\') *--to = '\\';
  }
  *--to = '"';
}

bool never_needs_quotes(TypeId id) {
  switch (id) {
    case TypeId::kBoolean:
    case TypeId::kTinyInt:
    case TypeId::kSmallInt:
    case TypeId::kInteger:
    case TypeId::kBigInt:
    case TypeId::kUTinyInt:
    case TypeId::kUSmallInt:
    case TypeId::kUInteger:
    case TypeId::kUBigInt:
    case TypeId::kHugeInt:
    case TypeId::kUHugeInt:
    case TypeId::kBignum:
    case TypeId::kFloat:
    case TypeId::kDouble:
    case TypeId::kDecimal:
    case TypeId::kUuid:
      return true;
    default:
      return false;
  }
}

void encode_array(const Column& column, const VectorView& view, uint64_t row, TextSink& sink) {
  const VectorView& elements = view.children[0];
  const engine::ListEntry entry = engine::list_entry_at(view, row);
  const bool plain = never_needs_quotes(elements.type->id);
  write_long_field(sink, [&] {
    sink.put('{');
    for (uint64_t i = entry.offset; i < entry.offset + entry.length && !sink.failed(); ++i) {
      if (i > entry.offset) sink.put(',');
      if (!elements.valid(i)) {
        sink.append("NULL");
        continue;
      }
      const size_t start = sink.size();
      engine::append_text(sink, elements, i, *column.zone);
      if (!plain && !sink.failed()) quote_in_place(sink, start);
    }
    sink.put('}');
  });
}

RowEncoder::EncodeField choose(const engine::LogicalType& type) {
  switch (type.id) {
    case TypeId::kBoolean:
      return encode_bool;
    case TypeId::kTinyInt:
      return encode_scalar<int8_t, engine::write_int>;
    case TypeId::kSmallInt:
      return encode_scalar<int16_t, engine::write_int>;
    case TypeId::kInteger:
      return encode_scalar<int32_t, engine::write_int>;
    case TypeId::kBigInt:
      return encode_scalar<int64_t, engine::write_int>;
    case TypeId::kUTinyInt:
      return encode_scalar<uint8_t, engine::write_uint>;
    case TypeId::kUSmallInt:
      return encode_scalar<uint16_t, engine::write_uint>;
    case TypeId::kUInteger:
      return encode_scalar<uint32_t, engine::write_uint>;
    case TypeId::kUBigInt:
      return encode_scalar<uint64_t, engine::write_uint>;
    case TypeId::kHugeInt:
      return encode_scalar<engine::Hugeint, engine::write_hugeint>;
    case TypeId::kUHugeInt:
      return encode_scalar<engine::UHugeint, engine::write_uhugeint>;
    case TypeId::kFloat:
      return encode_scalar<float, engine::write_float>;
    case TypeId::kDouble:
      return encode_scalar<double, engine::write_double>;
    case TypeId::kDecimal:
      return encode_decimal;
    case TypeId::kDate:
      return encode_scalar<int32_t, engine::write_date>;
    case TypeId::kTime:
      return encode_scalar<int64_t, engine::write_time>;
    case TypeId::kTimeTz:
      return encode_scalar<uint64_t, engine::write_timetz>;
    case TypeId::kTimestampS:
      return encode_timestamp<engine::TimeUnit::kSeconds>;
    case TypeId::kTimestampMs:
      return encode_timestamp<engine::TimeUnit::kMillis>;
    case TypeId::kTimestamp:
      return encode_timestamp<engine::TimeUnit::kMicros>;
    case TypeId::kTimestampNs:
      return encode_timestamp<engine::TimeUnit::kNanos>;
    case TypeId::kTimestampTz:
      return encode_timestamptz;
    case TypeId::kInterval:
      return encode_scalar<engine::Interval, engine::write_interval>;
    case TypeId::kUuid:
      return encode_scalar<engine::Hugeint, engine::write_uuid>;
    case TypeId::kVarchar:
      return encode_string;
    case TypeId::kEnum:
      return encode_enum;
    case TypeId::kList:
    case TypeId::kArray:
      return pg_type_of(type).element != 0 ? encode_array : encode_any;
    default:
      return encode_any;
  }
}

}  // namespace

void choose_text_encoder(RowEncoder::Column& column) {
  column.encode = choose(*column.type);
}

}  // namespace merganser::pgwire

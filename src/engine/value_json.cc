#include "engine/value_json.h"

#include "engine/value_text.h"

namespace merganser::engine {

namespace {

bool is_number(TypeId id) {
  switch (id) {
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
    case TypeId::kIntegerLiteral:
    case TypeId::kDecimal:
    case TypeId::kBignum:
      return true;
    default:
      return false;
  }
}

// A number, or a string when it has no digits (NaN, infinities).
void append_floating(TextSink& sink, const char* text, const char* end) {
  const std::string_view view(text, static_cast<size_t>(end - text));
  const char last = view.back();
  if (last >= '0' && last <= '9') return sink.append(view);
  append_json_string(sink, view);
}

void append_array(TextSink& sink, const VectorView& child, ListEntry entry, const TimeZone& zone) {
  sink.put('[');
  for (uint64_t i = 0; i < entry.length && !sink.failed(); ++i) {
    if (i > 0) sink.put(',');
    append_json(sink, child, entry.offset + i, zone);
  }
  sink.put(']');
}

void append_struct(TextSink& sink, const VectorView& column, uint64_t row, const TimeZone& zone) {
  const auto& fields = column.type->children;
  const bool named = !fields.empty() && !fields.front().name.empty();
  sink.put(named ? '{' : '[');
  for (size_t i = 0; i < fields.size() && !sink.failed(); ++i) {
    if (i > 0) sink.put(',');
    if (named) {
      append_json_string(sink, fields[i].name);
      sink.put(':');
    }
    append_json(sink, column.children[i], row, zone);
  }
  sink.put(named ? '}' : ']');
}

// A key is the text of its value, even when that is JSON itself.
void append_key(TextSink& sink, const VectorView& keys, uint64_t row, const TimeZone& zone) {
  if (!keys.valid(row)) return append_json_string(sink, "null");
  if (keys.type->id == TypeId::kVarchar) return append_json_string(sink, keys.string_at(row));
  std::string text;
  {
    TextSink key(text, TextSink::kRoom * size_t{4096});
    append_text(key, keys, row, zone);
    if (key.failed()) return sink.fail(key.take_error());
  }
  append_json_string(sink, text);
}

void append_map(TextSink& sink, const VectorView& column, uint64_t row, const TimeZone& zone) {
  const auto& entry = column.at<ListEntry>(row);
  const VectorView& pairs = column.children[0];
  sink.put('{');
  for (uint64_t i = 0; i < entry.length && !sink.failed(); ++i) {
    if (i > 0) sink.put(',');
    append_key(sink, pairs.children[0], entry.offset + i, zone);
    sink.put(':');
    append_json(sink, pairs.children[1], entry.offset + i, zone);
  }
  sink.put('}');
}

void append_union(TextSink& sink, const VectorView& column, uint64_t row, const TimeZone& zone) {
  const size_t tag = column.children[0].at<uint8_t>(row);
  if (tag >= column.type->children.size()) return sink.append("null");
  sink.put('{');
  append_json_string(sink, column.type->children[tag].name);
  sink.put(':');
  append_json(sink, column.children[tag + 1], row, zone);
  sink.put('}');
}

}  // namespace

void append_json_string(TextSink& sink, std::string_view text) {
  sink.put('"');
  size_t plain = 0;  // where the run of characters begins that need no escape
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    sink.append(text.substr(plain, i - plain));
    plain = i + 1;
    constexpr std::string_view kShort = "\b\t\n\f\r\"\\";
    constexpr std::string_view kNames = "btnfr\"\\";
    if (const size_t known = kShort.find(static_cast<char>(c)); known != kShort.npos) {
      sink.put('\\');
      sink.put(kNames[known]);
    } else {
      constexpr char kHex[] = "0123456789abcdef";
      const char escape[] = {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
      sink.append({escape, sizeof escape});
    }
  }
  sink.append(text.substr(plain));
  sink.put('"');
}

void append_json(TextSink& sink, const VectorView& column, uint64_t row, const TimeZone& zone) {
  if (!column.valid(row)) return sink.append("null");
  char text[kMaxScalarText];
  const auto quoted = [&](const char* end) { append_json_string(sink, {text, static_cast<size_t>(end - text)}); };
  switch (column.type->id) {
    case TypeId::kBoolean:
      return sink.append(column.at<uint8_t>(row) != 0 ? "true" : "false");
    case TypeId::kFloat:
      return append_floating(sink, text, write_float(text, column.at<float>(row)));
    case TypeId::kDouble:
      return append_floating(sink, text, write_double(text, column.at<double>(row)));
    case TypeId::kVarchar:
      if (column.type->is_json()) return sink.append(column.string_at(row));
      return append_json_string(sink, column.string_at(row));
    case TypeId::kTimestampS:
      return quoted(write_timestamp(text, column.at<int64_t>(row), TimeUnit::kSeconds, 'T'));
    case TypeId::kTimestampMs:
      return quoted(write_timestamp(text, column.at<int64_t>(row), TimeUnit::kMillis, 'T'));
    case TypeId::kTimestamp:
      return quoted(write_timestamp(text, column.at<int64_t>(row), TimeUnit::kMicros, 'T'));
    case TypeId::kTimestampNs:
      return quoted(write_timestamp(text, column.at<int64_t>(row), TimeUnit::kNanos, 'T'));
    case TypeId::kTimestampTz:
      return quoted(write_timestamptz(text, column.at<int64_t>(row), zone, 'T', true));
    case TypeId::kEnum:
      return append_json_string(sink, enum_label_at(column, row));
    case TypeId::kList:
    case TypeId::kArray:
      return append_array(sink, column.children[0], list_entry_at(column, row), zone);
    case TypeId::kStruct:
      return append_struct(sink, column, row, zone);
    case TypeId::kMap:
      return append_map(sink, column, row, zone);
    case TypeId::kUnion:
      return append_union(sink, column, row, zone);
    case TypeId::kVariant:
      return append_variant_json(sink, column, row, zone);
    case TypeId::kBlob: {
      // The backslash of \x is the only character that JSON escapes.
      sink.append("\"\\");
      append_blob(sink, column.string_at(row));
      return sink.put('"');
    }
    default:
      break;
  }
  if (is_number(column.type->id)) return append_text(sink, column, row, zone);
  // Dates, times, bits, uuids, geometries: texts without a character that JSON escapes.
  sink.put('"');
  append_text(sink, column, row, zone);
  sink.put('"');
}

}  // namespace merganser::engine

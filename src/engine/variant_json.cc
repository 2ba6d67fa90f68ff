// VARIANT as JSON. DuckDB stores one as four parts: the keys of all objects in it, the children of its nested values
// (which key, which value), its values (a type and an offset), and the bytes of those values. Value 0 is the whole.
#include "engine/int128.h"
#include "engine/value_json.h"
#include "engine/value_text.h"

namespace merganser::engine {

namespace {

constexpr int kMaxDepth = 1000;  // nested values; recursion stays within a thread's stack

// DuckDB's VariantLogicalType (duckdb/common/types/variant.hpp).
enum class Kind : uint8_t {
  kNull,
  kTrue,
  kFalse,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kInt128,
  kUInt8,
  kUInt16,
  kUInt32,
  kUInt64,
  kUInt128,
  kFloat,
  kDouble,
  kDecimal,
  kVarchar,
  kBlob,
  kUuid,
  kDate,
  kTime,
  kTimeNs,
  kTimestampS,
  kTimestampMs,
  kTimestamp,
  kTimestampNs,
  kTimeTz,
  kTimestampTz,
  kInterval,
  kObject,
  kArray,
  kBignum,
  kBit,
  kGeometry,
};

class Writer {
 public:
  Writer(TextSink& sink, const VectorView& column, uint64_t row, const TimeZone& zone)
      : sink_(sink),
        zone_(zone),
        keys_(column.children[0]),
        children_(column.children[1]),
        values_(column.children[2]),
        key_list_(keys_.at<ListEntry>(row)),
        child_list_(children_.at<ListEntry>(row)),
        value_list_(values_.at<ListEntry>(row)),
        bytes_(column.children[3].string_at(row)) {}

  bool write(uint32_t index, int depth) {
    if (index >= value_list_.length || depth > kMaxDepth) return false;
    const VectorView& value = values_.children[0];
    const uint64_t at = value_list_.offset + index;
    const auto kind = static_cast<Kind>(value.children[0].at<uint8_t>(at));
    const size_t offset = value.children[1].at<uint32_t>(at);
    if (offset > bytes_.size()) return false;
    in_ = bytes_.substr(offset);
    if (kind == Kind::kObject || kind == Kind::kArray) return write_nested(kind == Kind::kObject, depth);
    return write_scalar(kind);
  }

 private:
  template <typename T>
  bool read(T& value) {
    if (in_.size() < sizeof value) return false;
    std::memcpy(&value, in_.data(), sizeof value);
    in_.remove_prefix(sizeof value);
    return true;
  }
  // Seven bits a byte, least significant first.
  bool read_varint(uint32_t& value) {
    value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      uint8_t byte = 0;
      if (!read(byte)) return false;
      value |= static_cast<uint32_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return true;
    }
    return false;
  }
  bool read_string(std::string_view& text) {
    uint32_t length = 0;
    if (!read_varint(length) || in_.size() < length) return false;
    text = in_.substr(0, length);
    return true;
  }

  bool write_nested(bool object, int depth) {
    uint32_t count = 0, first = 0;
    if (!read_varint(count) || (count > 0 && !read_varint(first))) return false;
    if (uint64_t{first} + count > child_list_.length) return false;
    sink_.put(object ? '{' : '[');
    for (uint32_t i = 0; i < count; ++i) {
      const VectorView& child = children_.children[0];
      const uint64_t at = child_list_.offset + first + i;
      if (i > 0) sink_.put(',');
      if (object) {
        const uint32_t key = child.children[0].at<uint32_t>(at);
        if (key >= key_list_.length) return false;
        append_json_string(sink_, keys_.children[0].string_at(key_list_.offset + key));
        sink_.put(':');
      }
      if (!write(child.children[1].at<uint32_t>(at), depth + 1) || sink_.failed()) return false;
    }
    sink_.put(object ? '}' : ']');
    return true;
  }

  // Values that a vector may hold are written as if they were one of a vector with one row.
  template <typename T>
  bool write_as(TypeId id) {
    T value;
    if (!read(value)) return false;
    return write_row(*make_type(id), &value);
  }
  bool write_row(const LogicalType& type, const void* data) {
    VectorView row;
    row.type = &type;
    row.data = data;
    append_json(sink_, row, 0, zone_);
    return true;
  }
  bool write_string_as(TypeId id) {
    std::string_view text;
    if (!read_string(text)) return false;
    StringRef ref{};
    ref.length = static_cast<uint32_t>(text.size());
    if (text.size() <= 12) {
      std::memcpy(reinterpret_cast<char*>(&ref) + offsetof(StringRef, prefix_or_inlined), text.data(), text.size());
    } else {
      ref.pointer = text.data();
    }
    return write_row(*make_type(id), &ref);
  }
  template <typename T>
  bool write_decimal_as(uint32_t scale) {
    T value;
    if (!read(value)) return false;
    const Hugeint wide{static_cast<uint64_t>(value), value < 0 ? -1 : 0};
    sink_.wrote_to(write_decimal(sink_.room(), wide, static_cast<uint8_t>(scale)));
    return true;
  }
  bool write_decimal_value() {
    uint32_t width = 0, scale = 0;
    if (!read_varint(width) || !read_varint(scale) || width > 38 || scale > 38) return false;
    if (width <= 4) return write_decimal_as<int16_t>(scale);
    if (width <= 9) return write_decimal_as<int32_t>(scale);
    if (width <= 18) return write_decimal_as<int64_t>(scale);
    Hugeint value{};
    if (!read(value)) return false;
    sink_.wrote_to(write_decimal(sink_.room(), value, static_cast<uint8_t>(scale)));
    return true;
  }

  bool write_scalar(Kind kind) {
    switch (kind) {
      case Kind::kNull:
        return sink_.append("null"), true;
      case Kind::kTrue:
        return sink_.append("true"), true;
      case Kind::kFalse:
        return sink_.append("false"), true;
      case Kind::kInt8:
        return write_as<int8_t>(TypeId::kTinyInt);
      case Kind::kInt16:
        return write_as<int16_t>(TypeId::kSmallInt);
      case Kind::kInt32:
        return write_as<int32_t>(TypeId::kInteger);
      case Kind::kInt64:
        return write_as<int64_t>(TypeId::kBigInt);
      case Kind::kInt128:
        return write_as<Hugeint>(TypeId::kHugeInt);
      case Kind::kUInt8:
        return write_as<uint8_t>(TypeId::kUTinyInt);
      case Kind::kUInt16:
        return write_as<uint16_t>(TypeId::kUSmallInt);
      case Kind::kUInt32:
        return write_as<uint32_t>(TypeId::kUInteger);
      case Kind::kUInt64:
        return write_as<uint64_t>(TypeId::kUBigInt);
      case Kind::kUInt128:
        return write_as<UHugeint>(TypeId::kUHugeInt);
      case Kind::kFloat:
        return write_as<float>(TypeId::kFloat);
      case Kind::kDouble:
        return write_as<double>(TypeId::kDouble);
      case Kind::kDecimal:
        return write_decimal_value();
      case Kind::kVarchar:
        return write_string_as(TypeId::kVarchar);
      case Kind::kBlob:
        return write_string_as(TypeId::kBlob);
      case Kind::kUuid:
        return write_as<Hugeint>(TypeId::kUuid);
      case Kind::kDate:
        return write_as<int32_t>(TypeId::kDate);
      case Kind::kTime:
        return write_as<int64_t>(TypeId::kTime);
      case Kind::kTimeNs:
        return write_as<int64_t>(TypeId::kTimeNs);
      case Kind::kTimestampS:
        return write_as<int64_t>(TypeId::kTimestampS);
      case Kind::kTimestampMs:
        return write_as<int64_t>(TypeId::kTimestampMs);
      case Kind::kTimestamp:
        return write_as<int64_t>(TypeId::kTimestamp);
      case Kind::kTimestampNs:
        return write_as<int64_t>(TypeId::kTimestampNs);
      case Kind::kTimeTz:
        return write_as<uint64_t>(TypeId::kTimeTz);
      case Kind::kTimestampTz:
        return write_as<int64_t>(TypeId::kTimestampTz);
      case Kind::kInterval:
        return write_as<Interval>(TypeId::kInterval);
      case Kind::kBignum:
        return write_string_as(TypeId::kBignum);
      case Kind::kBit:
        return write_string_as(TypeId::kBit);
      case Kind::kGeometry:
        return write_string_as(TypeId::kGeometry);
      case Kind::kObject:
      case Kind::kArray:
        break;
    }
    return false;
  }

  TextSink& sink_;
  const TimeZone& zone_;
  const VectorView& keys_;
  const VectorView& children_;
  const VectorView& values_;
  ListEntry key_list_, child_list_, value_list_;
  std::string_view bytes_;
  std::string_view in_;
};

}  // namespace

void append_variant_json(TextSink& sink, const VectorView& column, uint64_t row, const TimeZone& zone) {
  Writer writer(sink, column, row, zone);
  if (!writer.write(0, 0) && !sink.failed()) {
    sink.fail(make_error(ErrorCode::kDataCorrupted, "a VARIANT value cannot be read",
                         "Its parts do not fit together, or it is nested more than 1000 deep."));
  }
}

}  // namespace merganser::engine

// Types as bytes: part of engine/result_codec.h.
#include "base/bytes.h"
#include "engine/result_codec.h"

namespace merganser::engine {
namespace {

Error damaged() {
  return make_error(ErrorCode::kDataCorrupted, "a kept answer is damaged: its types cannot be read");
}

void put_text(ByteWriter& writer, std::string_view text) {
  writer.put(static_cast<uint32_t>(text.size()));
  writer.put_bytes(text);
}

std::optional<std::string> get_text(ByteReader& reader) {
  const auto length = reader.get<uint32_t>();
  if (!length) return std::nullopt;
  const auto bytes = reader.get_bytes(*length);
  if (!bytes) return std::nullopt;
  return std::string(*bytes);
}

TypePtr map_entry_of(const LogicalType& map) {
  auto entry = std::make_shared<LogicalType>();
  entry->id = entry->storage = TypeId::kStruct;
  entry->children = map.children;
  return entry;
}

// What the layout relies on.
bool is_sound(const LogicalType& type) {
  switch (type.id) {
    case TypeId::kList:
    case TypeId::kArray:
      return type.children.size() == 1;
    case TypeId::kMap:
      return type.children.size() == 2;
    case TypeId::kDecimal:
    case TypeId::kEnum:
      return fixed_width(type.storage) > 0;
    default:
      return type.id != TypeId::kInvalid && type.storage == type.id;
  }
}

}  // namespace

size_t fixed_width(TypeId storage) {
  switch (storage) {
    case TypeId::kBoolean:
    case TypeId::kTinyInt:
    case TypeId::kUTinyInt:
      return 1;
    case TypeId::kSmallInt:
    case TypeId::kUSmallInt:
      return 2;
    case TypeId::kInteger:
    case TypeId::kUInteger:
    case TypeId::kFloat:
    case TypeId::kDate:
      return 4;
    case TypeId::kBigInt:
    case TypeId::kUBigInt:
    case TypeId::kDouble:
    case TypeId::kTime:
    case TypeId::kTimeTz:
    case TypeId::kTimeNs:
    case TypeId::kTimestamp:
    case TypeId::kTimestampS:
    case TypeId::kTimestampMs:
    case TypeId::kTimestampNs:
    case TypeId::kTimestampTz:
      return 8;
    case TypeId::kHugeInt:
    case TypeId::kUHugeInt:
    case TypeId::kUuid:
    case TypeId::kInterval:
      return 16;
    default:
      return 0;
  }
}

bool encode_type(const LogicalType& type, std::string& out, int depth) {
  if (depth > kMaxTypeDepth || !is_sound(type)) return false;
  ByteWriter writer(out);
  writer.put_u8(static_cast<uint8_t>(type.id));
  writer.put_u8(static_cast<uint8_t>(type.storage));
  writer.put_u8(type.width);
  writer.put_u8(type.scale);
  writer.put(type.array_size);
  put_text(writer, type.alias);
  writer.put(static_cast<uint32_t>(type.children.size()));
  for (const TypeField& field : type.children) {
    put_text(writer, field.name);
    if (!field.type || !encode_type(*field.type, out, depth + 1)) return false;
  }
  writer.put(static_cast<uint32_t>(type.enum_values.size()));
  for (const std::string& label : type.enum_values) put_text(writer, label);
  return true;
}

Result<TypePtr> decode_type(std::string_view& in, int depth) {
  if (depth > kMaxTypeDepth) return damaged();
  ByteReader reader(in);
  const auto id = reader.get<uint8_t>();
  const auto storage = reader.get<uint8_t>();
  const auto width = reader.get<uint8_t>();
  const auto scale = reader.get<uint8_t>();
  const auto array_size = reader.get<uint64_t>();
  auto alias = get_text(reader);
  const auto children = reader.get<uint32_t>();
  if (!children || !alias || *id > static_cast<uint8_t>(TypeId::kVariant)) return damaged();
  auto type = std::make_shared<LogicalType>();
  type->id = static_cast<TypeId>(*id);
  type->storage = static_cast<TypeId>(*storage);
  type->width = *width;
  type->scale = *scale;
  type->array_size = *array_size;
  type->alias = *std::move(alias);
  in = reader.rest();
  for (uint32_t i = 0; i < *children; i++) {
    ByteReader names(in);
    auto name = get_text(names);
    if (!name) return damaged();
    in = names.rest();
    MERGANSER_ASSIGN(TypePtr child, decode_type(in, depth + 1));
    type->children.push_back({*std::move(name), std::move(child)});
  }
  ByteReader labels(in);
  const auto count = labels.get<uint32_t>();
  if (!count) return damaged();
  for (uint32_t i = 0; i < *count; i++) {
    auto label = get_text(labels);
    if (!label) return damaged();
    type->enum_values.push_back(*std::move(label));
  }
  in = labels.rest();
  if (!is_sound(*type)) return damaged();
  if (type->id == TypeId::kMap) type->map_entry = map_entry_of(*type);
  return TypePtr(std::move(type));
}

}  // namespace merganser::engine

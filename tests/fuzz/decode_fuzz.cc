// Feeds bytes to the readers of parameters. The first four bytes choose the declared type, the format, the inferred
// type and the time zone; the rest is the parameter.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "pgwire/decode.h"
#include "pgwire/decode_text.h"
#include "pgwire/pgtype.h"

namespace {

using namespace merganser;
using engine::LogicalType;
using engine::TypeId;
using engine::TypePtr;

// Not assert: release builds fuzz too.
void require(bool holds) {
  if (!holds) std::abort();
}

TypePtr nested(TypeId id, std::vector<engine::TypeField> children, uint64_t array_size = 0) {
  auto type = std::make_shared<LogicalType>();
  type->id = type->storage = id;
  type->children = std::move(children);
  type->array_size = array_size;
  return type;
}

// Every type without parameters, and some of each kind that has them; the first is "nobody knows".
const std::vector<TypePtr>& inferred_types() {
  static const std::vector<TypePtr> types = [] {
    std::vector<TypePtr> all{nullptr};
    for (int id = 0; id <= static_cast<int>(TypeId::kVariant); ++id) {
      const auto type = static_cast<TypeId>(id);
      if (type >= TypeId::kDecimal && type <= TypeId::kMap && type != TypeId::kTimestampS &&
          type != TypeId::kTimestampMs && type != TypeId::kTimestampNs) {
        continue;
      }
      if (type != TypeId::kUnion && type != TypeId::kArray) all.push_back(engine::make_type(type));
    }
    auto decimal = std::make_shared<LogicalType>();
    decimal->id = TypeId::kDecimal;
    decimal->storage = TypeId::kBigInt;
    decimal->width = 18;
    decimal->scale = 3;
    auto label = std::make_shared<LogicalType>();
    label->id = TypeId::kEnum;
    label->storage = TypeId::kUTinyInt;
    label->enum_values = {"a", "it's"};
    all.insert(all.end(), {decimal, label});
    for (const TypePtr& leaf : {engine::make_type(TypeId::kInteger), engine::make_type(TypeId::kBlob), TypePtr(decimal),
                                engine::make_type(TypeId::kTimestampTz), engine::make_type(TypeId::kVarchar)}) {
      all.push_back(nested(TypeId::kList, {{"", leaf}}));
      all.push_back(nested(TypeId::kArray, {{"", leaf}}, 3));
      all.push_back(nested(TypeId::kList, {{"", nested(TypeId::kList, {{"", leaf}})}}));
      all.push_back(nested(TypeId::kStruct, {{"a", leaf}, {"b \"c\"", leaf}}));
      all.push_back(nested(TypeId::kMap, {{"key", leaf}, {"value", leaf}}));
      all.push_back(nested(TypeId::kUnion, {{"a", leaf}}));
    }
    return all;
  }();
  return types;
}

constexpr std::array kOids = {0,    16,   17,   18,   19,   20,   21,   23,   25,   26,   28,   114,  142,
                              199,  700,  701,  705,  1000, 1001, 1005, 1007, 1009, 1015, 1016, 1021, 1022,
                              1042, 1043, 1082, 1083, 1114, 1115, 1182, 1184, 1185, 1186, 1187, 1231, 1266,
                              1270, 1560, 1561, 1562, 1563, 1700, 2205, 2206, 2950, 2951, 3802, 3807, 424242};

const TimeZone& zone_of(uint8_t choice) {
  static const std::array zones = [] {
    std::array<TimeZone::Ptr, 3> all{TimeZone::utc(), TimeZone::utc(), TimeZone::utc()};
    if (auto loaded = TimeZone::load("Europe/Berlin"); loaded.ok()) all[1] = *loaded;
    if (auto loaded = TimeZone::load("America/St_Johns"); loaded.ok()) all[2] = *loaded;
    return all;
  }();
  return *zones[choice % zones.size()];
}

void check(const pgwire::DecodedParam& param) {
  const auto* const text = std::get_if<std::string>(&param.value.data);
  // The session splices texts into statements or hands them to DuckDB as VARCHAR: they must be clean.
  if (text != nullptr && param.value.type == TypeId::kVarchar) {
    require(!find_invalid_utf8(*text) && text->find('\0') == std::string::npos);
  }
  const bool cast = param.form == pgwire::ParamForm::kCastText;
  require(cast == !param.cast_type.empty());
  if (param.form != pgwire::ParamForm::kValue) require(text != nullptr);
  if (const auto* decimal = std::get_if<engine::Decimal>(&param.value.data)) {
    require(decimal->width >= 1 && decimal->width <= 38 && decimal->scale <= decimal->width);
  }
  pgwire::duckdb_text(param.value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kChoices = 4;
  if (size < kChoices) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + kChoices, size - kChoices);
  const auto& types = inferred_types();
  const LogicalType* const inferred = types[data[2] % types.size()].get();
  const auto format = static_cast<int16_t>(data[1] % 2);
  const auto param = pgwire::decode_param(bytes, format, kOids[data[0] % kOids.size()], inferred, zone_of(data[3]));
  if (param.ok()) {
    check(*param);
  } else {
    require(!param.error().message.empty() && !find_invalid_utf8(param.error().message));
  }
  return 0;
}

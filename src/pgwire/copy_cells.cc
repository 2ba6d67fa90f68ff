#include "pgwire/copy_cells.h"

#include "engine/int128.h"
#include "pgwire/decode.h"
#include "pgwire/decode_text.h"
#include "pgwire/pgtype.h"

namespace merganser::pgwire {

using engine::BatchColumn;
using engine::ChunkBuilder;
using engine::Decimal;
using engine::LogicalType;
using engine::TypeId;
using engine::Value;

namespace {

bool is_nested(const LogicalType& type) {
  switch (type.id) {
    case TypeId::kList:
    case TypeId::kArray:
    case TypeId::kStruct:
    case TypeId::kMap:
    case TypeId::kVariant:
      return true;
    default:
      return false;
  }
}

std::optional<BatchColumn> carrier_of(const LogicalType& type) {
  if (type.id == TypeId::kTimestampS || type.id == TypeId::kTimestampMs) return BatchColumn{TypeId::kTimestamp, 0, 0};
  if (!type.alias.empty() && type.id == TypeId::kVarchar) return std::nullopt;
  if (!engine::fits_batch(type.id)) return std::nullopt;
  return BatchColumn{type.id, type.width, type.scale};
}

// Dates and times in a form that only PostgreSQL would understand.
Error other_form(const LogicalType& type, std::string_view text) {
  Error error = invalid_text(pg_type_of(type).words, text);
  error.code = ErrorCode::kInvalidDatetimeFormat;
  return error;
}

Error field_overflow(const BatchColumn& carrier) {
  const int whole = carrier.width - carrier.scale;
  return make_error(ErrorCode::kNumericOutOfRange, "numeric field overflow",
                    "A field with precision " + std::to_string(carrier.width) + ", scale " +
                        std::to_string(carrier.scale) + " must round to an absolute value less than " +
                        (whole > 0 ? "10^" + std::to_string(whole) : "1") + ".");
}

engine::uint128_t power_of_ten(int exponent) {
  engine::uint128_t power = 1;
  for (int i = 0; i < exponent; i++) power *= 10;
  return power;
}

// The number in the column's scale, rounded as numeric is: halves away from zero.
Status put_decimal(ChunkBuilder& builder, size_t cell, const BatchColumn& carrier, const Decimal& decimal) {
  const engine::int128_t number = engine::to_int128(decimal.value);
  engine::uint128_t size = engine::magnitude(number);
  if (decimal.scale > carrier.scale) {
    const engine::uint128_t unit = power_of_ten(decimal.scale - carrier.scale);
    size = size / unit + (size % unit >= unit - unit / 2 ? 1 : 0);
  } else {
    const engine::uint128_t unit = power_of_ten(carrier.scale - decimal.scale);
    if (size > ~engine::uint128_t{0} / unit) return field_overflow(carrier);
    size *= unit;
  }
  if (size >= power_of_ten(carrier.width)) return field_overflow(carrier);
  const auto scaled = number < 0 ? -static_cast<engine::int128_t>(size) : static_cast<engine::int128_t>(size);
  if (carrier.width <= 4) {
    builder.put(cell, static_cast<int16_t>(scaled));
  } else if (carrier.width <= 9) {
    builder.put(cell, static_cast<int32_t>(scaled));
  } else if (carrier.width <= 18) {
    builder.put(cell, static_cast<int64_t>(scaled));
  } else {
    builder.put(cell, engine::from_int128(scaled));
  }
  return {};
}

// NaN and infinities, which numeric has and DECIMAL has not.
Status put_special(const Value& value) {
  const auto* number = std::get_if<double>(&value.data);
  return make_error(ErrorCode::kNumericOutOfRange, "numeric field overflow",
                    std::string("A DECIMAL cannot hold ") +
                        (number != nullptr && *number != *number ? "NaN" : "an infinite value") + ".");
}

}  // namespace

CopyCells CopyCells::plan(const std::vector<engine::Column>& columns, TimeZone::Ptr zone) {
  CopyCells out;
  out.zone_ = std::move(zone);
  for (const engine::Column& column : columns) {
    Plan plan;
    plan.type = column.type;
    plan.cell = out.layout_.cells.size();
    const auto name = [](size_t cell) { return engine::BatchSource::column_name(cell); };
    const std::string type = column.type->to_sql();
    const std::string as_cell = "CAST(" + name(plan.cell) + " AS " + type + ")";
    if (const auto carrier = carrier_of(*column.type)) {
      plan.carrier = *carrier;
      plan.read_text = text_reader(carrier->type);
      plan.read_binary = binary_reader(carrier->type);
      const bool same = carrier->type == column.type->id;
      out.layout_.expressions.push_back(same ? name(plan.cell) : as_cell);
    } else if (is_nested(*column.type)) {
      plan.way = Way::kNested;
      out.layout_.cells.push_back(plan.carrier);
      out.layout_.expressions.push_back("coalesce(CAST(CAST(" + name(plan.cell + 1) + " AS JSON) AS " + type + "), " +
                                        as_cell + ")");
    } else {
      plan.way = Way::kCast;
      out.layout_.expressions.push_back(as_cell);
    }
    out.layout_.cells.push_back(plan.carrier);
    out.plans_.push_back(std::move(plan));
  }
  return out;
}

bool CopyCells::is_null(const engine::Chunk& chunk, size_t row, size_t column) const {
  const Plan& plan = plans_[column];
  if (chunk.column(plan.cell).valid(row)) return false;
  return plan.way != Way::kNested || !chunk.column(plan.cell + 1).valid(row);
}

void CopyCells::put_null(ChunkBuilder& builder, size_t column) const {
  builder.put_null(plans_[column].cell);
  if (plans_[column].way == Way::kNested) builder.put_null(plans_[column].cell + 1);
}

Status CopyCells::put_decoded(ChunkBuilder& builder, const Plan& plan, std::string_view bytes, int16_t format) const {
  if (plan.way == Way::kTyped && plan.carrier.type == TypeId::kDecimal && format == 0) {
    // Not as wide as the column: what is too long for it is rounded first.
    MERGANSER_ASSIGN(const auto value, read_numeric(nullptr, bytes));
    return put_value(builder, plan.cell, plan.carrier, *value);
  }
  MERGANSER_ASSIGN(const DecodedParam decoded, decode_param(bytes, format, 0, plan.type.get(), *zone_));
  if (plan.way == Way::kTyped) {
    if (decoded.form != ParamForm::kValue) return other_form(*plan.type, bytes);
    return put_value(builder, plan.cell, plan.carrier, decoded.value);
  }
  const std::string text = duckdb_text(decoded.value);
  if (plan.way == Way::kCast) {
    builder.put_copy(plan.cell, text);
    return {};
  }
  builder.put_copy(plan.cell + (decoded.through_json ? 1 : 0), text);
  builder.put_null(plan.cell + (decoded.through_json ? 0 : 1));
  return {};
}

Status put_value(ChunkBuilder& builder, size_t cell, const BatchColumn& carrier, const Value& value) {
  if (carrier.type == TypeId::kDecimal) {
    if (const auto* decimal = std::get_if<Decimal>(&value.data)) return put_decimal(builder, cell, carrier, *decimal);
    if (const auto* whole = std::get_if<engine::Hugeint>(&value.data)) {
      return put_decimal(builder, cell, carrier, {38, 0, *whole});
    }
    if (std::holds_alternative<engine::UHugeint>(value.data)) return field_overflow(carrier);
    return put_special(value);
  }
  if (value.type != carrier.type) {
    return make_error(ErrorCode::kInvalidTextRepresentation,
                      "invalid input syntax for type " +
                          std::string(pg_type_of(*engine::make_type(carrier.type)).words) + ": \"" +
                          shown(duckdb_text(value)) + "\"");
  }
  const auto integer = [&] { return std::get<int64_t>(value.data); };
  const auto natural = [&] { return std::get<uint64_t>(value.data); };
  switch (carrier.type) {
    case TypeId::kBoolean:
      builder.put(cell, std::get<bool>(value.data));
      break;
    case TypeId::kTinyInt:
      builder.put(cell, static_cast<int8_t>(integer()));
      break;
    case TypeId::kSmallInt:
      builder.put(cell, static_cast<int16_t>(integer()));
      break;
    case TypeId::kInteger:
    case TypeId::kDate:
      builder.put(cell, static_cast<int32_t>(integer()));
      break;
    case TypeId::kBigInt:
    case TypeId::kTime:
    case TypeId::kTimestamp:
    case TypeId::kTimestampTz:
      builder.put(cell, integer());
      break;
    case TypeId::kUTinyInt:
      builder.put(cell, static_cast<uint8_t>(natural()));
      break;
    case TypeId::kUSmallInt:
      builder.put(cell, static_cast<uint16_t>(natural()));
      break;
    case TypeId::kUInteger:
      builder.put(cell, static_cast<uint32_t>(natural()));
      break;
    case TypeId::kUBigInt:
    case TypeId::kTimeTz:
      builder.put(cell, natural());
      break;
    case TypeId::kFloat:
      builder.put(cell, static_cast<float>(std::get<double>(value.data)));
      break;
    case TypeId::kDouble:
      builder.put(cell, std::get<double>(value.data));
      break;
    case TypeId::kHugeInt:
    case TypeId::kUuid:
      builder.put(cell, std::get<engine::Hugeint>(value.data));
      break;
    case TypeId::kUHugeInt:
      builder.put(cell, std::get<engine::UHugeint>(value.data));
      break;
    case TypeId::kInterval:
      builder.put(cell, std::get<engine::Interval>(value.data));
      break;
    default:
      builder.put_copy(cell, std::get<std::string>(value.data));
      break;
  }
  return {};
}

}  // namespace merganser::pgwire

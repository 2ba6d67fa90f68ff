#include "pgwire/decode.h"

#include <algorithm>
#include <new>

#include "pgwire/decode_array.h"
#include "pgwire/decode_binary.h"
#include "pgwire/decode_text.h"
#include "pgwire/json_check.h"
#include "pgwire/numeric.h"
#include "pgwire/pgtype.h"

namespace merganser::pgwire {

using engine::LogicalType;
using engine::TypeId;
using engine::Value;

namespace {

DecodedParam as_value(Value value) {
  DecodedParam out;
  out.value = std::move(value);
  return out;
}
DecodedParam as_cast(std::string text, std::string type) {
  DecodedParam out;
  out.form = ParamForm::kCastText;
  out.value = Value::varchar(std::move(text));
  out.cast_type = std::move(type);
  return out;
}
DecodedParam as_literal(std::string_view text) {
  DecodedParam out;
  out.form = ParamForm::kLiteral;
  out.value = Value::varchar(std::string(text));
  return out;
}

bool is_list(const LogicalType& type) {
  return type.id == TypeId::kList || type.id == TypeId::kArray;
}
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
bool is_known(const LogicalType* type) {
  return type != nullptr && type->id != TypeId::kInvalid && type->id != TypeId::kAny && type->id != TypeId::kSqlNull;
}
bool is_json_oid(int32_t type) {
  return type == oid::kJson || type == oid::kJsonb;
}

// B'101', X'1F' as bit_in takes them: b101, x1F. Others are for DuckDB to read.
std::string bits_of(std::string_view text) {
  if (text.starts_with('b') || text.starts_with('B')) return std::string(text.substr(1));
  if (!text.starts_with('x') && !text.starts_with('X')) return std::string(text);
  std::string bits;
  for (const char c : text.substr(1)) {
    const size_t digit = std::string_view("0123456789abcdef0123456789ABCDEF").find(c);
    if (digit == std::string_view::npos) return std::string(text);
    for (int bit = 3; bit >= 0; --bit) bits.push_back(digit >> bit & 1 ? '1' : '0');
  }
  return bits;
}

DecodedParam as_bits(std::string text) {
  // DuckDB has no BIT without bits: an empty one stays an error of its cast.
  return as_cast(std::move(text), "BIT");
}

// The text of a nested type: JSON when it is that, else DuckDB's own syntax.
DecodedParam as_nested(std::string_view text, const LogicalType& type) {
  DecodedParam out = as_cast(std::string(text), type.to_sql());
  out.through_json = is_json(text);
  return out;
}

Result<DecodedParam> array_param(Result<ListText> list) {
  if (!list.ok()) return std::move(list).error();
  return as_cast(std::move(list->text), std::move(list->cast_type));
}

// A number for a BIGNUM may have more digits than any value of ours: DuckDB reads it, when it is whole.
Result<DecodedParam> numeric_param(std::string_view text, const LogicalType* inferred) {
  const std::string_view digits = trim(text);
  const size_t sign = digits.starts_with('-') || digits.starts_with('+') ? 1 : 0;
  const bool whole = digits.size() > sign && digits.find_first_not_of("0123456789", sign) == digits.npos;
  if (inferred != nullptr && inferred->id == TypeId::kBignum && whole) return as_cast(std::string(digits), "BIGNUM");
  MERGANSER_ASSIGN(auto value, read_numeric(inferred, text));
  return as_value(std::move(*value));
}

Result<DecodedParam> text_by_type(std::string_view text, const LogicalType& type, const TimeZone& zone) {
  if (type.id == TypeId::kBit) return as_bits(bits_of(trim(text)));
  if (is_list(type) && trim(text).starts_with('{')) {
    return array_param(read_array_text(text, pg_type_of(type).element, &type, zone));
  }
  if (is_nested(type)) return as_nested(text, type);
  if (type.id == TypeId::kBignum) return numeric_param(text, &type);
  MERGANSER_ASSIGN(auto value, read_text(type, text, zone));
  if (value) return as_value(std::move(*value));
  return as_cast(std::string(text), type.to_sql());
}

// The inferred type when it is the DuckDB type that clients see as this oid: then it is the more exact one.
const LogicalType* matching(int32_t declared, const LogicalType* inferred) {
  return is_known(inferred) && pg_type_of(*inferred).oid == declared ? inferred : nullptr;
}

Result<DecodedParam> declared_text(std::string_view text, int32_t declared, const PgType& type,
                                   const LogicalType* inferred, const TimeZone& zone) {
  const LogicalType* const same = matching(declared, inferred);
  if (type.element != 0) return array_param(read_array_text(text, type.element, same, zone));
  if (declared == oid::kNumeric) return numeric_param(text, is_known(inferred) ? inferred : nullptr);
  if (is_json_oid(declared) && same != nullptr && is_nested(*same)) return as_nested(text, *same);
  const auto target = logical_type_of(declared);
  return text_by_type(text, *target, zone);
}

Result<DecodedParam> declared_binary(std::string_view bytes, int32_t declared, const PgType& type,
                                     const LogicalType* inferred) {
  const LogicalType* const same = matching(declared, inferred);
  if (type.element != 0) return array_param(read_array_binary(bytes, type.element, same));
  if (declared == oid::kNumeric) {
    MERGANSER_ASSIGN(const std::string text, numeric_text(bytes));
    return numeric_param(text, is_known(inferred) ? inferred : nullptr);
  }
  MERGANSER_ASSIGN(auto value, read_binary(declared, bytes));
  if (declared == oid::kBit || declared == oid::kVarbit) return as_bits(std::get<std::string>(std::move(value.data)));
  const bool text = value.type == TypeId::kVarchar;
  if (text && same != nullptr && same->id != TypeId::kVarchar) {
    // A type that comes to clients as text or json, sent back the way it came.
    const auto& sent = std::get<std::string>(value.data);
    return is_nested(*same) ? as_nested(sent, *same) : as_cast(sent, same->to_sql());
  }
  return as_value(std::move(value));
}

Error unknown_oid(int32_t type) {
  return make_error(ErrorCode::kUndefinedObject, "type with OID " + std::to_string(type) + " does not exist", {},
                    "Leave the parameter's type open, or cast it in the statement.");
}

Result<DecodedParam> decode_text_param(std::string_view text, int32_t declared, const LogicalType* inferred,
                                       const TimeZone& zone) {
  MERGANSER_TRY(check_utf8(text));
  if (declared != oid::kUnspecified) {
    const PgType* const type = find_pg_type(declared);
    if (type == nullptr) return unknown_oid(declared);
    return declared_text(text, declared, *type, inferred, zone);
  }
  return is_known(inferred) ? text_by_type(text, *inferred, zone) : as_literal(text);
}

Result<DecodedParam> decode_binary_param(std::string_view bytes, int32_t declared, const LogicalType* inferred) {
  if (declared == oid::kUnspecified) {
    if (!is_known(inferred)) {
      return make_error(ErrorCode::kIndeterminateDatatype, "could not determine data type of a binary parameter", {},
                        "Declare its type in Parse, or cast it in the statement.");
    }
    declared = pg_type_of(*inferred).oid;  // what Describe told the client
  }
  const PgType* const type = find_pg_type(declared);
  if (type == nullptr) return unknown_oid(declared);
  return declared_binary(bytes, declared, *type, inferred);
}

}  // namespace

Result<DecodedParam> decode_param(std::optional<std::string_view> bytes, int16_t format, int32_t declared_oid,
                                  const LogicalType* inferred, const TimeZone& time_zone) {
  if (declared_oid == oid::kUnknown) declared_oid = oid::kUnspecified;
  if (!bytes) return as_value(Value::null());
  try {
    if (format == 0) return decode_text_param(*bytes, declared_oid, inferred, time_zone);
    if (format == 1) return decode_binary_param(*bytes, declared_oid, inferred);
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::kOutOfMemory, "out of memory while reading a parameter");
  }
  return make_error(ErrorCode::kInvalidParameterValue, "unsupported format code: " + std::to_string(format));
}

}  // namespace merganser::pgwire

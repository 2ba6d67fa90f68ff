#include "engine/bind_value.h"

namespace merganser::engine {
namespace {

duckdb_hugeint raw(Hugeint value) {
  return duckdb_hugeint{value.lower, value.upper};
}

duckdb_state bind_through_value(duckdb_prepared_statement statement, size_t index, duckdb_value value) {
  const duckdb_state state = duckdb_bind_value(statement, index, value);
  duckdb_destroy_value(&value);
  return state;
}

duckdb_state bind_integer(duckdb_prepared_statement statement, size_t index, TypeId type, int64_t number) {
  switch (type) {
    case TypeId::kTinyInt:
      return duckdb_bind_int8(statement, index, static_cast<int8_t>(number));
    case TypeId::kSmallInt:
      return duckdb_bind_int16(statement, index, static_cast<int16_t>(number));
    case TypeId::kInteger:
      return duckdb_bind_int32(statement, index, static_cast<int32_t>(number));
    case TypeId::kDate:
      return duckdb_bind_date(statement, index, duckdb_date{static_cast<int32_t>(number)});
    case TypeId::kTime:
      return duckdb_bind_time(statement, index, duckdb_time{number});
    case TypeId::kTimestamp:
      return duckdb_bind_timestamp(statement, index, duckdb_timestamp{number});
    case TypeId::kTimestampTz:
      return duckdb_bind_timestamp_tz(statement, index, duckdb_timestamp{number});
    default:
      return duckdb_bind_int64(statement, index, number);
  }
}

duckdb_state bind_unsigned(duckdb_prepared_statement statement, size_t index, TypeId type, uint64_t number) {
  switch (type) {
    case TypeId::kUTinyInt:
      return duckdb_bind_uint8(statement, index, static_cast<uint8_t>(number));
    case TypeId::kUSmallInt:
      return duckdb_bind_uint16(statement, index, static_cast<uint16_t>(number));
    case TypeId::kUInteger:
      return duckdb_bind_uint32(statement, index, static_cast<uint32_t>(number));
    case TypeId::kTimeTz:
      return bind_through_value(statement, index, duckdb_create_time_tz_value({number}));
    default:
      return duckdb_bind_uint64(statement, index, number);
  }
}

}  // namespace

Status bind_value(duckdb_prepared_statement statement, size_t index, const Value& value) {
  duckdb_state state = DuckDBError;
  if (value.is_null()) {
    state = duckdb_bind_null(statement, index);
  } else if (const auto* flag = std::get_if<bool>(&value.data)) {
    state = duckdb_bind_boolean(statement, index, *flag);
  } else if (const auto* number = std::get_if<int64_t>(&value.data)) {
    state = bind_integer(statement, index, value.type, *number);
  } else if (const auto* natural = std::get_if<uint64_t>(&value.data)) {
    state = bind_unsigned(statement, index, value.type, *natural);
  } else if (const auto* real = std::get_if<double>(&value.data)) {
    state = value.type == TypeId::kFloat ? duckdb_bind_float(statement, index, static_cast<float>(*real))
                                         : duckdb_bind_double(statement, index, *real);
  } else if (const auto* huge = std::get_if<Hugeint>(&value.data)) {
    if (value.type == TypeId::kUuid) {
      // duckdb_create_uuid wants the bits as people read them; our form is DuckDB's inner one, top bit flipped.
      const duckdb_uhugeint bits{huge->lower, static_cast<uint64_t>(huge->upper) ^ (uint64_t{1} << 63)};
      state = bind_through_value(statement, index, duckdb_create_uuid(bits));
    } else {
      state = duckdb_bind_hugeint(statement, index, raw(*huge));
    }
  } else if (const auto* natural_huge = std::get_if<UHugeint>(&value.data)) {
    state = duckdb_bind_uhugeint(statement, index, duckdb_uhugeint{natural_huge->lower, natural_huge->upper});
  } else if (const auto* decimal = std::get_if<Decimal>(&value.data)) {
    state = duckdb_bind_decimal(statement, index, duckdb_decimal{decimal->width, decimal->scale, raw(decimal->value)});
  } else if (const auto* interval = std::get_if<Interval>(&value.data)) {
    state = duckdb_bind_interval(statement, index, duckdb_interval{interval->months, interval->days, interval->micros});
  } else if (const auto* text = std::get_if<std::string>(&value.data)) {
    state = value.type == TypeId::kBlob ? duckdb_bind_blob(statement, index, text->data(), text->size())
                                        : duckdb_bind_varchar_length(statement, index, text->data(), text->size());
  }
  if (state == DuckDBSuccess) return {};
  return make_error(ErrorCode::kInvalidParameterValue, "cannot bind parameter $" + std::to_string(index));
}

}  // namespace merganser::engine

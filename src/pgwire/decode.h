// Parameters of Bind as values for the engine.
//
// Threads: pure functions. Strict as PostgreSQL is, in its words: 22P02 for text that the type does not take, 22003 and
// 22008 for what is out of range, 22P03 for binary of the wrong form, 22021 for text that is not UTF-8 or has a NUL.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time_zone.h"
#include "engine/types.h"
#include "engine/value.h"

namespace merganser::pgwire {

enum class ParamForm : uint8_t {
  kValue,     // bind `value` as it is
  kCastText,  // bind `value`, a text, and let DuckDB parse it: $n becomes CAST($n AS cast_type)
  kLiteral,   // nobody knows the type: $n becomes the text as a literal in quotes, whose type the statement decides
};

struct DecodedParam {
  ParamForm form = ParamForm::kValue;
  engine::Value value;
  std::string cast_type;  // kCastText: a type as DuckDB's SQL writes it
  // kCastText: the text is JSON for a type that JSON stands for: CAST(CAST($n AS JSON) AS cast_type).
  bool through_json = false;
};

// bytes: nullopt is NULL. format: 0 text, 1 binary. declared_oid: from Parse; 0 or 705 (unknown) when the client left
// it open. inferred: DuckDB's type of the parameter; null when DuckDB does not know one either.
// time_zone: the session's, for timestamps with time zone that name none.
//
// A declared type wins over an inferred one. Without either, text becomes kLiteral and binary is 42P18.
Result<DecodedParam> decode_param(std::optional<std::string_view> bytes, int16_t format, int32_t declared_oid,
                                  const engine::LogicalType* inferred, const TimeZone& time_zone);

}  // namespace merganser::pgwire

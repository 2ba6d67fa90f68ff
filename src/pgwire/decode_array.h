// PostgreSQL arrays as the list texts that DuckDB casts: {1,NULL,"a b"} becomes [1, NULL, "a b"].
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time_zone.h"
#include "engine/types.h"

namespace merganser::pgwire {

struct ListText {
  std::string text;       // as DuckDB reads it
  std::string cast_type;  // the list type it is meant for
};

// PostgreSQL's own limit on dimensions, and ours on the elements of one parameter.
inline constexpr int kMaxArrayDimensions = 6;
inline constexpr size_t kMaxArrayElements = size_t{1} << 27;

// A text in array_in's syntax. `list` is the type it is for, null when only the element's oid is known.
Result<ListText> read_array_text(std::string_view text, int32_t element_oid, const engine::LogicalType* list,
                                 const TimeZone& zone);

// The form of array_recv. 22P03 when it is not of that form, 42804 when the elements are of another type.
Result<ListText> read_array_binary(std::string_view bytes, int32_t element_oid, const engine::LogicalType* list);

}  // namespace merganser::pgwire

// Values of any type as JSON text (RFC 8259).
//
// Numbers are numbers with all their digits; NaN and infinities are strings, since JSON has none; dates and the like
// are strings in PostgreSQL's JSON spelling (2024-01-31T12:00:00). A list is an array; a struct is an object, or an
// array when its fields have no names; a map is an object whose keys are the texts of the keys; a union is an object
// with the active member's name. Threads: pure functions.
#pragma once

#include "base/time_zone.h"
#include "engine/text_sink.h"
#include "engine/types.h"

namespace merganser::engine {

// NULL is written as null.
void append_json(TextSink& sink, const VectorView& column, uint64_t row, const TimeZone& zone);

// A string with its quotes and escapes.
void append_json_string(TextSink& sink, std::string_view text);

// Writes a value of DuckDB's VARIANT (variant_json.cc).
void append_variant_json(TextSink& sink, const VectorView& column, uint64_t row, const TimeZone& zone);

}  // namespace merganser::engine

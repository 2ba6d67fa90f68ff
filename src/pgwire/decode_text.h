// Single values from text, as PostgreSQL's input functions read them. Used by decode.cc and decode_array.cc.
//
// Threads: pure functions. Each answers a value; nullopt when the text may be right but is not of a form that is read
// here (then DuckDB is asked); or an error that says what PostgreSQL says.
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

using ReadValue = Result<std::optional<engine::Value>>;

// Any type that has a reader; nullopt for the others.
ReadValue read_text(const engine::LogicalType& type, std::string_view text, const TimeZone& zone);

// Numbers (decode_number.cc). `type` is an integer type of any width.
ReadValue read_integer(engine::TypeId type, std::string_view text);
ReadValue read_floating(engine::TypeId type, std::string_view text);
// numeric: a DECIMAL as wide as the text needs, or as `target` is when it fits there; integers for integer targets,
// a DOUBLE for NaN, infinities and floating targets. `target` may be null.
ReadValue read_numeric(const engine::LogicalType* target, std::string_view text);

// Days and times (decode_datetime.cc, decode_interval.cc).
ReadValue read_date(std::string_view text);
ReadValue read_time(std::string_view text);
ReadValue read_timetz(std::string_view text);
ReadValue read_timestamp(std::string_view text);
ReadValue read_timestamptz(std::string_view text, const TimeZone& zone);
ReadValue read_interval(std::string_view text);

// The rest (decode_text.cc).
ReadValue read_bool(std::string_view text);
ReadValue read_bytea(std::string_view text);
ReadValue read_uuid(std::string_view text);

// Errors in PostgreSQL's words.
Error invalid_text(std::string_view type_words, std::string_view text);
Error out_of_range(std::string_view type_words, std::string_view text);
// A client's text as an error message repeats it: at most 200 bytes, cut between characters.
std::string shown(std::string_view text);
// Without the white space that C's isspace knows.
std::string_view trim(std::string_view text);
// Ends with a null byte or not UTF-8: 22021.
Status check_utf8(std::string_view text);

// The value as a text that DuckDB's own casts read: inside lists, and to compare in tests.
std::string duckdb_text(const engine::Value& value);

}  // namespace merganser::pgwire

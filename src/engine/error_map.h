// DuckDB's errors as ours: SQLSTATE, message, detail, hint and position from its type and its English text.
//
// Threads: pure functions. error_map_test.cc provokes every mapped text in the DuckDB in use, so that a new version
// cannot change one unseen.
#pragma once

#include <string_view>

#include "base/error.h"

namespace merganser::engine {

// `text` as DuckDB gives it, plain or (with errors_as_json) as a JSON object; `statement` turns its byte position
// into a character position. `kind` is a duckdb_error_type.
Error map_error(std::string_view text, int kind, std::string_view statement);

// The duckdb_error_type that a text names ("Binder Error: …" or JSON), for calls that give the text alone.
int error_kind_of_text(std::string_view text);

// After these nothing in this process can be trusted any more: the instance is invalidated.
bool is_fatal_error(std::string_view text, int kind);

// Two transactions changed the same thing, and trying again may succeed.
bool is_conflict(const Error& error);

// "Cannot write to database … transaction is launched in read-only mode": a read that turned out to write.
bool is_write_in_read_only(const Error& error);

}  // namespace merganser::engine

// A statement's error as people read it: SQLSTATE, message, the line with a caret, detail and hint.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace merganser::cli {

// Where a statement came from: "load.sql:12: " or empty.
std::string format_sql_error(std::string_view sqlstate, const Error& error, std::string_view statement,
                             std::string_view origin);

// "LINE 2: select x\n               ^\n" for a 1-based character position; empty when the position is none.
std::string caret_lines(std::string_view statement, int position);

}  // namespace merganser::cli

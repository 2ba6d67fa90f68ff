// Is this text JSON (RFC 8259)? Decides whether a parameter for a nested type is read as JSON or in DuckDB's own
// syntax.
//
// Threads: pure functions. Values nested deeper than 1000 count as none.
#pragma once

#include <string_view>

namespace merganser::pgwire {

bool is_json(std::string_view text);

}  // namespace merganser::pgwire

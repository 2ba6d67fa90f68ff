// PostgreSQL's patterns for dates and times as strftime's, where both write the same.
//
// Threads: a pure function.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace merganser::dialect {

// 'YYYY-MM-DD HH24:MI:SS' → '%Y-%m-%d %H:%M:%S'. Nothing when there is no exact equal: padded names (Month, Day), Roman
// numbers, numbers' patterns (9, 0), modifiers (FM, TH). `reading`: for to_date and to_timestamp.
std::optional<std::string> strftime_pattern(std::string_view pattern, bool reading);

}  // namespace merganser::dialect

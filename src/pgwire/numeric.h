// PostgreSQL's numeric in its binary form: digits of base 10000, the place of the first one, sign, decimals shown.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/text_sink.h"

namespace merganser::pgwire {

// Appends the binary form of a plain decimal number ([-]digits[.digits]). 22003 when it has more digits than the form
// has room for.
void append_numeric(engine::TextSink& sink, std::string_view decimal);

// The plain decimal number, or NaN, Infinity, -Infinity. 22P03 when the bytes are no numeric. What would be longer
// than kMaxNumericText is 22003: a weight of 32767 would make 131072 zeros of six bytes.
inline constexpr size_t kMaxNumericText = 4096;
Result<std::string> numeric_text(std::string_view binary);

}  // namespace merganser::pgwire

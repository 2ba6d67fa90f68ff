// Is this text UTF-8? Strict: no overlong forms, no surrogates, nothing above U+10FFFF.
//
// Threads: pure functions.
#pragma once

#include <optional>
#include <string_view>

#include "base/error.h"

namespace merganser {

// The offset of the first byte that is not part of a valid sequence; nullopt when all of it is valid.
std::optional<size_t> find_invalid_utf8(std::string_view text);

// PostgreSQL's error for it: 22021, invalid byte sequence for encoding "UTF8": 0xc3 0x28
Error invalid_utf8_error(std::string_view text, size_t offset);

}  // namespace merganser

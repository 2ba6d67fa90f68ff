// How wide text is on a terminal, and how it is shown without harm.
//
// Threads: functions of their input; widths depend on the locale (setlocale in main).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace merganser::cli {

// Control characters, invalid UTF-8 and bidirectional overrides become visible escapes (\n, \x1b, \u202e), so that
// data can neither break a table nor command a terminal.
std::string printable(std::string_view text);

// Terminal columns of printable UTF-8: combining marks 0, CJK and emoji 2.
size_t display_width(std::string_view text);

// The longest prefix of at most `columns` columns that ends in "…" when something was cut.
std::string cut_to_width(std::string_view text, size_t columns);

// One code point from the front of UTF-8 text: its value and how many bytes it takes; {-1, 1} for an invalid byte.
struct CodePoint {
  int32_t value;
  size_t bytes;
};
CodePoint decode_front(std::string_view text);

}  // namespace merganser::cli

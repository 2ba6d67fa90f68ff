#include "cli/sql_error.h"

#include <fmt/format.h>

#include "cli/text_width.h"

namespace merganser::cli {
namespace {

constexpr size_t kContextBytes = 60;  // shown of a long line on either side of the position

// Moves to the start of a UTF-8 sequence.
size_t at_character(std::string_view text, size_t offset) {
  while (offset > 0 && offset < text.size() && (static_cast<unsigned char>(text[offset]) & 0xC0) == 0x80) --offset;
  return offset;
}

}  // namespace

std::string caret_lines(std::string_view statement, int position) {
  if (position < 1) return {};
  size_t offset = 0;
  for (int characters = 1; characters < position && offset < statement.size(); ++characters) {
    offset += decode_front(statement.substr(offset)).bytes;
  }
  size_t line_number = 1;
  size_t line_start = 0;
  for (size_t i = 0; i < offset; ++i) {
    if (statement[i] == '\n') {
      ++line_number;
      line_start = i + 1;
    }
  }
  const size_t line_end = std::min(statement.find('\n', offset), statement.size());
  const size_t from =
      offset - line_start > kContextBytes ? at_character(statement, offset - kContextBytes) : line_start;
  const size_t to = line_end - offset > kContextBytes ? at_character(statement, offset + kContextBytes) : line_end;

  std::string prefix = fmt::format("LINE {}: {}", line_number, from > line_start ? "..." : "");
  const std::string before = printable(statement.substr(from, offset - from));
  const std::string after = printable(statement.substr(offset, to - offset));
  const size_t indent = display_width(prefix) + display_width(before);
  return fmt::format("{}{}{}{}\n{}^\n", prefix, before, after, to < line_end ? "..." : "", std::string(indent, ' '));
}

std::string format_sql_error(std::string_view sqlstate, const Error& error, std::string_view statement,
                             std::string_view origin) {
  std::string text = fmt::format("{}ERROR {}: {}\n", origin, sqlstate, error.message);
  text += caret_lines(statement, error.position);
  if (!error.detail.empty()) text += fmt::format("DETAIL: {}\n", error.detail);
  if (!error.hint.empty()) text += fmt::format("HINT: {}\n", error.hint);
  return text;
}

}  // namespace merganser::cli

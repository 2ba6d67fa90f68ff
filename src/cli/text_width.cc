#include "cli/text_width.h"

#include <fmt/format.h>
#include <wchar.h>

namespace merganser::cli {
namespace {

bool is_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

bool needs_escape(int32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

size_t width_of(int32_t c) {
  if (c < 0x7F) return 1;
  // wcwidth knows nothing in the C locale; East Asian and emoji blocks are then counted here.
  const int width = wcwidth(static_cast<wchar_t>(c));
  if (width >= 0) return static_cast<size_t>(width);
  if (c >= 0x300 && c <= 0x36F) return 0;
  const bool wide = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) ||
                    (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
                    (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFD);
  return wide ? 2 : 1;
}

}  // namespace

CodePoint decode_front(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1};
  const size_t bytes = lead >= 0xF0 && lead < 0xF5 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  if (bytes == 0 || lead >= 0xF5 || text.size() < bytes) return {-1, 1};
  int32_t value = lead & (0x7F >> bytes);
  for (size_t i = 1; i < bytes; ++i) {
    if (!is_continuation(text[i])) return {-1, 1};
    value = value << 6 | (static_cast<unsigned char>(text[i]) & 0x3F);
  }
  const bool overlong = (bytes == 3 && value < 0x800) || (bytes == 4 && value < 0x10000);
  if (overlong || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {-1, 1};
  return {value, bytes};
}

std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const auto [value, bytes] = decode_front(text);
    if (value < 0) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
    } else if (value == '\n') {
      result += "\\n";
    } else if (value == '\t') {
      result += "\\t";
    } else if (value == '\r') {
      result += "\\r";
    } else if (needs_escape(value)) {
      result += value < 0x100 ? fmt::format("\\x{:02x}", value) : fmt::format("\\u{:04x}", value);
    } else {
      result += text.substr(0, bytes);
    }
    text.remove_prefix(bytes);
  }
  return result;
}

size_t display_width(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const auto [value, bytes] = decode_front(text);
    width += value < 0 ? 1 : width_of(value);
    text.remove_prefix(bytes);
  }
  return width;
}

std::string cut_to_width(std::string_view text, size_t columns) {
  size_t width = 0;
  size_t kept = 0;  // bytes that fit beside the ellipsis
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto [value, bytes] = decode_front(rest);
    width += value < 0 ? 1 : width_of(value);
    if (width > columns) return std::string(text.substr(0, kept)) + "…";
    rest.remove_prefix(bytes);
    if (width + 1 <= columns) kept = text.size() - rest.size();
  }
  return std::string(text);
}

}  // namespace merganser::cli

#include "pgwire/copy_fields.h"

#include <algorithm>
#include <cstring>

#include "base/utf8.h"
#include "pgwire/find_any.h"

namespace merganser::pgwire {
namespace {

int octal(char c) {
  return c >= '0' && c <= '7' ? c - '0' : -1;
}
int hexadecimal(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// What follows a backslash, up to `end`; `at` moves behind it. `high`: bytes that only together may be a character.
char unescaped(const char*& at, const char* end, bool& high) {
  char c = *at++;
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    case 'x': {
      if (at == end || hexadecimal(*at) < 0) return 'x';
      int value = hexadecimal(*at++);
      if (at < end && hexadecimal(*at) >= 0) value = value * 16 + hexadecimal(*at++);
      c = static_cast<char>(value);
      break;
    }
    default:
      if (octal(c) < 0) return c;
      int value = octal(c);
      for (int i = 0; i < 2 && at < end && octal(*at) >= 0; i++) value = value * 8 + octal(*at++);
      c = static_cast<char>(value & 0377);
      break;
  }
  high |= c == '\0' || (static_cast<unsigned char>(c) & 0x80) != 0;
  return c;
}

// Resolves the escapes of a field in its own place. One backslash at the end of the line stands for nothing.
Result<std::string_view> resolve(char* begin, const char* first_escape, const char* end) {
  char* to = begin + (first_escape - begin);
  bool high = false;
  for (const char* at = first_escape; at < end;) {
    if (*at != '\\') {
      *to++ = *at++;
    } else if (++at < end) {
      *to++ = unescaped(at, end, high);
    }
  }
  const std::string_view text(begin, static_cast<size_t>(to - begin));
  if (!high) return text;
  const auto bad = find_invalid_utf8(text);
  const size_t zero = text.find('\0');
  if (bad || zero != text.npos) return invalid_utf8_error(text, std::min(bad.value_or(text.size()), zero));
  return text;
}

}  // namespace

Status split_text_line(char* line, size_t length, const engine::CopyOptions& options, std::vector<CopyField>& out) {
  const char* at = line;
  const char* const end = line + length;
  out.clear();
  while (true) {
    const char* const begin = at;
    const char* stop = find_any<2>(at, end, {options.delimiter, '\\'});
    const bool escapes = stop < end && *stop == '\\';
    const char* const first_escape = stop;
    // A delimiter behind a backslash is an ordinary character.
    while (stop < end && *stop == '\\') stop = find_any<2>(std::min(stop + 2, end), end, {options.delimiter, '\\'});
    const std::string_view written(begin, static_cast<size_t>(stop - begin));
    const bool null = written == options.null_text;
    if (!escapes || null) {
      out.push_back({written, null, false});
    } else {
      MERGANSER_ASSIGN(const std::string_view text, resolve(line + (begin - line), first_escape, stop));
      out.push_back({text, false, false});
    }
    if (stop == end) return {};
    at = stop + 1;
  }
}

Status split_csv_line(char* line, size_t length, const engine::CopyOptions& options, std::vector<CopyField>& out) {
  const char* at = line;
  const char* const end = line + length;
  out.clear();
  while (true) {
    char* const begin = line + (at - line);
    const char* const first = at;
    char* to = begin;
    bool quoted = false;
    const auto copy_up_to = [&](const char* stop) {
      if (to != at) std::memmove(to, at, static_cast<size_t>(stop - at));
      to += stop - at;
      at = stop;
    };
    // Outside of quotes, then inside, then outside again.
    while (true) {
      copy_up_to(find_any<2>(at, end, {options.delimiter, options.quote}));
      if (at == end || *at == options.delimiter) break;
      quoted = true;
      at++;
      while (true) {
        copy_up_to(find_any<2>(at, end, {options.quote, options.escape}));
        if (at == end) {
          return make_error(ErrorCode::kBadCopyFileFormat, "unterminated CSV quoted field");
        }
        if (*at == options.escape && at + 1 < end && (at[1] == options.escape || at[1] == options.quote)) {
          *to++ = at[1];
          at += 2;
        } else if (*at == options.quote) {
          at++;
          break;
        } else {
          *to++ = *at++;
        }
      }
    }
    const std::string_view text(begin, static_cast<size_t>(to - begin));
    // NULL is the text as it was written: quotes in it would show.
    const std::string_view written(first, static_cast<size_t>(at - first));
    out.push_back({text, (quoted ? false : written == options.null_text), quoted});
    if (at == end) return {};
    at++;
  }
}

}  // namespace merganser::pgwire

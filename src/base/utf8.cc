#include "base/utf8.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fmt/format.h>

namespace merganser {

namespace {

// How many bytes a sequence has that starts with this byte, 0 when none does; 0xC0, 0xC1 would be overlong.
size_t sequence_length(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

// The second byte carries the limits of Unicode table 3-7; all later ones are plain continuation bytes.
bool second_byte_ok(uint8_t lead, uint8_t second) {
  switch (lead) {
    case 0xE0:
      return second >= 0xA0 && second <= 0xBF;  // below: overlong
    case 0xED:
      return second >= 0x80 && second <= 0x9F;  // above: surrogates
    case 0xF0:
      return second >= 0x90 && second <= 0xBF;  // below: overlong
    case 0xF4:
      return second >= 0x80 && second <= 0x8F;  // above: beyond U+10FFFF
    default:
      return second >= 0x80 && second <= 0xBF;
  }
}

bool sequence_ok(const uint8_t* bytes, size_t length) {
  if (!second_byte_ok(bytes[0], bytes[1])) return false;
  return std::all_of(bytes + 2, bytes + length, [](uint8_t byte) { return (byte & 0xC0) == 0x80; });
}

}  // namespace

std::optional<size_t> find_invalid_utf8(std::string_view text) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  size_t at = 0;
  while (at < text.size()) {
    // Most text is ASCII: eight bytes at a time.
    while (text.size() - at >= 8) {
      uint64_t word;
      std::memcpy(&word, bytes + at, sizeof word);
      if ((word & 0x8080808080808080ULL) != 0) break;
      at += 8;
    }
    if (at == text.size()) break;
    const size_t length = sequence_length(bytes[at]);
    if (length == 0 || length > text.size() - at) return at;
    if (length > 1 && !sequence_ok(bytes + at, length)) return at;
    at += length;
  }
  return std::nullopt;
}

Error invalid_utf8_error(std::string_view text, size_t offset) {
  // PostgreSQL shows as many bytes as the lead byte promises (pg_utf_mblen: an invalid lead byte promises one).
  const auto lead = static_cast<uint8_t>(text[offset]);
  const size_t promised = lead >= 0xC0 && lead <= 0xDF   ? 2
                          : lead >= 0xE0 && lead <= 0xEF ? 3
                          : lead >= 0xF0 && lead <= 0xF7 ? 4
                                                         : 1;
  std::string message = "invalid byte sequence for encoding \"UTF8\":";
  for (const char c : text.substr(offset, promised)) message += fmt::format(" 0x{:02x}", static_cast<uint8_t>(c));
  return make_error(ErrorCode::kCharacterNotInRepertoire, std::move(message));
}

}  // namespace merganser

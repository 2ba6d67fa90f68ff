#include "base/utf8.h"

#include <gtest/gtest.h>
#include <string>

namespace merganser {
namespace {

// What Python's or ICU's decoder says, computed the slow way from the definition.
bool valid_by_definition(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    if (length == 0 || length > text.size() - at) return false;
    uint32_t point = length == 1 ? lead : lead & (0x7FU >> length);
    for (size_t i = 1; i < length; i++) {
      const auto next = static_cast<unsigned char>(text[at + i]);
      if ((next & 0xC0) != 0x80) return false;
      point = point << 6 | (next & 0x3F);
    }
    const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < least[length] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return false;
    at += length;
  }
  return true;
}

TEST(Utf8, AgreesWithTheDefinitionOnEveryShortSequence) {
  // All one- and two-byte texts, and all leads with telling continuations, behind ASCII that fills a word.
  const unsigned char telling[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xE0, 0xFF};
  for (int a = 0; a < 256; a++) {
    for (int b = 0; b < 256; b++) {
      for (const unsigned char c : telling) {
        for (const unsigned char d : telling) {
          for (size_t length = 1; length <= 4; length++) {
            const char bytes[] = {static_cast<char>(a), static_cast<char>(b), static_cast<char>(c),
                                  static_cast<char>(d)};
            const std::string_view text(bytes, length);
            ASSERT_EQ(!find_invalid_utf8(text), valid_by_definition(text)) << a << " " << b << " " << int{c};
          }
        }
      }
    }
  }
}

TEST(Utf8, SaysWhere) {
  EXPECT_EQ(find_invalid_utf8(""), std::nullopt);
  EXPECT_EQ(find_invalid_utf8("only ASCII, more than eight bytes"), std::nullopt);
  EXPECT_EQ(find_invalid_utf8("12345678\xFF"), 8U);
  EXPECT_EQ(find_invalid_utf8("1234567é\xC3"), 9U);
}

TEST(Utf8, ErrorShowsTheBytesAsPostgres) {
  EXPECT_EQ(invalid_utf8_error("a\xC3(", 1).message, "invalid byte sequence for encoding \"UTF8\": 0xc3 0x28");
  EXPECT_EQ(invalid_utf8_error("\xFF", 0).message, "invalid byte sequence for encoding \"UTF8\": 0xff");
  EXPECT_EQ(invalid_utf8_error("\xED\xA0\x80z", 0).message,
            "invalid byte sequence for encoding \"UTF8\": 0xed 0xa0 0x80");
  EXPECT_EQ(sqlstate(invalid_utf8_error("\xFF", 0).code), "22021");
}

}  // namespace
}  // namespace merganser

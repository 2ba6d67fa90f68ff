#include <gtest/gtest.h>
#include <limits>
#include <string>
#include <vector>

#include "pgwire/frontend.h"
#include "pgwire/frontend_for_test.h"

namespace merganser::pgwire {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using namespace frontend_for_test;

const std::vector<Case>& broken_cases() {
  static const std::vector<Case> all = {
      // Startup: all fatal.
      {"StartupTooShort", Phase::kStartup, i32(7) + "abc", "FATAL 08P01 invalid length of startup packet"},
      {"StartupTooLong", Phase::kStartup, i32(10'005), "FATAL 08P01 invalid length of startup packet"},
      {"StartupHttp", Phase::kStartup, "GET / HTTP/1.1\r\n", "FATAL 08P01 invalid length of startup packet"},
      {"StartupVersion2", Phase::kStartup, untyped(i32(2 << 16) + "user\0x\0\0"s),
       "FATAL 0A000 unsupported frontend protocol 2.0: server supports 3.0 to 3.2"},
      {"StartupNegativeVersion", Phase::kStartup, untyped(i32(-1)),
       "FATAL 0A000 unsupported frontend protocol 65535.65535: server supports 3.0 to 3.2"},
      {"StartupNoBody", Phase::kStartup, untyped(i32(kVersion3)),
       "FATAL 08P01 invalid startup packet layout: expected terminator as last byte"},
      {"StartupNoTerminator", Phase::kStartup, untyped(i32(kVersion3) + "user\0ada\0"s),
       "FATAL 08P01 invalid startup packet layout: expected terminator as last byte"},
      {"StartupNameWithoutValue", Phase::kStartup, untyped(i32(kVersion3) + "user\0"s),
       "FATAL 08P01 invalid startup packet layout: expected terminator as last byte"},
      {"StartupMissingZero", Phase::kStartup, untyped(i32(kVersion3) + "user\0ada"s),
       "FATAL 08P01 invalid startup packet layout: expected terminator as last byte"},
      {"StartupBytesAfterTerminator", Phase::kStartup, untyped(i32(kVersion3) + "user\0ada\0\0x\0"s),
       "FATAL 08P01 invalid startup packet layout: expected terminator as last byte"},
      {"StartupNotUtf8", Phase::kStartup, untyped(i32(kVersion3) + "user\0\xC3(\0\0"s),
       "FATAL 22021 invalid byte sequence for encoding \"UTF8\": 0xc3 0x28"},
      {"SslLong", Phase::kStartup, untyped(i32(80877103) + "x"), "FATAL 08P01 invalid length of startup packet"},
      {"SslLongKnownFromItsHeader", Phase::kStartup, i32(9000) + i32(80877103),
       "FATAL 08P01 invalid length of startup packet"},
      {"SslStuffed", Phase::kStartup, untyped(i32(80877103)) + kStartup,
       "FATAL 08P01 received unencrypted data after SSL request"},
      {"GssStuffed", Phase::kStartup, untyped(i32(80877104)) + "x",
       "FATAL 08P01 received unencrypted data after GSSAPI encryption request"},
      {"CancelShort", Phase::kStartup, untyped(i32(80877102) + i32(1)), "FATAL 08P01 invalid length of startup packet"},
      {"CancelLong", Phase::kStartup, untyped(i32(80877102) + i32(1) + std::string(257, 'k')),
       "FATAL 08P01 invalid length of startup packet"},
      // Before the client proved who it is.
      {"QueryBeforeAuthentication", Phase::kAuthentication, "Q",
       "FATAL 08P01 expected password response, got message type 81"},
      {"HugePassword", Phase::kAuthentication, "p" + i32(65'541), "FATAL 08P01 invalid message length"},
      // Framing: fatal, and known without the body.
      {"UnknownType", Phase::kReady, "y", "FATAL 08P01 invalid frontend message type 121"},
      {"HighType", Phase::kReady, "\xFF", "FATAL 08P01 invalid frontend message type 255"},
      {"ZeroType", Phase::kReady, "\0"s, "FATAL 08P01 invalid frontend message type 0"},
      {"LengthThree", Phase::kReady, "Q" + i32(3), "FATAL 08P01 invalid message length"},
      {"LengthNegative", Phase::kReady, "Q" + i32(-1), "FATAL 08P01 invalid message length"},
      {"LongSync", Phase::kReady, "S" + i32(10'005), "FATAL 08P01 invalid message length"},
      {"LongDescribe", Phase::kReady, "D" + i32(10'005), "FATAL 08P01 invalid message length"},
      {"HugeQuery", Phase::kReady, "Q" + i32(268'435'461),
       "FATAL 54000 message of 268435457 bytes is larger than the limit of 268435456 bytes"},
      // Bodies: the message is skipped, the session lives.
      {"QueryNoZero", Phase::kReady, typed('Q', "select 1"), "ERROR 08P01 invalid string in message"},
      {"QueryNoBody", Phase::kReady, typed('Q', ""), "ERROR 08P01 invalid string in message"},
      {"QueryWithZeroInside", Phase::kReady, typed('Q', "select\0 1\0"s), "ERROR 08P01 invalid message format"},
      {"QueryNotUtf8", Phase::kReady, typed('Q', "select '\xFF'\0"s),
       "ERROR 22021 invalid byte sequence for encoding \"UTF8\": 0xff"},
      {"QueryCutUtf8", Phase::kReady, typed('Q', "\xE2\x82\0"s),
       "ERROR 22021 invalid byte sequence for encoding \"UTF8\": 0xe2 0x82"},
      {"SyncWithBody", Phase::kReady, typed('S', "x"), "ERROR 08P01 invalid message format"},
      {"FlushWithBody", Phase::kReady, typed('H', "x"), "ERROR 08P01 invalid message format"},
      {"PasswordAfterAuthentication", Phase::kReady, "p", "FATAL 08P01 invalid frontend message type 112"},
      {"CopyDoneWithBody", Phase::kReady, typed('c', "x"), "ERROR 08P01 invalid message format"},
      {"CopyFailNoZero", Phase::kReady, typed('f', "why"), "ERROR 08P01 invalid string in message"},
      {"ParseNoCount", Phase::kReady, typed('P', "\0select 1\0"s), "ERROR 08P01 insufficient data left in message"},
      {"ParseHalfCount", Phase::kReady, typed('P', "\0select 1\0\0"s), "ERROR 08P01 insufficient data left in message"},
      {"ParseCountTooHigh", Phase::kReady, typed('P', "\0x\0"s + i16(2) + i32(23)),
       "ERROR 08P01 insufficient data left in message"},
      {"ParseCountHuge", Phase::kReady, typed('P', "\0x\0"s + i16(-1) + i32(23)),
       "ERROR 08P01 insufficient data left in message"},
      {"ParseCountTooLow", Phase::kReady, typed('P', "\0x\0"s + i16(0) + i32(23)),
       "ERROR 08P01 invalid message format"},
      {"ParseOneString", Phase::kReady, typed('P', "\0"s), "ERROR 08P01 invalid string in message"},
      {"BindValueLongerThanMessage", Phase::kReady, typed('B', "\0\0"s + i16(0) + i16(1) + i32(5) + "abc" + i16(0)),
       "ERROR 08P01 insufficient data left in message"},
      {"BindValueHuge", Phase::kReady,
       typed('B', "\0\0"s + i16(0) + i16(1) + i32(std::numeric_limits<int32_t>::max()) + "abc" + i16(0)),
       "ERROR 08P01 insufficient data left in message"},
      {"BindValueNegative", Phase::kReady, typed('B', "\0\0"s + i16(0) + i16(1) + i32(-2) + i16(0)),
       "ERROR 08P01 insufficient data left in message"},
      {"BindFewerParamsThanFormats", Phase::kReady,
       typed('B', "\0\0"s + i16(2) + i16(0) + i16(0) + i16(1) + value("x") + i16(0)),
       "ERROR 08P01 bind message has 2 parameter formats but 1 parameters"},
      {"BindFormat2", Phase::kReady, typed('B', "\0\0"s + i16(1) + i16(2) + i16(0) + i16(0)),
       "ERROR 22023 unsupported format code: 2"},
      {"BindResultFormatNegative", Phase::kReady, typed('B', "\0\0"s + i16(0) + i16(0) + i16(1) + i16(-1)),
       "ERROR 22023 unsupported format code: -1"},
      {"BindParamCountHuge", Phase::kReady, typed('B', "\0\0"s + i16(0) + i16(-1) + i16(0)),
       "ERROR 08P01 insufficient data left in message"},
      {"BindFormatCountHuge", Phase::kReady, typed('B', "\0\0"s + i16(-1) + i16(0) + i16(0)),
       "ERROR 08P01 insufficient data left in message"},
      {"BindResultCountHuge", Phase::kReady, typed('B', "\0\0"s + i16(0) + i16(0) + i16(-1)),
       "ERROR 08P01 insufficient data left in message"},
      {"BindTrailing", Phase::kReady, typed('B', "\0\0"s + i16(0) + i16(0) + i16(0) + "x"),
       "ERROR 08P01 invalid message format"},
      {"DescribeKind", Phase::kReady, typed('D', "xname\0"s), "ERROR 08P01 invalid DESCRIBE message subtype 120"},
      {"DescribeEmpty", Phase::kReady, typed('D', ""), "ERROR 08P01 no data left in message"},
      {"CloseKind", Phase::kReady, typed('C', "\xFF\0"s), "ERROR 08P01 invalid CLOSE message subtype 255"},
      {"CloseNoZero", Phase::kReady, typed('C', "Sx"), "ERROR 08P01 invalid string in message"},
      {"ExecuteNoCount", Phase::kReady, typed('E', "p\0"s), "ERROR 08P01 insufficient data left in message"},
      {"ExecuteTrailing", Phase::kReady, typed('E', "p\0"s + i32(0) + "x"), "ERROR 08P01 invalid message format"},
      {"FunctionCallFormats", Phase::kReady, typed('F', i32(1) + i16(2) + i16(0) + i16(0) + i16(0) + i16(0)),
       "ERROR 08P01 function call message contains 2 argument formats but 0 arguments"},
  };
  return all;
}

class BrokenMessage : public testing::TestWithParam<Case> {};

TEST_P(BrokenMessage, IsRefusedWithPostgresWords) {
  FrontendParser parser = parser_in(GetParam().phase);
  size_t consumed = 99;
  const Parsed parsed = parser.next(GetParam().bytes, consumed);
  EXPECT_EQ(describe(parsed), GetParam().expected);
  const bool fatal = GetParam().expected.starts_with("FATAL");
  EXPECT_EQ(consumed, fatal ? 0 : GetParam().bytes.size());
}

INSTANTIATE_TEST_SUITE_P(Frontend, BrokenMessage, testing::ValuesIn(broken_cases()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace merganser::pgwire

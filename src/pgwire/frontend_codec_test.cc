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

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"Startup", Phase::kStartup, kStartup, "startup 196608 user=ada database=flights"},
      {"StartupNewerMinor", Phase::kStartup, untyped(i32(kVersion3 + 2) + "user\0a\0_pq_.x\0\0\0"s),
       "startup 196610 user=a _pq_.x="},
      {"StartupWithoutParameters", Phase::kStartup, untyped(i32(kVersion3) + "\0"s), "startup 196608"},
      {"Ssl", Phase::kStartup, untyped(i32(80877103)), "ssl"},
      {"Gss", Phase::kStartup, untyped(i32(80877104)), "gss"},
      {"Cancel", Phase::kStartup, untyped(i32(80877102) + i32(77) + i32(-5)), "cancel 77 \xFF\xFF\xFF\xFB"},
      {"CancelLongKey", Phase::kStartup, untyped(i32(80877102) + i32(77) + std::string(256, 'k')),
       "cancel 77 " + std::string(256, 'k')},
      {"Password", Phase::kAuthentication, typed('p', "secret\0"s), "password secret\0"s},
      {"TerminateDuringAuthentication", Phase::kAuthentication, typed('X', ""), "terminate"},
      {"Query", Phase::kReady, typed('Q', "select 1\0"s), "query select 1"},
      {"QueryEmpty", Phase::kReady, typed('Q', "\0"s), "query "},
      {"QueryUnicode", Phase::kReady, typed('Q', "select 'é€𝄞'\0"s), "query select 'é€𝄞'"},
      {"Parse", Phase::kReady, typed('P', "s1\0select $1, $2\0"s + i16(2) + i32(23) + i32(0)),
       "parse s1|select $1, $2 [23,0,]"},
      {"ParseUnnamed", Phase::kReady, typed('P', "\0\0"s + i16(0)), "parse | []"},
      {"Bind", Phase::kReady,
       typed('B', "p\0s\0"s + i16(3) + i16(0) + i16(1) + i16(0) + i16(3) + value("ab") + i32(-1) + value("") + i16(1) +
                      i16(1)),
       "bind p|s [0,1,0,] {'ab',NULL,'',} [1,]"},
      {"BindOneFormatForAll", Phase::kReady,
       typed('B', "\0\0"s + i16(1) + i16(1) + i16(2) + value("\1\0"sv) + value("\0"sv) + i16(0)),
       "bind | [1,] {'\1\0','\0',} []"s},
      {"BindNothing", Phase::kReady, typed('B', "\0\0"s + i16(0) + i16(0) + i16(0)), "bind | [] {} []"},
      {"DescribeStatement", Phase::kReady, typed('D', "Ss1\0"s), "describe Ss1"},
      {"DescribePortal", Phase::kReady, typed('D', "P\0"s), "describe P"},
      {"Execute", Phase::kReady, typed('E', "p\0"s + i32(50)), "execute p 50"},
      {"ExecuteNegativeMeansAll", Phase::kReady, typed('E', "\0"s + i32(-1)), "execute  0"},
      {"Close", Phase::kReady, typed('C', "Sx\0"s), "close Sx"},
      {"Sync", Phase::kReady, typed('S', ""), "sync"},
      {"Flush", Phase::kReady, typed('H', ""), "flush"},
      {"Terminate", Phase::kReady, typed('X', ""), "terminate"},
      {"CopyData", Phase::kReady, typed('d', "a\tb\0\n"s), "copydata a\tb\0\n"s},
      {"CopyDataEmpty", Phase::kReady, typed('d', ""), "copydata "},
      {"CopyDone", Phase::kReady, typed('c', ""), "copydone"},
      {"CopyFail", Phase::kReady, typed('f', "no\0"s), "copyfail no"},
      {"FunctionCall", Phase::kReady, typed('F', i32(1598) + i16(1) + i16(1) + i16(2) + value("q") + i32(-1) + i16(1)),
       "call 1598 [1,] {'q',NULL,}1"},
  };
  return all;
}

class EveryMessage : public testing::TestWithParam<Case> {};

TEST_P(EveryMessage, IsParsed) {
  FrontendParser parser = parser_in(GetParam().phase);
  size_t consumed = 99;
  EXPECT_EQ(describe(parser.next(GetParam().bytes, consumed)), GetParam().expected);
  EXPECT_EQ(consumed, GetParam().bytes.size());
}

// Feeding byte by byte is a cut at every byte: all but the last answer must ask for more, and the state must not move.
TEST_P(EveryMessage, CutAtEveryByteAsksForMore) {
  const std::string& bytes = GetParam().bytes;
  FrontendParser parser = parser_in(GetParam().phase);
  for (size_t cut = 0; cut < bytes.size(); cut++) {
    const std::string part = bytes.substr(0, cut);  // its own allocation: a read past the cut is a read past the end
    size_t consumed = 99;
    const Parsed parsed = parser.next(part, consumed);
    const auto* need = std::get_if<NeedMore>(&parsed);
    ASSERT_NE(need, nullptr) << "cut at " << cut << ": " << describe(parsed);
    EXPECT_EQ(consumed, 0U);
    EXPECT_GT(need->total, cut) << "would never be called again";
    EXPECT_LE(need->total, bytes.size()) << "would wait for bytes that never come";
    if (cut >= 8) {
      EXPECT_EQ(need->total, bytes.size());
    }
  }
  size_t consumed = 0;
  EXPECT_EQ(describe(parser.next(bytes, consumed)), GetParam().expected);
}

TEST_P(EveryMessage, LeavesWhatFollows) {
  if (GetParam().expected == "ssl" || GetParam().expected == "gss") return;  // nothing may follow: tested below
  FrontendParser parser = parser_in(GetParam().phase);
  size_t consumed = 0;
  EXPECT_EQ(describe(parser.next(GetParam().bytes + "\xFFtail", consumed)), GetParam().expected);
  EXPECT_EQ(consumed, GetParam().bytes.size());
}

// A wrong length field: the parser errs or waits, and never reads another message into it or past the input.
TEST_P(EveryMessage, WrongLengthIsNotTheSameMessage) {
  const std::string& good = GetParam().bytes;
  const size_t at = GetParam().phase == Phase::kStartup ? 0 : 1;
  const auto length = static_cast<int64_t>(good.size() - at);
  const int64_t wrong[] = {length - 1,
                           length + 1,
                           0,
                           1,
                           3,
                           -1,
                           -length,
                           std::numeric_limits<int32_t>::min(),
                           std::numeric_limits<int32_t>::max()};
  for (const int64_t bad : wrong) {
    std::string bytes = good;
    bytes.replace(at, 4, i32(bad));
    FrontendParser parser = parser_in(GetParam().phase);
    size_t consumed = 0;
    const Parsed parsed = parser.next(bytes, consumed);
    EXPECT_NE(describe(parsed), GetParam().expected) << "length " << bad;
    EXPECT_LE(consumed, bytes.size());
    if (bad < 4 || bad > 300'000'000) {
      const auto* problem = std::get_if<ProtocolError>(&parsed);
      ASSERT_NE(problem, nullptr) << "length " << bad << ": " << describe(parsed);
      EXPECT_TRUE(problem->fatal);
      EXPECT_EQ(consumed, 0U);
    }
  }
}

// Every byte of every message set to telling values: whatever comes out, nothing is read outside the input (run under
// the address sanitizer) and consumed is either nothing or within the input.
TEST_P(EveryMessage, SurvivesEveryChangedByte) {
  const std::string& good = GetParam().bytes;
  for (size_t at = 0; at < good.size(); at++) {
    for (const char byte : {'\0', '\1', '\x7F', '\x80', '\xFF', static_cast<char>(good[at] + 1)}) {
      std::string bytes = good;
      bytes[at] = byte;
      FrontendParser parser = parser_in(GetParam().phase);
      size_t consumed = 0;
      const Parsed parsed = parser.next(bytes, consumed);
      EXPECT_LE(consumed, bytes.size());
      EXPECT_EQ(consumed == 0,
                !std::holds_alternative<FrontendMessage>(parsed) &&
                    !(std::holds_alternative<ProtocolError>(parsed) && !std::get<ProtocolError>(parsed).fatal));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Frontend, EveryMessage, testing::ValuesIn(cases()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(FrontendParser, GoesOnAfterAnErrorThatIsNotFatal) {
  FrontendParser parser = ready_parser();
  std::string in = typed('E', "p\0"s) + typed('S', "") + typed('Q', "select 1\0"s);
  std::vector<std::string> seen;
  std::string_view rest = in;
  while (!rest.empty()) {
    size_t consumed = 0;
    seen.push_back(describe(parser.next(rest, consumed)));
    ASSERT_GT(consumed, 0U);
    rest.remove_prefix(consumed);
  }
  EXPECT_EQ(seen,
            (std::vector<std::string>{"ERROR 08P01 insufficient data left in message", "sync", "query select 1"}));
}

TEST(FrontendParser, SaysWhichErrorsSkipToSync) {
  for (const char type : "PBDECH"s) EXPECT_TRUE(is_extended_query_message(type)) << type;
  for (const char type : "QSXpdcfF"s) EXPECT_FALSE(is_extended_query_message(type)) << type;
  FrontendParser parser = ready_parser();
  size_t consumed = 0;
  EXPECT_EQ(std::get<ProtocolError>(parser.next(typed('B', ""), consumed)).type, 'B');
}

TEST(FrontendParser, EncryptionIsAskedForOnceEach) {
  FrontendParser parser;
  size_t consumed = 0;
  EXPECT_EQ(describe(parser.next(untyped(i32(80877104)), consumed)), "gss");
  EXPECT_EQ(describe(parser.next(untyped(i32(80877103)), consumed)), "ssl");
  EXPECT_EQ(describe(parser.next(untyped(i32(80877103)), consumed)),
            "FATAL 0A000 unsupported frontend protocol 1234.5679: server supports 3.0 to 3.2");
  EXPECT_EQ(describe(parser.next(kStartup, consumed)), "startup 196608 user=ada database=flights");
}

TEST(FrontendParser, LimitsCountFromTheFirstByteTooMany) {
  FrontendLimits limits;
  limits.message_bytes = 100;
  limits.short_message_bytes = 10;
  limits.authentication_bytes = 20;
  FrontendParser parser = ready_parser(limits);
  size_t consumed = 0;
  EXPECT_EQ(describe(parser.next("Q" + i32(104), consumed)), "need 105");
  EXPECT_EQ(describe(parser.next("Q" + i32(105), consumed)),
            "FATAL 54000 message of 101 bytes is larger than the limit of 100 bytes");
  EXPECT_EQ(describe(parser.next("E" + i32(14), consumed)), "need 15");
  EXPECT_EQ(describe(parser.next("E" + i32(15), consumed)), "FATAL 08P01 invalid message length");
  FrontendParser asking = authenticating_parser(limits);
  EXPECT_EQ(describe(asking.next("p" + i32(24), consumed)), "need 25");
  EXPECT_EQ(describe(asking.next("p" + i32(25), consumed)), "FATAL 08P01 invalid message length");
}

TEST(FrontendParser, TakesAsManyParametersAsACountCanSay) {
  std::string body = "\0\0"s + i16(0) + i16(-1);  // 65535
  for (int i = 0; i < 65535; i++) body += value("x");
  FrontendParser parser = ready_parser();
  size_t consumed = 0;
  const Parsed parsed = parser.next(typed('B', body + i16(0)), consumed);
  EXPECT_EQ(std::get<Bind>(std::get<FrontendMessage>(parsed)).params.size(), 65535U);
}

TEST(FrontendParser, TerminateMayCarryAnything) {
  FrontendParser parser = ready_parser();
  size_t consumed = 0;
  EXPECT_EQ(describe(parser.next(typed('X', "bye"), consumed)), "terminate");
}

TEST(StartupMessage, TheLastOfARepeatedNameCounts) {
  FrontendParser parser;
  size_t consumed = 0;
  const std::string bytes = untyped(i32(kVersion3) + "user\0a\0user\0b\0\0"s);
  const Parsed parsed = parser.next(bytes, consumed);
  const auto& startup = std::get<StartupMessage>(std::get<FrontendMessage>(parsed));
  EXPECT_EQ(startup.find("user"), "b");
  EXPECT_EQ(startup.find("database"), std::nullopt);
}

TEST(SaslInitialResponse, IsReadStrictly) {
  const std::string body = "SCRAM-SHA-256\0"s + value("n,,n=,r=abc");
  const auto good = parse_sasl_initial_response(body);
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(good->mechanism, "SCRAM-SHA-256");
  EXPECT_EQ(good->data, "n,,n=,r=abc");
  const std::string without = "SCRAM-SHA-256\0"s + i32(-1);
  ASSERT_TRUE(parse_sasl_initial_response(without).ok());
  EXPECT_EQ(parse_sasl_initial_response(without)->data, std::nullopt);
  for (const std::string& bad : {""s, "SCRAM-SHA-256"s, "X\0"s, "X\0"s + i32(3) + "ab", "X\0"s + i32(1) + "ab",
                                 "X\0"s + i32(-2), "X\0\0\0\0"s}) {
    const auto parsed = parse_sasl_initial_response(bad);
    ASSERT_FALSE(parsed.ok());
    EXPECT_EQ(parsed.error().code, ErrorCode::kProtocolViolation);
  }
}

TEST(Password, IsReadStrictly) {
  EXPECT_EQ(*parse_password("secret\0"sv), "secret");
  EXPECT_EQ(parse_password("secret"sv).error().message, "invalid password packet size");
  EXPECT_EQ(parse_password("sec\0ret\0"sv).error().message, "invalid password packet size");
  EXPECT_EQ(parse_password(""sv).error().message, "invalid password packet size");
  EXPECT_EQ(parse_password("\0"sv).error().code, ErrorCode::kInvalidPassword);
}

}  // namespace
}  // namespace merganser::pgwire

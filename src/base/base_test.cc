#include <cerrno>
#include <gtest/gtest.h>
#include <set>
#include <thread>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/result.h"

namespace merganser {
namespace {

TEST(ErrorTable, EveryCodeHasItsOwnSqlstateAndAnHttpStatus) {
  std::set<std::string_view> seen;
  for (int i = 0; i <= static_cast<int>(ErrorCode::kStatementEndedOwner); i++) {
    const auto code = static_cast<ErrorCode>(i);
    EXPECT_TRUE(seen.insert(sqlstate(code)).second) << sqlstate(code);
    EXPECT_GE(http_status(code), 200);
    EXPECT_LT(http_status(code), 600);
    EXPECT_FALSE(code_name(code).empty());
  }
  EXPECT_EQ(sqlstate(ErrorCode::kUniqueViolation), "23505");
  EXPECT_EQ(http_status(ErrorCode::kTooManyConnections), 429);
}

TEST(ErrnoError, KeepsDiskFullAndPermissionApart) {
  EXPECT_EQ(errno_error(ENOSPC, "x").code, ErrorCode::kDiskFull);
  EXPECT_EQ(errno_error(EACCES, "x").code, ErrorCode::kInsufficientPrivilege);
  EXPECT_EQ(errno_error(EIO, "x").code, ErrorCode::kIoError);
  EXPECT_EQ(errno_error(EIO, "cannot write").to_string(), "cannot write (Input/output error)");
}

Result<int> half(int n) {
  if (n % 2) return make_error(ErrorCode::kInvalidParameterValue, "odd");
  return n / 2;
}
Result<int> quarter(int n) {
  MERGANSER_ASSIGN(const int h, half(n));
  MERGANSER_TRY(half(h));
  return half(h);
}

TEST(Result, CarriesValuesAndErrors) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().message, "odd");
  EXPECT_FALSE(quarter(7).ok());
}

TEST(Bytes, RoundTripAndNeverPastTheEnd) {
  std::string out;
  ByteWriter writer(out);
  writer.put_i16(-2);
  writer.put_i32(0x01020304);
  writer.put_i64(-5);
  writer.put_cstring("abc");
  EXPECT_EQ(out[2], 1);
  EXPECT_EQ(out[5], 4);
  writer.patch_i32(2, 7);
  ByteReader reader(out);
  EXPECT_EQ(reader.get<int16_t>(), -2);
  EXPECT_EQ(reader.get<int32_t>(), 7);
  EXPECT_EQ(reader.get<int64_t>(), -5);
  EXPECT_EQ(reader.get_cstring(), "abc");
  EXPECT_TRUE(reader.empty());
  EXPECT_FALSE(reader.get<int16_t>().has_value());
  EXPECT_FALSE(reader.get_cstring().has_value());
  EXPECT_FALSE(ByteReader("abc").get_cstring().has_value());
  EXPECT_FALSE(ByteReader("abc").get_bytes(4).has_value());
}

TEST(Deadline, NeverAndExpired) {
  EXPECT_FALSE(Deadline::never().expired());
  EXPECT_EQ(Deadline::never().remaining(), Duration::max());
  const Deadline past(SteadyClock::now() - std::chrono::seconds(1));
  EXPECT_TRUE(past.expired());
  EXPECT_EQ(past.remaining(), Duration::zero());
  EXPECT_EQ(past.earlier(Deadline::never()).at(), past.at());
}

TEST(Log, LevelNames) {
  LogLevel level = LogLevel::kInfo;
  EXPECT_TRUE(parse_log_level("error", level));
  EXPECT_EQ(level, LogLevel::kError);
  EXPECT_FALSE(parse_log_level("loud", level));
}

TEST(Log, WritesQuotedKeyValueLines) {
  testing::internal::CaptureStderr();
  log_init(LogLevel::kInfo, "");
  log(LogLevel::kInfo, "test.event", {{"plain", "a"}, {"spaced", "a \"b\"\n"}, {"n", 7}});
  log(LogLevel::kDebug, "test.hidden");
  const std::string line = testing::internal::GetCapturedStderr();
  EXPECT_NE(line.find("event=test.event plain=a spaced=\"a \\\"b\\\"\\n\" n=7"), std::string::npos) << line;
  EXPECT_EQ(line.find("hidden"), std::string::npos);
}

}  // namespace
}  // namespace merganser

// The pieces of a session that need no server: rewriting parameters, settings, temporary storage, descriptions.
#include <filesystem>
#include <gtest/gtest.h>

#include "session/description.h"
#include "session/spool.h"
#include "session/variables.h"

namespace merganser::session {
namespace {

ParameterRewrite cast(const std::string& type) {
  return {ParameterForm::kCast, type, false, {}};
}
ParameterRewrite literal(const std::string& text) {
  return {ParameterForm::kLiteral, {}, false, text};
}

TEST(RewriteParameters, CastsSplicesAndNumbersAnew) {
  std::vector<size_t> kept;
  EXPECT_EQ(rewrite_parameters("select $1, $2, $1", {cast("DATE"), {}}, kept),
            "select CAST($1 AS DATE), $2, CAST($1 AS DATE)");
  EXPECT_EQ(kept, (std::vector<size_t>{0, 1}));
  EXPECT_EQ(rewrite_parameters("select $1, $2", {literal("it's"), {}}, kept), "select  'it''s' , $1");
  EXPECT_EQ(kept, (std::vector<size_t>{1}));
  EXPECT_EQ(rewrite_parameters("select $10, $1", std::vector<ParameterRewrite>(10, literal("x")), kept),
            "select  'x' ,  'x' ");
  ParameterRewrite json = cast("INTEGER[]");
  json.through_json = true;
  EXPECT_EQ(rewrite_parameters("select $1", {json}, kept), "select CAST(CAST($1 AS JSON) AS INTEGER[])");
  EXPECT_EQ(rewrite_parameters("select $1", {{ParameterForm::kNull, "DATE", false, {}}}, kept),
            "select CAST(NULL AS DATE)");
}

TEST(RewriteParameters, LeavesQuotesCommentsAndOtherNumbersAlone) {
  std::vector<size_t> kept;
  const std::string sql = "select '$1', \"$1\", $$ $1 $$, /* $1 */ a$1, $3 -- $1";
  EXPECT_EQ(rewrite_parameters(sql, {literal("x"), {}}, kept), sql);
}

// Whatever a client sends as a value stays one literal.
TEST(RewriteParameters, ALiteralCannotEndItself) {
  std::vector<size_t> kept;
  EXPECT_EQ(rewrite_parameters("select $1", {literal("'; drop table t; --")}, kept), "select  '''; drop table t; --' ");
  EXPECT_EQ(rewrite_parameters("select $1", {literal("\\' or 1=1")}, kept), "select  '\\'' or 1=1' ");
}

struct DurationCase {
  const char* text;
  int64_t ms;  // -1: refused
};

TEST(Durations, AsPostgresqlSpellsThem) {
  const DurationCase cases[] = {{"0", 0},        {"500", 500},    {"500ms", 500},    {"2s", 2000},       {"0.2s", 200},
                                {"1min", 60000}, {"1h", 3600000}, {"1 d", 86400000}, {"5 s", 5000},      {"-1", -1},
                                {"", -1},        {"x", -1},       {"5 parsecs", -1}, {"99999999999", -1}};
  for (const DurationCase& test : cases) {
    const auto parsed = parse_duration(test.text);
    EXPECT_EQ(parsed.ok() ? parsed->count() : -1, test.ms) << test.text;
  }
  EXPECT_EQ(format_duration(std::chrono::milliseconds(300)), "300ms");
  EXPECT_EQ(format_duration(std::chrono::milliseconds(120000)), "2min");
  EXPECT_EQ(format_duration(std::chrono::milliseconds(0)), "0");
}

Variables fresh() {
  return Variables("ada", "15.18", "UTC");
}

TEST(Variables, KnowWhatClientsSend) {
  Variables variables = fresh();
  for (const char* encoding : {"UTF8", "utf-8", "'utf-8'", "unicode", "UTF_8"}) {
    EXPECT_TRUE(variables.set("client_encoding", encoding).ok()) << encoding;
    EXPECT_EQ(variables.show("client_encoding").value(), "UTF8");
  }
  EXPECT_TRUE(variables.set("client_encoding", "sql_ascii").ok());
  EXPECT_EQ(variables.show("client_encoding").value(), "SQL_ASCII");
  for (const char* other : {"latin1", "ISO-8859-15", "WIN1252", "windows-1252", "EUC_JP", "sjis"}) {
    EXPECT_EQ(variables.set("client_encoding", other).error().code, ErrorCode::kFeatureNotSupported) << other;
  }
  for (const char* nothing : {"", "bogus", "utf16", "'"}) {
    EXPECT_EQ(variables.set("client_encoding", nothing).error().code, ErrorCode::kInvalidParameterValue) << nothing;
  }
  EXPECT_TRUE(variables.set("datestyle", "ISO, DMY").ok());
  EXPECT_FALSE(variables.set("datestyle", "German").ok());
  EXPECT_TRUE(variables.set("extra_float_digits", "3").ok());
  EXPECT_TRUE(variables.set("application_name", "test").ok());
  EXPECT_EQ(variables.show("application_name").value(), "test");
  EXPECT_EQ(variables.set("no_such_setting", "1").error().code, ErrorCode::kUndefinedObject);
  EXPECT_EQ(variables.set("server_version", "1").error().code, ErrorCode::kObjectNotInState);
  EXPECT_FALSE(variables.set("statement_timeout", "soon").ok());
  EXPECT_EQ(variables.engine_settings(), nullptr);
}

TEST(Variables, EngineSettingsComeAndGo) {
  Variables variables = fresh();
  ASSERT_TRUE(variables.set("timezone", "europe/berlin").ok());
  ASSERT_NE(variables.engine_settings(), nullptr);
  EXPECT_EQ(variables.engine_settings()->at("timezone"), "Europe/Berlin");
  EXPECT_FALSE(variables.set("timezone", "Mars/Olympus").ok());
  EXPECT_EQ(variables.show("timezone").value(), "Europe/Berlin");
  ASSERT_TRUE(variables.reset("timezone").ok());
  EXPECT_EQ(variables.engine_settings(), nullptr);
  ASSERT_TRUE(variables.set("timezone", "Asia/Tokyo").ok());
  variables.make_default();
  ASSERT_TRUE(variables.set("timezone", "UTC").ok());
  ASSERT_TRUE(variables.reset("all").ok());
  EXPECT_EQ(variables.show("timezone").value(), "Asia/Tokyo");
  EXPECT_EQ(variables.engine_settings()->at("timezone"), "Asia/Tokyo");
}

TEST(Spool, GivesRowsBackInOrderAndKeepsItsLimit) {
  SpoolSpace space;
  space.directory = testing::TempDir();
  space.limit = 1000;
  {
    auto spool = std::move(Spool::create(space)).value();
    for (int i = 0; i < 50; i++) ASSERT_TRUE(spool->append("row" + std::to_string(i) + ";").ok());
    std::string out;
    uint64_t rows = 0;
    ASSERT_TRUE(spool->read(3, 1 << 20, out, rows).ok());
    EXPECT_EQ(rows, 3u);
    EXPECT_EQ(out, "row0;row1;row2;");
    EXPECT_FALSE(spool->exhausted());
    out.clear();
    ASSERT_TRUE(spool->read(UINT64_MAX, 12, out, rows).ok());
    EXPECT_EQ(out, "row3;row4;");  // as much as fits
    out.clear();
    ASSERT_TRUE(spool->read(UINT64_MAX, 1 << 20, out, rows).ok());
    EXPECT_EQ(rows, 45u);
    EXPECT_TRUE(spool->exhausted());
    ASSERT_TRUE(spool->read(1, 100, out, rows).ok());
    EXPECT_EQ(rows, 0u);
    const Status full = spool->append(std::string(1000, 'x'));
    ASSERT_FALSE(full.ok());
    EXPECT_EQ(full.error().code, ErrorCode::kConfigurationLimitExceeded);
    EXPECT_GT(space.used, 0u);
  }
  EXPECT_EQ(space.used, 0u);
}

TEST(Spool, SaysWhereItCannotWrite) {
  SpoolSpace space;
  space.directory = "/no/such/folder";
  const auto spool = Spool::create(space);
  ASSERT_FALSE(spool.ok());
  EXPECT_NE(spool.error().message.find("/no/such/folder"), std::string::npos);
}

DescriptionPtr described(const std::string& sql) {
  auto description = std::make_shared<Description>();
  description->sql = std::make_shared<const std::string>(sql);
  return description;
}

TEST(DescriptionCache, ForgetsTheOldestAndEverythingAfterDdl) {
  DescriptionCache cache(2);
  cache.keep(nullptr, 0, described("a"));
  cache.keep(nullptr, 0, described("b"));
  EXPECT_NE(cache.find("a", nullptr, 0), nullptr);
  cache.keep(nullptr, 0, described("c"));
  EXPECT_EQ(cache.find("b", nullptr, 0), nullptr);
  EXPECT_NE(cache.find("a", nullptr, 0), nullptr);
  const auto settings = std::make_shared<const engine::Settings>(engine::Settings{{"search_path", "x"}});
  EXPECT_EQ(cache.find("a", settings, 0), nullptr);
  EXPECT_EQ(cache.find("a", nullptr, 1), nullptr);
  EXPECT_EQ(cache.size(), 0u);
  cache.keep(nullptr, 0, described("late"));  // described before the DDL
  EXPECT_EQ(cache.size(), 0u);
}

}  // namespace
}  // namespace merganser::session

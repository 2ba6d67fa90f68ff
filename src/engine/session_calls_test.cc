#include "engine/session_calls.h"

#include <gtest/gtest.h>

namespace merganser::engine {
namespace {

SessionCalls parse(std::string_view sql) {
  auto parsed = parse_session_calls(sql);
  EXPECT_TRUE(parsed.ok()) << sql;
  if (!parsed.ok()) return {};
  EXPECT_TRUE(parsed->has_value()) << sql;
  return parsed->value_or(SessionCalls{});
}

TEST(SessionCalls, ArgumentsTakeThePlaceOfCalls) {
  const auto one = parse("select pg_advisory_lock(1)");
  EXPECT_EQ(one.arguments_sql, "select CAST(1 AS BIGINT)");
  ASSERT_EQ(one.items.size(), 1U);
  EXPECT_EQ(one.items[0]->column, "pg_advisory_lock");
  const auto rows =
      parse("SELECT id, pg_catalog.pg_try_advisory_xact_lock_shared(a, b) AS \"Got\" FROM t WHERE c = $1");
  EXPECT_EQ(rows.arguments_sql, "SELECT id, CAST(a AS INTEGER), CAST(b AS INTEGER) FROM t WHERE c = $1");
  ASSERT_EQ(rows.items.size(), 2U);
  EXPECT_FALSE(rows.items[0]);
  EXPECT_TRUE(rows.items[1]->shared && rows.items[1]->transaction);
  EXPECT_EQ(rows.items[1]->column, "Got");
  const auto star = parse("with x as (select 1 as i) select *, pg_notify('c', i || ',') from x");
  EXPECT_EQ(star.star, 0U);
  EXPECT_EQ(star.arguments_sql,
            "with x as (select 1 as i) select *, CAST('c' AS VARCHAR), CAST(i || ',' AS VARCHAR) from x");
  EXPECT_EQ(parse("select pg_advisory_unlock_all()").arguments_sql, "select NULL");
}

TEST(SessionCalls, OnlyAsItemsOfTheOutermostList) {
  for (const char* sql : {"select 1 where pg_try_advisory_lock(1)", "select pg_try_advisory_lock(1)::int",
                          "select (select pg_try_advisory_lock(1))", "select distinct pg_notify('a', 'b')",
                          "values (pg_notify('a', 'b'))", "select pg_notify('a', 'b') union select 1"}) {
    const auto parsed = parse_session_calls(sql);
    ASSERT_FALSE(parsed.ok()) << sql;
    EXPECT_EQ(parsed.error().code, ErrorCode::kFeatureNotSupported) << sql;
  }
  EXPECT_EQ(parse_session_calls("select pg_notify('a')").error().code, ErrorCode::kUndefinedFunction);
  const auto none = parse_session_calls("select 'pg_notify(1)', pg_notify from t");
  EXPECT_TRUE(none.ok() && !none->has_value());
}

TEST(SessionCalls, ValuesOfTheSession) {
  SessionValues values;
  values.backend_pid = 17;
  values.setting = [](const std::string& name) {
    return name == "timezone" ? std::optional<std::string>("UTC") : std::nullopt;
  };
  values.settings = [] { return std::vector<std::pair<std::string, std::string>>{{"timezone", "UTC"}}; };
  const auto put = [&](std::string_view sql) {
    auto text = with_session_values(sql, values);
    return text.ok() ? *text : text.error().message;
  };
  EXPECT_EQ(put("select pg_backend_pid()"), "select CAST(17 AS INTEGER) AS pg_backend_pid");
  EXPECT_EQ(put("select pid <> pg_catalog.pg_backend_pid() as x"), "select pid <> CAST(17 AS INTEGER) as x");
  EXPECT_EQ(put("select current_setting('TimeZone')"), "select CAST('UTC' AS VARCHAR) AS current_setting");
  EXPECT_EQ(put("select current_setting('none', true) is null"), "select CAST(NULL AS VARCHAR) is null");
  EXPECT_EQ(put("select current_setting('threads')"), "select current_setting('threads')");
  EXPECT_EQ(put("select 'pg_backend_pid()'"), "select 'pg_backend_pid()'");
}

}  // namespace
}  // namespace merganser::engine

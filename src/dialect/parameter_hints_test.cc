#include "dialect/parameter_hints.h"

#include <gtest/gtest.h>

#include "dialect/operand.h"
#include "dialect/sql_view.h"

namespace merganser::dialect {
namespace {

using Kind = ParameterHint::Kind;

ParameterHint first_hint(std::string_view sql, size_t count = 1) {
  return parameter_hints(sql, std::vector<OpenParameter>(count, {true, {}})).front();
}

TEST(ParameterHints, TakeTheOtherOperandByPrecedence) {
  EXPECT_EQ(first_hint("SELECT a * b + $1 FROM t").text, "a * b");
  EXPECT_EQ(first_hint("SELECT a + b * $1 FROM t").text, "b");
  EXPECT_EQ(first_hint("SELECT a - b + $1 FROM t").text, "a - b");
  EXPECT_EQ(first_hint("SELECT $1 + a * b FROM t").text, "a * b");
  EXPECT_EQ(first_hint("SELECT $1 + a + b FROM t").text, "a");
  EXPECT_EQ(first_hint("SELECT $1 * a + b FROM t").text, "a");
  EXPECT_EQ(first_hint("SELECT s.\"T\".a::numeric(10, 2) - $1").text, "s.\"T\".a::numeric(10, 2)");
  EXPECT_EQ(first_hint("SELECT f(a, (b))[1] - $1").text, "f(a, (b))[1]");
  EXPECT_EQ(first_hint("SELECT sum(a) OVER (ORDER BY b) - $1").text, "sum(a) OVER (ORDER BY b)");
  EXPECT_EQ(first_hint("SELECT CASE WHEN a THEN CASE WHEN b THEN 1 END END - $1").text,
            "CASE WHEN a THEN CASE WHEN b THEN 1 END END");
  EXPECT_EQ(first_hint("SELECT interval '1 day' * $1").text, "interval '1 day'");
  EXPECT_EQ(first_hint("SELECT 1 WHERE (a) - $1 > 2").text, "(a)");
}

TEST(ParameterHints, OpenParametersBesideAreLeftOut) {
  EXPECT_EQ(first_hint("SELECT $1 + $2", 2).kind, Kind::kNone);
  const auto hints = parameter_hints("SELECT a + $1 + $2", {{true, {}}, {true, {}}});
  EXPECT_EQ(hints[0].text, "a");
  EXPECT_EQ(hints[1].text, "a + NULL");
  EXPECT_TRUE(hints[1].rests_on_open);
  EXPECT_EQ(parameter_hints("SELECT a + $1 + $2", {{true, "INTEGER"}, {true, {}}})[1].text,
            "a + CAST(NULL AS INTEGER)");
}

TEST(ParameterHints, PlacesThatSayTheType) {
  EXPECT_EQ(first_hint("SELECT 1 LIMIT $1").text, "BIGINT");
  EXPECT_EQ(first_hint("SELECT s ~ $1 FROM t").text, "VARCHAR");
  EXPECT_EQ(first_hint("SELECT power($1, 2)").text, "DOUBLE");
  EXPECT_EQ(first_hint("SELECT unknown_function($1, 2)").kind, Kind::kNone);
  EXPECT_EQ(first_hint("SELECT a = ANY ($1)").kind, Kind::kArrayOf);
  EXPECT_TRUE(first_hint("INSERT INTO s.t (a, b) SELECT $1, 2").replaces_text);
}

TEST(ParameterHints, BrokenTextsHaveNone) {
  for (const std::string_view sql : {"$1",
                                     "+ $1",
                                     "$1 +",
                                     "(((",
                                     ")))$1+",
                                     "SELECT $1 + (",
                                     "SELECT ) + $1",
                                     "SELECT END + $1",
                                     "SELECT ]] + $1",
                                     "SELECT f($1",
                                     "INSERT INTO",
                                     "INSERT INTO t ($1",
                                     "= ANY ($1)",
                                     "SELECT $99999999999",
                                     "SELECT $0 + 1",
                                     "SELECT :: + $1",
                                     "VALUES ($1), (",
                                     "IN (($1))",
                                     "SELECT $1 + CASE",
                                     "::x + $1"}) {
    const auto hints = parameter_hints(sql, {{true, {}}});
    EXPECT_EQ(hints.size(), 1U) << sql;
  }
}

TEST(TypeBeside, FollowsTheOperator) {
  using engine::make_type;
  using engine::TypeId;
  const auto beside = [](std::string op, TypeId other) {
    return type_beside(ParameterHint{Kind::kSameAs, "x", std::move(op), false, false}, make_type(other))->id;
  };
  EXPECT_EQ(beside("+", TypeId::kInteger), TypeId::kInteger);
  EXPECT_EQ(beside("+", TypeId::kTimestampTz), TypeId::kInterval);
  EXPECT_EQ(beside("-", TypeId::kTimestampTz), TypeId::kTimestampTz);
  EXPECT_EQ(beside("||", TypeId::kInteger), TypeId::kVarchar);
  EXPECT_EQ(beside("*", TypeId::kInterval), TypeId::kDouble);
  EXPECT_EQ(type_beside(ParameterHint{}, nullptr), nullptr);
}

}  // namespace
}  // namespace merganser::dialect

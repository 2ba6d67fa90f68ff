// Texts of values: what DuckDB holds, as PostgreSQL would print it, and as JSON.
#include "engine/value_text.h"

#include <cmath>
#include <gmock/gmock.h>
#include <limits>
#include <random>

#include "engine/raw_query_fixture.h"
#include "engine/value_json.h"

namespace merganser::engine {
namespace {

class ValueTextTest : public RawQueryTest {
 protected:
  std::string text_of(const std::string& expression) { return render(expression, false); }
  std::string json_of(const std::string& expression) { return render(expression, true); }

  std::string render(const std::string& expression, bool json) {
    const Rows rows = query("SELECT " + expression);
    std::string out;
    TextSink sink(out, size_t{1} << 20);
    const VectorView& column = rows.chunks.at(0).column(0);
    if (!json && !column.valid(0)) return "<null>";
    json ? append_json(sink, column, 0, *zone_) : append_text(sink, column, 0, *zone_);
    if (sink.failed()) return "error: " + sink.take_error().message;
    sink.finish();
    return out;
  }

  TimeZone::Ptr zone_ = TimeZone::utc();
};

struct Case {
  const char* sql;
  const char* text;
};

TEST_F(ValueTextTest, ScalarsReadAsPostgresPrintsThem) {
  const Case cases[] = {
      {"true", "t"},
      {"NULL::INTEGER", "<null>"},
      {"(-128)::TINYINT", "-128"},
      {"255::UTINYINT", "255"},
      {"(-9223372036854775808)::BIGINT", "-9223372036854775808"},
      {"18446744073709551615::UBIGINT", "18446744073709551615"},
      {"'-170141183460469231731687303715884105728'::HUGEINT", "-170141183460469231731687303715884105728"},
      {"'340282366920938463463374607431768211455'::UHUGEINT", "340282366920938463463374607431768211455"},
      {"10::HUGEINT * 1000000000000000000", "10000000000000000000"},
      {"0::DECIMAL(4,2)", "0.00"},
      {"(-0.05)::DECIMAL(4,2)", "-0.05"},
      {"12.5::DECIMAL(9,3)", "12.500"},
      {"123456789012345.678::DECIMAL(18,3)", "123456789012345.678"},
      {"'-99999999999999999999999999999999999999'::DECIMAL(38,0)", "-99999999999999999999999999999999999999"},
      {"'0.00000000000000000000000000000000000001'::DECIMAL(38,38)", "0.00000000000000000000000000000000000001"},
      {"'zwölf \"x\"'", "zwölf \"x\""},
      {"'\\x00\\xFFa'::BLOB", "\\x00ff61"},
      {"''::BLOB", "\\x"},
      {"'0101'::BIT", "0101"},
      {"'101010101'::BIT", "101010101"},
      {"DATE '2024-02-29'", "2024-02-29"},
      {"DATE '0001-01-01'", "0001-01-01"},
      {"DATE '0044-03-15 (BC)'", "0044-03-15 BC"},
      {"DATE 'infinity'", "infinity"},
      {"DATE '-infinity'", "-infinity"},
      {"DATE '5881580-07-10'", "5881580-07-10"},
      {"DATE '5877642-06-25 (BC)'", "5877642-06-25 BC"},
      {"TIME '00:00:00'", "00:00:00"},
      {"TIME '24:00:00'", "24:00:00"},
      {"TIME '12:34:56.0780'", "12:34:56.078"},
      {"'12:34:56.123456789'::TIME_NS", "12:34:56.123456789"},
      {"'12:34:56.5+05:30'::TIMETZ", "12:34:56.5+05:30"},
      {"'00:00:00-15:59:59'::TIMETZ", "00:00:00-15:59:59"},
      {"'23:59:59.999999+00'::TIMETZ", "23:59:59.999999+00"},
      {"TIMESTAMP '1992-01-01 11:30:00.120'", "1992-01-01 11:30:00.12"},
      {"TIMESTAMP '1969-12-31 23:59:59.999999'", "1969-12-31 23:59:59.999999"},
      {"TIMESTAMP '12024-01-01 00:00:00'", "12024-01-01 00:00:00"},
      {"TIMESTAMP '0001-12-31 (BC) 00:00:01'", "0001-12-31 00:00:01 BC"},
      {"'infinity'::TIMESTAMP", "infinity"},
      {"'-infinity'::TIMESTAMPTZ", "-infinity"},
      {"'infinity'::TIMESTAMP_NS", "infinity"},
      {"'1990-01-01 00:00:00'::TIMESTAMP_S", "1990-01-01 00:00:00"},
      {"'1990-01-01 00:00:00.250'::TIMESTAMP_MS", "1990-01-01 00:00:00.25"},
      {"'1969-12-31 23:59:59.999999999'::TIMESTAMP_NS", "1969-12-31 23:59:59.999999999"},
      {"'2024-06-01 12:00:00+02'::TIMESTAMPTZ", "2024-06-01 10:00:00+00"},
      {"INTERVAL '0' SECOND", "00:00:00"},
      {"'1 year 2 months 3 days 04:05:06.789'::INTERVAL", "1 year 2 mons 3 days 04:05:06.789"},
      {"'-1 month'::INTERVAL", "-1 mons"},
      {"to_months(-14) + to_days(3) + to_microseconds(-1)", "-1 years -2 mons +3 days -00:00:00.000001"},
      {"to_days(-1) + to_seconds(1)", "-1 days +00:00:01"},
      {"to_hours(1000)", "1000:00:00"},
      {"'47183823-2574-4bfd-b411-99ed177d3e43'::UUID", "47183823-2574-4bfd-b411-99ed177d3e43"},
      {"'00000000-0000-0000-0000-000000000001'::UUID", "00000000-0000-0000-0000-000000000001"},
      {"'b'::ENUM('a','b')", "b"},
      {"'123456789012345678901234567890123456789012345678901234567890'::BIGNUM",
       "123456789012345678901234567890123456789012345678901234567890"},
      {"'-1000000000000000000000'::BIGNUM", "-1000000000000000000000"},
      {"'0'::BIGNUM", "0"},
      {"'-256'::BIGNUM", "-256"},
      {"'{\"a\": 1}'::JSON", "{\"a\": 1}"},
      {"'POINT(1 2.5)'::GEOMETRY", "POINT (1 2.5)"},
      {"'POINT EMPTY'::GEOMETRY", "POINT EMPTY"},
      {"'LINESTRING Z (0 0 1, 1 1 2)'::GEOMETRY", "LINESTRING Z (0 0 1, 1 1 2)"},
      {"'POLYGON((0 0, 0 1, 1 1, 0 0))'::GEOMETRY", "POLYGON ((0 0, 0 1, 1 1, 0 0))"},
      {"'GEOMETRYCOLLECTION(MULTIPOINT(1 2, 3 4), GEOMETRYCOLLECTION EMPTY)'::GEOMETRY",
       "GEOMETRYCOLLECTION (MULTIPOINT (1 2, 3 4), GEOMETRYCOLLECTION EMPTY)"},
  };
  for (const Case& c : cases) EXPECT_EQ(text_of(c.sql), c.text) << c.sql;
}

TEST_F(ValueTextTest, GeometriesReadAsDuckDbPrintsThem) {
  const char* const texts[] = {
      "POINT M (1 2 3)",
      "POINT ZM (1 2 3 4)",
      "MULTIPOINT (1 2, 3 4)",
      "MULTIPOINT Z (1 2 3, 4 5 6)",
      "MULTIPOINT EMPTY",
      "MULTIPOINT (5 6, EMPTY)",
      "MULTILINESTRING ((0 0, 1 1), (2 2, 3 3))",
      "MULTIPOLYGON (((0 0, 0 1, 1 1, 0 0)), ((5 5, 5 6, 6 6, 5 5), (1 1, 1 2, 2 2, 1 1)))",
      "GEOMETRYCOLLECTION (POINT (0.1 -2), GEOMETRYCOLLECTION (LINESTRING EMPTY))",
  };
  for (const char* const text : texts) {
    const std::string value = "'" + std::string(text) + "'::GEOMETRY";
    EXPECT_EQ(text_of(value), text_of(value + "::VARCHAR"));
    EXPECT_EQ(text_of(value), text);
  }
}

TEST_F(ValueTextTest, NestedValuesAreJson) {
  const Case cases[] = {
      {"NULL", "null"},
      {"{'a': 1, 'b': 'x\"\\\n', 'c': NULL}", R"({"a":1,"b":"x\"\\\n","c":null})"},
      {"row(1, 'two')", R"([1,"two"])"},
      {"[1, NULL, 3]", "[1,null,3]"},
      {"[]", "[]"},
      {"[[1], [], NULL, [2, 3]]", "[[1],[],null,[2,3]]"},
      {"[[1, 2], [3, 4]]::INTEGER[2][2]", "[[1,2],[3,4]]"},
      {"MAP {'k': [1], 'l': NULL}", R"({"k":[1],"l":null})"},
      {"MAP {1: 'x', 2: 'y'}", R"({"1":"x","2":"y"})"},
      {"MAP {{'a': 1}: 2}", R"({"{\"a\":1}":2})"},
      {"MAP {}", "{}"},
      {"union_value(num := 3)", R"({"num":3})"},
      {"'str'::UNION(num INTEGER, str VARCHAR)", R"({"str":"str"})"},
      {"{'n': 'nan'::DOUBLE, 'i': '-infinity'::FLOAT, 'd': 0.1::DOUBLE}", R"({"n":"NaN","i":"-Infinity","d":0.1})"},
      {"{'d': DATE '2024-01-01', 't': TIMESTAMP '2024-01-01 10:00:00', 'z': '2024-01-01 10:00:00+00'::TIMESTAMPTZ}",
       R"({"d":"2024-01-01","t":"2024-01-01T10:00:00","z":"2024-01-01T10:00:00+00:00"})"},
      {"{'h': 170141183460469231731687303715884105727::HUGEINT, 'm': 1.50::DECIMAL(10,2), 'b': true}",
       R"({"h":170141183460469231731687303715884105727,"m":1.50,"b":true})"},
      {"{'x': '\\xAB'::BLOB, 'u': '47183823-2574-4bfd-b411-99ed177d3e43'::UUID, 'j': '[1, {\"a\": 2}]'::JSON}",
       R"({"x":"\\xab","u":"47183823-2574-4bfd-b411-99ed177d3e43","j":[1, {"a": 2}]})"},
      {"{'e': 'a'::ENUM('a'), 'i': to_days(1), 'bit': '101'::BIT}", R"({"e":"a","i":"1 day","bit":"101"})"},
      {"{'c': chr(1) || chr(8) || chr(127)}", "{\"c\":\"\\u0001\\b\x7f\"}"},
      {"NULL::STRUCT(a INTEGER)", "null"},
      {"42::VARIANT", "42"},
      {"'text longer than twelve bytes'::VARIANT", "\"text longer than twelve bytes\""},
      {"{'a': ['1', '2.5', NULL, 'x'], 'b': {'c': DATE '2024-01-01'}}::VARIANT",
       R"({"a":["1","2.5",null,"x"],"b":{"c":"2024-01-01"}})"},
      {"[1.25::DECIMAL(30,2), -0.5]::VARIANT", "[1.25,-0.50]"},
      {"(-1.5)::DECIMAL(4,1)::VARIANT", "-1.5"},
      {"[true, false]::VARIANT", "[true,false]"},
      {"[]::VARIANT", "[]"},
      {"'12:00:00'::TIME::VARIANT", "\"12:00:00\""},
      {"1e300::DOUBLE::VARIANT", "1e+300"},
  };
  for (const Case& c : cases) EXPECT_EQ(json_of(c.sql), c.text) << c.sql;
}

TEST_F(ValueTextTest, ZonesMoveOnlyTheValuesThatHaveOne) {
  auto berlin = TimeZone::load("Europe/Berlin");
  ASSERT_TRUE(berlin.ok());
  zone_ = *berlin;
  EXPECT_EQ(text_of("'2024-06-01 12:00:00+00'::TIMESTAMPTZ"), "2024-06-01 14:00:00+02");
  EXPECT_EQ(text_of("'2024-12-31 23:30:00.5+00'::TIMESTAMPTZ"), "2025-01-01 00:30:00.5+01");
  EXPECT_EQ(text_of("TIMESTAMP '2024-06-01 12:00:00'"), "2024-06-01 12:00:00");
  EXPECT_EQ(json_of("'2024-06-01 12:00:00+00'::TIMESTAMPTZ"), "\"2024-06-01T14:00:00+02:00\"");
}

std::string double_text(double value) {
  char text[kMaxScalarText];
  return {text, write_double(text, value)};
}
std::string float_text(float value) {
  char text[kMaxScalarText];
  return {text, write_float(text, value)};
}

TEST(FloatTextTest, IsWhatPostgresPrints) {
  const std::pair<double, const char*> doubles[] = {
      {0.0, "0"},
      {-0.0, "-0"},
      {0.1, "0.1"},
      {1e15, "1e+15"},
      {1e14, "100000000000000"},
      {0.0001, "0.0001"},
      {1e-5, "1e-05"},
      {123456.789, "123456.789"},
      {1e100, "1e+100"},
      {5e-324, "5e-324"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {9007199254740993, "9.007199254740992e+15"},
      {1e23, "9.999999999999999e+22"},  // 1e23 is half way to the neighbour
      {18014398509481984.0 * 1.5, "2.7021597764222976e+16"},
      {std::numeric_limits<double>::quiet_NaN(), "NaN"},
      {std::numeric_limits<double>::infinity(), "Infinity"},
      {-std::numeric_limits<double>::infinity(), "-Infinity"},
  };
  for (const auto& [value, text] : doubles) EXPECT_EQ(double_text(value), text);
  const std::pair<float, const char*> floats[] = {
      {0.1f, "0.1"},
      {1e6f, "1e+06"},
      {123456.0f, "123456"},
      {16777216.0f, "1.6777216e+07"},
      {33554432.0f, "3.3554432e+07"},
      {3.4028235e38f, "3.4028235e+38"},
      {1e-45f, "1e-45"},
  };
  for (const auto& [value, text] : floats) EXPECT_EQ(float_text(value), text);
}

TEST(FloatTextTest, ReadsBackAsTheSameNumber) {
  std::mt19937_64 random(20240229);
  for (int i = 0; i < 200'000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (std::isnan(value)) continue;
    EXPECT_EQ(std::bit_cast<uint64_t>(std::strtod(double_text(value).c_str(), nullptr)),
              std::bit_cast<uint64_t>(value));
    const auto narrow = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (std::isnan(narrow)) continue;
    EXPECT_EQ(std::bit_cast<uint32_t>(std::strtof(float_text(narrow).c_str(), nullptr)),
              std::bit_cast<uint32_t>(narrow));
  }
}

TEST(ExtremeTimeTest, NoTimestampOverflows) {
  char text[kMaxScalarText];
  const auto stamp = [&](int64_t count, TimeUnit unit) {
    return std::string(text, write_timestamp(text, count, unit));
  };
  EXPECT_EQ(stamp(INT64_MAX - 1, TimeUnit::kSeconds), "292277026596-12-04 15:30:06");
  EXPECT_EQ(stamp(INT64_MIN, TimeUnit::kSeconds), "292277022658-01-27 08:29:52 BC");
  EXPECT_EQ(stamp(INT64_MIN, TimeUnit::kNanos), "1677-09-21 00:12:43.145224192");
  EXPECT_EQ(stamp(INT64_MAX, TimeUnit::kMicros), "infinity");
  EXPECT_EQ(stamp(-INT64_MAX, TimeUnit::kMicros), "-infinity");
  const Interval least{INT32_MIN, INT32_MIN, INT64_MIN};
  EXPECT_EQ(std::string(text, write_interval(text, least)),
            "-178956970 years -8 mons -2147483648 days -2562047788:00:54.775808");
  write_time(text, INT64_MIN);
  write_time(text, INT64_MAX);
  write_timetz(text, ~uint64_t{0});
}

TEST_F(ValueTextTest, EveryTypeOfDuckDbHasATextAndJson) {
  const Rows rows = query("SELECT *, NULL::VARIANT AS variant, chr(0) AS zero FROM test_all_types()");
  ASSERT_EQ(rows.count(), 3u);
  for (size_t column = 0; column < rows.types.size(); ++column) {
    for (size_t row = 0; row < 3; ++row) {
      const VectorView& view = rows.chunks.at(0).column(column);
      std::string out;
      TextSink sink(out, size_t{1} << 20);
      append_json(sink, view, row, *zone_);
      if (view.valid(row)) append_text(sink, view, row, *zone_);
      EXPECT_FALSE(sink.failed()) << rows.names[column] << " " << sink.take_error().to_string();
    }
  }
}

TEST(TextSinkTest, StopsAtItsLimitAndTakesTheRowBack) {
  std::string out = "kept";
  TextSink sink(out, 1000);
  for (int i = 0; i < 100'000; ++i) sink.append("0123456789");
  EXPECT_TRUE(sink.failed());
  EXPECT_EQ(sink.take_error().code, ErrorCode::kProgramLimitExceeded);
  sink.finish();
  EXPECT_EQ(out, "kept");
}

}  // namespace
}  // namespace merganser::engine

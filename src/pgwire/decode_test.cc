#include "pgwire/decode.h"

#include <gmock/gmock.h>

#include "engine/int128.h"
#include "pgwire/decode_text.h"
#include "pgwire/types_fixture.h"

namespace merganser::pgwire {
namespace {

using engine::TypeId;

// A DuckDB type by its SQL, for the inferred type of a parameter.
class DecodeTest : public TypesFixture {
 protected:
  engine::TypePtr type(const std::string& sql) {
    auto prepared = connection_->prepare("SELECT $1::" + sql);
    EXPECT_TRUE(prepared.ok()) << sql;
    return (*prepared)->parameter_type(0);
  }

  // What became of the parameter, in one line: value type and text, or how it is to be cast, or the error.
  std::string outcome(std::optional<std::string_view> bytes, int16_t format, int32_t declared, const char* inferred) {
    const engine::TypePtr known = inferred == nullptr ? nullptr : type(inferred);
    const auto param = decode_param(bytes, format, declared, known.get(), *zone_);
    if (!param.ok()) return std::string(sqlstate(param.error().code)) + " " + param.error().message;
    const std::string text = duckdb_text(param->value);
    if (param->form == ParamForm::kLiteral) return "literal " + text;
    if (param->form == ParamForm::kCastText)
      return param->cast_type + (param->through_json ? " json " : " cast ") + text;
    return std::to_string(static_cast<int>(param->value.type)) + " " + text;
  }
  std::string inferred(const char* sql, std::string_view text) { return outcome(text, 0, 0, sql); }
  std::string declared(int32_t oid, std::string_view text, const char* sql = nullptr) {
    return outcome(text, 0, oid, sql);
  }

  TimeZone::Ptr zone_ = TimeZone::utc();
};

std::string line(TypeId type, std::string_view text) {
  return std::to_string(static_cast<int>(type)) + " " + std::string(text);
}

TEST_F(DecodeTest, TextOfAnInferredType) {
  struct {
    const char* type;
    const char* text;
    TypeId id;
    const char* value;
  } const cases[] = {
      {"BOOLEAN", " TRUE ", TypeId::kBoolean, "true"},
      {"BOOLEAN", "of", TypeId::kBoolean, "false"},
      {"BOOLEAN", "1", TypeId::kBoolean, "true"},
      {"TINYINT", "-128", TypeId::kTinyInt, "-128"},
      {"SMALLINT", "+7", TypeId::kSmallInt, "7"},
      {"INTEGER", " 0042\n", TypeId::kInteger, "42"},
      {"BIGINT", "-9223372036854775808", TypeId::kBigInt, "-9223372036854775808"},
      {"UINTEGER", "4294967295", TypeId::kUInteger, "4294967295"},
      {"UBIGINT", "18446744073709551615", TypeId::kUBigInt, "18446744073709551615"},
      {"HUGEINT", "-170141183460469231731687303715884105728", TypeId::kHugeInt,
       "-170141183460469231731687303715884105728"},
      {"HUGEINT", "1e20", TypeId::kHugeInt, "100000000000000000000"},
      {"HUGEINT", "1.50", TypeId::kDecimal, "1.50"},
      {"UHUGEINT", "340282366920938463463374607431768211455", TypeId::kUHugeInt,
       "340282366920938463463374607431768211455"},
      {"FLOAT", "0.1", TypeId::kFloat, "0.1"},
      {"DOUBLE", "1e-5", TypeId::kDouble, "1e-05"},
      {"DOUBLE", " -Inf ", TypeId::kDouble, "-Infinity"},
      {"DOUBLE", "nan", TypeId::kDouble, "NaN"},
      {"DOUBLE", ".5", TypeId::kDouble, "0.5"},
      {"DECIMAL(9,2)", "12.5", TypeId::kDecimal, "12.50"},
      {"DECIMAL(9,2)", "12.345", TypeId::kDecimal, "12.345"},
      {"DECIMAL(9,2)", "12.300000", TypeId::kDecimal, "12.30"},
      {"DECIMAL(9,2)", "-1.5e3", TypeId::kDecimal, "-1500.00"},
      {"DECIMAL(9,2)", "123456789012", TypeId::kDecimal, "123456789012"},
      {"DECIMAL(9,2)", "NaN", TypeId::kDouble, "NaN"},
      {"DECIMAL(38,0)", "99999999999999999999999999999999999999", TypeId::kDecimal,
       "99999999999999999999999999999999999999"},
      {"VARCHAR", " as it is ", TypeId::kVarchar, " as it is "},
      {"JSON", "{\"a\":1}", TypeId::kVarchar, "{\"a\":1}"},
      {"BLOB", "\\x00fF 61", TypeId::kBlob, "\\x00\\xFF\\x61"},
      {"BLOB", "a\\\\b\\001", TypeId::kBlob, "\\x61\\x5C\\x62\\x01"},
      {"UUID", "{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}", TypeId::kUuid, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
      {"UUID", "a0eebc999c0b4ef8bb6d6bb9bd380a11", TypeId::kUuid, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
      {"DATE", "2024-02-29", TypeId::kDate, "2024-02-29"},
      {"DATE", "20240229", TypeId::kDate, "2024-02-29"},
      {"DATE", "0044-03-15 BC", TypeId::kDate, "0044-03-15 (BC)"},
      {"DATE", "2024-01-01T10:00:00.000+05:00", TypeId::kDate, "2024-01-01"},
      {"DATE", "-Infinity", TypeId::kDate, "-infinity"},
      {"DATE", "epoch", TypeId::kDate, "1970-01-01"},
      {"TIME", "24:00:00", TypeId::kTime, "24:00:00"},
      {"TIME", "1:02", TypeId::kTime, "01:02:00"},
      {"TIME", "23:59:59.9999995", TypeId::kTime, "24:00:00"},
      {"TIMETZ", "10:00:00.5+0530", TypeId::kTimeTz, "10:00:00.5+05:30"},
      {"TIMESTAMP", "2024-01-01 10:00:00.123456789", TypeId::kTimestamp, "2024-01-01 10:00:00.123457"},
      {"TIMESTAMP", "2024-01-01T10:00Z", TypeId::kTimestamp, "2024-01-01 10:00:00"},
      {"TIMESTAMP", "2024-12-31 24:00:00", TypeId::kTimestamp, "2025-01-01 00:00:00"},
      {"TIMESTAMP", "0001-01-01 10:00:00 BC", TypeId::kTimestamp, "0001-01-01 (BC) 10:00:00"},
      {"TIMESTAMP_S", "2024-01-01 10:00:00", TypeId::kTimestamp, "2024-01-01 10:00:00"},
      {"TIMESTAMPTZ", "2024-06-01 10:00:00", TypeId::kTimestampTz, "2024-06-01 10:00:00+00"},
      {"TIMESTAMPTZ", "2024-06-01 10:00:00 -03:30", TypeId::kTimestampTz, "2024-06-01 13:30:00+00"},
      {"TIMESTAMPTZ", "2024-06-01 10:00:00 Europe/Berlin", TypeId::kTimestampTz, "2024-06-01 08:00:00+00"},
      {"TIMESTAMPTZ", "infinity", TypeId::kTimestampTz, "infinity"},
      {"INTERVAL", "1 year 2 mons -3 days 04:05:06.789", TypeId::kInterval,
       "14 months -3 days 14706789000 microseconds"},
      {"INTERVAL", "-1 days +02:03:00", TypeId::kInterval, "0 months -1 days 7380000000 microseconds"},
      {"INTERVAL", "@ 1 day 2 hours ago", TypeId::kInterval, "0 months -1 days -7200000000 microseconds"},
      {"INTERVAL", "P1Y2M3DT4H5M6.5S", TypeId::kInterval, "14 months 3 days 14706500000 microseconds"},
      {"INTERVAL", "1.5 hours", TypeId::kInterval, "0 months 0 days 5400000000 microseconds"},
      {"INTERVAL", "3d 7s 12us", TypeId::kInterval, "0 months 3 days 7000012 microseconds"},
      {"INTERVAL", "-00:00:00.000001", TypeId::kInterval, "0 months 0 days -1 microseconds"},
  };
  for (const auto& c : cases) EXPECT_EQ(inferred(c.type, c.text), line(c.id, c.value)) << c.type << " " << c.text;
}

TEST_F(DecodeTest, WhatDuckDbHasToParse) {
  const char* const cases[][3] = {
      {"DATE", "January 8, 1999", "DATE cast January 8, 1999"},
      {"TIME", "10:00 PM", "TIME cast 10:00 PM"},
      {"TIMESTAMPTZ", "2024-01-01 10:00:00 PST", "TIMESTAMP WITH TIME ZONE cast 2024-01-01 10:00:00 PST"},
      {"TIMESTAMP_NS", "2024-01-01 10:00:00.123456789", "TIMESTAMP_NS cast 2024-01-01 10:00:00.123456789"},
      {"INTERVAL", "1.5 months", "INTERVAL cast 1.5 months"},
      {"ENUM('a','b')", "a", "ENUM('a', 'b') cast a"},
      {"BIGNUM", " -123 ", "BIGNUM cast -123"},
      {"BIT", "0101", "BIT cast 0101"},
      {"BIT", "x1f", "BIT cast 00011111"},
      {"INTEGER[]", "{1,NULL, 3 }", "INTEGER[] cast [1, NULL, 3]"},
      {"INTEGER[]", "[1, 2]", "INTEGER[] json [1, 2]"},
      {"INTEGER[]", "{}", "INTEGER[] cast []"},
      {"INTEGER[][]", "{{1,2},{3}}", "INTEGER[][] cast [[1, 2], [3]]"},
      {"FLOAT[3]", "{1,2.5,NaN}", "FLOAT[3] cast [\"1\", \"2.5\", \"NaN\"]"},
      {"FLOAT[3]", "[1,2,3]", "FLOAT[3] json [1,2,3]"},
      {"VARCHAR[]", R"({a,"b c","say \"x\"",null,"NULL",d\,e})",
       R"(VARCHAR[] cast ["a", "b c", "say \"x\"", NULL, "NULL", "d,e"])"},
      {"BLOB[]", R"({"\\x00ff"})", R"(BLOB[] cast ["\\x00\\xFF"])"},
      {"DATE[]", "{2024-01-01,\"0044-03-15 BC\"}", "DATE[] cast [\"2024-01-01\", \"0044-03-15 (BC)\"]"},
      {"STRUCT(a INTEGER)", "{'a': 1}", "STRUCT(\"a\" INTEGER) cast {'a': 1}"},
      {"STRUCT(a INTEGER)", "{\"a\": 1}", "STRUCT(\"a\" INTEGER) json {\"a\": 1}"},
      {"MAP(VARCHAR, INTEGER)", "{k=1}", "MAP(VARCHAR, INTEGER) cast {k=1}"},
      {"UNION(a INTEGER, b VARCHAR)", "x", "UNION(\"a\" INTEGER, \"b\" VARCHAR) cast x"},
  };
  for (const auto& c : cases) EXPECT_EQ(inferred(c[0], c[1]), c[2]) << c[0];
}

TEST_F(DecodeTest, NobodyKnowsTheType) {
  EXPECT_EQ(outcome("it's", 0, 0, nullptr), "literal it's");
  EXPECT_EQ(outcome("x", 0, 705, nullptr), "literal x");
  const auto param = decode_param("x", 0, 0, engine::make_type(TypeId::kSqlNull).get(), *zone_);
  ASSERT_TRUE(param.ok());
  EXPECT_EQ(param->form, ParamForm::kLiteral);
  EXPECT_EQ(outcome("x", 1, 0, nullptr), "42P18 could not determine data type of a binary parameter");
  EXPECT_EQ(outcome(std::nullopt, 0, 0, nullptr), "36 NULL");
  EXPECT_EQ(outcome(std::nullopt, 1, 23, "INTEGER"), "36 NULL");
}

TEST_F(DecodeTest, DeclaredTypesWin) {
  EXPECT_EQ(declared(23, "12", "DOUBLE"), line(TypeId::kInteger, "12"));
  EXPECT_EQ(declared(25, "12", "INTEGER"), line(TypeId::kVarchar, "12"));
  EXPECT_EQ(declared(1043, "12", "INTEGER"), line(TypeId::kVarchar, "12"));
  EXPECT_EQ(declared(1700, "12.5"), line(TypeId::kDecimal, "12.5"));
  EXPECT_EQ(declared(1700, "12.50", "DOUBLE"), line(TypeId::kDouble, "12.5"));
  EXPECT_EQ(declared(1700, "123456789012345678901234567890123456789"),
            line(TypeId::kUHugeInt, "123456789012345678901234567890123456789"));
  EXPECT_EQ(declared(1700, "1.5", "BIGNUM"), line(TypeId::kDecimal, "1.5"));
  EXPECT_EQ(declared(1700, "18446744073709551615", "UBIGINT"), line(TypeId::kUBigInt, "18446744073709551615"));
  EXPECT_EQ(declared(1007, "{1,2}"), "INTEGER[] cast [1, 2]");
  EXPECT_EQ(declared(1007, "{{1},{2}}"), "INTEGER[][] cast [[1], [2]]");
  EXPECT_EQ(declared(1231, "{1.5,100,0.001}"), "DECIMAL(6,3)[] cast [\"1.5\", \"100\", \"0.001\"]");
  EXPECT_EQ(declared(1231, "{1.5,NaN}"), "DOUBLE[] cast [\"1.5\", \"NaN\"]");
  EXPECT_EQ(declared(1009, "{a}", "VARCHAR[]"), "VARCHAR[] cast [\"a\"]");
  EXPECT_EQ(declared(114, "{\"a\": 1}", "STRUCT(a INTEGER)"), "STRUCT(\"a\" INTEGER) json {\"a\": 1}");
  EXPECT_EQ(declared(3802, "{\"a\": 1}"), line(TypeId::kVarchar, "{\"a\": 1}"));
  EXPECT_EQ(declared(16, "yes"), line(TypeId::kBoolean, "true"));
  EXPECT_EQ(declared(26, "4294967295"), line(TypeId::kUInteger, "4294967295"));
}

TEST_F(DecodeTest, ErrorsSayWhatPostgresSays) {
  const std::string bad_utf8("a\xff", 2);
  const std::string zero("a\0b", 3);
  struct {
    int32_t oid;
    std::string_view text;
    const char* error;
  } const cases[] = {
      {23, "abc", "22P02 invalid input syntax for type integer: \"abc\""},
      {23, "", "22P02 invalid input syntax for type integer: \"\""},
      {23, "1.5", "22P02 invalid input syntax for type integer: \"1.5\""},
      {23, "1 2", "22P02 invalid input syntax for type integer: \"1 2\""},
      {23, "2147483648", "22003 value \"2147483648\" is out of range for type integer"},
      {21, "-32769", "22003 value \"-32769\" is out of range for type smallint"},
      {20, "99999999999999999999999999999999999999999999",
       "22003 value \"99999999999999999999999999999999999999999999\" is out of range for type bigint"},
      {701, "x", "22P02 invalid input syntax for type double precision: \"x\""},
      {701, "1e400", "22003 \"1e400\" is out of range for type double precision"},
      {701, "1e-400", "22003 \"1e-400\" is out of range for type double precision"},
      {700, "1e39", "22003 \"1e39\" is out of range for type real"},
      {701, "+-1", "22P02 invalid input syntax for type double precision: \"+-1\""},
      {1700, "1.2.3", "22P02 invalid input syntax for type numeric: \"1.2.3\""},
      {1700, "1e", "22P02 invalid input syntax for type numeric: \"1e\""},
      {1700, "1e+", "22P02 invalid input syntax for type numeric: \"1e+\""},
      {1700, "1e1000", "22003 value overflows numeric format"},
      {16, "maybe", "22P02 invalid input syntax for type boolean: \"maybe\""},
      {16, "o", "22P02 invalid input syntax for type boolean: \"o\""},
      {16, "", "22P02 invalid input syntax for type boolean: \"\""},
      {2950, "x", "22P02 invalid input syntax for type uuid: \"x\""},
      {2950, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1",
       "22P02 invalid input syntax for type uuid: \"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1\""},
      {17, "\\xabc", "22023 invalid hexadecimal data: odd number of digits"},
      {17, "\\xzz", "22023 invalid hexadecimal digit: \"z\""},
      {17, "a\\b", "22P02 invalid input syntax for type bytea"},
      {1082, "2024-13-01", "22008 date/time field value out of range: \"2024-13-01\""},
      {1082, "2023-02-29", "22008 date/time field value out of range: \"2023-02-29\""},
      {1082, "0000-01-01", "22008 date/time field value out of range: \"0000-01-01\""},
      {1082, "9999999-01-01", "22008 date out of range: \"9999999-01-01\""},
      {1083, "25:00:00", "22008 date/time field value out of range: \"25:00:00\""},
      {1114, "2024-01-01 24:00:01", "22008 date/time field value out of range: \"2024-01-01 24:00:01\""},
      {1114, "300000-01-01 00:00:00", "22008 timestamp out of range: \"300000-01-01 00:00:00\""},
      {1184, "2024-01-01 00:00 Mars/Olympus", "22023 time zone \"Mars/Olympus\" not recognized"},
      {1184, "2024-01-01 00:00+17", "22008 time zone displacement out of range: \"2024-01-01 00:00+17\""},
      {1186, "9999999999 years", "22015 interval field value out of range: \"9999999999 years\""},
      {1007, "{1,a}", "22P02 invalid input syntax for type integer: \"a\""},
      {1007, "1,2", "22P02 malformed array literal: \"1,2\""},
      {1007, "{1,2", "22P02 malformed array literal: \"{1,2\""},
      {1007, "{1,,2}", "22P02 malformed array literal: \"{1,,2}\""},
      {1007, "{1}x", "22P02 malformed array literal: \"{1}x\""},
      {1007, "{1,{2}}", "22P02 malformed array literal: \"{1,{2}}\""},
      {1007, "{{{{{{{1}}}}}}}", "54000 number of array dimensions exceeds the maximum allowed (6)"},
      {999999, "x", "42704 type with OID 999999 does not exist"},
      {25, bad_utf8, "22021 invalid byte sequence for encoding \"UTF8\": 0xff"},
      {25, zero, "22021 invalid byte sequence for encoding \"UTF8\": 0x00"},
  };
  for (const auto& c : cases) EXPECT_EQ(declared(c.oid, c.text), c.error) << c.oid << " " << c.text;
  EXPECT_EQ(outcome("1", 2, 23, nullptr), "22023 unsupported format code: 2");
}

TEST_F(DecodeTest, BinaryOfTheWrongFormIs22P03) {
  for (const int32_t oid :
       {16, 20, 21, 23, 26, 700, 701, 1082, 1083, 1114, 1184, 1186, 1266, 1562, 1700, 2950, 1007, 3802}) {
    for (const char* bytes : {"", "123", "123456789012345678901234567890"}) {
      EXPECT_THAT(outcome(bytes, 1, oid, nullptr), testing::StartsWith("22P03 ")) << oid << " " << bytes;
    }
  }
  const std::string far_future("\x7f\xff\xff\xfe", 4);
  EXPECT_EQ(outcome(far_future, 1, 1082, nullptr), "22008 date out of range");
  const std::string day_and_more("\x7f\xff\xff\xff\xff\xff\xff\xfe", 8);
  EXPECT_EQ(outcome(day_and_more, 1, 1114, nullptr), "22008 timestamp out of range");
  EXPECT_EQ(outcome(day_and_more, 1, 1083, nullptr), "22008 time out of range");
  EXPECT_EQ(outcome("\xff", 1, 25, nullptr), "22021 invalid byte sequence for encoding \"UTF8\": 0xff");
  EXPECT_EQ(outcome("1234", 1, 2205, nullptr), "0A000 no binary input function available for type regclass");
  // An array that claims more elements than the message has bytes for.
  const std::string huge("\0\0\0\1\0\0\0\0\0\0\0\x17\x7f\xff\xff\xff\0\0\0\1", 20);
  EXPECT_EQ(outcome(huge, 1, 1007, nullptr).substr(0, 5), "54000");
  const std::string other("\0\0\0\0\0\0\0\0\0\0\0\x19", 12);
  EXPECT_EQ(outcome(other, 1, 1007, nullptr), "42804 binary data has array element type 25 instead of expected 23");
}

TEST_F(DecodeTest, SessionZoneIsForTextsWithoutOne) {
  zone_ = *TimeZone::load("America/New_York");
  EXPECT_EQ(declared(1184, "2024-06-01 10:00:00"), line(TypeId::kTimestampTz, "2024-06-01 14:00:00+00"));
  EXPECT_EQ(declared(1184, "2024-06-01 10:00:00+00"), line(TypeId::kTimestampTz, "2024-06-01 10:00:00+00"));
  EXPECT_EQ(declared(1114, "2024-06-01 10:00:00"), line(TypeId::kTimestamp, "2024-06-01 10:00:00"));
  EXPECT_EQ(declared(1082, "2024-06-01"), line(TypeId::kDate, "2024-06-01"));
}

// Whatever a client receives it can send back: DuckDB then has the same value. Both formats, type declared or not.
TEST_F(DecodeTest, WhatWasSentComesBackTheSame) {
  std::vector<std::string> values = {"DATE '0044-03-15 (BC)'",
                                     "TIMESTAMP '0044-03-15 (BC) 10:00:00.5'",
                                     "'0044-03-15 (BC) 10:00:00+00'::TIMESTAMPTZ",
                                     "to_months(-14) + to_days(3) + to_microseconds(-1)",
                                     "to_days(-1) + to_seconds(1)",
                                     "'-0.0'::DOUBLE",
                                     "['a', '', NULL, 'NULL', 'x\"y\\z', '{}', '[1]', ' b ', chr(10)]",
                                     "['\\x00\\xFF'::BLOB]",
                                     "[1.5, 100]::DECIMAL(9,2)[]",
                                     "[DATE '2024-01-01', NULL, DATE '0044-03-15 (BC)']",
                                     "['00112233-4455-6677-8899-aabbccddeeff'::UUID]",
                                     "[to_days(3) + to_seconds(-1)]",
                                     "[TIMESTAMP '2024-01-01 10:00:00.5']",
                                     "[true, NULL]",
                                     "['101'::BIT]",
                                     "['2024-01-01 10:00:00+00'::TIMESTAMPTZ]",
                                     "['10:00:00+05:30'::TIMETZ]",
                                     "[1e300::DOUBLE, 'nan'::DOUBLE]",
                                     "[{'a': 1, 'b': 'x\"y'}]",
                                     "{'a': [1, NULL], 'b': {'c': DATE '2024-01-01'}}",
                                     "MAP {'k': 1, 'l': NULL}",
                                     "[[1, 2], [], [3]]",
                                     "[1, 2, 3]::INTEGER[3]",
                                     "'1990-01-01 00:00:00.123456789'::TIMESTAMP_NS",
                                     "'b'::ENUM('a','b')",
                                     "'00000001'::BIT",
                                     "'12:00:00.123456789'::TIME_NS",
                                     "0.1::FLOAT",
                                     "1e23::DOUBLE",
                                     "16777217::FLOAT",
                                     "''",
                                     "''::BLOB",
                                     "[]::INTEGER[]",
                                     "'9223372036854775807'::UBIGINT + 1",
                                     "[18446744073709551615::UBIGINT]",
                                     "'{\"a\": [1]}'::JSON",
                                     "['" + std::string(60, '9') + "'::BIGNUM, NULL]",
                                     "[170141183460469231731687303715884105727]",
                                     "'-" + std::string(500, '7') + "'::BIGNUM"};
  const Answer all = ask(
      "SELECT * EXCLUDE (varchar, \"union\", date, timestamp, timestamp_s, timestamp_ms, timestamp_ns, timestamp_tz) "
      "FROM test_all_types()");
  for (size_t column = 0; column < all.names.size(); ++column) {
    for (int row = 0; row < 2; ++row) {
      values.push_back("(SELECT \"" + all.names[column] + "\" FROM test_all_types() LIMIT 1 OFFSET " +
                       std::to_string(row) + ")");
    }
  }
  int checked = 0;
  for (const std::string& value : values) {
    for (const int16_t format : {int16_t{0}, int16_t{1}}) {
      const Answer sent = ask("SELECT " + value, {format});
      ASSERT_TRUE(sent.status.ok()) << value;
      const engine::LogicalType& type = *sent.types.at(0);
      for (const int32_t declared : {pg_type_of(type).oid, 0}) {
        // Text that stands for another type is just text when the client insists on it.
        if (declared == 25 && type.id != TypeId::kVarchar && format == 0) continue;
        const auto param = decode_param(sent.rows.at(0).at(0), format, declared, &type, *zone_);
        ASSERT_TRUE(param.ok()) << value << " " << param.error().to_string();
        std::string expression = "$1";
        if (param->form == ParamForm::kCastText) {
          expression =
              "CAST(" + std::string(param->through_json ? "CAST($1 AS JSON)" : "$1") + " AS " + param->cast_type + ")";
        }
        const Answer same = ask("SELECT CAST(" + expression + " AS " + type.to_sql() + ") IS NOT DISTINCT FROM " +
                                    value + ", CAST(" + expression + " AS " + type.to_sql() + ")",
                                {0}, {param->value});
        ASSERT_TRUE(same.status.ok()) << value << " as " << expression << ": " << same.status.error().to_string()
                                      << "\n"
                                      << duckdb_text(param->value);
        EXPECT_EQ(same.rows.at(0).at(0), "t") << value << " format " << format << " declared " << declared
                                              << " came back as " << same.rows.at(0).at(1).value_or("NULL");
        ++checked;
      }
    }
  }
  EXPECT_GT(checked, 300);
}

}  // namespace
}  // namespace merganser::pgwire

#include "pgwire/encode.h"

#include <gmock/gmock.h>

#include "pgwire/types_fixture.h"

namespace merganser::pgwire {
namespace {

class EncodeTest : public TypesFixture {
 protected:
  std::string text(const std::string& expression) { return field(expression, 0); }
  std::string hex(const std::string& expression) {
    const std::string bytes = field(expression, 1);
    std::string out;
    for (const char c : bytes) {
      constexpr char kHex[] = "0123456789abcdef";
      out += kHex[static_cast<uint8_t>(c) >> 4];
      out += kHex[static_cast<uint8_t>(c) & 15];
    }
    return out;
  }
  std::string field(const std::string& expression, int16_t format) {
    const Answer answer = ask("SELECT " + expression, {format});
    if (!answer.status.ok()) return "error: " + answer.status.error().message;
    return answer.rows.at(0).at(0).value_or("<null>");
  }
};

TEST_F(EncodeTest, ArraysAsPostgresQuotesThem) {
  const std::pair<const char*, const char*> cases[] = {
      {"[1, NULL, -3]", "{1,NULL,-3}"},
      {"[]::INTEGER[]", "{}"},
      {"['a', '', 'null', 'NULL', 'nul', 'a b', 'a,b', '{}', 'say \"x\"', 'back\\slash', 'ä', NULL]",
       R"({a,"","null","NULL",nul,"a b","a,b","{}","say \"x\"","back\\slash",ä,NULL})"},
      {"[DATE '2024-01-01', DATE '0001-01-01 (BC)']", "{2024-01-01,\"0001-01-01 BC\"}"},
      {"[TIMESTAMP '2024-01-01 10:00:00']", "{\"2024-01-01 10:00:00\"}"},
      {"['\\xAB'::BLOB, ''::BLOB]", R"({"\\xab","\\x"})"},
      {"[true, false, NULL]", "{t,f,NULL}"},
      {"[1.5, 2.25]::DECIMAL(5,2)[]", "{1.50,2.25}"},
      {"['nan'::DOUBLE, 'infinity'::DOUBLE]", "{NaN,Infinity}"},
      {"[1, 2, 3]::FLOAT[3]", "{1,2,3}"},
      {"['{\"a\": 1}'::JSON]", R"({"{\"a\": 1}"})"},
      {"[INTERVAL 1 DAY]", "{\"1 day\"}"},
      {"[[1, 2], [3]]", "[[1,2],[3]]"},
      {"[{'a': 1}]", R"([{"a":1}])"},
  };
  for (const auto& [sql, expected] : cases) EXPECT_EQ(text(sql), expected) << sql;
}

// What PostgreSQL's own send functions give for the same values (psql: select encode(int4send(1), 'hex')).
TEST_F(EncodeTest, BinaryFormsAreThoseOfPostgres) {
  const std::pair<const char*, const char*> cases[] = {
      {"true", "01"},
      {"(-2)::TINYINT", "fffe"},
      {"200::UTINYINT", "00c8"},
      {"(-2)::SMALLINT", "fffe"},
      {"65535::USMALLINT", "0000ffff"},
      {"1::INTEGER", "00000001"},
      {"4294967295::UINTEGER", "00000000ffffffff"},
      {"(-1)::BIGINT", "ffffffffffffffff"},
      {"1.5::FLOAT", "3fc00000"},
      {"1.5::DOUBLE", "3ff8000000000000"},
      {"'text'", "74657874"},
      {"'\\x00\\xFF'::BLOB", "00ff"},
      {"DATE '2000-01-02'", "00000001"},
      {"DATE '1999-12-31'", "ffffffff"},
      {"DATE 'infinity'", "7fffffff"},
      {"DATE '-infinity'", "80000000"},
      {"TIME '00:00:01'", "00000000000f4240"},
      {"'00:00:01+01'::TIMETZ", "00000000000f4240fffff1f0"},
      {"TIMESTAMP '2000-01-01 00:00:01'", "00000000000f4240"},
      {"'2000-01-01 00:00:01'::TIMESTAMP_S", "00000000000f4240"},
      {"'2000-01-01 00:00:01'::TIMESTAMP_MS", "00000000000f4240"},
      {"'2000-01-01 01:00:01+01'::TIMESTAMPTZ", "00000000000f4240"},
      {"TIMESTAMP 'infinity'", "7fffffffffffffff"},
      {"TIMESTAMP '-infinity'", "8000000000000000"},
      {"to_months(14) + to_days(3) + to_microseconds(5)", "0000000000000005000000030000000e"},
      {"'00112233-4455-6677-8899-aabbccddeeff'::UUID", "00112233445566778899aabbccddeeff"},
      {"0::DECIMAL(4,2)", "0000000000000002"},
      {"12345.67::DECIMAL(9,2)",
       "00030001000000020001"
       "09291a2c"},
      {"(-0.0001)::DECIMAL(8,4)", "0001ffff400000040001"},
      {"10000::UBIGINT", "00010001000000000001"},
      {"'0.00000001'::DECIMAL(18,8)", "0001fffe000000080001"},
      {"'101010101'::BIT", "00000009aa80"},
      {"'1'::BIT", "0000000180"},
      {"'00000000'::BIT", "0000000800"},
      {"[1, NULL]::INTEGER[]", "00000001000000010000001700000002000000010000000400000001ffffffff"},
      {"[]::VARCHAR[]", "000000000000000000000019"},
      {"['ab']",
       "000000010000000000000019000000010000000100000002"
       "6162"},
      {"'b'::ENUM('a','b')", "62"},
      {"{'a': 1}", "7b2261223a317d"},
  };
  for (const auto& [sql, expected] : cases) EXPECT_EQ(hex(sql), expected) << sql;
}

TEST_F(EncodeTest, WhatTheBinaryFormatCannotHoldIsAnError) {
  for (const char* const sql : {"DATE '5877642-06-25 (BC)'", "'290309-12-22 (BC) 00:00:00'::TIMESTAMP"}) {
    const Answer answer = ask(std::string("SELECT ") + sql, {1});
    ASSERT_FALSE(answer.status.ok()) << sql;
    EXPECT_EQ(answer.status.error().code, ErrorCode::kDatetimeOverflow);
    EXPECT_TRUE(answer.rows.empty());
    EXPECT_TRUE(ask(std::string("SELECT ") + sql, {0}).status.ok());
  }
}

TEST_F(EncodeTest, NullsStandAnywhere) {
  const Answer answer =
      ask("SELECT i, CASE WHEN i % 2 = 0 THEN i END, NULL, NULL::INTEGER[] FROM range(5000) r(i)", {0});
  ASSERT_EQ(answer.rows.size(), 5000u);
  for (size_t i = 0; i < answer.rows.size(); ++i) {
    EXPECT_EQ(answer.rows[i][0], std::to_string(i));
    EXPECT_EQ(answer.rows[i][1], i % 2 == 0 ? Field(std::to_string(i)) : Field());
    EXPECT_EQ(answer.rows[i][2], Field());
    EXPECT_EQ(answer.rows[i][3], Field());
  }
}

TEST_F(EncodeTest, EveryTypeOfDuckDbComesInBothFormats) {
  for (const int16_t format : {int16_t{0}, int16_t{1}}) {
    const Answer all = ask("SELECT * FROM test_all_types()", {0});
    for (const std::string& name : all.names) {
      const Answer answer = ask("SELECT \"" + name + "\" FROM test_all_types()", {format});
      if (!answer.status.ok()) {
        // Only dates that PostgreSQL's binary format has no room for.
        EXPECT_EQ(answer.status.error().code, ErrorCode::kDatetimeOverflow) << name;
        EXPECT_EQ(format, 1) << name;
        continue;
      }
      ASSERT_EQ(answer.rows.size(), 3u) << name;
      EXPECT_TRUE(answer.rows[0][0].has_value()) << name;
      EXPECT_EQ(answer.rows[2][0], Field()) << name;
    }
  }
}

TEST_F(EncodeTest, ColumnsHaveTheirOwnFormats) {
  const Answer answer = ask("SELECT 1::INTEGER, 1::INTEGER", {0, 1});
  EXPECT_EQ(answer.rows.at(0).at(0), "1");
  EXPECT_EQ(answer.rows.at(0).at(1), std::string("\0\0\0\1", 4));
  const std::vector<engine::TypePtr> two{engine::make_type(engine::TypeId::kInteger),
                                         engine::make_type(engine::TypeId::kInteger)};
  const int16_t three[] = {0, 0, 0};
  EXPECT_EQ(RowEncoder::make(two, three, {}).error().code, ErrorCode::kProtocolViolation);
  const int16_t bad[] = {2};
  EXPECT_EQ(RowEncoder::make(two, bad, {}).error().code, ErrorCode::kInvalidParameterValue);
}

TEST_F(EncodeTest, PartsOfAChunkAndRowsWithoutColumns) {
  auto prepared = connection_->prepare("SELECT i FROM range(10) r(i)");
  ASSERT_TRUE(prepared.ok());
  auto result = (*prepared)->execute({}, false);
  ASSERT_TRUE(result.ok());
  auto chunk = result->next();
  ASSERT_TRUE(chunk.ok() && *chunk);
  std::string out = "before";
  const auto encoder = RowEncoder::make({result->columns()->at(0).type}, {}, {});
  ASSERT_TRUE(encoder->encode(**chunk, 3, 2, out).ok());
  ASSERT_TRUE(encoder->encode(**chunk, 9, 1, out).ok());
  ASSERT_TRUE(encoder->encode(**chunk, 0, 0, out).ok());
  const auto rows = parse_data_rows(std::string_view(out).substr(6));
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0][0], "3");
  EXPECT_EQ(rows[2][0], "9");

  const auto none = RowEncoder::make({}, {}, {});
  std::string empty;
  ASSERT_TRUE(none->encode(**chunk, 0, 10, empty).ok());
  EXPECT_EQ(parse_data_rows(empty).size(), 10u);
  EXPECT_EQ(empty.size(), 10u * 7);
}

TEST_F(EncodeTest, ARowThatIsTooLargeIsAnErrorAndThoseBeforeItStay) {
  const char* const columns[] = {
      "repeat('x', 600000)::BLOB",   "repeat('x', 1200000)", "list_value(repeat('\"', 600000))",
      "{'a': repeat('\n', 600000)}", "range(300000)",        "repeat('1', 1100000)::BIT"};
  for (const char* const column : columns) {
    const std::string large(column);
    const Answer answer =
        ask("SELECT CASE WHEN i = 1 THEN " + large + " END, 'x' FROM range(3) r(i)", {0}, {}, {nullptr, 1'000'000});
    ASSERT_FALSE(answer.status.ok()) << column;
    EXPECT_EQ(answer.status.error().code, ErrorCode::kProgramLimitExceeded);
    ASSERT_EQ(answer.rows.size(), 1u) << column;
    EXPECT_EQ(answer.rows[0][1], "x");
  }
}

TEST_F(EncodeTest, TheSessionsZoneIsUsed) {
  const auto zone = TimeZone::load("Asia/Kolkata");
  ASSERT_TRUE(zone.ok());
  const Answer answer =
      ask("SELECT '2024-01-01 00:00:00+00'::TIMESTAMPTZ, ['2024-01-01 00:00:00+00'::TIMESTAMPTZ], "
          "{'t': '2024-01-01 00:00:00+00'::TIMESTAMPTZ}",
          {}, {}, {zone->get()});
  EXPECT_EQ(answer.rows.at(0).at(0), "2024-01-01 05:30:00+05:30");
  EXPECT_EQ(answer.rows.at(0).at(1), "{\"2024-01-01 05:30:00+05:30\"}");
  EXPECT_EQ(answer.rows.at(0).at(2), R"({"t":"2024-01-01T05:30:00+05:30"})");
}

TEST_F(EncodeTest, TypesHaveTheirOids) {
  const std::pair<const char*, int32_t> cases[] = {{"BOOLEAN", 16},
                                                   {"TINYINT", 21},
                                                   {"UTINYINT", 21},
                                                   {"SMALLINT", 21},
                                                   {"USMALLINT", 23},
                                                   {"INTEGER", 23},
                                                   {"UINTEGER", 20},
                                                   {"BIGINT", 20},
                                                   {"UBIGINT", 1700},
                                                   {"HUGEINT", 1700},
                                                   {"UHUGEINT", 1700},
                                                   {"FLOAT", 700},
                                                   {"DOUBLE", 701},
                                                   {"DECIMAL(9,2)", 1700},
                                                   {"VARCHAR", 25},
                                                   {"JSON", 114},
                                                   {"BLOB", 17},
                                                   {"BIT", 1562},
                                                   {"UUID", 2950},
                                                   {"DATE", 1082},
                                                   {"TIME", 1083},
                                                   {"TIMETZ", 1266},
                                                   {"TIMESTAMP", 1114},
                                                   {"TIMESTAMP_S", 1114},
                                                   {"TIMESTAMP_MS", 1114},
                                                   {"TIMESTAMP_NS", 25},
                                                   {"TIMESTAMPTZ", 1184},
                                                   {"INTERVAL", 1186},
                                                   {"ENUM('a')", 25},
                                                   {"INTEGER[]", 1007},
                                                   {"VARCHAR[]", 1009},
                                                   {"ENUM('a')[]", 1009},
                                                   {"DOUBLE[3]", 1022},
                                                   {"DECIMAL(5,1)[]", 1231},
                                                   {"INTEGER[][]", 114},
                                                   {"STRUCT(a INTEGER)", 114},
                                                   {"STRUCT(a INTEGER)[]", 114},
                                                   {"MAP(INTEGER, INTEGER)", 114},
                                                   {"UNION(a INTEGER)", 114},
                                                   {"UUID[]", 2951},
                                                   {"TIMESTAMPTZ[]", 1185},
                                                   {"JSON[]", 199},
                                                   {"TIME_NS", 25}};
  for (const auto& [sql, expected] : cases) {
    const Answer answer = ask(std::string("SELECT NULL::") + sql);
    const PgType type = pg_type_of(*answer.types.at(0));
    EXPECT_EQ(type.oid, expected) << sql;
    ASSERT_NE(find_pg_type(type.oid), nullptr) << sql;
  }
  EXPECT_EQ(pg_type_of(*ask("SELECT NULL::DECIMAL(9,2)").types.at(0)).modifier, ((9 << 16) | 2) + 4);
  EXPECT_EQ(pg_type_of(*engine::make_type(engine::TypeId::kSqlNull)).oid, 25);
}

}  // namespace
}  // namespace merganser::pgwire

// Answers that were kept as bytes are sent as the first ones were: every type, both formats.
#include "engine/result_codec.h"
#include "pgwire/types_fixture.h"

namespace merganser::pgwire {
namespace {

constexpr size_t kNoLimit = size_t{64} << 20;

class KeptAnswerTest : public TypesFixture {
 protected:
  engine::ResultSet run(const std::string& sql) {
    auto prepared = connection_->prepare(sql);
    EXPECT_TRUE(prepared.ok()) << sql << (prepared.ok() ? "" : prepared.error().to_string());
    auto result = (*prepared)->execute({}, false);
    EXPECT_TRUE(result.ok()) << sql << (result.ok() ? "" : result.error().to_string());
    return std::move(result).value();
  }

  // All rows as messages, or the encoder's error.
  static std::string sent(engine::ResultSet& result, int16_t format) {
    std::vector<engine::TypePtr> types;
    for (const auto& column : *result.columns()) types.push_back(column.type);
    const auto encoder = RowEncoder::make(types, std::vector<int16_t>{format}, {});
    std::string bytes;
    while (true) {
      const auto chunk = result.next();
      EXPECT_TRUE(chunk.ok());
      if (!chunk.ok() || !*chunk) return bytes;
      const Status status = encoder->encode(**chunk, 0, (*chunk)->rows(), bytes);
      if (!status.ok()) return "error: " + status.error().message;
    }
  }

  static std::string kept(engine::ResultSet& result) {
    std::string bytes;
    const auto done = engine::encode_result(result, kNoLimit, bytes);
    EXPECT_TRUE(done.ok() && *done);
    return bytes;
  }

  void expect_same(const std::string& sql) {
    for (const int16_t format : {int16_t{0}, int16_t{1}}) {
      engine::ResultSet first = run(sql);
      const std::string bytes = kept(first);
      std::string_view in = bytes;
      auto again = engine::decode_result(in);
      ASSERT_TRUE(again.ok()) << sql;
      EXPECT_TRUE(in.empty()) << sql;
      EXPECT_EQ(again->materialised_rows(), first.materialised_rows()) << sql;
      ASSERT_EQ(again->columns()->size(), first.columns()->size()) << sql;
      for (size_t i = 0; i < first.columns()->size(); i++) {
        EXPECT_EQ((*again->columns())[i].name, (*first.columns())[i].name);
        EXPECT_EQ((*again->columns())[i].type->to_sql(), (*first.columns())[i].type->to_sql());
      }
      EXPECT_EQ(sent(*again, format), sent(first, format)) << sql << " in format " << format;
    }
  }
};

TEST_F(KeptAnswerTest, EveryTypeOfDuckDb) {
  for (const std::string& name : ask("SELECT * FROM test_all_types()", {0}).names) {
    expect_same("SELECT \"" + name + "\" FROM test_all_types()");
  }
  expect_same("SELECT * EXCLUDE (\"date\", \"timestamp\") FROM test_all_types()");
}

TEST_F(KeptAnswerTest, NestedManyAndNone) {
  expect_same("SELECT i, 'text ' || repeat('x', (i % 40)::INTEGER) FROM range(10000) r(i)");
  expect_same("SELECT CASE WHEN i % 3 > 0 THEN [i, NULL, i + 1] END FROM range(5000) r(i)");
  expect_same("SELECT [x FOR x IN [['a'], NULL, [repeat('long', i::INTEGER)]] IF x IS NOT NULL] FROM range(9) r(i)");
  expect_same("SELECT MAP {i: {'a': [i], 'b': NULL}} FROM range(3000) r(i) WHERE i % 2 = 0");
  expect_same(
      "SELECT a FROM (SELECT [[1, 2], [NULL, i]]::BIGINT[2][2] AS a FROM range(100) r(i) UNION ALL SELECT NULL)");
  expect_same("SELECT CASE WHEN i % 2 = 0 THEN union_value(n := i) END::UNION(n BIGINT, s VARCHAR) FROM range(9) r(i)");
  expect_same("SELECT {'a': i, 'b': 'x'}::VARIANT FROM range(9) r(i)");
  expect_same("SELECT (i % 2)::VARCHAR::ENUM('0', '1') FROM range(9) r(i)");
  expect_same("SELECT NULL, [NULL], []");
  expect_same("SELECT 1 AS one WHERE false");
}

TEST_F(KeptAnswerTest, TheFirstAnswerCanStillBeRead) {
  engine::ResultSet first = run("SELECT i FROM range(5000) r(i)");
  engine::ResultSet other = run("SELECT i FROM range(5000) r(i)");
  std::string bytes;
  for (const size_t limit : {size_t{10}, size_t{3000}, kNoLimit}) {
    bytes = "before";
    const auto done = engine::encode_result(first, limit, bytes);
    ASSERT_TRUE(done.ok());
    EXPECT_EQ(*done, limit == kNoLimit);
    if (!*done) {
      EXPECT_EQ(bytes, "before") << "nothing of an answer that is too large";
    }
  }
  EXPECT_EQ(sent(first, 0), sent(other, 0));
}

TEST_F(KeptAnswerTest, CountsWithoutRows) {
  engine::ResultSet changed(engine::ReturnKind::kChangedRows, 42);
  const std::string bytes = kept(changed);
  std::string_view in = bytes;
  const auto again = engine::decode_result(in);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->kind(), engine::ReturnKind::kChangedRows);
  EXPECT_EQ(again->changed_rows(), 42u);
}

TEST_F(KeptAnswerTest, DamagedBytesAreAnErrorAndNothingWorse) {
  engine::ResultSet result =
      run("SELECT 1 AS i, 'a text of more than twelve' AS s, [1, 2] AS l, 'a'::ENUM('a', 'b') AS e, "
          "union_value(n := 1) AS u, MAP {'k': 'v'} AS m, [1, 2]::INTEGER[2] AS a");
  const std::string bytes = kept(result);
  for (size_t length = 0; length < bytes.size(); length++) {
    std::string_view in(bytes.data(), length);
    EXPECT_FALSE(engine::decode_result(in).ok()) << "cut at " << length;
  }
  size_t refused = 0;
  for (size_t at = 0; at < bytes.size(); at++) {
    for (const int flip : {0x01, 0x80, 0xFF}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      std::string_view in = damaged;
      refused += engine::decode_result(in).ok() ? 0 : 1;
    }
  }
  EXPECT_GT(refused, bytes.size() / 4);
}

}  // namespace
}  // namespace merganser::pgwire

#include "engine/types.h"

#include "engine/raw_query_fixture.h"

namespace merganser::engine {
namespace {

class TypesTest : public RawQueryTest {};

TEST_F(TypesTest, SqlOfATypeMakesTheSameTypeAgain) {
  const char* const types[] = {"BOOLEAN",
                               "TINYINT",
                               "UHUGEINT",
                               "DECIMAL(4,1)",
                               "DECIMAL(38,38)",
                               "VARCHAR",
                               "JSON",
                               "BLOB",
                               "BIT",
                               "UUID",
                               "DATE",
                               "TIME",
                               "TIME_NS",
                               "TIME WITH TIME ZONE",
                               "TIMESTAMP_S",
                               "TIMESTAMP_MS",
                               "TIMESTAMP",
                               "TIMESTAMP_NS",
                               "TIMESTAMP WITH TIME ZONE",
                               "INTERVAL",
                               "BIGNUM",
                               "VARIANT",
                               "GEOMETRY",
                               "ENUM('it''s', 'b', '')",
                               "INTEGER[]",
                               "VARCHAR[3]",
                               "DECIMAL(10,2)[][]",
                               "MAP(VARCHAR, INTEGER[])",
                               "STRUCT(\"a b\" INTEGER, \"say \"\"x\"\"\" STRUCT(c JSON))",
                               "UNION(num INTEGER, \"the str\" VARCHAR)"};
  for (const char* const type : types) {
    const TypePtr first = query(std::string("SELECT NULL::") + type).types.at(0);
    const TypePtr second = query("SELECT NULL::" + first->to_sql()).types.at(0);
    EXPECT_EQ(first->to_sql(), second->to_sql()) << type;
    EXPECT_EQ(first->id, second->id) << type;
    EXPECT_NE(first->id, TypeId::kInvalid) << type;
  }
}

TEST_F(TypesTest, ParametersAreRead) {
  const TypePtr decimal = query("SELECT 1::DECIMAL(12,3)").types.at(0);
  EXPECT_EQ(decimal->width, 12);
  EXPECT_EQ(decimal->scale, 3);
  EXPECT_EQ(decimal->storage, TypeId::kBigInt);
  const TypePtr labels = query("SELECT NULL::ENUM('x','y')").types.at(0);
  EXPECT_EQ(labels->enum_values, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(labels->storage, TypeId::kUTinyInt);
  EXPECT_TRUE(query("SELECT NULL::JSON").types.at(0)->is_json());
  const TypePtr array = query("SELECT NULL::FLOAT[7]").types.at(0);
  EXPECT_EQ(array->array_size, 7u);
  EXPECT_EQ(array->children.at(0).type->id, TypeId::kFloat);
  const TypePtr map = query("SELECT NULL::MAP(DATE, BLOB)").types.at(0);
  EXPECT_EQ(map->map_entry->children.at(1).type->id, TypeId::kBlob);
  const TypePtr members = query("SELECT NULL::UNION(a INTEGER, b DATE)").types.at(0);
  EXPECT_EQ(members->children.at(1).name, "b");
}

TEST_F(TypesTest, AliasOfAClientsEnumIsWrittenOut) {
  query("CREATE TYPE mood AS ENUM ('happy', 'sad')");
  query("CREATE TABLE t (m mood)");
  EXPECT_EQ(query("SELECT m FROM t").types.at(0)->to_sql(), "ENUM('happy', 'sad')");
}

// Chunks must look the same however DuckDB made the vector: constant, dictionary, sliced, flat.
TEST_F(TypesTest, VectorsOfEveryMakingAreFlat) {
  const char* const queries[] = {
      "SELECT [1, 2] AS l, {'a': [x.i]} AS s FROM range(3) x(i)",
      "SELECT list_value(i, i + 1) AS l, {'a': [i]} AS s FROM range(5000) r(i) WHERE i % 3 = 0",
      "SELECT list_slice([i, i + 1, i + 2], 1, 2) AS l, {'a': [i]} AS s FROM range(5000) r(i)",
      "SELECT list(i ORDER BY i) AS l, {'a': list(i)} AS s FROM range(5000) r(i) GROUP BY i // 2",
  };
  for (const char* const sql : queries) {
    const Rows rows = query(sql);
    ASSERT_GT(rows.count(), 0u);
    for (const Chunk& chunk : rows.chunks) {
      for (size_t row = 0; row < chunk.rows(); ++row) {
        const VectorView& list = chunk.column(0);
        const ListEntry entry = list.at<ListEntry>(row);
        ASSERT_EQ(entry.length, 2u) << sql;
        const bool narrow = list.children[0].type->id == TypeId::kInteger;
        const auto item = [&](uint64_t i) -> int64_t {
          return narrow ? list.children[0].at<int32_t>(entry.offset + i)
                        : list.children[0].at<int64_t>(entry.offset + i);
        };
        ASSERT_EQ(item(1) - item(0), 1) << sql << " row " << row;
      }
    }
  }
}

TEST_F(TypesTest, AChunkMovesWithItsViews) {
  Rows rows = query("SELECT 'a string that is not inlined' AS s, 7 AS i");
  Chunk moved = std::move(rows.chunks.at(0));
  EXPECT_EQ(rows.chunks.at(0).rows(), 0u);
  Chunk other;
  other = std::move(moved);
  EXPECT_EQ(other.column(0).string_at(0), "a string that is not inlined");
  EXPECT_EQ(other.column(1).at<int32_t>(0), 7);
}

}  // namespace
}  // namespace merganser::engine

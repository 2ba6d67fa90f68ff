#include "coordinator/shape.h"

#include <gtest/gtest.h>

namespace merganser::coordinator {
namespace {

ShapePtr shape_of(std::string_view sql) {
  return parse_shape(sql).shape;
}
NotCoalesced why_not(std::string_view sql) {
  const ParsedShape parsed = parse_shape(sql);
  EXPECT_EQ(parsed.shape, nullptr) << sql;
  return parsed.why;
}
bool same_shape(std::string_view a, std::string_view b) {
  const ShapePtr one = shape_of(a);
  const ShapePtr other = shape_of(b);
  EXPECT_TRUE(one && other) << a << "\n" << b;
  return one && other && one->key == other->key;
}

TEST(ShapeTest, LiteralsAndParametersAreLifted) {
  EXPECT_TRUE(same_shape("INSERT INTO t VALUES (1, 'a')", "INSERT INTO t VALUES ($1, $2)"));
  EXPECT_TRUE(same_shape("INSERT INTO t VALUES (1, 'it''s')", "INSERT INTO t  VALUES\n(-7, NULL)"));
  EXPECT_TRUE(same_shape("INSERT INTO t VALUES (1), (2)", "INSERT INTO t VALUES (3)"));
  EXPECT_TRUE(same_shape("UPDATE t SET a = 1, b = $1 WHERE id = 2", "UPDATE t SET a = $2, b = 'x' WHERE id = $1"));
  EXPECT_TRUE(same_shape("DELETE FROM t WHERE id = 2", "DELETE FROM t WHERE id = $1"));
  EXPECT_TRUE(same_shape("/* a comment */ INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (1) -- another"));
}

TEST(ShapeTest, WhatChangesTheMeaningStaysInTheKey) {
  EXPECT_FALSE(same_shape("INSERT INTO t VALUES (1)", "INSERT INTO u VALUES (1)"));
  EXPECT_FALSE(same_shape("INSERT INTO t (a) VALUES (1)", "INSERT INTO t (b) VALUES (1)"));
  EXPECT_FALSE(same_shape("INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (1) RETURNING a"));
  EXPECT_FALSE(same_shape("INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING"));
  EXPECT_FALSE(same_shape("INSERT INTO t VALUES (1)", "INSERT OR IGNORE INTO t VALUES (1)"));
  EXPECT_FALSE(same_shape("INSERT INTO t VALUES (1, 2)", "INSERT INTO t VALUES (1, DEFAULT)"));
  EXPECT_FALSE(same_shape("INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (1::SMALLINT)"));
  EXPECT_FALSE(same_shape("UPDATE t SET a = a + 1 WHERE id = 1", "UPDATE t SET a = a + 2 WHERE id = 1"));
  EXPECT_FALSE(same_shape("UPDATE t SET a = 1 WHERE id = 1", "UPDATE t SET a = 1 WHERE id = 1 AND v = 1"));
}

TEST(ShapeTest, CellsNameTheirValues) {
  const ShapePtr shape = shape_of("INSERT INTO t (a, b, c) VALUES ($2, 5, DEFAULT), ($1, -6, DEFAULT)");
  ASSERT_TRUE(shape);
  EXPECT_EQ(shape->rows, 2u);
  ASSERT_EQ(shape->cells.size(), 6u);
  EXPECT_EQ(shape->cells[0].from, Cell::From::kParameter);
  EXPECT_EQ(shape->cells[0].index, 1u);
  EXPECT_EQ(shape->cells[1].from, Cell::From::kLiteral);
  EXPECT_EQ(std::get<int64_t>(shape->literals[1].data), -6);
  EXPECT_TRUE(shape->slots[2].is_default);
}

TEST(ShapeTest, NumbersHaveTheTypesOfTheirSpelling) {
  const ShapePtr shape = shape_of("INSERT INTO t VALUES (1, 3000000000, 1.50, -1e3, TRUE, 007)");
  ASSERT_TRUE(shape);
  const std::vector<engine::TypeId> types{engine::TypeId::kInteger, engine::TypeId::kBigInt,  engine::TypeId::kDecimal,
                                          engine::TypeId::kDouble,  engine::TypeId::kBoolean, engine::TypeId::kInteger};
  ASSERT_EQ(shape->literals.size(), types.size());
  for (size_t i = 0; i < types.size(); i++) EXPECT_EQ(shape->literals[i].type, types[i]) << i;
  EXPECT_EQ(std::get<engine::Decimal>(shape->literals[2].data).scale, 2);
}

TEST(ShapeTest, WhatItDoesNotKnowHasNoShape) {
  for (const char* sql : {"INSERT INTO t SELECT 1",
                          "INSERT INTO t VALUES (now())",
                          "INSERT INTO t VALUES (1 + 1)",
                          "INSERT INTO t VALUES ((SELECT 1))",
                          "INSERT INTO t VALUES (E'a')",
                          "INSERT INTO t VALUES (0x1F)",
                          "INSERT INTO t VALUES (1_000)",
                          "INSERT INTO t VALUES ($1 + 1)",
                          "INSERT INTO t VALUES (DATE '2024-01-01')",
                          "INSERT INTO t DEFAULT VALUES",
                          "INSERT INTO t BY NAME VALUES (1)",
                          "INSERT INTO t AS x VALUES (1)",
                          "INSERT INTO t VALUES (1, 2), (3)",
                          "INSERT INTO t VALUES (1), (DEFAULT)",
                          "INSERT INTO t VALUES (1) RETURNING random()",
                          "INSERT INTO t VALUES (1) RETURNING (SELECT 1)",
                          "INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = $1",
                          "INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = nextval('s')",
                          "UPDATE t SET a = 1",
                          "UPDATE t SET a = 1 WHERE id > 1",
                          "UPDATE t SET a = 1 WHERE id = 1 OR id = 2",
                          "UPDATE t SET a = random() WHERE id = 1",
                          "UPDATE t SET a = (SELECT max(a) FROM t) WHERE id = 1",
                          "UPDATE t SET a = b + $1 WHERE id = 1",
                          "UPDATE t AS x SET a = 1 WHERE id = 1",
                          "UPDATE t SET a = 1 FROM u WHERE id = 1",
                          "UPDATE t SET a = 1 WHERE id = 1 + 1",
                          "DELETE FROM t",
                          "DELETE FROM t USING u WHERE id = 1",
                          "DELETE FROM t WHERE id IN (1, 2)",
                          "DELETE FROM t WHERE id = id",
                          "INSERT INTO t VALUES (-1::SMALLINT)",
                          "UPDATE t SET a = merganser_c0 WHERE id = 1",
                          "UPDATE t SET a = b.merganser_batch WHERE id = 1",
                          "TRUNCATE t",
                          "MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE",
                          ""}) {
    EXPECT_NE(why_not(sql), NotCoalesced::kNone) << sql;
  }
  EXPECT_EQ(why_not(std::string(kShapeTextLimit + 1, 'x')), NotCoalesced::kLarge);
}

TEST(ShapeTest, OperatorsStayWhole) {
  const ShapePtr shape = shape_of("UPDATE t SET f = v != 6, g = a || 'x' WHERE id = 1 RETURNING v<=  3");
  ASSERT_TRUE(shape);
  EXPECT_EQ(shape->head, "SET f = v != 6, g = a || 'x'");
  EXPECT_EQ(shape->returning, "v<= 3");
  EXPECT_FALSE(same_shape("UPDATE t SET f = v != 6 WHERE id = 1", "UPDATE t SET f = v ! = 6 WHERE id = 1"));
}

TEST(ShapeTest, UpdateKeepsWhatItDoesNotLift) {
  const ShapePtr shape = shape_of("UPDATE s.t SET a = $1, n = n + 1, b = coalesce(b, 'x') WHERE id = $2 RETURNING *");
  ASSERT_TRUE(shape);
  EXPECT_EQ(shape->table, (std::vector<std::string>{"s", "t"}));
  EXPECT_EQ(shape->conditions, 1u);
  EXPECT_EQ(shape->slots.size(), 2u);
  EXPECT_EQ(shape->set_columns, (std::vector<std::string>{"a", "n", "b"}));
  EXPECT_EQ(shape->returning, "*");
}

}  // namespace
}  // namespace merganser::coordinator

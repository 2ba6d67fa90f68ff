// For this room's tests of types: a DuckDB file, and what one query gives as DataRow fields.
#pragma once

#include <filesystem>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "engine/database.h"
#include "pgwire/encode.h"

namespace merganser::pgwire {

using Field = std::optional<std::string>;  // nullopt: NULL

// The fields of the DataRow messages in `bytes`, checking every length on the way.
inline std::vector<std::vector<Field>> parse_data_rows(std::string_view bytes) {
  std::vector<std::vector<Field>> rows;
  ByteReader in(bytes);
  while (!in.empty()) {
    EXPECT_EQ(in.get<uint8_t>(), uint8_t{'D'});
    const size_t before = in.remaining();
    const int32_t length = in.get<int32_t>().value_or(-1);
    const int count = in.get<uint16_t>().value_or(0);
    std::vector<Field> row;
    for (int i = 0; i < count; ++i) {
      const int32_t size = in.get<int32_t>().value_or(-2);
      if (size == -1) {
        row.emplace_back();
        continue;
      }
      const auto field = in.get_bytes(static_cast<size_t>(size));
      EXPECT_TRUE(field.has_value());
      if (!field) return rows;
      row.emplace_back(std::string(*field));
    }
    EXPECT_EQ(before - in.remaining(), static_cast<size_t>(length));
    if (before - in.remaining() != static_cast<size_t>(length)) return rows;
    rows.push_back(std::move(row));
  }
  return rows;
}

class TypesFixture : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::string pattern = testing::TempDir() + "mrg-types-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    engine::DatabaseOptions options;
    options.file = folder_ + "/t.duckdb";
    options.name = "t";
    auto database = engine::Database::open(options);
    ASSERT_TRUE(database.ok()) << database.error().to_string();
    database_ = std::move(database).value();
  }
  static void TearDownTestSuite() {
    database_.reset();
    std::filesystem::remove_all(folder_);
  }
  void SetUp() override {
    auto connection = database_->connect();
    ASSERT_TRUE(connection.ok()) << connection.error().to_string();
    connection_ = std::move(connection).value();
  }

  struct Answer {
    std::vector<engine::TypePtr> types;
    std::vector<std::string> names;
    std::vector<std::vector<Field>> rows;
    Status status;
  };

  Answer ask(const std::string& sql, std::vector<int16_t> formats = {}, const std::vector<engine::Value>& values = {},
             EncodeContext context = {}) {
    Answer answer;
    auto prepared = connection_->prepare(sql);
    EXPECT_TRUE(prepared.ok()) << sql << "\n" << (prepared.ok() ? "" : prepared.error().to_string());
    if (!prepared.ok()) return answer;
    auto result = (*prepared)->execute(values, false);
    if (!result.ok()) {
      answer.status = result.error();
      return answer;
    }
    for (const auto& column : *result->columns()) {
      answer.types.push_back(column.type);
      answer.names.push_back(column.name);
    }
    const auto encoder = RowEncoder::make(answer.types, formats, context);
    EXPECT_TRUE(encoder.ok());
    std::string bytes;
    while (true) {
      auto chunk = result->next();
      EXPECT_TRUE(chunk.ok()) << sql;
      if (!chunk.ok() || !*chunk) break;
      answer.status = encoder->encode(**chunk, 0, (*chunk)->rows(), bytes);
      if (!answer.status.ok()) break;
    }
    answer.rows = parse_data_rows(bytes);
    return answer;
  }

  static inline std::string folder_;
  static inline std::unique_ptr<engine::Database> database_;
  std::unique_ptr<engine::Connection> connection_;
};

}  // namespace merganser::pgwire

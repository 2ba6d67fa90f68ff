#include "engine/flight.h"

#include <filesystem>
#include <gtest/gtest.h>

#include "engine/database.h"
#include "engine/statement_cache.h"

namespace merganser::engine {
namespace {

class FlightTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "mrg-flight-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    file_ = folder_ + "/t.duckdb";
    flight_ = std::move(Flight::open(file_)).value();
  }
  void TearDown() override {
    flight_.reset();
    std::filesystem::remove_all(folder_);
  }
  // What the next owner finds when this one dies now.
  void die() {
    std::filesystem::copy_file(file_ + ".flight", file_ + ".copy", std::filesystem::copy_options::overwrite_existing);
  }
  void start_again() {
    flight_.reset();
    std::filesystem::rename(file_ + ".copy", file_ + ".flight");
    flight_ = std::move(Flight::open(file_)).value();
  }
  void die_with(const Flight::Digest& digest) {
    {
      const auto entry = flight_->take_off(digest);
      ASSERT_TRUE(entry.ok());
      die();
    }
    start_again();
  }
  static Flight::Digest of(std::string_view text, const std::vector<Value>& values = {}) {
    return Flight::of(Flight::of_text(text), values);
  }

  std::string folder_;
  std::string file_;
  std::unique_ptr<Flight> flight_;
};

TEST_F(FlightTest, TheSecondDeathCounts) {
  die_with(of("boom"));
  EXPECT_TRUE(flight_->take_off(of("boom")).ok());
  EXPECT_EQ(flight_->refused(), 0u);
  die_with(of("boom"));
  const auto refused = flight_->take_off(of("boom"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kStatementEndedOwner);
  EXPECT_EQ(flight_->refused(), 1u);
  EXPECT_TRUE(flight_->take_off(of("boom", {Value::bigint(1)})).ok()) << "other values are another statement";
  EXPECT_TRUE(flight_->take_off(of("harmless")).ok());
  die();
  start_again();
  EXPECT_FALSE(flight_->take_off(of("boom")).ok()) << "it stays refused";
}

TEST_F(FlightTest, WhatCameThroughIsCleared) {
  die_with(of("long"));
  {
    auto entry = flight_->take_off(of("long"));
    ASSERT_TRUE(entry.ok());
    entry->land(true);
  }
  die_with(of("long"));
  EXPECT_TRUE(flight_->take_off(of("long")).ok());
}

TEST_F(FlightTest, APartOfAResultClearsNothing) {
  die_with(of("long"));
  {
    auto entry = flight_->take_off(of("long"));
    ASSERT_TRUE(entry.ok());
    entry->land(false);
  }
  die_with(of("long"));
  EXPECT_FALSE(flight_->take_off(of("long")).ok());
}

TEST_F(FlightTest, WhatEndedBeforeTheDeathIsInnocent) {
  for (int i = 0; i < 3; i++) {
    { const auto entry = flight_->take_off(of("fine")); }
    die();
    start_again();
  }
  EXPECT_TRUE(flight_->take_off(of("fine")).ok());
}

TEST_F(FlightTest, BlameIsADeath) {
  for (int i = 0; i < 2; i++) {
    auto entry = flight_->take_off(of("fatal"));
    ASSERT_TRUE(entry.ok());
    entry->blame();
  }
  EXPECT_FALSE(flight_->take_off(of("fatal")).ok());
}

TEST_F(FlightTest, ManyAtOnceAndManyDeaths) {
  std::vector<Flight::Entry> entries;
  for (int i = 0; i < 1000; i++) {
    auto entry = flight_->take_off(of("many", {Value::bigint(i)}));
    ASSERT_TRUE(entry.ok());
    entries.push_back(std::move(*entry));
  }
  die();
  entries.clear();
  start_again();
  EXPECT_EQ(flight_->refused(), 0u);
  die_with(of("one"));
  die_with(of("one"));
  EXPECT_FALSE(flight_->take_off(of("one")).ok());
}

TEST_F(FlightTest, NonsenseInTheFileIsNothing) {
  flight_.reset();
  std::filesystem::remove(file_ + ".flight");
  {
    std::FILE* out = std::fopen((file_ + ".flight").c_str(), "w");
    ASSERT_NE(out, nullptr);
    for (int i = 0; i < 20000; i++) std::fputc(i % 251, out);
    std::fclose(out);
  }
  flight_ = std::move(Flight::open(file_)).value();
  EXPECT_EQ(flight_->refused(), 0u);
  die_with(of("x"));
  die_with(of("x"));
  EXPECT_FALSE(flight_->take_off(of("x")).ok());
}

TEST_F(FlightTest, RefusesInTheDatabaseToo) {
  const auto open = [&] {
    DatabaseOptions options;
    options.file = file_;
    options.name = "t";
    return std::move(Database::open(options)).value();
  };
  flight_.reset();
  open().reset();
  for (int i = 0; i < 2; i++) {
    flight_ = std::move(Flight::open(file_)).value();
    die_with(of("SELECT 17"));
    flight_.reset();
  }
  const auto database = open();
  const auto connection = std::move(database->connect()).value();
  StatementCache cache(4);
  const auto client = [&](const char* sql) -> Status {
    MERGANSER_ASSIGN(Prepared * prepared, cache.get(*connection, sql, {}));
    MERGANSER_ASSIGN(auto result, prepared->execute({}, false));
    return {};
  };
  EXPECT_TRUE(client("SELECT 18").ok());
  const Status refused = client("SELECT 17");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kStatementEndedOwner);
  EXPECT_TRUE(connection->execute("SELECT 17").ok()) << "our own statements are not watched";
}

}  // namespace
}  // namespace merganser::engine

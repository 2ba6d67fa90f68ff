#include "engine/task_threads.h"

#include <ctime>
#include <filesystem>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

#include "engine/database.h"

namespace merganser::engine {
namespace {

class TaskThreadsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::temp_directory_path() / ("task-threads-" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory_);
    DatabaseOptions options;
    options.file = directory_ / "t.duckdb";
    options.name = "t";
    options.threads = 3;
    auto opened = Database::open(options);
    ASSERT_TRUE(opened.ok()) << opened.error().to_string();
    database_ = std::move(opened).value();
    auto connection = database_->connect();
    ASSERT_TRUE(connection.ok());
    connection_ = std::move(connection).value();
  }
  void TearDown() override {
    connection_.reset();
    database_.reset();
    std::filesystem::remove_all(directory_);
  }

  static double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

  std::filesystem::path directory_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Connection> connection_;
};

TEST_F(TaskThreadsTest, DuckdbHasNoThreadsOfItsOwn) {
  const auto all = connection_->query_text("SELECT current_setting('threads')");
  const auto external = connection_->query_text("SELECT current_setting('external_threads')");
  ASSERT_TRUE(all.ok() && external.ok());
  EXPECT_EQ(*all, "3");
  EXPECT_EQ(*external, "3");
}

TEST_F(TaskThreadsTest, SeveralThreadsWorkOnALongStatement) {
  ASSERT_TRUE(connection_->execute("CREATE TABLE big AS SELECT i % 1000 AS k, i AS v FROM range(6000000) t(i)").ok());
  for (const bool streaming : {false, true}) {
    auto prepared =
        connection_->prepare("SELECT sum(v)::BIGINT, count(DISTINCT v % 50000), max(md5(v::VARCHAR)) FROM big");
    ASSERT_TRUE(prepared.ok()) << prepared.error().to_string();
    const uint64_t before = database_->task_threads().tasks_done();
    auto result = (*prepared)->execute({}, streaming);
    ASSERT_TRUE(result.ok()) << result.error().to_string();
    auto chunk = result->next();
    ASSERT_TRUE(chunk.ok() && chunk->has_value());
    EXPECT_EQ((*chunk)->rows(), 1U);
    EXPECT_GT(database_->task_threads().tasks_done(), before) << "streaming " << streaming;
  }
}

TEST_F(TaskThreadsTest, ShortStatementsWakeNobody) {
  ASSERT_TRUE(connection_->execute("CREATE TABLE small (i INTEGER)").ok());
  auto prepared = connection_->prepare("SELECT 1");
  ASSERT_TRUE(prepared.ok());
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // those that helped to make the table fall asleep
  const uint64_t before = database_->task_threads().tasks_done();
  for (int i = 0; i < 20; i++) ASSERT_TRUE((*prepared)->execute({}, false).ok());
  EXPECT_EQ(database_->task_threads().tasks_done(), before);
  const double used = processor_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LT(processor_seconds() - used, 0.1) << "threads without work must sleep";
}

TEST_F(TaskThreadsTest, ErrorsOfLongStatementsKeepTheirType) {
  auto prepared = connection_->prepare(
      "SELECT count(*) FROM range(20000000) t(i) WHERE CASE WHEN i = 19999999 THEN error('found it')::BOOLEAN ELSE "
      "true END");
  ASSERT_TRUE(prepared.ok()) << prepared.error().to_string();
  const auto result = (*prepared)->execute({}, false);
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message.find("found it"), std::string::npos) << result.error().to_string();
  EXPECT_FALSE(database_->invalidated());
}

}  // namespace
}  // namespace merganser::engine

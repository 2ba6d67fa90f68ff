#include "engine/plain.h"

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace merganser::engine {
namespace {

class PlainDatabaseTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/merganser-plain-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    dir_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  std::string dir_;
};

TEST_F(PlainDatabaseTest, GivesRowsAsText) {
  auto database = PlainDatabase::open(dir_ + "/a.duckdb");
  ASSERT_TRUE(database.ok()) << database.error().message;
  const auto rows = database->run("CREATE TABLE t(i INT, s VARCHAR); INSERT INTO t VALUES (1, 'x'), (2, NULL); FROM t");
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ((*rows)[0], (PlainDatabase::Row{"1", "x"}));
  EXPECT_EQ((*rows)[1], (PlainDatabase::Row{"2", std::nullopt}));
  EXPECT_NE(database->run("SELECT nothing").error().message.find("nothing"), std::string::npos);
}

TEST_F(PlainDatabaseTest, ASecondProcessGetsTheLockError) {
  const std::string path = dir_ + "/a.duckdb";
  // The child opens the file and waits for the end of a pipe. No database is open here while it forks.
  int ready[2];
  int leave[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(leave), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  char byte = 'x';
  if (child == 0) {
    close(leave[1]);
    const auto database = PlainDatabase::open(path);
    const bool told = database.ok() && write(ready[1], &byte, 1) == 1;
    const bool ended = read(leave[0], &byte, 1) == 0;
    _exit(told && ended ? 0 : 1);
  }
  close(ready[1]);
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  const auto second = PlainDatabase::open(path);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().message.find("Could not set lock on file"), std::string::npos) << second.error().message;
  EXPECT_NE(second.error().message.find("Conflicting lock is held"), std::string::npos);
  EXPECT_NE(second.error().message.find("(PID " + std::to_string(child) + ")"), std::string::npos);
  close(leave[1]);
  int status = 1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  close(ready[0]);
  close(leave[0]);
}

TEST(DuckdbVersion, IsKnownWithoutADatabase) {
  EXPECT_TRUE(duckdb_version().starts_with("v1.")) << duckdb_version();
}

}  // namespace
}  // namespace merganser::engine

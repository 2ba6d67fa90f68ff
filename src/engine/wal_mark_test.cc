#include "engine/wal_mark.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/database.h"

namespace merganser::engine {
namespace {

namespace fs = std::filesystem;

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}
void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

class WalMarkTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "mrg-wm-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    options_.file = folder_ + "/t.duckdb";
    options_.name = "t";
  }
  void TearDown() override { fs::remove_all(folder_); }

  // An owner that commits `rows` rows, each acknowledged, and dies without closing.
  void die_after(int rows) {
    const pid_t child = fork();
    if (child == 0) {
      auto database = Database::open(options_);
      if (!database.ok()) _exit(1);
      auto connection = std::move((*database)->connect()).value();
      bool ok = connection->execute("CREATE TABLE IF NOT EXISTS a (i INT, v VARCHAR)").ok();
      ok &= (*database)->acknowledge().ok();
      for (int i = 0; i < rows; i++) {
        ok &= connection->execute("INSERT INTO a VALUES (" + std::to_string(i) + ", 'row')").ok();
        ok &= (*database)->acknowledge().ok();
      }
      _exit(ok ? 0 : 2);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_EQ(WEXITSTATUS(status), 0);
  }

  std::string folder_;
  DatabaseOptions options_;
};

TEST_F(WalMarkTest, AnIntactLogGivesNoAlarm) {
  die_after(20);
  auto database = std::move(Database::open(options_)).value();
  EXPECT_EQ(database->alarm(), "");
  auto connection = std::move(database->connect()).value();
  EXPECT_EQ(connection->query_text("SELECT count(*) FROM a").value(), "20");
}

TEST_F(WalMarkTest, ATornTailBehindTheMarkGivesNoAlarm) {
  die_after(5);
  const std::string wal = options_.file + ".wal";
  write(wal, contents(wal) + std::string("\x40\x00\x00\x00\x00\x00\x00\x00junk", 12));
  auto database = std::move(Database::open(options_)).value();
  EXPECT_EQ(database->alarm(), "");
}

TEST_F(WalMarkTest, AShorterLogRaisesTheAlarm) {
  die_after(20);
  const std::string wal = options_.file + ".wal";
  fs::resize_file(wal, fs::file_size(wal) - 30);
  auto database = std::move(Database::open(options_)).value();
  EXPECT_NE(database->alarm().find("acknowledged"), std::string::npos);
}

// Every byte of the log flipped in turn: DuckDB refuses to open, or everything is there, or the alarm is raised.
TEST_F(WalMarkTest, NoFlippedByteLosesAnythingSilently) {
  die_after(6);
  const std::string wal = options_.file + ".wal";
  const std::string good_wal = contents(wal), good_file = contents(options_.file),
                    good_mark = contents(options_.file + ".mark");
  int refused = 0, alarmed = 0;
  for (size_t at = 0; at < good_wal.size(); at += 3) {
    std::string bad = good_wal;
    bad[at] = static_cast<char>(bad[at] ^ 0x41);
    write(options_.file, good_file);
    write(wal, bad);
    write(options_.file + ".mark", good_mark);
    auto database = Database::open(options_);
    if (!database.ok()) {
      refused++;
      EXPECT_EQ(contents(wal), bad) << "a log that cannot be replayed stays as it is";
      continue;
    }
    auto connection = std::move((*database)->connect()).value();
    const auto rows = connection->query_text("SELECT count(*) FROM a");
    const bool whole = rows.ok() && *rows == "6";
    EXPECT_TRUE(whole || !(*database)->alarm().empty()) << "byte " << at;
    if (!(*database)->alarm().empty()) {
      alarmed++;
      bool kept = false;
      for (const auto& entry : fs::directory_iterator(folder_)) {
        if (entry.path().string().find(".wal.suspect-") == std::string::npos) continue;
        kept |= contents(entry.path()) == bad;
        fs::remove(entry.path());
      }
      EXPECT_TRUE(kept) << "the damaged log is kept aside";
    }
    connection.reset();
    database->reset();
    for (const char* side : {".wal", ".wal.checkpoint", ".wal.recovery"}) fs::remove(options_.file + side);
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(alarmed, 0);
}

TEST_F(WalMarkTest, ACheckpointBySomebodyElseIsNoLoss) {
  die_after(20);
  const std::string mark = contents(options_.file + ".mark");
  {
    auto database = std::move(Database::open(options_)).value();
    auto connection = std::move(database->connect()).value();
    ASSERT_TRUE(connection->execute("CHECKPOINT").ok());
  }
  write(options_.file + ".mark", mark);  // as if a plain DuckDB had done that, which knows no mark
  auto database = std::move(Database::open(options_)).value();
  EXPECT_EQ(database->alarm(), "");
}

}  // namespace
}  // namespace merganser::engine

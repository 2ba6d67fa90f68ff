#include "cli/doctor.h"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/lock_text.h"

namespace merganser::cli {
namespace {

constexpr std::string_view kPosixText =
    "IO Error: Could not set lock on file \"/data/my db.duckdb\": Conflicting lock is held in /usr/bin/python3.11 "
    "(PID 4711) by user ann. See also https://duckdb.org/docs/connect/concurrency";
constexpr std::string_view kWindowsText =
    "IO Error: Cannot open file \"C:\\data\\my.duckdb\": The process cannot access the file because it is being used "
    "by "
    "another process.\r\n\nFile is already open in \nC:\\Python\\python.exe (PID 88)";

TEST(LockText, UnderstandsBothTexts) {
  const auto posix = parse_lock_conflict("Traceback …\nduckdb.IOException: " + std::string(kPosixText));
  ASSERT_TRUE(posix);
  EXPECT_EQ(posix->file, "/data/my db.duckdb");
  EXPECT_EQ(posix->program, "/usr/bin/python3.11");
  EXPECT_EQ(posix->pid, 4711);
  EXPECT_EQ(posix->user, "ann");
  EXPECT_FALSE(posix->windows);

  const auto windows = parse_lock_conflict(kWindowsText);
  ASSERT_TRUE(windows);
  EXPECT_EQ(windows->file, "C:\\data\\my.duckdb");
  EXPECT_EQ(windows->program, "C:\\Python\\python.exe");
  EXPECT_EQ(windows->pid, 88);
  EXPECT_TRUE(windows->windows);

  EXPECT_FALSE(parse_lock_conflict("Parser Error: syntax error at or near \"x\""));
}

TEST(LockText, UnderstandsTextsThatTellLess) {
  EXPECT_EQ(parse_lock_conflict("Could not set lock on file \"/a\": Conflicting lock is held in PID 12. See")->pid, 12);
  EXPECT_EQ(parse_lock_conflict("Could not set lock on file \"/a\": ")->pid, 0);
  EXPECT_EQ(parse_lock_conflict("Could not set lock on file \"/a")->file, "");
  EXPECT_EQ(parse_lock_conflict("it is being used by another process.")->pid, 0);
  EXPECT_TRUE(parse_lock_conflict("Could not set lock on file \"/a\": Lock is already held in current process, likely "
                                  "another DuckDB instance")
                  ->same_process);
}

TEST(LockText, SaysWhatToDo) {
  const std::string foreign = explain_lock_conflict(*parse_lock_conflict(kPosixText));
  EXPECT_NE(foreign.find("python3.11 (pid 4711) of user ann has /data/my db.duckdb open"), std::string::npos)
      << foreign;
  EXPECT_NE(foreign.find("merganser run /data/my db.duckdb -- PROGRAM"), std::string::npos);
  const std::string windows = explain_lock_conflict(*parse_lock_conflict(kWindowsText));
  EXPECT_NE(windows.find("tasklist /fi \"PID eq 88\""), std::string::npos) << windows;
  const std::string ours = explain_lock_conflict(
      *parse_lock_conflict("Could not set lock on file \"/a\": Conflicting lock is held in PID -1. See"));
  EXPECT_NE(ours.find("merganser url /a"), std::string::npos) << ours;
}

class DoctorTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/merganser-doctor-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    dir_ = name;
    file_ = dir_ + "/a.duckdb";
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  void write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
    chmod(path.c_str(), 0600);
  }
  // The beginning of a DuckDB file as far as its header says something.
  static std::string header(char version) {
    std::string bytes(4096, '\0');
    bytes.replace(8, 4, "DUCK");
    bytes[12] = version;
    return bytes;
  }
  const Finding* find(const Diagnosis& diagnosis, std::string_view check) {
    const auto found = std::ranges::find(diagnosis.findings, check, &Finding::check);
    return found == diagnosis.findings.end() ? nullptr : &*found;
  }

  std::string dir_;
  std::string file_;
};

TEST_F(DoctorTest, AHealthyFileHasNoProblem) {
  write(file_, header(64));
  const Diagnosis diagnosis = examine(file_, Settings());
  EXPECT_LT(diagnosis.worst(), Severity::kProblem) << diagnosis_text(diagnosis);
  EXPECT_FALSE(diagnosis.holder);
  EXPECT_NE(diagnosis_text(diagnosis).find("holder  nobody"), std::string::npos);
  const auto json = nlohmann::json::parse(diagnosis_json(diagnosis));
  EXPECT_TRUE(json["ok"]);
  EXPECT_TRUE(json["holder"].is_null());
}

TEST_F(DoctorTest, NamesWhatIsWrongWithTheFile) {
  write(file_, "SQLite format 3 and more");
  EXPECT_NE(find(examine(file_, Settings()), "header")->what.find("not a DuckDB database"), std::string::npos);
  write(file_, header(120));
  EXPECT_NE(find(examine(file_, Settings()), "header")->what.find("too new"), std::string::npos);
  EXPECT_EQ(examine(dir_, Settings()).worst(), Severity::kProblem);
  const Diagnosis missing = examine(dir_ + "/no/such.db", Settings());
  EXPECT_EQ(missing.worst(), Severity::kProblem);
  EXPECT_NE(diagnosis_text(missing).find("mkdir -p"), std::string::npos);
}

TEST_F(DoctorTest, SeesLogsSideFilesAndSocketPath) {
  write(file_, header(64));
  write(file_ + ".wal", "12345");
  write(file_ + ".wal.recovery", "1");
  write(file_ + ".lock", "");
  chmod((file_ + ".lock").c_str(), 0644);
  Settings settings;
  settings.socket_dir = "/" + std::string(120, 'x');
  const Diagnosis diagnosis = examine(file_, settings);
  EXPECT_NE(find(diagnosis, "wal")->what.find("5 B"), std::string::npos);
  EXPECT_EQ(std::ranges::count(diagnosis.findings, "wal", &Finding::check), 2);
  EXPECT_NE(find(diagnosis, "side_file")->advice.find("chmod 0600"), std::string::npos);
  EXPECT_EQ(find(diagnosis, "socket_path")->severity, Severity::kProblem);
}

TEST_F(DoctorTest, NamesAForeignHolder) {
  write(file_, header(64));
  int ready[2];
  int leave[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(leave), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  char byte = 'x';
  if (child == 0) {
    close(leave[1]);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    const int fd = open(file_.c_str(), O_RDWR);
    const bool told = fcntl(fd, F_SETLK, &lock) == 0 && ::write(ready[1], &byte, 1) == 1;
    const bool ended = read(leave[0], &byte, 1) == 0;
    _exit(told && ended ? 0 : 1);
  }
  close(ready[1]);
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  const Diagnosis diagnosis = examine(file_, Settings());
  ASSERT_TRUE(diagnosis.holder);
  EXPECT_EQ(diagnosis.holder->pid, child);
  EXPECT_FALSE(diagnosis.holder->merganser);
  EXPECT_EQ(diagnosis.worst(), Severity::kProblem);
  const auto json = nlohmann::json::parse(diagnosis_json(diagnosis));
  EXPECT_EQ(json["holder"]["pid"], child);
  EXPECT_EQ(json["holder"]["kind"], "foreign");
  close(leave[1]);
  int status = 1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  close(ready[0]);
  close(leave[0]);
}

}  // namespace
}  // namespace merganser::cli

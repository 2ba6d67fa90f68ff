#include "os/lock.h"

#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/io.h"
#include "os/lock_holder.h"
#include "os/process.h"
#include "os/temp_dir_for_test.h"

namespace merganser::os {
namespace {

using std::chrono::milliseconds;

// A forked process that has done something and waits until it is told to go.
class Child {
 public:
  explicit Child(const std::function<bool()>& prepare) {
    Pipe ready = make_pipe().value();
    pid_ = ::fork();
    if (pid_ == 0) {
      const char answer = prepare() ? 'y' : 'n';
      if (::write(ready.write_end.get(), &answer, 1) != 1) ::_exit(1);
      while (true) ::pause();
    }
    ready.write_end.reset();
    char answer = 'n';
    prepared_ = ::read(ready.read_end.get(), &answer, 1) == 1 && answer == 'y';
  }
  ~Child() { kill(); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  bool prepared() const { return prepared_; }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
  bool prepared_ = false;
};

bool posix_lock(const std::string& path, short type) {
  const int fd = ::open(path.c_str(), O_RDWR);
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return fd >= 0 && ::fcntl(fd, F_SETLK, &lock) == 0;
}

TEST(FileLock, ExcludesAnotherProcessUntilItDies) {
  TempDir dir;
  const std::string path = dir.file("lock");
  Child child([&] {
    static std::optional<FileLock> kept;
    kept = FileLock::try_take(path).value();
    return kept.has_value();
  });
  ASSERT_TRUE(child.prepared());
  EXPECT_FALSE(FileLock::try_take(path)->has_value());
  EXPECT_TRUE(*FileLock::is_held(path));
  const auto late = FileLock::take(path, Deadline::in(milliseconds(30)));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, ErrorCode::kLockNotAvailable);
  EXPECT_NE(late.error().detail.find("(pid " + std::to_string(child.pid()) + ")"), std::string::npos)
      << late.error().to_string();
  child.kill();
  EXPECT_TRUE(FileLock::take(path, Deadline::in(milliseconds(1000))).ok());
  EXPECT_FALSE(*FileLock::is_held(path));
}

TEST(FileLock, AskingCreatesNothing) {
  TempDir dir;
  EXPECT_FALSE(*FileLock::is_held(dir.file("lock")));
  EXPECT_FALSE(std::filesystem::exists(dir.file("lock")));
}

TEST(FileLock, NoticesThatItsFileWasReplaced) {
  TempDir dir;
  const std::string path = dir.file("lock");
  std::optional<FileLock> lock = FileLock::try_take(path).value();
  ASSERT_TRUE(lock);
  EXPECT_TRUE(lock->verify_in_place().ok());
  std::filesystem::remove(path);
  EXPECT_FALSE(lock->verify_in_place().ok());
  std::ofstream(path) << "other";
  EXPECT_FALSE(lock->verify_in_place().ok());
}

TEST(FileLock, RefusesASymbolicLink) {
  TempDir dir;
  std::filesystem::create_symlink(dir.file("target"), dir.file("lock"));
  EXPECT_FALSE(FileLock::try_take(dir.file("lock")).ok());
  EXPECT_FALSE(std::filesystem::exists(dir.file("target")));
}

TEST(FileLock, KeepsANoteForTheNextHolder) {
  TempDir dir;
  {
    std::optional<FileLock> lock = FileLock::try_take(dir.file("lock")).value();
    ASSERT_TRUE(lock->write_note("a long first note").ok());
    ASSERT_TRUE(lock->write_note("short").ok());
  }
  std::optional<FileLock> lock = FileLock::try_take(dir.file("lock")).value();
  EXPECT_EQ(*lock->read_note(), "short");
}

TEST(FileLock, IsSharedWithAnInheritingChildUntilBothAreGone) {
  TempDir dir;
  const std::string path = dir.file("lock");
  std::optional<FileLock> lock = FileLock::try_take(path).value();
  ASSERT_TRUE(lock);
  Child child([] { return true; });
  lock->release();
  EXPECT_TRUE(*FileLock::is_held(path));
  const std::optional<LockHolder> holder = find_lock_holder(path);
  ASSERT_TRUE(holder);
  EXPECT_EQ(holder->pid, child.pid());
  child.kill();
  EXPECT_FALSE(*FileLock::is_held(path));
}

TEST(OfdLock, SurvivesAStrayCloseAndKeepsOthersOut) {
  TempDir dir;
  const std::string path = dir.file("db");
  std::ofstream(path) << "x";
  Result<OfdLock> lock = OfdLock::take(path);
  ASSERT_TRUE(lock.ok());
  ::close(::open(path.c_str(), O_RDWR));
  EXPECT_TRUE(lock->verify().ok());
  Child other([&] { return posix_lock(path, F_WRLCK); });
  EXPECT_FALSE(other.prepared());
  Child reader([&] { return posix_lock(path, F_RDLCK); });
  EXPECT_FALSE(reader.prepared());
}

TEST(OfdLock, NamesTheForeignHolder) {
  TempDir dir;
  const std::string path = dir.file("db");
  std::ofstream(path) << "x";
  Child other([&] { return posix_lock(path, F_WRLCK); });
  ASSERT_TRUE(other.prepared());
  const Result<OfdLock> lock = OfdLock::take(path);
  ASSERT_FALSE(lock.ok());
  EXPECT_EQ(lock.error().code, ErrorCode::kObjectInUse);
  EXPECT_NE(lock.error().detail.find(std::to_string(other.pid())), std::string::npos);
  other.kill();
  EXPECT_TRUE(OfdLock::take(path).ok());
}

TEST(OfdLock, NoticesThatTheFileWasReplaced) {
  TempDir dir;
  const std::string path = dir.file("db");
  std::ofstream(path) << "x";
  Result<OfdLock> lock = OfdLock::take(path);
  std::ofstream(dir.file("new")) << "y";
  std::filesystem::rename(dir.file("new"), path);
  EXPECT_FALSE(lock->verify().ok());
}

TEST(ForeignHolder, SeesPosixWriteAndReadLocksOfOthers) {
  TempDir dir;
  const std::string path = dir.file("db");
  std::ofstream(path) << "x";
  EXPECT_FALSE(foreign_holder(path));
  EXPECT_FALSE(foreign_holder(dir.file("none")));
  for (const short type : {F_WRLCK, F_RDLCK}) {
    Child other([&] { return posix_lock(path, type); });
    const std::optional<LockHolder> holder = foreign_holder(path);
    ASSERT_TRUE(holder);
    EXPECT_EQ(holder->pid, other.pid());
    EXPECT_EQ(holder->name, process_name(::getpid()));  // a fork has its parent's name
    EXPECT_EQ(holder->kind, LockKind::kPosix);
    EXPECT_EQ(holder->write, type == F_WRLCK);
  }
}

TEST(ForeignHolder, FindsTheProcessBehindAnOfdLock) {
  TempDir dir;
  const std::string path = dir.file("db");
  std::ofstream(path) << "x";
  Child other([&] {
    static std::optional<OfdLock> kept;
    Result<OfdLock> lock = OfdLock::take(path);
    if (lock.ok()) kept = std::move(lock).value();
    return kept.has_value();
  });
  ASSERT_TRUE(other.prepared());
  const std::optional<LockHolder> holder = foreign_holder(path);
  ASSERT_TRUE(holder);
  EXPECT_EQ(holder->pid, other.pid());
  EXPECT_EQ(holder->kind, LockKind::kOfd);
}

TEST(ForeignHolder, IsNotThisProcess) {
  TempDir dir;
  const std::string path = dir.file("db");
  std::ofstream(path) << "x";
  const Result<OfdLock> lock = OfdLock::take(path);
  ASSERT_TRUE(lock.ok());
  EXPECT_FALSE(foreign_holder(path));
}

TEST(ForeignHolder, IsNotWhoHoldsAnFlock) {
  TempDir dir;
  const std::string path = dir.file("db");
  std::ofstream(path) << "x";
  Child other([&] { return ::flock(::open(path.c_str(), O_RDONLY), LOCK_EX) == 0; });
  ASSERT_TRUE(other.prepared());
  EXPECT_FALSE(foreign_holder(path)) << "DuckDB does not look at flock";
}

TEST(ForeignHolder, NamesAPythonProgram) {
  TempDir dir;
  const std::string path = dir.file("db");
  std::ofstream(path) << "x";
  const std::string command =
      "exec python3 -c \"import fcntl,sys,time; f=open('" + path +
      "','r+'); fcntl.lockf(f,fcntl.LOCK_EX); print('locked',flush=True); sys.stdin.readline()\" 2>/dev/null";
  Pipe to = make_pipe().value(), from = make_pipe().value();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(to.read_end.get(), 0);
    ::dup2(from.write_end.get(), 1);
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    ::_exit(127);
  }
  from.write_end.reset();
  LineReader lines(from.read_end.get(), 100);
  const auto line = lines.next(Deadline::in(std::chrono::seconds(20)));
  ASSERT_TRUE(line.ok() && *line) << "python3 did not start";
  const std::optional<LockHolder> holder = foreign_holder(path);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  ASSERT_TRUE(holder);
  EXPECT_EQ(holder->pid, pid);
  EXPECT_NE(describe(*holder).find("python"), std::string::npos) << describe(*holder);
}

TEST(Describe, SaysWhatIsKnown) {
  EXPECT_EQ(describe({4711, "python3", LockKind::kPosix, true}), "python3 (pid 4711)");
  EXPECT_EQ(describe({4711, "", LockKind::kPosix, true}), "pid 4711");
  EXPECT_EQ(describe({0, "", LockKind::kOfd, true}), "a process that cannot be seen from here");
}

}  // namespace
}  // namespace merganser::os

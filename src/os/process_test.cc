#include "os/process.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "os/file.h"
#include "os/io.h"
#include "os/signals.h"
#include "os/spawn.h"
#include "os/temp_dir_for_test.h"

namespace merganser::os {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Process, KnowsItself) {
  const ProcessIdentity self = this_process();
  EXPECT_EQ(self.pid, ::getpid());
  EXPECT_GT(self.start_ticks, 0u);
  EXPECT_EQ(self.boot_id.size(), 36u);
  EXPECT_TRUE(is_running(self));
  EXPECT_FALSE(process_name(self.pid).empty());
  EXPECT_FALSE(this_executable().empty());
}

TEST(Process, AReusedPidOrAnotherBootIsAnotherProcess) {
  ProcessIdentity other = this_process();
  other.start_ticks++;
  EXPECT_FALSE(is_running(other));
  other = this_process();
  other.boot_id = "00000000-0000-0000-0000-000000000000";
  EXPECT_FALSE(is_running(other));
}

TEST(Process, AZombieIsNotRunning) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  siginfo_t info;
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  const std::optional<uint64_t> ticks = process_start_ticks(pid);
  ASSERT_TRUE(ticks);
  EXPECT_FALSE(is_running({pid, *ticks, boot_id()}));
  ::waitpid(pid, nullptr, 0);
  EXPECT_FALSE(process_start_ticks(pid));
}

TEST(Process, KillsOnlyTheProcessThatIsMeant) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    while (true) ::pause();
  }
  ProcessIdentity other{pid, *process_start_ticks(pid) + 1, boot_id()};
  const Status missed = kill_process(other);
  ASSERT_FALSE(missed.ok());
  EXPECT_EQ(missed.error().code, ErrorCode::kObjectNotInState);
  EXPECT_EQ(::waitpid(pid, nullptr, WNOHANG), 0);
  other.start_ticks--;
  EXPECT_TRUE(kill_process(other).ok());
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_FALSE(kill_process(other).ok());
}

TEST(Process, UserNames) {
  EXPECT_EQ(user_name(0), "root");
  EXPECT_EQ(user_name(3999999999u), "uid 3999999999");
}

// The lines of a file once there are so many of them.
std::vector<std::string> wait_for_lines(const std::string& path, size_t count) {
  std::vector<std::string> lines;
  for (int i = 0; i < 1000 && lines.size() < count; i++) {
    std::this_thread::sleep_for(milliseconds(5));
    lines.clear();
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
  }
  lines.resize(count);
  return lines;
}

TEST(SpawnDetached, LeavesTerminalAndDescriptorsBehind) {
  TempDir dir;
  Pipe pipe = make_pipe().value();
  const int leaked = ::open("/dev/null", O_RDONLY);  // not close-on-exec, on purpose
  SpawnOptions options;
  options.executable = "/bin/sh";
  options.arguments = {"-c",
                       "ls -m /proc/$$/fd; echo $GREETING; pwd; cut -d' ' -f1,6 /proc/$$/stat; "
                       "echo hello >&3; echo end"};
  options.environment = {{"GREETING", "good day"}};
  options.pass_fds = {pipe.write_end.get()};
  options.output_path = dir.file("out");
  const Result<pid_t> pid = spawn_detached(options);
  ::close(leaked);
  ASSERT_TRUE(pid.ok()) << pid.error().to_string();
  pipe.write_end.reset();
  LineReader lines(pipe.read_end.get(), 100);
  EXPECT_EQ(**lines.next(Deadline::in(seconds(10))), "hello");
  EXPECT_FALSE(lines.next(Deadline::in(seconds(10)))->has_value());
  const std::vector<std::string> out = wait_for_lines(dir.file("out"), 5);
  EXPECT_EQ(out[0], "0, 1, 2, 3");
  EXPECT_EQ(out[1], "good day");
  EXPECT_EQ(out[2], "/");
  pid_t shell = 0, session = 0;
  std::istringstream(out[3]) >> shell >> session;
  EXPECT_EQ(shell, *pid);
  EXPECT_NE(session, ::getsid(0));
  EXPECT_EQ(out[4], "end");
  EXPECT_EQ((*file_facts(dir.file("out")))->mode & 0777, 0600u);
}

TEST(SpawnDetached, GivesSignalsBack) {
  TempDir dir;
  ignore_sigpipe();
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  SpawnOptions options;
  options.executable = "/bin/grep";
  options.arguments = {"-E", "Sig(Blk|Ign)", "/proc/self/status"};
  options.output_path = dir.file("out");
  const Result<pid_t> pid = spawn_detached(options);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ASSERT_TRUE(pid.ok()) << pid.error().to_string();
  const std::vector<std::string> out = wait_for_lines(dir.file("out"), 2);
  EXPECT_EQ(out[0], "SigBlk:\t0000000000000000");
  EXPECT_EQ(out[1], "SigIgn:\t0000000000000000");
}

TEST(SpawnDetached, SaysWhyAProgramCannotStart) {
  SpawnOptions options;
  options.executable = "/does/not/exist";
  const Result<pid_t> missing = spawn_detached(options);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kUndefinedFile);
  options.executable = "/bin/true";
  options.output_path = "/does/not/exist/log";
  EXPECT_FALSE(spawn_detached(options).ok());
}

TEST(SignalWatcher, CountsSignalsOnItsOwnThread) {
  std::atomic<int> seen{0}, last{0};
  {
    auto watcher = SignalWatcher::start({SIGTERM, SIGINT}, [&](int signal, int nth) {
      last = signal;
      seen = nth;
    });
    ASSERT_TRUE(watcher.ok());
    ::kill(::getpid(), SIGTERM);
    for (int i = 0; i < 1000 && seen < 1; i++) std::this_thread::sleep_for(milliseconds(1));
    EXPECT_EQ(seen, 1);
    EXPECT_EQ(last, SIGTERM);
    ::kill(::getpid(), SIGINT);
    for (int i = 0; i < 1000 && seen < 2; i++) std::this_thread::sleep_for(milliseconds(1));
    EXPECT_EQ(seen, 2);
    EXPECT_EQ(last, SIGINT);
  }
  sigset_t mask;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_EQ(sigismember(&mask, SIGTERM), 0);
}

}  // namespace
}  // namespace merganser::os

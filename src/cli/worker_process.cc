#include "cli/worker_process.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "os/process.h"

namespace merganser::cli {
namespace {

constexpr int kReportFd = 3;
constexpr size_t kMaxLineBytes = 16 << 20;

}  // namespace

Result<WorkerProcess> WorkerProcess::start(const ProbeTask& task) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error(errno, "cannot make a pipe for a worker");
  os::UniqueFd reading(ends[0]);
  const os::UniqueFd writing(ends[1]);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // Standard output belongs to the result.
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, writing.get(), kReportFd);
  std::string program = os::this_executable();
  std::string command = "probe-worker";
  std::string text = task_text(task);
  const std::array<char*, 4> arguments{program.data(), command.data(), text.data(), nullptr};
  pid_t pid = 0;
  const int failed = posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return errno_error(failed, "cannot start a worker process");
  return WorkerProcess(pid, std::move(reading), task.role);
}

WorkerProcess::WorkerProcess(WorkerProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      reports_(std::move(other.reports_)),
      role_(other.role_),
      pending_(std::move(other.pending_)),
      counts_(std::move(other.counts_)),
      ready_(other.ready_),
      has_result_(other.has_result_),
      finished_(other.finished_) {}

WorkerProcess::~WorkerProcess() {
  if (pid_ <= 0) return;
  kill();
  reap();
}

void WorkerProcess::kill() {
  if (pid_ > 0) ::kill(pid_, SIGKILL);
}

std::string WorkerProcess::reap() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
  if (WIFSIGNALED(status)) return fmt::format("ended by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  return WEXITSTATUS(status) == 0 ? std::string() : fmt::format("ended with exit code {}", WEXITSTATUS(status));
}

void WorkerProcess::receive() {
  std::array<char, 65536> bytes;
  const ssize_t got = read(reports_.get(), bytes.data(), bytes.size());
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got > 0) {
    pending_.append(bytes.data(), static_cast<size_t>(got));
    take_lines();
    if (pending_.size() <= kMaxLineBytes) return;
    kill();
  }
  finished_ = ready_ = true;
  const std::string how = reap();
  if (!has_result_) counts_.add_error("the process " + (how.empty() ? "ended without a result" : how));
}

void WorkerProcess::take_lines() {
  for (size_t end; (end = pending_.find('\n')) != std::string::npos; pending_.erase(0, end + 1)) {
    auto line = parse_line(std::string_view(pending_).substr(0, end));
    if (!line.ok()) {
      counts_.add_error(line.error().message);
      continue;
    }
    counts_ = std::move(line->second);
    ready_ = true;
    has_result_ = line->first == ProbeLine::kResult;
  }
}

}  // namespace merganser::cli

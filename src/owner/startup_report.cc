#include "owner/startup_report.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include "os/signals.h"
#include "owner/wire.h"

namespace merganser::owner {
namespace {

constexpr size_t kLineLimit = 64 * 1024;
constexpr std::string_view kProgress = "PROGRESS ";
constexpr std::string_view kReady = "READY";
constexpr std::string_view kError = "ERROR ";

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (text.size() > kLineLimit / 2) text.resize(kLineLimit / 2);
  return text;
}

Status close_on_exec(int fd) {
  if (::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0) return {};
  return make_error(ErrorCode::kInvalidParameterValue,
                    "descriptor " + std::to_string(fd) + " of the starter is not open", {},
                    "--spawned-pipe-fd is only for merganser itself");
}

}  // namespace

Result<StartupReporter> StartupReporter::spawned(int pipe_fd, const FilePlace& place) {
  if (pipe_fd < 3) return make_error(ErrorCode::kInvalidParameterValue, "--spawned-pipe-fd must be 3 or more");
  MERGANSER_TRY(close_on_exec(pipe_fd));
  MERGANSER_TRY(close_on_exec(pipe_fd + 1));
  os::ignore_sigpipe();
  os::FileLock lock = os::FileLock::adopt(os::UniqueFd(pipe_fd + 1), place.spawn_path());
  return StartupReporter(os::UniqueFd(pipe_fd), std::move(lock), nullptr);
}

Result<StartupReporter> StartupReporter::foreground(const FilePlace& place, Deadline deadline,
                                                    std::function<void(const std::string&)> progress) {
  MERGANSER_ASSIGN(os::FileLock lock, os::FileLock::take(place.spawn_path(), deadline));
  return StartupReporter(os::UniqueFd(), std::move(lock), std::move(progress));
}

void StartupReporter::progress(const std::string& text) {
  if (progress_) progress_(text);
  send(std::string(kProgress) + one_line(text));
}

void StartupReporter::ready() {
  // The lock goes first: when the starter reads READY nothing is held any more.
  lock_.release();
  send(std::string(kReady));
  pipe_.reset();
}

void StartupReporter::failed(const Error& error) {
  lock_.release();
  send(std::string(kError) + wire::error_text(error));
  pipe_.reset();
}

void StartupReporter::send(const std::string& line) {
  if (!pipe_) return;
  std::string bytes = line + "\n";
  while (!bytes.empty()) {
    const ssize_t n = ::write(pipe_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      pipe_.reset();  // the starter is gone; starting goes on for whoever comes next
      return;
    }
    bytes.erase(0, static_cast<size_t>(n));
  }
}

StartupOutcome follow_startup(int pipe_fd, const std::function<void(const std::string&)>& progress, Deadline deadline) {
  StartupOutcome outcome;
  os::LineReader lines(pipe_fd, kLineLimit);
  while (true) {
    const Result<std::optional<std::string>> line = lines.next(deadline);
    if (!line.ok()) {
      const bool late = line.error().code == ErrorCode::kQueryCanceled;
      outcome.kind = late ? StartupOutcome::Kind::kTimedOut : StartupOutcome::Kind::kCrashed;
      return outcome;
    }
    if (!*line) return outcome;
    const std::string& text = **line;
    if (text == kReady) {
      outcome.kind = StartupOutcome::Kind::kReady;
      return outcome;
    }
    if (text.starts_with(kError)) {
      const std::optional<Error> error = wire::parse_error(text.substr(kError.size()));
      outcome.kind = StartupOutcome::Kind::kFailed;
      outcome.error = error ? *error : make_error(ErrorCode::kInternalError, "the owner failed to start", text);
      return outcome;
    }
    if (text.starts_with(kProgress)) {
      outcome.last_progress = text.substr(kProgress.size());
      if (progress) progress(outcome.last_progress);
    }
  }
}

}  // namespace merganser::owner

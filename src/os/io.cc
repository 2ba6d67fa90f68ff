#include "os/io.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

namespace merganser::os {
namespace {

constexpr auto kLongestPoll = std::chrono::hours(1);  // poll takes an int of milliseconds

int poll_timeout(Deadline deadline) {
  const Duration remaining = std::min<Duration>(deadline.remaining(), kLongestPoll);
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(remaining).count());
}

}  // namespace

Result<bool> wait_for(int fd, short events, Deadline deadline) {
  while (true) {
    pollfd entry{fd, events, 0};
    const int n = ::poll(&entry, 1, poll_timeout(deadline));
    if (n > 0) return true;
    if (n < 0 && errno != EINTR) return errno_error(errno, "cannot wait for a descriptor");
    if (n == 0 && deadline.expired()) return false;
  }
}

Status send_all(int socket, std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      MERGANSER_ASSIGN(const bool ready, wait_for(socket, POLLOUT, deadline));
      if (!ready) return make_error(ErrorCode::kQueryCanceled, "the other side did not read in time");
    } else if (errno != EINTR) {
      const int cause = errno;
      Error error = errno_error(cause, "cannot send");
      if (cause == EPIPE || cause == ECONNRESET) error.code = ErrorCode::kConnectionFailure;
      return error;
    }
  }
  return {};
}

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error(errno, "cannot make a pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Result<std::optional<std::string>> LineReader::next(Deadline deadline) {
  while (true) {
    const size_t end = buffer_.find('\n');
    if (end != std::string::npos && end <= limit_) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return std::optional<std::string>(std::move(line));
    }
    if (buffer_.size() > limit_) {
      return make_error(ErrorCode::kProgramLimitExceeded, "a line is longer than " + std::to_string(limit_) + " bytes");
    }
    MERGANSER_ASSIGN(const bool ready, wait_for(fd_, POLLIN, deadline));
    if (!ready) return make_error(ErrorCode::kQueryCanceled, "no line came in time");
    char bytes[4096];
    const ssize_t n = ::read(fd_, bytes, sizeof bytes);
    if (n == 0) return std::optional<std::string>();
    if (n > 0) {
      buffer_.append(bytes, static_cast<size_t>(n));
    } else if (errno == ECONNRESET) {
      return std::optional<std::string>();
    } else if (errno != EINTR && errno != EAGAIN) {
      return errno_error(errno, "cannot read a line");
    }
  }
}

}  // namespace merganser::os

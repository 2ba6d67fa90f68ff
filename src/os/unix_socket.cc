#include "os/unix_socket.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>

#include "os/file.h"

namespace merganser::os {
namespace {

constexpr std::chrono::milliseconds kFullQueuePause{2};
constexpr std::chrono::seconds kStaleCheck{1};

Result<UniqueFd> open_socket() {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno_error(errno, "cannot make a Unix socket");
  return fd;
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

}  // namespace

Status check_socket_path(const std::string& path) {
  if (path.size() <= kSocketPathLimit && !path.empty() && path.find('\0') == std::string::npos) return {};
  return make_error(ErrorCode::kProgramLimitExceeded,
                    "the socket path is " + std::to_string(path.size()) + " bytes long, the system allows " +
                        std::to_string(kSocketPathLimit),
                    path, "choose a shorter directory with --socket-dir");
}

Result<UniqueFd> listen_unix(const std::string& path, int backlog, mode_t mode) {
  MERGANSER_TRY(check_socket_path(path));
  MERGANSER_ASSIGN(UniqueFd fd, open_socket());
  const sockaddr_un address = address_of(path);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return errno_error(errno, "cannot make the socket " + path);
  }
  // Nobody can connect before listen, so there is no moment with the wrong mode.
  if (::chmod(path.c_str(), mode) != 0 || ::listen(fd.get(), backlog) != 0) {
    const int cause = errno;
    ::unlink(path.c_str());
    return errno_error(cause, "cannot listen on " + path);
  }
  return fd;
}

Status remove_stale_socket(const std::string& path) {
  MERGANSER_ASSIGN(const std::optional<FileFacts> facts, link_facts(path));
  if (!facts) return {};
  if (!S_ISSOCK(facts->mode)) return make_error(ErrorCode::kDuplicateFile, path + " exists and is not a socket");
  Result<UniqueFd> answer = connect_unix(path, Deadline::in(kStaleCheck));
  // A full queue (57014) belongs to somebody alive.
  if (answer.ok() || answer.error().code == ErrorCode::kQueryCanceled) {
    return make_error(ErrorCode::kObjectInUse, "another program listens on " + path, {},
                      "choose another directory with --socket-dir");
  }
  if (answer.error().code != ErrorCode::kConnectionFailure) return std::move(answer).error();
  return remove_file(path);
}

Result<UniqueFd> connect_unix(const std::string& path, Deadline deadline) {
  MERGANSER_TRY(check_socket_path(path));
  MERGANSER_ASSIGN(UniqueFd fd, open_socket());
  const sockaddr_un address = address_of(path);
  while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == EINTR) continue;
    if (errno != EAGAIN) {
      const int cause = errno;
      Error error = errno_error(cause, "cannot connect to " + path);
      if (cause == ECONNREFUSED || cause == ENOENT || cause == ENOTDIR) error.code = ErrorCode::kConnectionFailure;
      return error;
    }
    // EAGAIN: the listener's queue is full (unix(7)); poll does not tell when there is room again.
    if (deadline.expired()) return make_error(ErrorCode::kQueryCanceled, "nobody accepted on " + path + " in time");
    std::this_thread::sleep_for(std::min<Duration>(kFullQueuePause, deadline.remaining()));
  }
  return fd;
}

Result<PeerCredentials> peer_credentials(int socket) {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
    return errno_error(errno, "cannot ask who is on the other side");
  }
  return PeerCredentials{credentials.pid, credentials.uid, credentials.gid};
}

}  // namespace merganser::os

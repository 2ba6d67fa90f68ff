#include "owner/control_server.h"

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "base/log.h"
#include "os/unix_socket.h"

namespace merganser::owner {
namespace {

constexpr int kBacklog = 256;
constexpr int kTickMs = 1000;             // how often idle connections are looked for
constexpr size_t kUnsentLimit = 4 << 20;  // an answer is at most some kilobytes; this is a client that never reads

}  // namespace

struct ControlServer::Connection {
  os::UniqueFd fd;
  std::string in;
  std::string out;
  TimePoint last_active;
  bool done = false;
};

Result<std::unique_ptr<ControlServer>> ControlServer::start(const std::string& socket_path, wire::Hello identity,
                                                            Handler handler, ControlLimits limits) {
  MERGANSER_ASSIGN(os::UniqueFd listener, os::listen_unix(socket_path, kBacklog, 0600));
  os::UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return errno_error(errno, "cannot make an event descriptor");
  return std::unique_ptr<ControlServer>(
      new ControlServer(std::move(listener), std::move(wake), std::move(identity), std::move(handler), limits));
}

ControlServer::ControlServer(os::UniqueFd listener, os::UniqueFd wake, wire::Hello identity, Handler handler,
                             ControlLimits limits)
    : listener_(std::move(listener)),
      wake_(std::move(wake)),
      handler_(std::move(handler)),
      limits_(limits),
      identity_(std::move(identity)),
      last_use_(SteadyClock::now()),
      thread_([this] { run(); }) {}

ControlServer::~ControlServer() {
  ::eventfd_write(wake_.get(), 1);
  thread_.join();
}

void ControlServer::set_leaving() {
  const std::lock_guard lock(mutex_);
  identity_.leaving = true;
}

bool ControlServer::set_leaving_unless_used(TimePoint since) {
  const std::lock_guard lock(mutex_);
  if (last_use_ > since) return false;
  identity_.leaving = true;
  return true;
}

TimePoint ControlServer::last_use() const {
  const std::lock_guard lock(mutex_);
  return last_use_;
}

void ControlServer::run() {
  std::vector<pollfd> entries;
  while (true) {
    entries.clear();
    entries.push_back({wake_.get(), POLLIN, 0});
    // A full house leaves newcomers in the listen queue: closing them would look like an owner that is gone.
    const bool room = connections_.size() < limits_.connections;
    entries.push_back({room ? listener_.get() : -1, POLLIN, 0});
    for (const auto& connection : connections_) {
      const short events = connection->out.empty() ? POLLIN : POLLOUT;
      entries.push_back({connection->fd.get(), events, 0});
    }
    if (::poll(entries.data(), entries.size(), kTickMs) < 0 && errno != EINTR) {
      log(LogLevel::kError, "control.poll_failed", {{"errno", errno}});
      return;
    }
    if (entries[0].revents != 0) return;
    const TimePoint now = SteadyClock::now();
    for (size_t i = 0; i < connections_.size(); i++) {
      Connection& connection = *connections_[i];
      if (entries[i + 2].revents != 0) {
        connection.last_active = now;
        serve(connection, entries[i + 2].revents);
      } else if (now - connection.last_active > limits_.idle) {
        connection.done = true;
      }
    }
    std::erase_if(connections_, [](const auto& connection) { return connection->done; });
    if (entries[1].revents != 0) accept_one();
  }
}

void ControlServer::accept_one() {
  os::UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd) return;  // gone again, or no descriptors left: the next round tries anew
  const Result<os::PeerCredentials> peer = os::peer_credentials(fd.get());
  if (!peer.ok() || (peer->uid != ::geteuid() && peer->uid != 0)) {
    log(LogLevel::kWarn, "control.refused", {{"uid", peer.ok() ? static_cast<int64_t>(peer->uid) : -1}});
    return;
  }
  auto connection = std::make_unique<Connection>();
  connection->fd = std::move(fd);
  connection->last_active = SteadyClock::now();
  connections_.push_back(std::move(connection));
}

void ControlServer::serve(Connection& connection, short events) {
  if (events & POLLIN) {
    char bytes[4096];
    const ssize_t n = ::recv(connection.fd.get(), bytes, sizeof bytes, 0);
    if (n > 0) {
      connection.in.append(bytes, static_cast<size_t>(n));
      answer_lines(connection);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
      connection.done = true;
      return;
    }
  } else if (events & (POLLERR | POLLHUP | POLLNVAL)) {
    connection.done = true;
    return;
  }
  while (!connection.out.empty()) {
    const ssize_t n = ::send(connection.fd.get(), connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    if (n > 0) {
      connection.out.erase(0, static_cast<size_t>(n));
      continue;
    }
    connection.done = errno != EAGAIN && errno != EINTR;
    return;
  }
  // Lines that waited for the answers before them to be taken.
  if (!connection.in.empty()) answer_lines(connection);
}

void ControlServer::answer_lines(Connection& connection) {
  while (!connection.done && connection.out.size() < kUnsentLimit) {
    const size_t end = connection.in.find('\n');
    if (end == std::string::npos) break;
    connection.out += answer(connection.in.substr(0, end)) + "\n";
    connection.in.erase(0, end + 1);
  }
  if (connection.in.size() > limits_.line_bytes) {
    log(LogLevel::kWarn, "control.line_too_long", {{"limit", limits_.line_bytes}});
    connection.done = true;
  }
}

std::string ControlServer::answer(const std::string& line) {
  const Result<wire::Request> request = wire::parse_request(line);
  if (!request.ok()) return wire::error_reply(request.error());
  if (request->op == "hello") return answer_hello(request->intent);
  if (request->protocol < kProtocolMin || request->protocol > kProtocolMax) {
    return wire::error_reply(make_error(ErrorCode::kProtocolViolation, "this owner does not speak control protocol " +
                                                                           std::to_string(request->protocol)));
  }
  const Result<std::string> result = handler_(request->op, line);
  return result.ok() ? wire::result_reply(*result) : wire::error_reply(result.error());
}

std::string ControlServer::answer_hello(wire::Intent intent) {
  const std::lock_guard lock(mutex_);
  if (intent == wire::Intent::kUse && !identity_.leaving) last_use_ = SteadyClock::now();
  return wire::hello_reply(identity_);
}

}  // namespace merganser::owner

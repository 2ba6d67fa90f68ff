#include "net/server.h"

#include <arpa/inet.h>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "net/client_socket.h"
#include "net/event_loop_impl.h"
#include "os/unix_socket.h"

namespace merganser::net {
namespace {

namespace asio = boost::asio;
constexpr size_t kReadBuffer = 64 * 1024;
constexpr std::chrono::milliseconds kAcceptPause{100};  // when there are no descriptors left

std::string text_of(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return "[" + std::string(text) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  return "local";
}

void set_option(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof value);
}

}  // namespace

struct Server::Listener {
  Listener(asio::io_context& context, int fd, bool is_local)
      : descriptor(context.get_executor(), fd), local(is_local) {}
  asio::posix::basic_stream_descriptor<asio::io_context::executor_type> descriptor;
  const bool local;
  std::unique_ptr<session::Timer> pause;
};

Server::Server(EventLoop& loop, std::shared_ptr<session::Services> services,
               std::shared_ptr<const pgwire::ConnectionOptions> protocol, ServerOptions options)
    : loop_(loop),
      services_(std::move(services)),
      protocol_(std::move(protocol)),
      options_(std::move(options)),
      last_activity_(SteadyClock::now()),
      read_buffer_(kReadBuffer) {}

Server::~Server() {
  close_all();
}

Status Server::listen() {
  MERGANSER_TRY(listen_unix());
  if (!options_.listen.empty()) MERGANSER_TRY(listen_tcp());
  for (const auto& listener : listeners_) accept(listener);
  return {};
}

Status Server::listen_unix() {
  ::unlink(options_.socket_path.c_str());  // the owner's lock is ours: whatever is there was left behind
  MERGANSER_ASSIGN(os::UniqueFd fd, os::listen_unix(options_.socket_path, SOMAXCONN, 0600));
  listeners_.push_back(std::make_shared<Listener>(loop_.impl().context, fd.release(), true));
  return {};
}

Status Server::listen_tcp() {
  const size_t colon = options_.listen.rfind(':');
  const auto bad = [&](const std::string& why) {
    return make_error(ErrorCode::kInvalidParameterValue, "cannot listen on \"" + options_.listen + "\"", why,
                      "Write ADDRESS:PORT, for example 127.0.0.1:5432.");
  };
  if (colon == std::string::npos) return bad("There is no port.");
  std::string host = options_.listen.substr(0, colon);
  const std::string port_text = options_.listen.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  if (port_text.empty() || port_text.size() > 5 || port_text.find_first_not_of("0123456789") != std::string::npos ||
      std::stoi(port_text) > 65535) {
    return bad("\"" + port_text + "\" is no port.");
  }
  boost::system::error_code failed;
  const auto address = asio::ip::make_address(host, failed);
  if (failed) return bad("\"" + host + "\" is no address.");
  if (!address.is_loopback()) {
    return make_error(ErrorCode::kFeatureNotSupported, "cannot listen on \"" + options_.listen + "\"",
                      "Beyond loopback TLS is required, which is not there yet.",
                      "Listen on 127.0.0.1 and forward the port through SSH.");
  }
  if (protocol_->password_file.empty()) {
    return make_error(ErrorCode::kInvalidParameterValue, "listening on TCP needs a password file", {},
                      "Make one with merganser password --user NAME --file FILE, and give it with --password-file.");
  }
  const auto port = static_cast<uint16_t>(std::stoi(port_text));
  sockaddr_storage bound{};
  socklen_t length = 0;
  if (address.is_v4()) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(bound);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    v4.sin_addr.s_addr = htonl(address.to_v4().to_uint());
    length = sizeof v4;
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(bound);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    const auto bytes = address.to_v6().to_bytes();
    std::copy(bytes.begin(), bytes.end(), v6.sin6_addr.s6_addr);
    length = sizeof v6;
  }
  const int fd = ::socket(bound.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno_error(errno, "cannot make a socket");
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&bound), length) != 0 || ::listen(fd, SOMAXCONN) != 0) {
    const int error = errno;
    ::close(fd);
    return errno_error(error, "cannot listen on " + options_.listen, "Choose another port, or 0 for any free one.");
  }
  length = sizeof bound;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length);
  tcp_address_ = text_of(bound);
  listeners_.push_back(std::make_shared<Listener>(loop_.impl().context, fd, false));
  return {};
}

void Server::accept(const std::shared_ptr<Listener>& listener) {
  using Descriptor = decltype(listener->descriptor);
  listener->descriptor.async_wait(Descriptor::wait_read, [this, listener](boost::system::error_code error) {
    if (error || draining_) return;
    for (int i = 0; i < 64; i++) {
      const int fd = ::accept4(listener->descriptor.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        welcome(fd, listener->local);
        continue;
      }
      if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        log(LogLevel::kWarn, "net.accept_failed", {{"error", strerror(errno)}});
        listener->pause = loop_.timer(kAcceptPause, [this, listener] { accept(listener); });
        return;
      }
      break;
    }
    accept(listener);
  });
}

void Server::welcome(int fd, bool local) {
  bool trusted = false;
  session::ClientInfo client;
  client.peer = "local";
  if (local) {
    const auto credentials = os::peer_credentials(fd);
    if (credentials.ok()) {
      trusted = credentials->uid == ::geteuid() || credentials->uid == 0;
      client.pid = credentials->pid;
      client.uid = credentials->uid;
      client.peer = "uid:" + std::to_string(client.uid) + " pid:" + std::to_string(client.pid);
    }
  } else {
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    // 0: as the system does it.
    if (const int idle = static_cast<int>(options_.tcp_keepalive.count()); idle > 0) {
      set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle);
      set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, std::max(1, idle / 6));
      set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
    }
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0) client.peer = text_of(address);
  }
  last_activity_ = SteadyClock::now();
  auto socket = std::make_shared<ClientSocket>(*this, loop_.impl().context, fd, local, trusted, std::move(client));
  sockets_.insert(socket);
  if (sockets_.size() > options_.max_connections) {
    socket->connection().terminate(make_error(ErrorCode::kTooManyConnections, "sorry, too many clients already", {},
                                              "Raise max_connections, or "
                                              "share connections through a pool."),
                                   pgwire::Connection::End::kNow);
    return;
  }
  socket->start();
}

void Server::remove(ClientSocket& socket) {
  sockets_.erase(socket.shared_from_this());
  last_activity_ = SteadyClock::now();
  if (draining_ && sockets_.empty() && drained_) loop_.post(std::exchange(drained_, nullptr));
}

void Server::drain(std::function<void()> done) {
  if (!draining_) {
    draining_ = true;
    for (const auto& listener : listeners_) {
      boost::system::error_code ignored;
      listener->descriptor.close(ignored);
      listener->pause.reset();
    }
    listeners_.clear();
    ::unlink(options_.socket_path.c_str());
  }
  if (sockets_.empty()) return loop_.post(std::move(done));
  drained_ = std::move(done);
  tell_to_go(pgwire::Connection::End::kWhenIdle);
}

void Server::end_idle_transactions() {
  tell_to_go(pgwire::Connection::End::kWhenNotBusy);
}

void Server::tell_to_go(pgwire::Connection::End when) {
  const auto sockets = sockets_;
  for (const auto& socket : sockets) {
    socket->connection().terminate(
        make_error(ErrorCode::kAdminShutdown, "terminating connection due to administrator command", {},
                   "Connect again; merganser url starts a new owner."),
        when);
  }
}

void Server::close_all() {
  const auto sockets = sockets_;
  for (const auto& socket : sockets) socket->close();
}

}  // namespace merganser::net

#include "net/server.h"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <netinet/in.h>
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
constexpr std::chrono::milliseconds kAcceptPause{100};    // when there are no descriptors left
constexpr std::chrono::milliseconds kLoginPatience{500};  // with those who log in, when others wait for their place
constexpr std::chrono::milliseconds kRoomPause{10};
constexpr std::chrono::seconds kDropLogPause{10};  // between lines about logins that made room for others

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
  if (!options_.listen.empty()) MERGANSER_TRY(listen_on_tcp());
  for (const auto& listener : listeners_) accept(listener);
  return {};
}

Status Server::listen_unix() {
  ::unlink(options_.socket_path.c_str());  // the owner's lock is ours: whatever is there was left behind
  MERGANSER_ASSIGN(os::UniqueFd fd, os::listen_unix(options_.socket_path, SOMAXCONN, 0600));
  listeners_.push_back(std::make_shared<Listener>(loop_.impl().context, fd.release(), true));
  return {};
}

Status Server::listen_on_tcp() {
  MERGANSER_ASSIGN(const TcpAddress address, parse_tcp_address(options_.listen));
  if (options_.tls == TlsUse::kOff && !address.is_loopback() && !options_.plaintext_from_other_machines) {
    return make_error(ErrorCode::kInvalidParameterValue, "cannot listen on \"" + options_.listen + "\" without TLS",
                      "Others could read along, and change what is sent.",
                      "Leave tls at auto. Where the network itself is protected: unsafe_plaintext_tcp.");
  }
  const bool certificates_suffice = protocol_->client_certificates &&
                                    *protocol_->client_certificates != pgwire::ClientCertificates::kVerifyCa &&
                                    *protocol_->client_certificates != pgwire::ClientCertificates::kVerifyFull;
  if (protocol_->password_file.empty() && !certificates_suffice) {
    return make_error(ErrorCode::kInvalidParameterValue, "listening on TCP needs a password file", {},
                      "Make one with merganser password --user NAME --file FILE, and give it with --password-file.");
  }
  if (options_.tls != TlsUse::kOff) MERGANSER_TRY(start_tls(address));
  MERGANSER_ASSIGN(BoundSocket bound, net::listen_tcp(address));
  tcp_address_ = bound.address.text();
  listeners_.push_back(std::make_shared<Listener>(loop_.impl().context, bound.fd.release(), false));
  return {};
}

void Server::accept(const std::shared_ptr<Listener>& listener) {
  using Descriptor = decltype(listener->descriptor);
  listener->descriptor.async_wait(Descriptor::wait_read, [this, listener](boost::system::error_code error) {
    if (error || draining_) return;
    for (int i = 0; i < 64; i++) {
      if (!has_room(listener->local)) {
        listener->pause = loop_.timer(kRoomPause, [this, listener] { accept(listener); });
        return;
      }
      const int fd = ::accept4(listener->descriptor.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        welcome(fd, listener->local);
        continue;
      }
      if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        log(LogLevel::kWarn, "net.accept_failed", {{"error", strerror(errno)}});
        make_room(false);
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
  pgwire::ChannelSecurity security;
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
    const TcpAddress address = peer_address(fd);
    client.peer = address.text();
    security = security_for(address);
  }
  last_activity_ = SteadyClock::now();
  auto& waiting = logging_in_[local ? 1 : 0];
  auto socket = std::make_shared<ClientSocket>(*this, loop_.impl().context, fd, local, trusted, std::move(client),
                                               std::move(security));
  socket->place_ = waiting.insert(waiting.end(), socket.get());
  sockets_.insert(socket);
  socket->start();
}

// Who logs in does so within moments: one that has waited long is slow on purpose, or gone. Many who came at the same
// moment are a crowd of good will: the rest of it waits in the system's queue.
bool Server::has_room(bool local) {
  auto& waiting = logging_in_[local ? 1 : 0];
  if (waiting.size() < options_.max_logins) return true;
  if (SteadyClock::now() - waiting.front()->arrived() < kLoginPatience) return false;
  make_room(local);
  return true;
}

void Server::make_room(bool local) {
  auto& waiting = logging_in_[local ? 1 : 0];
  if (waiting.empty()) return;
  logins_dropped_++;
  if (SteadyClock::now() - drop_logged_ >= kDropLogPause) {
    drop_logged_ = SteadyClock::now();
    log(LogLevel::kWarn, "net.logins_dropped",
        {{"count", std::exchange(logins_dropped_, 0)}, {"oldest", waiting.front()->peer()}});
  }
  waiting.front()->close();
}

bool Server::admit(ClientSocket& socket) {
  // Of few places fewer are kept: a limit of three does not mean that nobody may come over TCP.
  const size_t kept = std::min(options_.reserved_connections, options_.max_connections / 4);
  const size_t reserved = socket.peer_is_trusted() ? 0 : kept;
  if (admitted_ + reserved >= options_.max_connections) return false;
  admitted_++;
  socket.admitted_ = true;
  logging_in_[socket.is_local() ? 1 : 0].erase(socket.place_);
  return true;
}

// One task for all that were answered together.
void Server::sent(std::shared_ptr<ClientSocket> socket, size_t bytes) {
  sent_->emplace_back(std::move(socket), bytes);
  if (sent_->size() > 1) return;
  loop_.post([list = sent_] {
    for (const auto& [one, count] : std::exchange(*list, {})) one->was_sent(count);
  });
}

void Server::remove(ClientSocket& socket) {
  if (socket.admitted_) {
    admitted_--;
  } else {
    logging_in_[socket.is_local() ? 1 : 0].erase(socket.place_);
  }
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

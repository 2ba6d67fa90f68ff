#include "net/client_socket.h"

#include <cerrno>
#include <sys/socket.h>

namespace merganser::net {
namespace {

constexpr int kReadsInARow = 16;              // before other clients get their turn
constexpr std::chrono::seconds kFarewell{5};  // for a client to take the last message, before its session ends anyway

}  // namespace

ClientSocket::ClientSocket(Server& server, boost::asio::io_context& context, int fd, bool local, bool trusted,
                           session::ClientInfo client)
    : server_(server), socket_(context.get_executor()), local_(local), trusted_(trusted), client_(std::move(client)) {
  boost::system::error_code ignored;
  socket_.assign(boost::asio::generic::stream_protocol(local ? AF_UNIX : AF_INET, local ? 0 : IPPROTO_TCP), fd,
                 ignored);
  socket_.non_blocking(true, ignored);
  connection_ = std::make_shared<pgwire::Connection>(server.services_, server.protocol_, server.registry_, *this);
}

ClientSocket::~ClientSocket() = default;

void ClientSocket::start() {
  authentication_timer_ = server_.loop_.timer(server_.options_.authentication_timeout, [this] {
    if (!connection_->authenticated()) close();
  });
  wait_readable();
}

void ClientSocket::close() {
  if (std::exchange(closed_, true)) return;
  const auto self = shared_from_this();
  authentication_timer_.reset();
  farewell_timer_.reset();
  connection_->on_closed();
  boost::system::error_code ignored;
  socket_.close(ignored);
  server_.remove(*this);
}

void ClientSocket::wait_readable() {
  if (reading_ || closed_ || !connection_->wants_bytes()) return;
  reading_ = true;
  socket_.async_wait(Socket::wait_read, [self = shared_from_this()](boost::system::error_code error) {
    self->reading_ = false;
    if (error || self->closed_) return;
    self->read();
  });
}

void ClientSocket::read() {
  for (int i = 0; i < kReadsInARow && !closed_ && !closing_ && connection_->wants_bytes(); i++) {
    auto& buffer = server_.read_buffer_;
    const ssize_t got = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (got <= 0) return close();
    server_.last_activity_ = SteadyClock::now();
    connection_->on_bytes(std::string_view(buffer.data(), static_cast<size_t>(got)));
    // A short read means that the socket is empty: the next recv would only say so.
    if (static_cast<size_t>(got) < buffer.size()) break;
  }
  if (connection_->authenticated()) authentication_timer_.reset();
  wait_readable();
}

void ClientSocket::send(std::string bytes) {
  if (closed_ || bytes.empty()) return;
  unsent_ += bytes.size();
  queue_.push_back(std::move(bytes));
  if (!writing_) write();
}

void ClientSocket::write() {
  size_t sent = 0;
  while (!queue_.empty()) {
    const std::string& front = queue_.front();
    const ssize_t wrote = ::send(socket_.native_handle(), front.data() + front_sent_, front.size() - front_sent_,
                                 MSG_NOSIGNAL | MSG_DONTWAIT);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (wrote < 0) {
      queue_.clear();
      unsent_ = 0;
      // Not now: the protocol may be in the middle of something.
      server_.loop_.post([self = shared_from_this()] { self->close(); });
      return;
    }
    sent += static_cast<size_t>(wrote);
    front_sent_ += static_cast<size_t>(wrote);
    if (front_sent_ == front.size()) {
      queue_.pop_front();
      front_sent_ = 0;
    }
  }
  unsent_ -= sent;
  if (!queue_.empty()) {
    wait_writable();
  } else if (closing_) {
    server_.loop_.post([self = shared_from_this()] { self->close(); });
    return;
  }
  if (sent > 0) {
    server_.loop_.post([self = shared_from_this(), sent] {
      if (self->closed_) return;
      self->connection_->on_sent(sent);
      self->wait_readable();
    });
  }
}

void ClientSocket::wait_writable() {
  writing_ = true;
  socket_.async_wait(Socket::wait_write, [self = shared_from_this()](boost::system::error_code error) {
    self->writing_ = false;
    if (!error && !self->closed_) self->write();
  });
}

void ClientSocket::close_after_send() {
  if (std::exchange(closing_, true)) return;
  if (queue_.empty()) return server_.loop_.post([self = shared_from_this()] { self->close(); });
  farewell_timer_ = server_.loop_.timer(kFarewell, [this] { close(); });
}

}  // namespace merganser::net

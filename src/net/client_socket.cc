#include "net/client_socket.h"

#include <cerrno>
#include <sys/socket.h>

#include "base/log.h"

namespace merganser::net {
namespace {

constexpr int kReadsInARow = 16;              // before other clients get their turn
constexpr std::chrono::seconds kFarewell{5};  // for a client to take the last message, before its session ends anyway
constexpr char kTlsHandshake = 0x16;  // first byte of a ClientHello; no startup packet is as long as it would mean

}  // namespace

ClientSocket::ClientSocket(Server& server, boost::asio::io_context& context, int fd, bool local, bool trusted,
                           session::ClientInfo client, pgwire::ChannelSecurity security)
    : server_(server),
      socket_(context.get_executor()),
      local_(local),
      trusted_(trusted),
      client_(std::move(client)),
      security_(std::move(security)) {
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
  if (tls_ && !shaking_) tls_->say_goodbye();
  boost::system::error_code ignored;
  socket_.close(ignored);
  server_.remove(*this);
}

// ---- reading ---------------------------------------------------------------------------------------------------

void ClientSocket::wait_readable() {
  if (reading_ || closed_ || shaking_ || !connection_->wants_bytes()) return;
  reading_ = true;
  if (more_inside_) {
    server_.loop_.post([self = shared_from_this()] {
      self->reading_ = false;
      if (!self->closed_) self->read();
    });
    return;
  }
  socket_.async_wait(Socket::wait_read, [self = shared_from_this()](boost::system::error_code error) {
    self->reading_ = false;
    if (error || self->closed_) return;
    self->read();
  });
}

ClientSocket::Moved ClientSocket::receive(char* buffer, size_t size, size_t& got) {
  if (tls_) {
    const TlsStream::Moved moved = tls_->read(buffer, size);
    got = moved.bytes;
    if (moved.outcome == TlsStream::Outcome::kDone) return Moved::kBytes;
    const bool again =
        moved.outcome == TlsStream::Outcome::kWantRead || moved.outcome == TlsStream::Outcome::kWantWrite;
    return again ? Moved::kAgain : Moved::kEnd;
  }
  ssize_t result = 0;
  do {
    result = ::recv(socket_.native_handle(), buffer, size, 0);
  } while (result < 0 && errno == EINTR);
  got = result > 0 ? static_cast<size_t>(result) : 0;
  if (result > 0) return Moved::kBytes;
  return result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? Moved::kAgain : Moved::kEnd;
}

void ClientSocket::read() {
  if (std::exchange(untouched_, false) && opens_with_tls()) {
    direct_ = true;
    return start_tls();
  }
  for (int i = 0; i < kReadsInARow && !closed_ && !closing_ && !shaking_ && connection_->wants_bytes(); i++) {
    auto& buffer = server_.read_buffer_;
    size_t got = 0;
    const Moved moved = receive(buffer.data(), buffer.size(), got);
    more_inside_ = tls_ && moved == Moved::kBytes && tls_->has_pending();
    if (moved == Moved::kAgain) break;
    if (moved == Moved::kEnd) return close();
    server_.last_activity_ = SteadyClock::now();
    connection_->on_bytes(std::string_view(buffer.data(), got));
    // A short read means that the socket is empty: the next recv would only say so.
    if (got < buffer.size() && !more_inside_) break;
  }
  if (connection_->authenticated()) authentication_timer_.reset();
  wait_readable();
}

// ---- writing ---------------------------------------------------------------------------------------------------

void ClientSocket::send(std::string bytes) {
  if (closed_ || bytes.empty()) return;
  unsent_ += bytes.size();
  queue_.push_back(std::move(bytes));
  if (!writing_) write();
}

ClientSocket::Moved ClientSocket::transmit(const std::string& from, size_t offset, size_t& sent) {
  if (tls_) {
    const TlsStream::Moved moved = tls_->write(from.data() + offset, from.size() - offset);
    sent = moved.bytes;
    if (moved.outcome == TlsStream::Outcome::kDone) return Moved::kBytes;
    return moved.outcome == TlsStream::Outcome::kWantWrite ? Moved::kAgain : Moved::kEnd;
  }
  ssize_t result = 0;
  do {
    result = ::send(socket_.native_handle(), from.data() + offset, from.size() - offset, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (result < 0 && errno == EINTR);
  sent = result > 0 ? static_cast<size_t>(result) : 0;
  if (result >= 0) return Moved::kBytes;
  return errno == EAGAIN || errno == EWOULDBLOCK ? Moved::kAgain : Moved::kEnd;
}

void ClientSocket::write() {
  size_t sent = 0;
  while (!queue_.empty()) {
    const std::string& front = queue_.front();
    size_t wrote = 0;
    const Moved moved = transmit(front, front_sent_, wrote);
    if (moved == Moved::kAgain) break;
    if (moved == Moved::kEnd) {
      queue_.clear();
      unsent_ = 0;
      // Not now: the protocol may be in the middle of something.
      server_.loop_.post([self = shared_from_this()] { self->close(); });
      return;
    }
    sent += wrote;
    front_sent_ += wrote;
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
  if (sent > 0) server_.sent(shared_from_this(), sent);
}

void ClientSocket::was_sent(size_t bytes) {
  if (closed_) return;
  connection_->on_sent(bytes);
  wait_readable();
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

// ---- TLS -------------------------------------------------------------------------------------------------------

bool ClientSocket::opens_with_tls() {
  if (!security_.can_encrypt) return false;
  char first = 0;
  return ::recv(socket_.native_handle(), &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && first == kTlsHandshake;
}

// The answer to SSLRequest has gone out before: a byte always fits into a new connection's buffer. If it did not, what
// comes next would stand behind it in the wrong form.
void ClientSocket::start_tls() {
  security_.can_encrypt = false;
  if (!queue_.empty()) return close_after_send();
  tls_ = std::make_unique<TlsStream>(server_.tls_->current(), socket_.native_handle());
  shaking_ = true;
  handshake();
}

void ClientSocket::handshake() {
  const TlsStream::Outcome outcome = tls_->handshake();
  if (outcome == TlsStream::Outcome::kDone) return on_encrypted();
  if (outcome == TlsStream::Outcome::kWantRead || outcome == TlsStream::Outcome::kWantWrite) {
    const auto what = outcome == TlsStream::Outcome::kWantRead ? Socket::wait_read : Socket::wait_write;
    socket_.async_wait(what, [self = shared_from_this()](boost::system::error_code error) {
      if (!error && !self->closed_) self->handshake();
    });
    return;
  }
  log(LogLevel::kInfo, "tls.handshake_failed", {{"peer", client_.peer}, {"error", tls_->problem()}});
  // Not now: the protocol may be in the middle of handling the request.
  server_.loop_.post([self = shared_from_this()] { self->close(); });
}

void ClientSocket::on_encrypted() {
  shaking_ = false;
  // Without the word postgresql in it, a direct handshake may be one for another protocol (as in PostgreSQL 17).
  if (direct_ && !tls_->agreed_on_protocol()) {
    log(LogLevel::kInfo, "tls.handshake_failed",
        {{"peer", client_.peer}, {"error", "direct TLS without the protocol postgresql (ALPN)"}});
    server_.loop_.post([self = shared_from_this()] { self->close(); });
    return;
  }
  security_.encrypted = true;
  security_.end_point = tls_->end_point();
  security_.certificate_name = tls_->verified_name();
  more_inside_ = tls_->has_pending();
  wait_readable();
}

}  // namespace merganser::net

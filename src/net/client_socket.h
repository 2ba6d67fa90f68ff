// One accepted socket: reads when the protocol wants bytes, writes what it sends, tells it when the client is gone.
// Between it and the protocol there may be TLS.
//
// This room's .cc files only. Threads: the loop's. Lifetime: shared; the server forgets it when it is closed.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <list>

#include "net/server.h"
#include "net/tls_stream.h"

namespace merganser::net {

class ClientSocket final : public pgwire::Transport, public std::enable_shared_from_this<ClientSocket> {
 public:
  ClientSocket(Server& server, boost::asio::io_context& context, int fd, bool local, bool trusted,
               session::ClientInfo client, pgwire::ChannelSecurity security);
  ~ClientSocket() override;

  void start();
  void close();
  pgwire::Connection& connection() { return *connection_; }
  TimePoint arrived() const { return arrived_; }

  void send(std::string bytes) override;
  size_t unsent() const override { return unsent_; }
  void resume_reading() override { wait_readable(); }
  void close_after_send() override;
  void start_tls() override;
  const pgwire::ChannelSecurity& security() const override { return security_; }
  bool admit() override { return server_.admit(*this); }
  bool peer_is_trusted() const override { return trusted_; }
  bool is_local() const override { return local_; }
  std::string peer() const override { return client_.peer; }
  session::ClientInfo client() const override { return client_; }

 private:
  friend class Server;
  using Socket =
      boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, boost::asio::io_context::executor_type>;
  enum class Moved : uint8_t { kBytes, kAgain, kEnd };
  Moved receive(char* buffer, size_t size, size_t& got);
  Moved transmit(const std::string& from, size_t offset, size_t& sent);
  void wait_readable();
  void read();
  void wait_writable();
  void write();
  void was_sent(size_t bytes);
  bool opens_with_tls();
  void handshake();
  void on_encrypted();

  Server& server_;
  Socket socket_;
  const bool local_;
  const bool trusted_;
  const session::ClientInfo client_;
  const TimePoint arrived_ = SteadyClock::now();
  pgwire::ChannelSecurity security_;
  std::unique_ptr<TlsStream> tls_;
  std::shared_ptr<pgwire::Connection> connection_;
  std::unique_ptr<session::Timer> authentication_timer_;
  std::unique_ptr<session::Timer> farewell_timer_;
  std::deque<std::string> queue_;
  size_t front_sent_ = 0;  // of queue_.front()
  size_t unsent_ = 0;
  bool reading_ = false;
  bool writing_ = false;
  bool untouched_ = true;     // nothing was read yet
  bool shaking_ = false;      // in the TLS handshake
  bool direct_ = false;       // TLS from the first byte, without an SSLRequest
  bool more_inside_ = false;  // TLS may hold bytes that the socket says nothing of
  bool closing_ = false;      // after what is queued has been sent
  bool closed_ = false;

  // Of the server: where it stands among those that have not logged in.
  bool admitted_ = false;
  std::list<ClientSocket*>::iterator place_;
};

}  // namespace merganser::net

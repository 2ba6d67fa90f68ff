// Listeners and the clients' sockets: a Unix socket for the local user, TCP for those with a password.
//
// Threads: everything on the event loop's thread, except where said. Lifetime: the loop and the services outlive it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_set>

#include "base/result.h"
#include "net/event_loop.h"
#include "pgwire/connection.h"

namespace merganser::net {

struct ServerOptions {
  std::string socket_path;  // of the Unix socket
  std::string listen;       // "ADDRESS:PORT"; empty: no TCP
  size_t max_connections = 2000;
  std::chrono::seconds tcp_keepalive{60};
  std::chrono::seconds authentication_timeout{30};
};

class ClientSocket;

class Server {
 public:
  Server(EventLoop& loop, std::shared_ptr<session::Services> services,
         std::shared_ptr<const pgwire::ConnectionOptions> protocol, ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Binds and listens. An address that is taken, or not ours, is an error that names it.
  Status listen();
  // "127.0.0.1:5433" as bound, or empty.
  const std::string& tcp_address() const { return tcp_address_; }

  // No new clients; idle ones are told to go, others when their statement or transaction has ended. `done` is called
  // when all have left, at once when there is none.
  void drain(std::function<void()> done);
  // While draining: transactions that wait for their client are not waited for any longer.
  void end_idle_transactions();
  // Ends the rest now.
  void close_all();

  size_t connections() const { return sockets_.size(); }
  TimePoint last_activity() const { return last_activity_; }

 private:
  friend class ClientSocket;
  struct Listener;
  Status listen_unix();
  Status listen_tcp();
  void accept(const std::shared_ptr<Listener>& listener);
  void welcome(int fd, bool local);
  void remove(ClientSocket& socket);
  void tell_to_go(pgwire::Connection::End when);

  EventLoop& loop_;
  std::shared_ptr<session::Services> services_;
  std::shared_ptr<const pgwire::ConnectionOptions> protocol_;
  const ServerOptions options_;
  pgwire::Registry registry_;
  std::unordered_set<std::shared_ptr<ClientSocket>> sockets_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::string tcp_address_;
  std::function<void()> drained_;
  bool draining_ = false;
  TimePoint last_activity_;
  std::vector<char> read_buffer_;  // shared by all clients: each read is handed on at once
};

}  // namespace merganser::net

// Listeners and the clients' sockets: a Unix socket for the local user, TCP with TLS for those with a password or a
// certificate.
//
// Threads: everything on the event loop's thread, except where said. Lifetime: the loop and the services outlive it.
#pragma once

#include <array>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_set>

#include "base/result.h"
#include "net/event_loop.h"
#include "net/tcp_address.h"
#include "net/tls_credentials.h"
#include "pgwire/connection.h"

namespace merganser::net {

enum class TlsUse : uint8_t {
  kOff,       // never
  kAuto,      // for who asks; required from other machines
  kRequired,  // of everybody who comes over TCP
};

struct ServerOptions {
  std::string socket_path;  // of the Unix socket
  std::string listen;       // "ADDRESS:PORT"; empty: no TCP
  TlsUse tls = TlsUse::kAuto;
  TlsSource tls_source;
  bool plaintext_from_other_machines = false;
  size_t max_connections = 2000;    // that have logged in
  size_t reserved_connections = 3;  // of them, only for the owner's own user on the Unix socket
  size_t max_logins = 1000;         // that have not; one that has waited long makes room for a new one
  std::chrono::seconds tcp_keepalive{60};
  std::chrono::milliseconds authentication_timeout{30000};
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

  // Takes up certificates and keys again, now. Connections that are there keep theirs.
  void reload_tls();

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
  Status listen_on_tcp();
  Status start_tls(const TcpAddress& address);
  void watch_tls();
  void accept(const std::shared_ptr<Listener>& listener);
  void welcome(int fd, bool local);
  pgwire::ChannelSecurity security_for(const TcpAddress& peer) const;
  bool admit(ClientSocket& socket);
  void remove(ClientSocket& socket);
  bool has_room(bool local);
  void make_room(bool local);
  void tell_to_go(pgwire::Connection::End when);

  EventLoop& loop_;
  std::shared_ptr<session::Services> services_;
  std::shared_ptr<const pgwire::ConnectionOptions> protocol_;
  const ServerOptions options_;
  pgwire::Registry registry_;
  std::unordered_set<std::shared_ptr<ClientSocket>> sockets_;
  std::array<std::list<ClientSocket*>, 2> logging_in_;  // in order of arrival: over TCP, over the Unix socket
  size_t admitted_ = 0;
  uint64_t logins_dropped_ = 0;  // since the last line of the log about them
  TimePoint drop_logged_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::optional<TlsCredentials> tls_;
  std::unique_ptr<session::Timer> tls_watch_;
  std::string tcp_address_;
  std::function<void()> drained_;
  bool draining_ = false;
  // What was sent since the last look: the protocol hears of it when it is in the middle of nothing.
  void sent(std::shared_ptr<ClientSocket> socket, size_t bytes);
  using Sent = std::vector<std::pair<std::shared_ptr<ClientSocket>, size_t>>;
  std::shared_ptr<Sent> sent_ = std::make_shared<Sent>();  // shared with the task that tells them
  TimePoint last_activity_;
  std::vector<char> read_buffer_;  // shared by all clients: each read is handed on at once
};

}  // namespace merganser::net

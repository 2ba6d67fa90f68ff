// TCP addresses as settings write them and as sockets have them.
//
// Threads: free functions, safe from any.
#pragma once

#include <string>
#include <sys/socket.h>

#include "base/result.h"
#include "os/unique_fd.h"

namespace merganser::net {

struct TcpAddress {
  sockaddr_storage socket{};
  socklen_t size = 0;

  // "127.0.0.1:5432", "[::1]:5432"; "local" when it is neither IPv4 nor IPv6.
  std::string text() const;
  // Without the port and brackets; empty for an address that stands for all of the machine's.
  std::string host() const;
  // An address that no packet from another machine can have, also written as IPv6.
  bool is_loopback() const;
};

// Of "ADDRESS:PORT"; 22023 says what is wrong. `localhost` is 127.0.0.1, `*` is every address, both of IPv4 and IPv6.
Result<TcpAddress> parse_tcp_address(const std::string& text);

struct BoundSocket {
  os::UniqueFd fd;
  TcpAddress address;  // with the port that it got
};
Result<BoundSocket> listen_tcp(const TcpAddress& address);

// Of the other end of a connection.
TcpAddress peer_address(int fd);

}  // namespace merganser::net

#include "net/tcp_address.h"

#include <arpa/inet.h>
#include <boost/asio/ip/address.hpp>
#include <cstring>
#include <netinet/in.h>

namespace merganser::net {
namespace {

const sockaddr_in& v4(const sockaddr_storage& address) {
  return reinterpret_cast<const sockaddr_in&>(address);
}
const sockaddr_in6& v6(const sockaddr_storage& address) {
  return reinterpret_cast<const sockaddr_in6&>(address);
}

boost::asio::ip::address ip_of(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) return boost::asio::ip::address_v4(ntohl(v4(address).sin_addr.s_addr));
  boost::asio::ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), v6(address).sin6_addr.s6_addr, bytes.size());
  return boost::asio::ip::address_v6(bytes);
}

bool is_ip(const sockaddr_storage& address) {
  return address.ss_family == AF_INET || address.ss_family == AF_INET6;
}

}  // namespace

std::string TcpAddress::text() const {
  if (!is_ip(socket)) return "local";
  const bool four = socket.ss_family == AF_INET;
  const std::string name = ip_of(socket).to_string();
  return (four ? name : "[" + name + "]") + ":" +
         std::to_string(ntohs(four ? v4(socket).sin_port : v6(socket).sin6_port));
}

std::string TcpAddress::host() const {
  if (!is_ip(socket)) return {};
  const auto address = ip_of(socket);
  return address.is_unspecified() ? std::string() : address.to_string();
}

bool TcpAddress::is_loopback() const {
  if (!is_ip(socket)) return false;
  const auto address = ip_of(socket);
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6()).is_loopback();
  }
  return address.is_loopback();
}

Result<TcpAddress> parse_tcp_address(const std::string& text) {
  const auto bad = [&](const std::string& why) {
    return make_error(ErrorCode::kInvalidParameterValue, "cannot listen on \"" + text + "\"", why,
                      "Write ADDRESS:PORT, for example 127.0.0.1:5432.");
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) return bad("There is no port.");
  std::string host = text.substr(0, colon);
  const std::string port_text = text.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  if (host == "*") host = "::";
  if (port_text.empty() || port_text.size() > 5 || port_text.find_first_not_of("0123456789") != std::string::npos ||
      std::stoi(port_text) > 65535) {
    return bad("\"" + port_text + "\" is no port.");
  }
  boost::system::error_code failed;
  const auto address = boost::asio::ip::make_address(host, failed);
  if (failed) return bad("\"" + host + "\" is no address.");
  const auto port = htons(static_cast<uint16_t>(std::stoi(port_text)));
  TcpAddress out;
  if (address.is_v4()) {
    auto& socket = reinterpret_cast<sockaddr_in&>(out.socket);
    socket.sin_family = AF_INET;
    socket.sin_port = port;
    socket.sin_addr.s_addr = htonl(address.to_v4().to_uint());
    out.size = sizeof socket;
  } else {
    auto& socket = reinterpret_cast<sockaddr_in6&>(out.socket);
    socket.sin6_family = AF_INET6;
    socket.sin6_port = port;
    const auto bytes = address.to_v6().to_bytes();
    std::memcpy(socket.sin6_addr.s6_addr, bytes.data(), bytes.size());
    socket.sin6_scope_id = static_cast<uint32_t>(address.to_v6().scope_id());
    out.size = sizeof socket;
  }
  return out;
}

Result<BoundSocket> listen_tcp(const TcpAddress& address) {
  os::UniqueFd fd(::socket(address.socket.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return errno_error(errno, "cannot make a socket");
  const int on = 1;
  const int off = 0;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // [::] stands for IPv4 too, whatever the machine's default is.
  if (address.socket.ss_family == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.socket), address.size) != 0 ||
      ::listen(fd.get(), SOMAXCONN) != 0) {
    return errno_error(errno, "cannot listen on " + address.text(), "Choose another port, or 0 for any free one.");
  }
  BoundSocket out{std::move(fd), {}};
  out.address.size = sizeof out.address.socket;
  ::getsockname(out.fd.get(), reinterpret_cast<sockaddr*>(&out.address.socket), &out.address.size);
  return out;
}

TcpAddress peer_address(int fd) {
  TcpAddress out;
  out.size = sizeof out.socket;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&out.socket), &out.size) != 0) out.socket.ss_family = AF_UNSPEC;
  return out;
}

}  // namespace merganser::net

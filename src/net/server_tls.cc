// The server's part of TLS: which connections need it, and certificates that change while it runs.
#include <unistd.h>

#include "net/server.h"

namespace merganser::net {
namespace {

constexpr std::chrono::seconds kLook{5};  // between looks at the files
constexpr size_t kMaxHostName = 256;

}  // namespace

Status Server::start_tls(const TcpAddress& address) {
  TlsSource source = options_.tls_source;
  char name[kMaxHostName] = "";
  if (::gethostname(name, sizeof name - 1) == 0 && *name != '\0') source.hosts.emplace_back(name);
  source.hosts.insert(source.hosts.end(), {"localhost", "127.0.0.1", "::1"});
  if (!address.host().empty() && !address.is_loopback()) source.hosts.push_back(address.host());
  MERGANSER_ASSIGN(tls_, TlsCredentials::open(std::move(source)));
  watch_tls();
  return {};
}

void Server::watch_tls() {
  tls_watch_ = loop_.timer(kLook, [this] {
    tls_->look(false);
    watch_tls();
  });
}

void Server::reload_tls() {
  if (tls_) tls_->look(true);
}

pgwire::ChannelSecurity Server::security_for(const TcpAddress& peer) const {
  pgwire::ChannelSecurity security;
  security.can_encrypt = tls_.has_value();
  const bool from_elsewhere = !peer.is_loopback() && !options_.plaintext_from_other_machines;
  security.must_encrypt = tls_ && (options_.tls == TlsUse::kRequired || from_elsewhere);
  return security;
}

}  // namespace merganser::net

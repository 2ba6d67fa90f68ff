// The byte stream below a Connection, as the network offers it.
//
// Threads: the sessions' thread. Lifetime: outlives the connection's last call of it, which is before on_closed().
#pragma once

#include <optional>
#include <string>

#include "session/activity.h"

namespace merganser::pgwire {

// How the stream is protected, and who the client proved to be by that alone.
struct ChannelSecurity {
  bool can_encrypt = false;   // an SSLRequest may be granted
  bool must_encrypt = false;  // nobody logs in without
  bool encrypted = false;
  std::string end_point;                        // what SCRAM-SHA-256-PLUS binds to; empty: not offered
  std::optional<std::string> certificate_name;  // of a client whose certificate was verified: its common name
};

class Transport {
 public:
  virtual ~Transport() = default;
  virtual void send(std::string bytes) = 0;
  virtual size_t unsent() const = 0;
  // Connection::wants_bytes() has become true by itself.
  virtual void resume_reading() = 0;
  virtual void close_after_send() = 0;
  // After the answer to SSLRequest was sent: what comes now is TLS.
  virtual void start_tls() = 0;
  virtual const ChannelSecurity& security() const = 0;
  // The client has logged in: false when there are too many already.
  virtual bool admit() = 0;
  // Who is at the other end of a Unix socket may come in without a password when this is true.
  virtual bool peer_is_trusted() const = 0;
  virtual bool is_local() const = 0;     // Unix socket
  virtual std::string peer() const = 0;  // for logs
  virtual session::ClientInfo client() const = 0;
};

// What a client's certificate is for, on TLS connections of a server that has authorities for them.
enum class ClientCertificates : uint8_t {
  kOptional,    // one that names the user stands in for the password
  kVerifyCa,    // required, besides the password
  kVerifyFull,  // required, and names the user, besides the password
  kCert,        // required, names the user, and stands in for the password
};

}  // namespace merganser::pgwire

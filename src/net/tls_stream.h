// One TLS connection on a socket that does not block: handshake, read, write, and who the client is.
//
// Threads: the loop's. Lifetime: the socket outlives it; it does not close the socket.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/tls_context.h"

struct ssl_st;

namespace merganser::net {

class TlsStream {
 public:
  TlsStream(std::shared_ptr<const TlsContext> context, int fd);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // kDone: bytes were moved, or the handshake has ended. kWantRead, kWantWrite: when the socket is ready for it, again;
  // a write then with the same bytes. kClosed: by the peer. kFailed: problem() says why; nothing more can be done.
  enum class Outcome : uint8_t { kDone, kWantRead, kWantWrite, kClosed, kFailed };
  struct Moved {
    Outcome outcome;
    size_t bytes = 0;
  };
  Outcome handshake();
  Moved read(char* buffer, size_t size);
  Moved write(const char* bytes, size_t size);
  // Whether bytes wait in here, of which the socket says nothing any more.
  bool has_pending() const;
  // Tells the peer that this is the end, as far as the socket takes it at once.
  void say_goodbye();

  const std::string& problem() const { return problem_; }  // never what was sent
  const std::string& end_point() const { return context_->end_point(); }
  bool agreed_on_protocol() const;  // by ALPN
  std::string version() const;      // "TLSv1.3"
  // Whether the client showed a certificate of an authority that we trust, and its common name (empty when it has none
  // or holds a zero byte).
  std::optional<std::string> verified_name() const;

 private:
  Outcome outcome_of(int result);

  struct Free {
    void operator()(ssl_st* stream) const;
  };
  std::shared_ptr<const TlsContext> context_;
  std::unique_ptr<ssl_st, Free> stream_;
  std::string problem_;
};

}  // namespace merganser::net

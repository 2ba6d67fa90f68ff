// What all TLS connections of a time have in common: certificate, key, protocol versions, whom clients may be.
//
// OpenSSL's header stays in this room's .cc files. Threads: immutable once loaded; safe from any. Lifetime: shared;
// connections keep theirs when a newer one has taken its place.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

struct ssl_ctx_st;

namespace merganser::net {

struct TlsFiles {
  std::string certificate;  // PEM, the server's first, then those that lead to its authority
  std::string key;          // PEM without passphrase, closed to others
  std::string client_ca;    // PEM: who may sign certificates of clients; empty: clients are not asked for one
  std::string crl;          // PEM: certificates of clients that were withdrawn; empty: none
};

class TlsContext {
 public:
  // Checks everything that can be checked; an error (F0000) names the file, never what a key file holds.
  static Result<std::shared_ptr<const TlsContext>> load(const TlsFiles& files);

  // The hash that SCRAM's channel binding compares (RFC 5929, tls-server-end-point). Empty when the certificate's
  // signature has none, as Ed25519: then channel binding is not offered.
  const std::string& end_point() const { return end_point_; }
  int64_t valid_until() const { return valid_until_; }  // seconds since 1970
  ssl_ctx_st* raw() const { return context_.get(); }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  TlsContext() = default;
  Status use_certificate(const TlsFiles& files);
  Status use_client_authorities(const TlsFiles& files);

  std::unique_ptr<ssl_ctx_st, Free> context_;
  std::string end_point_;
  int64_t valid_until_ = 0;
};

}  // namespace merganser::net

// A self-signed certificate for servers that were given none, and what a certificate file says.
//
// Threads: pure functions, safe from any. Keys stay in the strings that carry them and are never logged.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace merganser::auth {

struct KeyAndCertificate {
  std::string key_pem;
  std::string certificate_pem;
};

// An ECDSA key on P-256 and a certificate of it that names these hosts (DNS names or addresses) and is valid from an
// hour ago, since clocks differ, until `valid_for` from now. The first name becomes the common name. What cannot be a
// host's name is left out.
Result<KeyAndCertificate> make_self_signed(const std::vector<std::string>& hosts, std::chrono::seconds valid_for);

// When the first certificate in the text ends, in seconds since 1970; F0000 when there is none.
Result<int64_t> certificate_end(std::string_view pem);

// What OpenSSL has to say about the last failure of this thread, and forgets it: "no start line". Never empty.
std::string take_openssl_error();

}  // namespace merganser::auth

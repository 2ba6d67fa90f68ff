// What a server keeps of a password: enough to check a SCRAM-SHA-256 proof, not enough to make one.
//
// Threads: values and pure functions.
#pragma once

#include <string>
#include <string_view>

#include "auth/crypto.h"
#include "base/result.h"

namespace merganser::auth {

inline constexpr int kDefaultIterations = 4096;    // PostgreSQL's, and what RFC 7677 asks for at least
inline constexpr int kMaxIterations = 10'000'000;  // a client computes these: more would look like a hang
inline constexpr size_t kSaltBytes = 16;           // PostgreSQL's
inline constexpr size_t kMaxSaltBytes = 1024;
inline constexpr size_t kMaxPasswordBytes = 1024;

struct ScramVerifier {
  int iterations = kDefaultIterations;
  std::string salt;  // raw bytes
  Digest stored_key{};
  Digest server_key{};

  // "SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>", base64: the text in PostgreSQL's pg_authid, so
  // either can be copied to the other.
  std::string format() const;
  static Result<ScramVerifier> parse(std::string_view text);
};

// A verifier of a password with a random salt. Refuses empty passwords, zero bytes and more than kMaxPasswordBytes.
Result<ScramVerifier> make_verifier(std::string_view password, int iterations = kDefaultIterations);
// The same with a given salt.
Result<ScramVerifier> make_verifier_with_salt(std::string_view password, int iterations, std::string salt);

// A verifier of nobody: its salt is the same every time for one name and secret and looks like any other, and no
// proof fits it. Answers for unknown names are made with it, so that they do not tell which names exist.
Result<ScramVerifier> mock_verifier(std::string_view user, std::string_view secret);

}  // namespace merganser::auth

// The server's side of one SCRAM-SHA-256 exchange (RFC 5802, RFC 7677), with the limits and words of PostgreSQL.
//
// Threads: one thread at a time. Lifetime: one object for one attempt to log in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "auth/scram_verifier.h"
#include "base/result.h"

namespace merganser::auth {

inline constexpr std::string_view kScramSha256 = "SCRAM-SHA-256";
inline constexpr std::string_view kScramSha256Plus = "SCRAM-SHA-256-PLUS";  // bound to the TLS channel below

class ScramServer {
 public:
  // `verifier` is nullopt when nobody has this name: the exchange then runs to its end with a mock verifier made from
  // `mock_secret` (see mock_verifier) and fails like a wrong password. The name is the one of the startup packet; the
  // one inside the exchange is ignored, as in PostgreSQL. `nonce` is for tests: empty means random.
  ScramServer(std::string user, std::optional<ScramVerifier> verifier, std::string mock_secret, std::string nonce = {});

  // Makes SCRAM-SHA-256-PLUS possible: `end_point` is the hash of the server's certificate (RFC 5929,
  // tls-server-end-point). From then on a client that believes we could not do it is refused: somebody between us may
  // have taken the mechanism off the list.
  void offer_channel_binding(std::string end_point) { end_point_ = std::move(end_point); }

  // Each takes the client's message and answers the server's next one. Any error ends the exchange:
  // 08P01 malformed, 0A000 asks for what is not supported, 28P01 the password is wrong or the name unknown, 28000 the
  // channel is not the one that the client sees.
  Result<std::string> client_first(std::string_view message, std::string_view mechanism = kScramSha256);
  Result<std::string> client_final(std::string_view message);

  // Only true after client_final succeeded.
  bool authenticated() const { return state_ == State::kAuthenticated; }

 private:
  enum class State : uint8_t { kClientFirst, kClientFinal, kAuthenticated, kFailed };

  Result<std::string> read_client_first(std::string_view message, bool plus);
  std::string expected_binding() const;
  Result<std::string> read_client_final(std::string_view message);
  Result<bool> proof_fits(const std::string& auth_message, std::string_view proof) const;

  State state_ = State::kClientFirst;
  std::string user_;
  bool doomed_;  // nobody has this name
  std::optional<ScramVerifier> verifier_;
  std::string mock_secret_;
  std::string server_nonce_;
  std::string end_point_;   // empty: no channel binding
  std::string gs2_header_;  // of the client: "n,,", "y,," or "p=tls-server-end-point,,"
  std::string client_first_bare_;
  std::string nonce_;  // the client's and ours
  std::string server_first_;
};

}  // namespace merganser::auth

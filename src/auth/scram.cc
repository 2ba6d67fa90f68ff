#include "auth/scram.h"

#include <algorithm>

#include "auth/scram_message.h"

namespace merganser::auth {

namespace {

constexpr size_t kNonceBytes = 18;  // as PostgreSQL: base64 without padding

// RFC 5802: printable = %x21-2B / %x2D-7E
bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x21 && c <= 0x7E && c != ','; });
}

Error not_text(std::string_view message) {
  if (message.empty()) return malformed_scram("The message is empty.");
  return malformed_scram("Message length does not match input length.");
}

bool is_text(std::string_view message) {
  return !message.empty() && message.find('\0') == std::string_view::npos;
}

struct Gs2Rules {
  bool plus;     // the client chose the mechanism with channel binding
  bool offered;  // we could have done it
};

constexpr std::string_view kBindingType = "tls-server-end-point";

// The GS2 header of a client's first message: whether it wants channel binding, and as whom it wants to act.
std::optional<Error> read_gs2_header(ScramMessage& in, const Gs2Rules& rules) {
  const char flag = in.peek();
  if (flag == 'p' && !rules.plus) {
    return malformed_scram(
        "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding "
        "data.");
  }
  if ((flag == 'n' || flag == 'y') && rules.plus) {
    return malformed_scram(
        "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data.");
  }
  // The client could bind and believes that we cannot. If that is wrong, somebody has changed the list of mechanisms.
  if (flag == 'y' && rules.offered) {
    return make_error(ErrorCode::kInvalidAuthorization, "SCRAM channel binding negotiation error",
                      "The client supports SCRAM channel binding but thinks the server does not.  However, this "
                      "server does support channel binding.");
  }
  if (flag == 'p') {
    const std::string_view type = in.attribute('p');
    if (!in.ok()) return in.take_error();
    if (type != kBindingType) {
      const std::string shown(printable(type) ? type.substr(0, 64) : "?");
      return make_error(ErrorCode::kProtocolViolation, "unsupported SCRAM channel-binding type \"" + shown + "\"");
    }
  } else if (flag == 'n' || flag == 'y') {
    in.skip();
    in.comma();
    if (!in.ok()) return in.take_error();
  } else {
    return malformed_scram("Unexpected channel-binding flag \"" + in.shown() + "\".");
  }
  if (in.peek() == 'a') {
    return make_error(ErrorCode::kFeatureNotSupported, "client uses authorization identity, but it is not supported");
  }
  if (in.peek() != ',') {
    return malformed_scram("Unexpected attribute \"" + in.shown() + "\" in client-first-message.");
  }
  in.skip();
  return std::nullopt;
}

}  // namespace

ScramServer::ScramServer(std::string user, std::optional<ScramVerifier> verifier, std::string mock_secret,
                         std::string nonce)
    : user_(std::move(user)),
      doomed_(!verifier),
      verifier_(std::move(verifier)),
      mock_secret_(std::move(mock_secret)),
      server_nonce_(std::move(nonce)) {}

Result<std::string> ScramServer::client_first(std::string_view message, std::string_view mechanism) {
  const bool in_turn = state_ == State::kClientFirst;
  state_ = State::kFailed;
  if (!in_turn) return make_error(ErrorCode::kProtocolViolation, "unexpected SCRAM message");
  const bool plus = mechanism == kScramSha256Plus;
  if (mechanism != kScramSha256 && !(plus && !end_point_.empty())) {
    return make_error(ErrorCode::kProtocolViolation, "client selected an invalid SASL authentication mechanism");
  }
  auto answer = read_client_first(message, plus);
  if (answer.ok()) state_ = State::kClientFinal;
  return answer;
}

Result<std::string> ScramServer::client_final(std::string_view message) {
  const bool in_turn = state_ == State::kClientFinal;
  state_ = State::kFailed;
  if (!in_turn) return make_error(ErrorCode::kProtocolViolation, "unexpected SCRAM message");
  auto answer = read_client_final(message);
  if (answer.ok()) state_ = State::kAuthenticated;
  return answer;
}

Result<std::string> ScramServer::read_client_first(std::string_view message, bool plus) {
  if (!is_text(message)) return not_text(message);
  ScramMessage in(message);
  if (auto problem = read_gs2_header(in, {plus, !end_point_.empty()})) return std::move(*problem);
  gs2_header_ = message.substr(0, in.offset());
  client_first_bare_ = message.substr(in.offset());
  if (in.peek() == 'm') {
    return make_error(ErrorCode::kFeatureNotSupported, "client requires an unsupported SCRAM extension");
  }
  in.attribute('n');  // ignored: the startup packet says who it is
  const std::string_view client_nonce = in.attribute('r');
  while (in.ok() && !in.at_end()) in.any_attribute();  // extensions that may be ignored
  if (!in.ok()) return in.take_error();
  if (client_nonce.empty() || !printable(client_nonce)) {
    return make_error(ErrorCode::kProtocolViolation, "non-printable characters in SCRAM nonce");
  }

  if (server_nonce_.empty()) {
    MERGANSER_ASSIGN(const std::string random, random_bytes(kNonceBytes));
    server_nonce_ = base64_encode(random);
  }
  if (doomed_) {
    MERGANSER_ASSIGN(verifier_, mock_verifier(user_, mock_secret_));
  }
  nonce_ = std::string(client_nonce) + server_nonce_;
  server_first_ =
      "r=" + nonce_ + ",s=" + base64_encode(verifier_->salt) + ",i=" + std::to_string(verifier_->iterations);
  return server_first_;
}

// What is bound is the GS2 header itself and, with channel binding, the certificate's hash.
std::string ScramServer::expected_binding() const {
  return base64_encode(gs2_header_.starts_with('p') ? gs2_header_ + end_point_ : gs2_header_);
}

Result<std::string> ScramServer::read_client_final(std::string_view message) {
  if (!is_text(message)) return not_text(message);
  ScramMessage in(message);
  const std::string_view binding = in.attribute('c');
  if (in.ok() && !constant_time_equal(binding, expected_binding())) {
    if (gs2_header_.starts_with('p')) {
      return make_error(ErrorCode::kInvalidAuthorization, "SCRAM channel binding check failed");
    }
    return make_error(ErrorCode::kProtocolViolation,
                      "unexpected SCRAM channel-binding attribute in client-final-message");
  }
  const std::string_view client_nonce = in.attribute('r');
  std::pair<char, std::string_view> last;
  size_t proof_at = 0;
  do {
    proof_at = in.offset();
    last = in.any_attribute();
  } while (in.ok() && last.first != 'p');
  if (!in.ok()) return in.take_error();
  if (!in.at_end() || message.back() == ',')
    return malformed_scram("Garbage found at the end of client-final-message.");
  const auto proof = base64_decode(last.second);
  if (!proof || proof->size() != Digest().size()) return malformed_scram("Malformed proof in client-final-message.");
  if (!constant_time_equal(client_nonce, nonce_)) {
    return make_error(ErrorCode::kProtocolViolation, "invalid SCRAM response", "Nonce does not match.");
  }

  const std::string auth_message =
      client_first_bare_ + "," + server_first_ + "," + std::string(message.substr(0, proof_at - 1));
  // Both are computed before either is used: an unknown name takes the same steps as a known one.
  MERGANSER_ASSIGN(const bool fits, proof_fits(auth_message, *proof));
  MERGANSER_ASSIGN(const Digest signature, hmac_sha256(as_text(verifier_->server_key), auth_message));
  if (!fits || doomed_) {
    return make_error(ErrorCode::kInvalidPassword, "password authentication failed for user \"" + user_ + "\"");
  }
  return "v=" + base64_encode(as_text(signature));
}

// RFC 5802 section 3: ClientKey = proof XOR HMAC(StoredKey, AuthMessage), and its hash must be the stored key.
Result<bool> ScramServer::proof_fits(const std::string& auth_message, std::string_view proof) const {
  MERGANSER_ASSIGN(Digest client_key, hmac_sha256(as_text(verifier_->stored_key), auth_message));
  for (size_t i = 0; i < client_key.size(); i++) client_key[i] ^= static_cast<uint8_t>(proof[i]);
  MERGANSER_ASSIGN(const Digest hashed, sha256(as_text(client_key)));
  return constant_time_equal(as_text(hashed), as_text(verifier_->stored_key));
}

}  // namespace merganser::auth

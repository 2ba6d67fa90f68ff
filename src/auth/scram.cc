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

// The GS2 header of a client's first message: whether it wants channel binding, and as whom it wants to act.
std::optional<Error> read_gs2_header(ScramMessage& in, char& flag) {
  flag = in.peek();
  if (flag == 'p') {
    return malformed_scram(
        "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding "
        "data.");
  }
  // 'y': the client could bind and believes that the server cannot. That is true here: no PLUS mechanism is offered.
  if (flag != 'n' && flag != 'y') {
    return malformed_scram("Unexpected channel-binding flag \"" + in.shown() + "\".");
  }
  in.skip();
  in.comma();
  if (!in.ok()) return in.take_error();
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

Result<std::string> ScramServer::client_first(std::string_view message) {
  const bool in_turn = state_ == State::kClientFirst;
  state_ = State::kFailed;
  if (!in_turn) return make_error(ErrorCode::kProtocolViolation, "unexpected SCRAM message");
  auto answer = read_client_first(message);
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

Result<std::string> ScramServer::read_client_first(std::string_view message) {
  if (!is_text(message)) return not_text(message);
  ScramMessage in(message);
  if (auto problem = read_gs2_header(in, binding_flag_)) return std::move(*problem);
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

Result<std::string> ScramServer::read_client_final(std::string_view message) {
  if (!is_text(message)) return not_text(message);
  ScramMessage in(message);
  // Without channel binding, what is bound is the GS2 header itself: base64 of "n,," or "y,,".
  const std::string_view binding = in.attribute('c');
  if (in.ok() && binding != (binding_flag_ == 'n' ? "biws" : "eSws")) {
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

#include "auth/scram_verifier.h"

#include <algorithm>
#include <charconv>

#include "auth/saslprep.h"

namespace merganser::auth {

namespace {

constexpr std::string_view kPrefix = "SCRAM-SHA-256$";

Error malformed(std::string detail) {
  return make_error(ErrorCode::kInvalidParameterValue, "not a SCRAM-SHA-256 verifier", std::move(detail),
                    "A verifier looks like SCRAM-SHA-256$4096:<salt>$<stored key>:<server key>; "
                    "`merganser password` makes one.");
}

// The text before `end`, and `rest` moved behind it.
std::optional<std::string_view> take_until(std::string_view& rest, char end) {
  const size_t at = rest.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view out = rest.substr(0, at);
  rest.remove_prefix(at + 1);
  return out;
}

std::optional<Digest> decode_digest(std::string_view text) {
  const auto bytes = base64_decode(text);
  Digest out;
  if (!bytes || bytes->size() != out.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
}

}  // namespace

std::string ScramVerifier::format() const {
  std::string out(kPrefix);
  out.append(std::to_string(iterations)).append(":").append(base64_encode(salt)).append("$");
  out.append(base64_encode(as_text(stored_key))).append(":").append(base64_encode(as_text(server_key)));
  return out;
}

Result<ScramVerifier> ScramVerifier::parse(std::string_view text) {
  if (!text.starts_with(kPrefix)) return malformed("It does not start with SCRAM-SHA-256$.");
  text.remove_prefix(kPrefix.size());
  const auto iterations = take_until(text, ':');
  const auto salt = take_until(text, '$');
  const auto stored = take_until(text, ':');
  if (!iterations || !salt || !stored) return malformed("It does not have its four parts.");

  ScramVerifier out;
  const char* end = iterations->data() + iterations->size();
  const auto [stop, problem] = std::from_chars(iterations->data(), end, out.iterations);
  if (problem != std::errc() || stop != end || out.iterations < 1 || out.iterations > kMaxIterations) {
    return malformed("The iteration count is not a number from 1 to 10000000.");
  }
  auto salt_bytes = base64_decode(*salt);
  if (!salt_bytes || salt_bytes->empty() || salt_bytes->size() > kMaxSaltBytes) {
    return malformed("The salt is not base64.");
  }
  out.salt = std::move(*salt_bytes);
  const auto stored_key = decode_digest(*stored);
  const auto server_key = decode_digest(text);
  if (!stored_key || !server_key) return malformed("The stored key or the server key is not base64 of 32 bytes.");
  out.stored_key = *stored_key;
  out.server_key = *server_key;
  return out;
}

Result<ScramVerifier> make_verifier(std::string_view password, int iterations) {
  MERGANSER_ASSIGN(std::string salt, random_bytes(kSaltBytes));
  return make_verifier_with_salt(password, iterations, std::move(salt));
}

// RFC 5802 section 3: SaltedPassword, ClientKey, StoredKey, ServerKey.
Result<ScramVerifier> make_verifier_with_salt(std::string_view password, int iterations, std::string salt) {
  if (password.empty()) return make_error(ErrorCode::kInvalidParameterValue, "a password must not be empty");
  if (password.find('\0') != std::string_view::npos) {
    return make_error(ErrorCode::kInvalidParameterValue, "a password must not hold a zero byte");
  }
  if (password.size() > kMaxPasswordBytes) {
    return make_error(ErrorCode::kInvalidParameterValue, "a password must not be longer than 1024 bytes");
  }
  if (iterations < 1 || iterations > kMaxIterations) {
    return make_error(ErrorCode::kInvalidParameterValue, "the iteration count must be from 1 to 10000000");
  }
  ScramVerifier out;
  out.iterations = iterations;
  out.salt = std::move(salt);
  MERGANSER_ASSIGN(const Digest salted, pbkdf2_sha256(saslprep(password), out.salt, iterations));
  MERGANSER_ASSIGN(const Digest client_key, hmac_sha256(as_text(salted), "Client Key"));
  MERGANSER_ASSIGN(out.stored_key, sha256(as_text(client_key)));
  MERGANSER_ASSIGN(out.server_key, hmac_sha256(as_text(salted), "Server Key"));
  return out;
}

Result<ScramVerifier> mock_verifier(std::string_view user, std::string_view secret) {
  ScramVerifier out;
  MERGANSER_ASSIGN(const Digest digest, hmac_sha256(secret, user));
  out.salt = as_text(digest).substr(0, kSaltBytes);
  // Keys stay zero: a proof for them would be a preimage of the zero digest.
  return out;
}

}  // namespace merganser::auth

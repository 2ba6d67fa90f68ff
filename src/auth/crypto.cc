#include "auth/crypto.h"

#include <limits>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

namespace merganser::auth {

namespace {

Error crypto_error(const char* what) {
  return make_error(ErrorCode::kInternalError, std::string("OpenSSL could not compute ") + what);
}

const unsigned char* as_bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

bool fits_int(std::string_view text) {
  return text.size() <= static_cast<size_t>(std::numeric_limits<int>::max());
}

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

Result<Digest> sha256(std::string_view bytes) {
  Digest out;
  unsigned int length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), out.data(), &length, EVP_sha256(), nullptr) != 1 || length != out.size()) {
    return crypto_error("SHA-256");
  }
  return out;
}

Result<Digest> hmac_sha256(std::string_view key, std::string_view bytes) {
  Digest out;
  unsigned int length = 0;
  if (!fits_int(key) || HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), as_bytes(bytes), bytes.size(),
                             out.data(), &length) == nullptr) {
    return crypto_error("HMAC-SHA-256");
  }
  return out;
}

Result<Digest> pbkdf2_sha256(std::string_view password, std::string_view salt, int iterations) {
  Digest out;
  if (!fits_int(password) || !fits_int(salt) ||
      PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), as_bytes(salt),
                        static_cast<int>(salt.size()), iterations, EVP_sha256(), static_cast<int>(out.size()),
                        out.data()) != 1) {
    return crypto_error("PBKDF2");
  }
  return out;
}

Result<std::string> random_bytes(size_t count) {
  std::string out(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) != 1) {
    return crypto_error("random bytes");
  }
  return out;
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t have = std::min<size_t>(3, bytes.size() - i);
    uint32_t word = 0;
    for (size_t j = 0; j < 3; j++) word = word << 8 | (j < have ? static_cast<uint8_t>(bytes[i + j]) : 0);
    for (size_t j = 0; j < 4; j++) out.push_back(j <= have ? kAlphabet[word >> (18 - 6 * j) & 63] : '=');
  }
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') padding++;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (size_t i = 0; i < text.size(); i += 4) {
    const size_t pad = i + 4 == text.size() ? padding : 0;
    uint32_t word = 0;
    for (size_t j = 0; j < 4; j++) {
      const size_t digit = j < 4 - pad ? kAlphabet.find(text[i + j]) : 0;
      if (digit == std::string_view::npos) return std::nullopt;
      word = word << 6 | static_cast<uint32_t>(digit);
    }
    const uint32_t beyond = word & ((1U << (8 * pad)) - 1);
    if (beyond != 0) return std::nullopt;
    for (size_t j = 0; j < 3 - pad; j++) out.push_back(static_cast<char>(word >> (16 - 8 * j) & 0xFF));
  }
  return out;
}

}  // namespace merganser::auth

// The few primitives that SCRAM needs, from OpenSSL, with its failures as Results; strict base64.
//
// Threads: pure functions, safe from any.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace merganser::auth {

using Digest = std::array<uint8_t, 32>;  // SHA-256

inline std::string_view as_text(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

Result<Digest> sha256(std::string_view bytes);
Result<Digest> hmac_sha256(std::string_view key, std::string_view bytes);
Result<Digest> pbkdf2_sha256(std::string_view password, std::string_view salt, int iterations);
Result<std::string> random_bytes(size_t count);

// Equal lengths and bytes; how long it takes does not depend on where they differ.
bool constant_time_equal(std::string_view a, std::string_view b);

std::string base64_encode(std::string_view bytes);
// RFC 4648 with padding; nullopt for anything else: white space, missing padding, bits beyond the last byte.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace merganser::auth

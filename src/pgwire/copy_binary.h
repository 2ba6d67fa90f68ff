// What surrounds the rows of COPY in binary format.
//
// Threads: constants.
#pragma once

#include <string>
#include <string_view>

namespace merganser::pgwire {

inline constexpr std::string_view kCopyBinarySignature{"PGCOPY\n\xff\r\n\0", 11};
inline constexpr std::string_view kCopyBinaryTrailer{"\xff\xff", 2};

// The signature, no flags, no extension.
inline std::string copy_binary_header() {
  return std::string(kCopyBinarySignature) + std::string(8, '\0');
}

}  // namespace merganser::pgwire

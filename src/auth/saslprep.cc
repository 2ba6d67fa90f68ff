#include "auth/saslprep.h"

#include <algorithm>
#include <stringprep.h>
#include <vector>

#include "base/utf8.h"

namespace merganser::auth {

std::string saslprep(std::string_view password) {
  const bool ascii = std::none_of(password.begin(), password.end(), [](char c) { return (c & 0x80) != 0; });
  if (ascii || find_invalid_utf8(password) || password.find('\0') != std::string_view::npos) {
    return std::string(password);
  }
  // libidn normalises in place. NFKC makes UTF-8 at most 11 times longer.
  std::vector<char> buffer(password.size() * 11 + 1, '\0');
  std::copy(password.begin(), password.end(), buffer.begin());
  const int rc = stringprep(buffer.data(), buffer.size(), STRINGPREP_NO_UNASSIGNED, stringprep_saslprep);
  if (rc != STRINGPREP_OK || buffer[0] == '\0') return std::string(password);
  return std::string(buffer.data());
}

}  // namespace merganser::auth

// SASLprep (RFC 4013), which makes a password typed on one keyboard equal to the same one typed on another.
//
// Threads: pure function.
#pragma once

#include <string>
#include <string_view>

namespace merganser::auth {

// As PostgreSQL's server and libpq do it: ASCII as it is; a password that is not UTF-8 or that SASLprep prohibits
// (control characters, code points unknown to Unicode 3.2) as it is too, so that any password works.
std::string saslprep(std::string_view password);

}  // namespace merganser::auth

// The names of client_encoding: only UTF-8 is spoken, and who asks for another hears why.
//
// Threads: a pure function.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace merganser::session {

// "UTF8" or "SQL_ASCII" for any spelling of them. SQL_ASCII asks for no conversion, which is what happens; texts have
// to be UTF-8 all the same. 0A000 for PostgreSQL's other encodings, 22023 for what is none.
Result<std::string> client_encoding_name(std::string_view asked);

}  // namespace merganser::session

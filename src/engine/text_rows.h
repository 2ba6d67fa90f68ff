// The rows of a query of our own as texts: for looks into the catalog, not for clients' data.
//
// Threads: those of the connection.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace merganser::engine {

class Connection;

// All columns have to be VARCHAR; NULL becomes an empty text.
Result<std::vector<std::vector<std::string>>> text_rows(Connection& connection, std::string_view sql);

}  // namespace merganser::engine

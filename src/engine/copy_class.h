// What a COPY statement is: see statement_class.h, whose allow list it passes as well.
//
// Threads: pure functions.
#pragma once

#include <string_view>
#include <vector>

#include "engine/sql_tokens.h"
#include "engine/statement_class.h"

namespace merganser::engine {

StatementClass classify_copy(std::string_view sql, const std::vector<Token>& tokens, const CatalogNames* names);

}  // namespace merganser::engine

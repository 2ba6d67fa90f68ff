// The table that COPY FROM fills, as the connection sees it.
//
// Threads: on the connection's thread; values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/connection.h"
#include "engine/copy_statement.h"

namespace merganser::engine {

struct CopyTarget {
  std::vector<Column> columns;
  std::vector<bool> generated;  // of each column
  bool foreign_keys = false;    // it refers to another table
};

// `table` as SQL text.
Result<CopyTarget> read_copy_target(Connection& connection, std::string_view database, const std::string& table);

// Those that the statement fills, in its order.
Result<std::vector<Column>> choose_copy_columns(const CopyTarget& target, const CopyStatement& copy);

}  // namespace merganser::engine

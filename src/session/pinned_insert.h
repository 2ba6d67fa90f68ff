// INSERT … VALUES … RETURNING, done again so that it gives what it gave: columns that it left to their defaults and
// returned (a number of a sequence, a time, a uuid) are given the values that the client has.
//
// Threads: pure functions over values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/result_set.h"

namespace merganser::session {

struct PinnedInsert {
  std::string sql;
  std::string table;                 // as the statement names it
  std::vector<std::string> columns;  // that were pinned, folded
};

// `kept` is the result's encoding (engine/result_codec.h). Nothing when the statement has another form, or returned no
// column that it left out; then it is done again as it is.
Result<std::optional<PinnedInsert>> pin_insert(std::string_view sql, std::string_view kept);

}  // namespace merganser::session

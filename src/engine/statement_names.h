// Names that the allow list (statement_class.cc) knows.
//
// Threads: constants.
#pragma once

#include <string_view>
#include <unordered_set>

namespace merganser::engine {

using NameSet = std::unordered_set<std::string_view>;

// What gives the time: a read that names it needs a snapshot begun after it arrived.
const NameSet& time_functions();
// PRAGMAs that only show something.
const NameSet& readable_pragmas();

}  // namespace merganser::engine

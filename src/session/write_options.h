// How clients say what they want of a write: the settings merganser.* and the comment /*+ key='value' … */ before a
// statement, which wins over them.
//
// Threads: free functions over values.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "coordinator/unit.h"
#include "coordinator/write_options.h"

namespace merganser::session {

// "merganser.priority" and its like, all lower case.
bool is_write_setting(std::string_view name);
// All of them with their defaults.
std::span<const std::pair<std::string_view, std::string_view>> write_settings();
// Those that hold for one write only.
bool is_single_use(std::string_view name);

// Checks the value of one setting (with or without "merganser.") and stores it; an empty one unsets. Returns how SHOW
// spells it.
Result<std::string> assign_write_hint(coordinator::WriteHints& hints, std::string_view name, const std::string& value);

// The hints in what stands before a statement: blanks, semicolons and comments. Null when there are none; comments that
// name none of ours belong to others and are passed over.
using HintsPtr = std::shared_ptr<const coordinator::WriteHints>;
Result<HintsPtr> parse_write_hints(std::string_view before);

// What holds for a unit of these statements: the session's settings, then their comments, which must agree.
Result<coordinator::WriteOptions> resolve_write_options(const coordinator::WriteHints& settings,
                                                        std::span<const coordinator::Statement> statements);

}  // namespace merganser::session

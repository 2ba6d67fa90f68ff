// What a statement asks of its session and no connection of the engine knows: who it is, and what is set.
//
// The answers are put into the text as literals when the statement is executed, so that sessions can share connections.
// Text that is kept in the file (views, macros, defaults) never gets any. Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "coordinator/unit.h"
#include "session/variables.h"

namespace merganser::session {

struct SessionFacts {
  const std::string& user;
  uint64_t backend;  // the number in BackendKeyData
  const Variables& variables;
};

// Nothing when the text asks for none of these.
std::optional<std::string> fill_facts(std::string_view sql, const SessionFacts& facts);

// The same for a statement on its way to execution. It then shares no plan with others that differ in their facts.
void fill_facts(coordinator::Statement& statement, const SessionFacts& facts);

}  // namespace merganser::session

// What in a file is kept by its owner: the table merganser.idempotency_keys. Clients read it; a statement that would
// write, change or drop it is refused before the engine sees it.
//
// Threads: pure functions.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "engine/sql_tokens.h"

namespace merganser::engine {

inline constexpr std::string_view kReservedSchema = "merganser";

// Why a statement of these tokens is refused; nullopt for nearly all.
std::optional<Error> refuse_reserved(const std::vector<Token>& tokens);

// Whether a search path ("a, t.b") would find reserved names without their schema: it may not.
bool path_has_reserved_schema(std::string_view search_path);

}  // namespace merganser::engine

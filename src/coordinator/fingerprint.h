// A digest of what a unit asks for: the same for the same request, another for every other.
//
// It covers the statements' tokens (so neither blanks nor comments, where hints stand), the values with their types,
// and the settings that change what a statement means; not the deadline, the priority or who asks. Stable across owners
// and versions: it is kept in files. Threads: pure functions.
#pragma once

#include <string>

#include "base/result.h"
#include "coordinator/unit.h"

namespace merganser::coordinator {

// 64 hexadecimal digits: SHA-256.
Result<std::string> fingerprint_of(const Unit& unit);

}  // namespace merganser::coordinator

// What an owner writes into the lock file it holds: who it is and which generation.
//
// The lock decides; the note is for people, for `stop --force` and for counting generations. Threads: free functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "os/process.h"

namespace merganser::owner {

struct LockNote {
  uint64_t generation = 0;
  os::ProcessIdentity process;
};

std::string lock_note_text(const LockNote& note);
// nullopt for an empty or foreign text.
std::optional<LockNote> parse_lock_note(const std::string& text);

}  // namespace merganser::owner

#include "owner/lock_note.h"

#include <sstream>

namespace merganser::owner {

std::string lock_note_text(const LockNote& note) {
  std::ostringstream text;
  text << "generation " << note.generation << "\npid " << note.process.pid << "\nstart_ticks "
       << note.process.start_ticks << "\nboot_id " << note.process.boot_id << "\n";
  return text.str();
}

std::optional<LockNote> parse_lock_note(const std::string& text) {
  std::istringstream in(text);
  LockNote note;
  std::string generation, pid, ticks, boot;
  in >> generation >> note.generation >> pid >> note.process.pid >> ticks >> note.process.start_ticks >> boot >>
      note.process.boot_id;
  const bool complete =
      !in.fail() && generation == "generation" && pid == "pid" && ticks == "start_ticks" && boot == "boot_id";
  return complete ? std::optional<LockNote>(note) : std::nullopt;
}

}  // namespace merganser::owner

// Understands the two texts by which DuckDB says that another process has the file, and says what to do.
//
// Threads: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace merganser::cli {

struct LockConflict {
  std::string file;
  std::string program;  // of the holder; may be empty
  long pid = 0;         // 0 when the text does not tell; -1 for a lock that belongs to no process (see OFD locks)
  bool same_process = false;
  bool windows = false;
  std::string user;  // of the holder, when the text tells
};

// Finds one of the texts anywhere in `text`, e.g. inside a Python traceback.
//   Could not set lock on file "F": Conflicting lock is held in PROGRAM (PID n) [by user U]. See also …
//   Could not set lock on file "F": Lock is already held in current process, likely another DuckDB instance
//   Cannot open file "F": The process cannot access the file because it is being used by another process.
//   File is already open in PROGRAM (PID n)
std::optional<LockConflict> parse_lock_conflict(std::string_view text);

// What happened and what to do, in a few lines.
std::string explain_lock_conflict(const LockConflict& conflict);

}  // namespace merganser::cli

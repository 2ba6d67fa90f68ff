// Who holds a lock on a file: for error messages and for `doctor`.
//
// Best effort, from /proc: locks of other users' processes show a pid but perhaps no name, and those of another
// container show neither. Threads: free functions, safe from any.
#pragma once

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "os/file.h"

namespace merganser::os {

enum class LockKind { kPosix, kOfd, kFlock };

struct LockHolder {
  pid_t pid = 0;     // 0: not visible from here
  std::string name;  // the process name; empty when it cannot be seen
  LockKind kind = LockKind::kPosix;
  bool write = true;
};

// "python3 (pid 4711)", "pid 4711", or "a process that cannot be seen from here".
std::string describe(const LockHolder& holder);

// Every lock on the file, this process's too. Opens nothing, so it cannot drop anybody's POSIX locks.
std::vector<LockHolder> find_lock_holders(FileId file);

// The first holder that is another process, or nullopt.
std::optional<LockHolder> find_lock_holder(const std::string& path);

// Another process's record lock (POSIX or OFD, as DuckDB takes them) on the file; nullopt when there is none or the
// file does not exist. Beside /proc it asks the kernel through F_OFD_GETLK, which sees what /proc hides. That opens
// and closes the file: POSIX locks which *this* process holds on it are gone afterwards.
std::optional<LockHolder> foreign_holder(const std::string& path);

}  // namespace merganser::os

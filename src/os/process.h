// Which process is which: pids are reused, so a pid counts only together with its start time and the boot.
//
// Threads: free functions, safe from any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>

#include "base/result.h"

namespace merganser::os {

struct ProcessIdentity {
  pid_t pid = 0;
  uint64_t start_ticks = 0;  // clock ticks after boot, from /proc/<pid>/stat
  std::string boot_id;
  bool operator==(const ProcessIdentity&) const = default;
};

ProcessIdentity this_process();
// Changes with every boot; empty when /proc is not there.
std::string boot_id();
// nullopt when there is no such process (a zombie still counts as there).
std::optional<uint64_t> process_start_ticks(pid_t pid);
// As `ps` shows it, up to 15 characters; empty when it cannot be seen.
std::string process_name(pid_t pid);
// True only if the very same process is still running (a zombie is not).
bool is_running(const ProcessIdentity& identity);
// SIGKILL for that very process and no other that got its pid since; 55000 when it is gone.
Status kill_process(const ProcessIdentity& identity);
// The user's name, or "uid 1000" when there is none.
std::string user_name(uid_t uid);
// The absolute path of the program that is running; empty when unknown.
std::string this_executable();
// Lets this process open as many files as the system's administrator allows it at all; how many that is.
size_t raise_descriptor_limit();

}  // namespace merganser::os

// `merganser status` and `merganser stop`: asking owners how they are, and asking one to leave.
//
// Threads: main's.
#pragma once

#include <string>

#include "base/clock.h"

namespace merganser::cli {

// One owner when `file` is given, else every owner of this user. Exit code 1 when the named file has no owner.
int status_command(const std::string& file, bool json);

// One look a second, until interrupted or `count` looks were made (0: no end): a line for people, or an object with
// "rates". Exit code 1 when the owner goes away.
int watch_command(const std::string& file, bool json, int64_t count);

// An owner's status object as lines for people; the text itself when it is not an object.
std::string status_text(const std::string& status_json);

struct StopOptions {
  std::string file;
  bool force = false;  // kills an owner that does not answer
  Duration timeout = std::chrono::seconds(30);
};
int stop_command(const StopOptions& options);

}  // namespace merganser::cli

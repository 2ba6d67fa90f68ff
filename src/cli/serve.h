// The `serve` command: owns one DuckDB file and answers its clients until told to leave.
//
// Threads: called once, from main's thread; returns when the owner has left. The result is the exit code.
#pragma once

#include <string>

#include "cli/settings.h"

namespace merganser::cli {

struct ServeOptions {
  Settings settings;
  std::string file;
  int startup_pipe_fd = -1;  // where progress, readiness or the error go; -1 when nobody listens
  bool foreground = true;    // false when a client started this owner: it leaves when idle
};

int serve_command(const ServeOptions& options);

}  // namespace merganser::cli

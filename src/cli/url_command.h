// `merganser url` and `merganser run`: the address of an owner for other programs.
//
// Threads: main's.
#pragma once

#include <string>
#include <vector>

#include "cli/owner_access.h"

namespace merganser::cli {

// Prints the URI; with `tcp` the owner's TCP address.
int url_command(const FileOptions& options, bool tcp);

// Becomes the program, with PGHOST, PGPORT, PGDATABASE, PGUSER and DATABASE_URL set. Returns only when that fails.
int run_command(const FileOptions& options, const std::vector<std::string>& program);

}  // namespace merganser::cli

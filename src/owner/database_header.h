// The first bytes of a DuckDB file: enough to refuse, in plain words, what the engine could not open.
//
// Threads: free functions. Reading opens and closes the file, which drops POSIX locks that this process has on it:
// call it before the engine opens the file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace merganser::owner {

// What libduckdb 1.5 reads (VERSION_NUMBER_LOWER and _UPPER in its src/storage/storage_info.cpp).
constexpr uint64_t kOldestStorageVersion = 64;
constexpr uint64_t kNewestStorageVersion = 68;

struct DatabaseHeader {
  bool empty = false;  // no file yet, or one without a byte: DuckDB will make a new database of it
  uint64_t storage_version = 0;
  bool encrypted = false;
  std::string written_by;  // the version of the library that made the file, e.g. "v1.5.5"; may be empty
};

// XX001 when it is not a DuckDB file, 0A000 when its storage version is newer or older than what can be read.
Result<DatabaseHeader> read_database_header(const std::string& path);

// The same for the first bytes of a file, whose name is for messages.
Result<DatabaseHeader> parse_database_header(std::string_view bytes, const std::string& path);

}  // namespace merganser::owner

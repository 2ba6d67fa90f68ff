// `merganser doctor FILE --quarantine-wal`: moves a write-ahead log that cannot be replayed out of the way, so that the
// file opens with what its last checkpoint held. Never by itself, never deleting, and never a log that can be replayed.
//
// Threads: main's.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace merganser::cli {

struct Quarantined {
  std::vector<std::string> moved;  // where the logs are now
};

// 55006 while somebody has the file open, 55000 when there is no log or it can be replayed, XX001 when the file cannot
// be opened without its log either; the logs are where they were after every error.
Result<Quarantined> quarantine_wal(const std::string& file);

int quarantine_command(const std::string& file);

}  // namespace merganser::cli

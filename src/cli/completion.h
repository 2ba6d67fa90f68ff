// What the prompt offers for the word at the cursor: SQL keywords, tables and columns.
//
// Threads: one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/client_connection.h"

namespace merganser::cli {

class Completion {
 public:
  // Sorted candidates that begin with `word`, whatever its case. Keywords follow the case of what was typed.
  std::vector<std::string> candidates(std::string_view word) const;
  bool stale() const { return stale_; }
  void mark_stale() { stale_ = true; }
  // Reads the names of tables and columns; on any error it goes on without them.
  void refresh(ClientConnection& connection);
  void set_names(std::vector<std::string> names);

 private:
  std::vector<std::string> names_;  // sorted, without repeats
  bool stale_ = true;
};

}  // namespace merganser::cli

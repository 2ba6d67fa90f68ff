// One statement that calls functions which act on sessions, while it runs.
//
// Threads: CollectedRows on a worker until its statement has ended, then all on the sessions' thread.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/session_calls.h"
#include "session/row_sink.h"
#include "session/session.h"

namespace merganser::session {

// Keeps rows as texts.
class CollectedRows final : public RowSink {
 public:
  using Row = std::vector<std::optional<std::string>>;
  Status begin(const engine::Columns& columns, std::string& out) override;
  Status rows(const engine::Chunk& chunk, size_t first, size_t count, std::string& out) override;

  const engine::Columns& columns() const { return columns_; }
  const std::vector<Row>& rows() const { return rows_; }

 private:
  engine::Columns columns_;
  std::vector<Row> rows_;
};

// A statement on its way: row by row, item by item.
struct CallRun {
  RunRequest request;
  engine::SessionCalls calls;
  std::shared_ptr<CollectedRows> rows;
  size_t row = 0;
  size_t item = 0;
  size_t column = 0;   // of the rows that were read
  bool waits = false;  // for a lock, or for SET
  bool in_call = false;
  std::optional<Error> set_error;
  std::vector<CollectedRows::Row> results;

  // Columns that an item passes through: the star has what the others leave.
  size_t width_of(size_t index) const {
    if (calls.star != index) return 1;
    size_t others = 0;
    for (size_t i = 0; i < calls.items.size(); i++) {
      if (i != index) others += calls.items[i] ? std::max<size_t>(1, calls.items[i]->arguments) : 1;
    }
    return rows->columns()->size() - others;
  }
};

}  // namespace merganser::session

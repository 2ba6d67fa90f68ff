// A cursor: DECLARE's query on its way, and where the client is in it.
//
// Forward only, unless it was declared with SCROLL: then all its rows go to temporary storage first. WITH HOLD they go
// there at the commit. Threads: the sessions' thread; the sink on a worker while rows are made. Lifetime: the
// session's.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/session_command.h"
#include "session/query.h"

namespace merganser::session {

// Hands rows to whoever fetches now: each FETCH may want another format.
class CursorSink final : public RowSink {
 public:
  explicit CursorSink(std::shared_ptr<RowSink> first, std::string format)
      : target_(std::move(first)), format_(std::move(format)) {}
  Status begin(const engine::Columns& columns, std::string& out) override;
  Status rows(const engine::Chunk& chunk, size_t first, size_t count, std::string& out) override {
    return target_->rows(chunk, first, count, out);
  }
  // Before rows are asked for. What is in temporary storage has the format that it went there with: 0A000 for another.
  Status retarget(std::shared_ptr<RowSink> target, const std::string& format, bool stored);
  const engine::Columns& columns() const { return columns_; }

 private:
  std::shared_ptr<RowSink> target_;
  std::string format_;
  engine::Columns columns_;
};

struct Cursor {
  std::string name;
  std::string statement;  // DECLARE as it came
  bool hold = false;
  bool binary = false;
  bool scroll = false;
  bool held = false;      // its transaction has committed
  size_t savepoints = 0;  // open when it was declared
  std::chrono::system_clock::time_point created_at;
  std::shared_ptr<Query> query;  // null: it had no rows to begin with
  std::shared_ptr<CursorSink> sink;
  uint64_t position = 0;  // of the current row, from 1; 0 before the first, one more than there are after the last
  uint64_t given = 0;     // rows that the query has counted
};

// Where a FETCH goes on a cursor whose rows are all there.
struct FetchPlan {
  uint64_t first = 0;  // row to begin with, from 1
  uint64_t rows = 0;
  bool backward = false;
  uint64_t position = 0;  // afterwards
};
FetchPlan plan_fetch(const engine::SessionCommand& command, uint64_t position, uint64_t rows);

// On one that goes forward only: how many rows to pass over, how many to give; an error when it would go back.
struct ForwardPlan {
  uint64_t skip = 0;
  uint64_t rows = 0;  // UINT64_MAX: all
};
Result<ForwardPlan> plan_forward(const engine::SessionCommand& command, uint64_t position);

}  // namespace merganser::session

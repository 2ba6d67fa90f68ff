// What a transaction has done so far, so that ROLLBACK TO SAVEPOINT can do it again: DuckDB has no savepoints.
//
// A log is bounded in statements and bytes, and all logs together in bytes. One that would pass a limit forgets
// everything and says so: the transaction goes on, only ROLLBACK TO is refused. Threads: one at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "coordinator/unit.h"
#include "session/row_sink.h"

namespace merganser::session {

struct LoggedStatement {
  coordinator::Statement statement;
  engine::SettingsPtr settings;
  std::shared_ptr<RowSink> sink;  // encodes its rows as the first time, for the digest
  uint64_t count = 0;             // rows given or changed
  uint64_t digest = 0;            // of the rows, whatever their order
  std::string returned;           // rows of RETURNING, encoded by the engine; empty: none, or too many
  bool comparable = true;         // false: its sink cannot tell (COPY)
  bool complete = true;           // false: likewise, or the client took only some of the rows
};

// Whether doing it again changes what later statements see.
bool changes_state(const coordinator::Statement& statement);

// What the logs of all sessions may use.
struct ReplaySpace {
  size_t statements = 10000;  // of one transaction
  size_t bytes = size_t{16} << 20;
  size_t total_bytes = size_t{256} << 20;
  std::atomic<size_t> used = 0;
};

class ReplayLog {
 public:
  ReplayLog() = default;
  ~ReplayLog() { release(); }
  ReplayLog(ReplayLog&& other) noexcept;
  ReplayLog& operator=(ReplayLog&& other) noexcept;

  void add(LoggedStatement statement, ReplaySpace& space);
  // Something happened that no text repeats (COPY): what it was.
  void give_up(std::string why);
  // Back to its first `count` statements.
  void truncate(size_t count);

  const std::vector<LoggedStatement>& statements() const { return statements_; }
  // Of those from `first` on, any that changed something.
  bool changed_since(size_t first) const;
  // Why it cannot be repeated; empty: it can.
  const std::string& incomplete() const { return incomplete_; }

 private:
  void release();

  std::vector<LoggedStatement> statements_;
  std::vector<size_t> sizes_;
  size_t bytes_ = 0;
  std::string incomplete_;
  ReplaySpace* space_ = nullptr;
};

}  // namespace merganser::session

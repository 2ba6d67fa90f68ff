// A DuckDB file opened the plain way, as any program with libduckdb does: no guard, no owner, DuckDB's own lock.
//
// For `merganser probe` (today's way, shown failing) and for checks of a file that no owner has open.
// Threads: one at a time. Lifetime: move-only; closes the database.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace merganser::engine {

class PlainDatabase {
 public:
  using Row = std::vector<std::optional<std::string>>;  // a NULL is nothing; everything else is DuckDB's text

  // Opens for reading and writing; makes the file when it is missing. The error's message is DuckDB's own text, e.g.
  // the one that names the holder of the lock.
  static Result<PlainDatabase> open(const std::string& path);
  // Replays the log in memory alone; changes nothing.
  static Result<PlainDatabase> open_read_only(const std::string& path);
  ~PlainDatabase();
  PlainDatabase(PlainDatabase&&) noexcept;
  PlainDatabase& operator=(PlainDatabase&&) noexcept;

  // Runs one or more statements; the rows are those of the last.
  Result<std::vector<Row>> run(const std::string& sql);

 private:
  struct Handles;
  static Result<PlainDatabase> open_with(const std::string& path, void* config);
  explicit PlainDatabase(std::unique_ptr<Handles> handles);
  std::unique_ptr<Handles> handles_;
};

// "v1.5.5", without opening anything.
std::string duckdb_version();

}  // namespace merganser::engine

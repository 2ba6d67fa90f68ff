// A table of our own that has no rows in the file: a function in DuckDB's system catalog, fed by a callback with what
// holds at the moment of reading. No snapshot covers it, no plan keeps it.
//
// Threads: rows() is called by whichever thread executes the statement that reads it; it must not wait for one of
// these. Lifetime: what rows() uses outlives the last statement on the database.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"

namespace merganser::engine {

class Database;

enum class LiveType : uint8_t { kText, kInteger, kReal, kBoolean, kTime };  // kTime: microseconds since 1970, UTC

struct LiveColumn {
  std::string name;
  LiveType type = LiveType::kText;
};

// NULL, or a value of its column's type.
using LiveValue = std::variant<std::monostate, std::string, int64_t, double, bool>;
using LiveRows = std::vector<std::vector<LiveValue>>;

struct LiveTable {
  std::string name;  // of live_names.h
  std::vector<LiveColumn> columns;
  std::function<Result<LiveRows>()> rows;
};

// Makes system.main.merganser_<name>(). Before the first client comes.
Status add_live_table(Database& database, LiveTable table);

}  // namespace merganser::engine

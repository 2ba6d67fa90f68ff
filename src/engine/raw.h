// The C API of DuckDB for this room's .cc files: never include it from a header that other rooms see.
#pragma once

#include <duckdb.h>
#include <memory>
#include <string>

namespace merganser::engine {

// Values of enumerations that are newer than the C header we build with (raw_test.cc proves them).
inline constexpr int kStatementMergeInto = 30;

struct FreeDuckdb {
  void operator()(void* pointer) const { duckdb_free(pointer); }
};
using DuckdbString = std::unique_ptr<char, FreeDuckdb>;

}  // namespace merganser::engine

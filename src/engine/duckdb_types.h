// From DuckDB's logical types to ours. Takes void* so that only .cc files of this room include duckdb.h.
//
// Threads: pure functions. The duckdb_logical_type stays the caller's.
#pragma once

#include "engine/types.h"

namespace merganser::engine {

// Never null: a type that nobody here knows becomes one with id kInvalid.
TypePtr type_from_duckdb(void* duckdb_logical_type);

}  // namespace merganser::engine

// Binds our Value to a parameter of DuckDB's prepared statement. This room only.
#pragma once

#include "base/result.h"
#include "engine/raw.h"
#include "engine/value.h"

namespace merganser::engine {

// `index` counts from 1.
Status bind_value(duckdb_prepared_statement statement, size_t index, const Value& value);

}  // namespace merganser::engine

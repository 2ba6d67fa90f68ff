// Types for the parameters that DuckDB leaves open, as PostgreSQL would infer them (dialect/parameter_hints.h).
//
// Threads: a worker that holds the connection.
#pragma once

#include "engine/connection.h"
#include "engine/type_probe.h"
#include "session/description.h"

namespace merganser::session {

// What DuckDB knows of a prepared statement.
void note_description(const engine::Prepared& prepared, Description& description);

// Fills in what is open in the description. Where nothing can be found out, it stays as it is.
void infer_parameters(engine::Connection& connection, engine::TypeProbe& probe, Description& description);

}  // namespace merganser::session

// Optimistic versions: a change that names a version and met no row is told why.
//
// UPDATE t SET …, version = version + 1 WHERE id = $1 AND version = $2 changes no row both when another was faster and
// when the row is gone. With merganser.version_column set, the first fails with 55M02 and the version that is there,
// the second with 55M03. Looked up in the transaction of the change, so that the answer belongs to it. Threads: the
// writer's.
#pragma once

#include <optional>

#include "coordinator/unit.h"
#include "engine/connection.h"

namespace merganser::coordinator {

// What to answer for the unit's first change that met no row; nullopt when there is none, or none that names a version.
// Inside the transaction in which they ran.
Result<std::optional<Error>> missed_version(engine::Connection& connection, const Unit& unit);

}  // namespace merganser::coordinator

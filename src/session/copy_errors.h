// Errors of COPY FROM, with the line of the client's data that they are about.
//
// Threads: pure functions.
#pragma once

#include <optional>
#include <vector>

#include "coordinator/write_options.h"
#include "engine/result_set.h"
#include "session/row_source.h"

namespace merganser::session {

// An error of DuckDB's while it stored these blocks: where the row can be told, its line is added.
Error locate_copy_error(Error error, const std::vector<engine::Column>& columns, const std::vector<RowBlock>& blocks,
                        const RowSource& source);

// Keys are for writes that the queue knows as one unit.
std::optional<Error> refuse_copy_keys(const coordinator::WriteOptions& options);

// DuckDB's word for what is no table, as PostgreSQL's.
Error explain_copy_target(Error error, const std::string& name);

Error copy_too_old();

}  // namespace merganser::session

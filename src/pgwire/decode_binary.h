// Single values in the binary format of PostgreSQL's receive functions.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "engine/types.h"
#include "engine/value.h"

namespace merganser::pgwire {

// A value of a scalar type. bit and varbit give a VARCHAR of zeros and ones. 22P03 for bytes of another form, 22008 and
// 22003 for what DuckDB cannot hold, 42704 for an oid that nothing here knows, 0A000 for one without a binary form.
Result<engine::Value> read_binary(int32_t type_oid, std::string_view bytes);

}  // namespace merganser::pgwire

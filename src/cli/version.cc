#include "cli/version.h"

#include <fmt/format.h>

#include "engine/plain.h"
#include "owner/endpoint.h"

namespace merganser::cli {

std::string version_text() {
  return fmt::format("merganser {} (DuckDB {})", owner::kVersion, engine::duckdb_version());
}

}  // namespace merganser::cli

#include "cli/version.h"

#include <fmt/format.h>

#include "engine/plain.h"
#include "owner/endpoint.h"

namespace merganser::cli {

std::string version_number() {
  return owner::kVersion;
}

std::string version_text() {
  return fmt::format("merganser {} (DuckDB {})", version_number(), engine::duckdb_version());
}

}  // namespace merganser::cli

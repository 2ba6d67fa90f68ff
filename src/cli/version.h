// The program's version and that of the DuckDB library it runs with.
#pragma once

#include <string>

namespace merganser::cli {

std::string version_number();  // "0.1.0"
std::string version_text();    // "merganser 0.1.0 (DuckDB v1.5.5)"

}  // namespace merganser::cli

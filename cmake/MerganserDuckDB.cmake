# libduckdb and its C header come from npm, pinned by deps/package-lock.json (`./run build` fetches them).
# deps/package.json is the one place where the DuckDB version stands.
file(READ "${CMAKE_SOURCE_DIR}/deps/package.json" deps_json)
string(JSON MERGANSER_DUCKDB_PACKAGE_VERSION GET "${deps_json}" dependencies "@duckdb/node-bindings-linux-x64")
string(REGEX MATCH "^[0-9]+\\.[0-9]+\\.[0-9]+" MERGANSER_DUCKDB_VERSION "${MERGANSER_DUCKDB_PACKAGE_VERSION}")

set(duckdb_modules "${CMAKE_SOURCE_DIR}/deps/node_modules")
set(duckdb_library "${duckdb_modules}/@duckdb/node-bindings-linux-x64/libduckdb.so")
set(duckdb_include "${duckdb_modules}/duckdb/src/duckdb/src/include")
if(NOT EXISTS "${duckdb_library}" OR NOT EXISTS "${duckdb_include}/duckdb.h")
  message(FATAL_ERROR "libduckdb is not there yet: run ./run build, which installs it from npm")
endif()
# A folder with duckdb.h alone, so that no C++ header of DuckDB can be included by accident.
configure_file("${duckdb_include}/duckdb.h" "${CMAKE_BINARY_DIR}/duckdb-include/duckdb.h" COPYONLY)

add_library(duckdb::duckdb SHARED IMPORTED GLOBAL)
set_target_properties(duckdb::duckdb PROPERTIES
  IMPORTED_LOCATION "${duckdb_library}"
  IMPORTED_NO_SONAME FALSE
  INTERFACE_INCLUDE_DIRECTORIES "${CMAKE_BINARY_DIR}/duckdb-include")

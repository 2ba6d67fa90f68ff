// What decides whether writes to a table may run together: its columns, keys and constraints.
//
// Read from DuckDB's catalog functions; valid until the next change of the catalog. Threads: a value;
// read_table_facts() on the connection's thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/connection.h"
#include "engine/types.h"

namespace merganser::engine {

struct TableColumn {
  std::string name;  // as it was created
  TypePtr type;
};

struct TableFacts {
  std::string schema;
  std::string name;
  std::vector<TableColumn> columns;              // in order, generated ones too
  std::vector<std::vector<size_t>> unique_keys;  // primary key, UNIQUE and unique indexes: indexes of columns
  bool unclear_index = false;                    // a unique index over expressions
  bool generated_columns = false;
  bool defaults = false;      // some column has one
  bool sequences = false;     // that draws from a sequence
  bool collations = false;    // some column compares by one
  bool foreign_keys = false;  // it has some, or another table refers to it
  uint64_t estimated_rows = 0;

  // By name, case-insensitive as DuckDB's.
  std::optional<size_t> find(std::string_view folded_name) const;
  std::string sql_name(std::string_view database) const;
};

// nullopt: there is no such table (a view is none).
Result<std::optional<TableFacts>> read_table_facts(Connection& connection, std::string_view database,
                                                   std::string_view schema, std::string_view table);

}  // namespace merganser::engine

// A table made anew with another definition, within the open transaction: what ALTER TABLE does where DuckDB cannot
// alter in place, because indexes, constraints or other tables depend on the table.
//
// Its rows, and those of the tables that refer to it, are copied; so it takes the time of that. Indexes, comments and
// the order of columns stay. Threads: those of the connection.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/script.h"
#include "engine/table_shape.h"

namespace merganser::engine {

class Connection;

// A table that is there, as the catalog spells it.
struct FoundTable {
  std::string database;
  std::string schema;
  std::string name;
  std::string sql;
  std::string qualified(std::string_view other_name = {}) const;
};

// By the search path, or in its schema. Nothing when there is none.
Result<std::optional<FoundTable>> find_table(Connection& connection, const ObjectName& name);
// The tables whose foreign keys refer to it, itself left out.
Result<std::vector<FoundTable>> tables_referring_to(Connection& connection, const FoundTable& table);
// Sequences that its columns take their defaults from and that are named after them: <table>_<column>_seq.
Result<std::vector<std::string>> owned_sequences(Connection& connection, const FoundTable& table);

// One change, in place where DuckDB can do that.
Status change_table(Connection& connection, const FoundTable& table, const TableChange& change);
// Empties tables: all that refer to one of them are among them.
Status empty_tables(Connection& connection, const std::vector<FoundTable>& tables);
// The tables that refer to it forget their foreign keys: what DROP TABLE … CASCADE asks for.
Status drop_references_to(Connection& connection, const FoundTable& table);

}  // namespace merganser::engine

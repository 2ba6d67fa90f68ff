// A client's statement that DuckDB can only do in several steps, some of which depend on what the catalog holds: DROP
// TABLE with the sequences that the table owns, ALTER TABLE where DuckDB lets nothing depend on the table, TRUNCATE of
// several tables.
//
// Made by the dialect from the client's text; run by Prepared::execute() within the statement's transaction. Threads:
// immutable once made.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/table_shape.h"

namespace merganser::engine {

// A name as the client wrote it, without quotes; an empty schema is that of the search path.
struct ObjectName {
  std::string schema;
  std::string name;
  std::string sql() const;
};

struct ScriptStep {
  enum class Kind : uint8_t {
    kSql,              // `sql`, which may fail: then the whole statement does
    kChangeTable,      // `changes` on the first of `names`
    kDropTables,       // `names`, and the sequences they own
    kTruncate,         // `names`
    kRestartSequence,  // the first of `names` goes on with `restart_at`, or from its start
  };
  Kind kind = Kind::kSql;
  std::string sql;
  std::vector<ObjectName> names;
  std::vector<TableChange> changes;
  std::string restart_at;          // kRestartSequence
  bool if_exists = false;          // kChangeTable, kDropTables
  bool cascade = false;            // kDropTables, kTruncate: tables that refer to them lose that, or are emptied too
  bool restart_sequences = false;  // kTruncate
};

struct Script {
  std::vector<ScriptStep> steps;
};
using ScriptPtr = std::shared_ptr<const Script>;

class Connection;

// Within a transaction, or each step by itself. An error leaves it to the transaction's end to undo what was done.
Status run_script(Connection& connection, const Script& script);

}  // namespace merganser::engine

#include "engine/script.h"

#include "engine/connection.h"
#include "engine/reserved_names.h"
#include "engine/sql_tokens.h"
#include "engine/table_rebuild.h"
#include "engine/text_rows.h"

namespace merganser::engine {
namespace {

Error no_table(const ObjectName& name) {
  return make_error(ErrorCode::kUndefinedTable, "table \"" + name.name + "\" does not exist");
}

// The table that the owner keeps for itself (reserved_names.h).
Status check_reserved(const FoundTable& table) {
  if (folded_name(quote_name(table.schema)) != kReservedSchema) return {};
  if (folded_name(quote_name(table.name)) != "idempotency_keys") return {};
  return make_error(ErrorCode::kInsufficientPrivilege,
                    "the table merganser.idempotency_keys is not for clients to change");
}

Result<std::vector<FoundTable>> find_all(Connection& connection, const ScriptStep& step) {
  std::vector<FoundTable> found;
  for (const ObjectName& name : step.names) {
    MERGANSER_ASSIGN(auto table, find_table(connection, name));
    if (!table && !step.if_exists) return no_table(name);
    if (!table) continue;
    MERGANSER_TRY(check_reserved(*table));
    found.push_back(*std::move(table));
  }
  return found;
}

bool contains(const std::vector<FoundTable>& tables, const FoundTable& table) {
  for (const FoundTable& other : tables) {
    if (other.database == table.database && other.schema == table.schema && other.name == table.name) return true;
  }
  return false;
}

Status change_tables(Connection& connection, const ScriptStep& step) {
  ObjectName name = step.names.front();
  for (const TableChange& change : step.changes) {
    // Anew each time: the change before may have made it another table.
    MERGANSER_ASSIGN(const auto table, find_table(connection, name));
    if (!table) {
      if (step.if_exists) return {};
      return make_error(ErrorCode::kUndefinedTable, "relation \"" + name.name + "\" does not exist");
    }
    MERGANSER_TRY(check_reserved(*table));
    MERGANSER_TRY(change_table(connection, *table, change));
    if (change.kind == TableChange::Kind::kRenameTable) name.name = change.new_name;
  }
  return {};
}

// Those that refer to others go first. What other tables refer to stays, unless CASCADE takes the reference away.
Status drop_tables(Connection& connection, const ScriptStep& step) {
  MERGANSER_ASSIGN(auto tables, find_all(connection, step));
  while (!tables.empty()) {
    bool dropped = false;
    for (size_t i = 0; i < tables.size() && !dropped; i++) {
      MERGANSER_ASSIGN(const auto others, tables_referring_to(connection, tables[i]));
      bool among_them = false;
      bool beyond = false;
      for (const FoundTable& other : others) (contains(tables, other) ? among_them : beyond) = true;
      if (among_them) continue;
      if (beyond && !step.cascade) {
        return make_error(ErrorCode::kDependentObjects,
                          "cannot drop table " + tables[i].name + " because other objects depend on it",
                          "The foreign keys of table " + others.front().name + " refer to it.",
                          "Use DROP … CASCADE to drop the dependent objects too.");
      }
      if (beyond) MERGANSER_TRY(drop_references_to(connection, tables[i]));
      MERGANSER_ASSIGN(const auto sequences, owned_sequences(connection, tables[i]));
      MERGANSER_TRY(connection.execute("DROP TABLE " + tables[i].qualified()));
      for (const std::string& sequence : sequences)
        MERGANSER_TRY(connection.execute("DROP SEQUENCE IF EXISTS " + sequence));
      tables.erase(tables.begin() + static_cast<std::ptrdiff_t>(i));
      dropped = true;
    }
    if (!dropped) {
      return make_error(ErrorCode::kDependentObjects, "cannot drop tables that refer to each other in a circle");
    }
  }
  return {};
}

Status restart(Connection& connection, const std::string& sequence, const std::string& at) {
  const auto parts = tokenize(sequence);
  if (parts.empty()) return make_error(ErrorCode::kUndefinedObject, "a sequence has to have a name");
  const std::string name = folded_name(parts.back());
  const std::string schema = parts.size() >= 3 ? folded_name(parts[parts.size() - 3]) : std::string();
  const std::string in_schema =
      schema.empty() ? "schema_name IN (current_schema(), 'main')" : "lower(schema_name) = " + quote_literal(schema);
  MERGANSER_ASSIGN(
      const auto rows,
      text_rows(connection,
                "SELECT schema_name, sequence_name, start_value::VARCHAR, min_value::VARCHAR, max_value::VARCHAR, "
                "increment_by::VARCHAR, cycle::VARCHAR, database_name FROM system.main.duckdb_sequences() WHERE "
                "database_name = current_database() AND " +
                    in_schema + " AND lower(sequence_name) = " + quote_literal(name)));
  if (rows.empty()) return make_error(ErrorCode::kUndefinedTable, "relation \"" + name + "\" does not exist");
  const auto& row = rows.front();
  const std::string qualified = quote_name(row[7]) + "." + quote_name(row[0]) + "." + quote_name(row[1]);
  // DuckDB has no way to set a sequence, and replaces none that a default uses: the defaults go aside meanwhile.
  MERGANSER_ASSIGN(const auto columns,
                   text_rows(connection,
                             "SELECT database_name, schema_name, table_name, column_name, column_default "
                             "FROM system.main.duckdb_columns() WHERE database_name = current_database() "
                             "AND column_default LIKE '%nextval(%'"));
  std::vector<std::vector<std::string>> users;
  for (const auto& column : columns) {
    for (const Token& token : tokenize(column[4])) {
      if (token.kind != TokenKind::kString) continue;
      const std::string written = unquoted_string(token);
      const auto named = tokenize(written);
      if (!named.empty() && folded_name(named.back()) == name) users.push_back(column);
    }
  }
  const auto alter = [&](const std::vector<std::string>& column, const std::string& what) {
    return connection.execute("ALTER TABLE " + quote_name(column[0]) + "." + quote_name(column[1]) + "." +
                              quote_name(column[2]) + " ALTER COLUMN " + quote_name(column[3]) + what);
  };
  for (const auto& column : users) MERGANSER_TRY(alter(column, " DROP DEFAULT"));
  MERGANSER_TRY(connection.execute("DROP SEQUENCE " + qualified));
  MERGANSER_TRY(connection.execute("CREATE SEQUENCE " + qualified + " INCREMENT BY " + row[5] + " MINVALUE " + row[3] +
                                   " MAXVALUE " + row[4] + " START " + (at.empty() ? row[2] : at) +
                                   (row[6] == "true" ? " CYCLE" : " NO CYCLE")));
  for (const auto& column : users) MERGANSER_TRY(alter(column, " SET DEFAULT " + column[4]));
  return {};
}

Status truncate(Connection& connection, const ScriptStep& step) {
  MERGANSER_ASSIGN(auto tables, find_all(connection, step));
  for (size_t i = 0; i < tables.size(); i++) {
    MERGANSER_ASSIGN(const auto others, tables_referring_to(connection, tables[i]));
    for (const FoundTable& other : others) {
      if (contains(tables, other)) continue;
      if (!step.cascade) {
        return make_error(ErrorCode::kFeatureNotSupported,
                          "cannot truncate a table referenced in a foreign key constraint",
                          "Table \"" + other.name + "\" references \"" + tables[i].name + "\".",
                          "Truncate table \"" + other.name + "\" at the same time, or use TRUNCATE ... CASCADE.");
      }
      tables.push_back(other);
    }
  }
  MERGANSER_TRY(empty_tables(connection, tables));
  if (!step.restart_sequences) return {};
  for (const FoundTable& table : tables) {
    MERGANSER_ASSIGN(const auto sequences, owned_sequences(connection, table));
    for (const std::string& sequence : sequences) MERGANSER_TRY(restart(connection, sequence, {}));
  }
  return {};
}

Status run_step(Connection& connection, const ScriptStep& step) {
  switch (step.kind) {
    case ScriptStep::Kind::kSql:
      return connection.execute(step.sql, Origin::kClient);
    case ScriptStep::Kind::kChangeTable:
      return change_tables(connection, step);
    case ScriptStep::Kind::kDropTables:
      return drop_tables(connection, step);
    case ScriptStep::Kind::kTruncate:
      return truncate(connection, step);
    case ScriptStep::Kind::kRestartSequence:
      return restart(connection, step.names.front().sql(), step.restart_at);
  }
  return {};
}

}  // namespace

std::string ObjectName::sql() const {
  return schema.empty() ? quote_name(name) : quote_name(schema) + "." + quote_name(name);
}

Status run_script(Connection& connection, const Script& script) {
  for (const ScriptStep& step : script.steps) {
    Status status = run_step(connection, step);
    if (status.ok()) continue;
    // Positions in texts of ours mean nothing to a client.
    Error error = status.error();
    error.position = 0;
    return error;
  }
  return {};
}

}  // namespace merganser::engine

#include "engine/table_rebuild.h"

#include <algorithm>

#include "engine/connection.h"
#include "engine/sql_tokens.h"
#include "engine/text_rows.h"

namespace merganser::engine {
namespace {

using Kind = TableChange::Kind;

bool same_table(const FoundTable& a, const FoundTable& b) {
  return a.database == b.database && a.schema == b.schema && a.name == b.name;
}

std::string where_is(const FoundTable& table) {
  return " WHERE database_name = " + quote_literal(table.database) +
         " AND schema_name = " + quote_literal(table.schema) + " AND table_name = " + quote_literal(table.name);
}

struct Index {
  std::string name;
  std::string sql;
  std::string comment;
};

// One table on its way: what it was, what it becomes.
struct Remade {
  FoundTable table;
  TableShape shape;
  std::string name;    // it will have
  std::string copy;    // where its rows wait
  bool empty = false;  // they are not wanted any more
  std::string target;  // columns of INSERT
  std::string source;  // and what fills them
  std::vector<Index> indexes;
  std::string comment;
  std::vector<std::pair<std::string, std::string>> column_comments;
};

class Rebuild {
 public:
  explicit Rebuild(Connection& connection) : connection_(connection) {}

  Result<Remade*> add(const FoundTable& table) {
    for (const auto& known : tables_)
      if (same_table(known->table, table)) return known.get();
    if (tables_.size() >= kMaxTables) {
      return make_error(ErrorCode::kProgramLimitExceeded, "too many tables refer to each other to make them anew");
    }
    auto made = std::make_unique<Remade>();
    made->table = table;
    made->name = table.name;
    MERGANSER_ASSIGN(made->shape, TableShape::parse(table.sql));
    MERGANSER_TRY(read_extras(*made));
    tables_.push_back(std::move(made));
    return tables_.back().get();
  }

  // With all that refer to it, directly or through others: they have to go before it and come after it.
  Result<Remade*> add_with_dependents(const FoundTable& table) {
    MERGANSER_ASSIGN(Remade * first, add(table));
    for (size_t i = 0; i < tables_.size(); i++) {
      MERGANSER_ASSIGN(const auto others, tables_referring_to(connection_, tables_[i]->table));
      for (const FoundTable& other : others) MERGANSER_TRY(add(other));
    }
    return first;
  }

  std::vector<std::unique_ptr<Remade>>& tables() { return tables_; }

  Status run() {
    MERGANSER_TRY(sort());
    for (size_t i = 0; i < tables_.size(); i++) {
      Remade& made = *tables_[i];
      if (made.empty) continue;
      if (made.target.empty()) take_columns_over(made);
      made.copy = made.table.qualified("merganser_rebuild_" + std::to_string(i));
      MERGANSER_TRY(execute("CREATE TABLE " + made.copy + " AS SELECT * FROM " + made.table.qualified()));
    }
    for (size_t i = tables_.size(); i-- > 0;) MERGANSER_TRY(execute("DROP TABLE " + tables_[i]->table.qualified()));
    for (const auto& made : tables_) {
      const std::string name = made->table.qualified(made->name);
      MERGANSER_TRY(execute("CREATE TABLE " + name + made->shape.body()));
      if (!made->empty) {
        if (!made->target.empty()) {
          MERGANSER_TRY(execute("INSERT INTO " + name + " (" + made->target + ") SELECT " + made->source + " FROM " +
                                made->copy));
        }
        MERGANSER_TRY(execute("DROP TABLE " + made->copy));
      }
      MERGANSER_TRY(restore_extras(*made));
    }
    return {};
  }

 private:
  static constexpr size_t kMaxTables = 200;

  // Positions in texts of ours mean nothing to a client.
  Status execute(const std::string& sql) {
    Status status = connection_.execute(sql);
    if (status.ok()) return {};
    Error error = status.error();
    error.position = 0;
    return error;
  }

  Status read_extras(Remade& made) {
    const std::string where = where_is(made.table);
    MERGANSER_ASSIGN(const auto indexes, text_rows(connection_,
                                                   "SELECT index_name, sql, comment::VARCHAR FROM "
                                                   "system.main.duckdb_indexes()" +
                                                       where + " ORDER BY index_oid"));
    for (const auto& row : indexes) made.indexes.push_back({row[0], row[1], row[2]});
    MERGANSER_ASSIGN(const auto comments,
                     text_rows(connection_, "SELECT comment::VARCHAR FROM system.main.duckdb_tables()" + where));
    if (!comments.empty()) made.comment = comments[0][0];
    MERGANSER_ASSIGN(const auto columns,
                     text_rows(connection_, "SELECT column_name, comment::VARCHAR FROM system.main.duckdb_columns()" +
                                                where + " AND comment IS NOT NULL"));
    for (const auto& row : columns) made.column_comments.emplace_back(row[0], row[1]);
    return {};
  }

  static void take_columns_over(Remade& made) {
    for (const TableShape::Item& item : made.shape.items()) {
      if (item.column.empty() || item.generated) continue;
      made.target += (made.target.empty() ? "" : ", ") + quote_name(item.column);
    }
    made.source = made.target;
  }

  Status restore_extras(Remade& made) {
    const std::string name = made.table.qualified(made.name);
    for (const Index& index : made.indexes) {
      MERGANSER_TRY(execute(index.sql));
      if (index.comment.empty()) continue;
      MERGANSER_TRY(
          execute("COMMENT ON INDEX " + made.table.qualified(index.name) + " IS " + quote_literal(index.comment)));
    }
    if (!made.comment.empty())
      MERGANSER_TRY(execute("COMMENT ON TABLE " + name + " IS " + quote_literal(made.comment)));
    for (const auto& [column, comment] : made.column_comments) {
      if (!made.shape.has_column(column)) continue;
      MERGANSER_TRY(execute("COMMENT ON COLUMN " + name + "." + quote_name(column) + " IS " + quote_literal(comment)));
    }
    return {};
  }

  // Those that are referred to come first.
  Status sort() {
    std::vector<std::unique_ptr<Remade>> sorted;
    while (!tables_.empty()) {
      const auto ready = std::find_if(tables_.begin(), tables_.end(), [&](const auto& candidate) {
        return std::none_of(tables_.begin(), tables_.end(),
                            [&](const auto& other) { return other != candidate && refers_to(*candidate, *other); });
      });
      if (ready == tables_.end()) {
        return make_error(ErrorCode::kFeatureNotSupported, "foreign keys that form a circle are not supported",
                          "Table " + tables_.front()->name + " would refer to itself through others.");
      }
      sorted.push_back(std::move(*ready));
      tables_.erase(ready);
    }
    tables_ = std::move(sorted);
    return {};
  }

  static bool refers_to(const Remade& from, const Remade& to) {
    TableShape copy = from.shape;
    return copy.drop_references(to.name) > 0;
  }

  Connection& connection_;
  std::vector<std::unique_ptr<Remade>> tables_;
};

// The rows of a table whose definition has changed: which column gets what.
void map_columns(Remade& made, const TableShape& before, const TableChange& change) {
  const std::string changed = folded_name(quote_name(change.column));
  for (const TableShape::Item& item : before.items()) {
    if (item.column.empty() || item.generated) continue;
    std::string target = quote_name(item.column);
    std::string source = target;
    if (item.column == changed) {
      if (change.kind == Kind::kDropColumn) continue;
      if (change.kind == Kind::kRenameColumn) target = quote_name(change.new_name);
      if (change.kind == Kind::kSetType) {
        source = "CAST((" + (change.using_text.empty() ? source : change.using_text) + ") AS " + change.text + ")";
      }
    }
    made.target += (made.target.empty() ? "" : ", ") + target;
    made.source += (made.source.empty() ? "" : ", ") + source;
  }
}

// CREATE INDEX i ON t(a): the table's name, or a column's.
void rename_in_index(Index& index, const TableChange& change) {
  const auto tokens = tokenize(index.sql);
  for (size_t i = 0; i + 1 < tokens.size(); i++) {
    if (!tokens[i].is_word("on") || tokens[i].depth != 0) continue;
    size_t name = i + 1;
    while (name + 2 < tokens.size() && tokens[name + 1].is('.')) name += 2;
    const size_t end = tokens[name].offset + tokens[name].text.size();
    if (change.kind == Kind::kRenameTable) {
      index.sql = index.sql.substr(0, tokens[name].offset) + quote_name(change.new_name) + index.sql.substr(end);
    } else {
      index.sql =
          index.sql.substr(0, end) + with_name_replaced(std::string_view(index.sql).substr(end),
                                                        folded_name(quote_name(change.column)), change.new_name);
    }
    return;
  }
}

bool index_covers(const Index& index, std::string_view column) {
  const auto tokens = tokenize(index.sql);
  for (const Token& token : tokens) {
    if (token.is('(')) return mentions_name(std::string_view(index.sql).substr(token.offset), column);
  }
  return false;
}

Status rebuild_with(Connection& connection, const FoundTable& table, const TableChange& change) {
  Rebuild rebuild(connection);
  MERGANSER_ASSIGN(Remade * made, rebuild.add_with_dependents(table));
  const TableShape before = made->shape;
  MERGANSER_TRY(made->shape.apply(change, table.name));
  map_columns(*made, before, change);
  const std::string column = folded_name(quote_name(change.column));
  if (change.kind == Kind::kDropColumn) {
    std::erase_if(made->indexes, [&](const Index& index) { return index_covers(index, column); });
  }
  if (change.kind == Kind::kRenameTable) made->name = change.new_name;
  if (change.kind == Kind::kRenameTable || change.kind == Kind::kRenameColumn) {
    for (Index& index : made->indexes) rename_in_index(index, change);
    for (auto& [commented, comment] : made->column_comments) {
      if (change.kind == Kind::kRenameColumn && folded_name(quote_name(commented)) == column)
        commented = change.new_name;
    }
    for (const auto& other : rebuild.tables()) {
      const std::string renamed = change.kind == Kind::kRenameColumn ? change.column : std::string();
      other->shape.rename_referenced(table.name, renamed, change.new_name);
    }
  }
  return rebuild.run();
}

Result<bool> depends_on_nothing(Connection& connection, const FoundTable& table, const TableShape& shape) {
  TableShape copy = shape;
  for (const TableShape::Item& item : copy.items()) {
    if (item.column.empty() && tokenize(item.text)[0].is_word("foreign")) return false;
  }
  MERGANSER_ASSIGN(const auto indexes,
                   text_rows(connection, "SELECT index_name FROM system.main.duckdb_indexes()" + where_is(table)));
  if (!indexes.empty()) return false;
  MERGANSER_ASSIGN(const auto others, tables_referring_to(connection, table));
  return others.empty();
}

}  // namespace

std::string FoundTable::qualified(std::string_view other_name) const {
  return quote_name(database) + "." + quote_name(schema) + "." + quote_name(other_name.empty() ? name : other_name);
}

Result<std::optional<FoundTable>> find_table(Connection& connection, const ObjectName& name) {
  std::string where = "database_name = current_database() AND schema_name IN (current_schema(), 'main')";
  if (!name.schema.empty()) {
    const std::string schema = quote_literal(name.schema);
    // DuckDB's own schema main is what PostgreSQL calls public.
    where = "database_name = current_database() AND (lower(schema_name) = lower(" + schema +
            ") OR (schema_name = 'main' AND " + schema + " = 'public'))";
  } else {
    where = "(temporary OR (" + where + "))";
  }
  MERGANSER_ASSIGN(const auto rows,
                   text_rows(connection,
                             "SELECT database_name, schema_name, table_name, sql FROM "
                             "system.main.duckdb_tables() WHERE lower(table_name) = lower(" +
                                 quote_literal(name.name) + ") AND " + where +
                                 " ORDER BY temporary DESC, schema_name = current_schema() DESC LIMIT 1"));
  if (rows.empty()) return std::optional<FoundTable>();
  return std::optional<FoundTable>(FoundTable{rows[0][0], rows[0][1], rows[0][2], rows[0][3]});
}

Result<std::vector<FoundTable>> tables_referring_to(Connection& connection, const FoundTable& table) {
  MERGANSER_ASSIGN(const auto rows,
                   text_rows(connection,
                             "SELECT DISTINCT t.database_name, t.schema_name, t.table_name, t.sql FROM "
                             "system.main.duckdb_constraints() c JOIN system.main.duckdb_tables() t USING (table_oid, "
                             "database_name) WHERE c.constraint_type = 'FOREIGN KEY' AND c.database_name = " +
                                 quote_literal(table.database) +
                                 " AND c.referenced_table = " + quote_literal(table.name) + " ORDER BY ALL"));
  std::vector<FoundTable> found;
  for (const auto& row : rows) {
    FoundTable other{row[0], row[1], row[2], row[3]};
    if (!same_table(other, table)) found.push_back(std::move(other));
  }
  return found;
}

Result<std::vector<std::string>> owned_sequences(Connection& connection, const FoundTable& table) {
  MERGANSER_ASSIGN(const auto rows,
                   text_rows(connection, "SELECT column_name, column_default FROM system.main.duckdb_columns()" +
                                             where_is(table) + " AND column_default LIKE '%nextval(%'"));
  std::vector<std::string> owned;
  for (const auto& row : rows) {
    for (const Token& token : tokenize(row[1])) {
      if (token.kind != TokenKind::kString) continue;
      const std::string written = unquoted_string(token);
      const auto parts = tokenize(written);
      if (parts.empty()) continue;
      std::string name = folded_name(parts.back());
      while (!name.empty() && name.back() >= '0' && name.back() <= '9') name.pop_back();
      if (!name.ends_with("_" + folded_name(quote_name(row[0])) + "_seq")) continue;
      owned.push_back(parts.size() > 1 ? written
                                       : quote_name(table.database) + "." + quote_name(table.schema) + "." +
                                             quote_name(folded_name(parts.back())));
    }
  }
  return owned;
}

Status change_table(Connection& connection, const FoundTable& table, const TableChange& change) {
  if (change.kind == Kind::kNative) return connection.execute(change.native, Origin::kClient);
  MERGANSER_ASSIGN(const auto shape, TableShape::parse(table.sql));
  if (change.kind == Kind::kDropConstraint && !shape.find_constraint(change.new_name, table.name)) {
    // A unique constraint that was added later is an index of that name.
    MERGANSER_ASSIGN(const auto indexes, text_rows(connection, "SELECT index_name FROM system.main.duckdb_indexes()" +
                                                                   where_is(table) + " AND lower(index_name) = lower(" +
                                                                   quote_literal(change.new_name) + ")"));
    if (!indexes.empty()) return connection.execute("DROP INDEX " + table.qualified(indexes[0][0]));
  }
  TableShape changed = shape;
  MERGANSER_TRY(changed.apply(change, table.name));
  if (changed.body() == shape.body() && change.kind != Kind::kRenameTable && change.kind != Kind::kSetType) return {};
  bool in_place = !change.native.empty();
  if (in_place && !change.in_place_always) {
    MERGANSER_ASSIGN(in_place, depends_on_nothing(connection, table, shape));
  }
  // DuckDB drops no column that a constraint is about.
  if (change.kind == Kind::kDropColumn) in_place = in_place && changed.items().size() + 1 == shape.items().size();
  if (!in_place) return rebuild_with(connection, table, change);
  return connection.execute(change.native, Origin::kClient);
}

// Rows that were referred to cannot go in the transaction in which those that referred to them went: DuckDB's indexes
// still hold these. Tables that are made anew have none.
Status empty_tables(Connection& connection, const std::vector<FoundTable>& tables) {
  Rebuild rebuild(connection);
  bool related = false;
  for (const FoundTable& table : tables) {
    MERGANSER_ASSIGN(Remade * made, rebuild.add_with_dependents(table));
    made->empty = true;
    MERGANSER_ASSIGN(const auto others, tables_referring_to(connection, table));
    related = related || !others.empty();
  }
  if (related) return rebuild.run();
  for (const FoundTable& table : tables) MERGANSER_TRY(connection.execute("DELETE FROM " + table.qualified()));
  return {};
}

Status drop_references_to(Connection& connection, const FoundTable& table) {
  MERGANSER_ASSIGN(const auto others, tables_referring_to(connection, table));
  for (const FoundTable& other : others) {
    Rebuild rebuild(connection);
    MERGANSER_ASSIGN(Remade * made, rebuild.add_with_dependents(other));
    made->shape.drop_references(table.name);
    MERGANSER_TRY(rebuild.run());
  }
  return {};
}

}  // namespace merganser::engine

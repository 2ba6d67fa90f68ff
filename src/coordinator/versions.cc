#include "coordinator/versions.h"

#include <fmt/format.h>

#include "engine/sql_tokens.h"

namespace merganser::coordinator {
namespace {

bool met_no_row(const engine::ResultSet& result) {
  return result.kind() == engine::ReturnKind::kRows ? result.materialised_rows() == 0 : result.changed_rows() == 0;
}

struct Lookup {
  std::string sql;
  std::vector<engine::Value> values;
  std::string row;  // "id = 5", for people
};

// The row that the change names, whatever its version; nullopt when it names none.
std::optional<Lookup> lookup_of(const Statement& statement, const std::string& column) {
  const Shape* shape = statement.shape.get();
  if (shape == nullptr || (shape->kind != ShapeKind::kUpdate && shape->kind != ShapeKind::kDelete)) return std::nullopt;
  Lookup lookup;
  bool names_version = false;
  std::string where;
  for (size_t i = shape->slots.size() - shape->conditions; i < shape->slots.size(); i++) {
    const BatchSlot& slot = shape->slots[i];
    if (engine::folded_name(slot.column) == column) {
      names_version = true;
      continue;
    }
    const Cell& cell = shape->cells[i];
    if (cell.from == Cell::From::kParameter && cell.index >= statement.values.size()) return std::nullopt;
    lookup.values.push_back(cell.from == Cell::From::kLiteral ? shape->literals[cell.index]
                                                              : statement.values[cell.index]);
    if (!where.empty()) where += " AND ";
    where += slot.column + " = $" + std::to_string(lookup.values.size()) + slot.cast;
    lookup.row += (lookup.row.empty() ? "" : ", ") + slot.column;
  }
  if (!names_version || where.empty()) return std::nullopt;
  std::string table;
  for (const std::string& part : shape->table) table += (table.empty() ? "" : ".") + part;
  lookup.sql =
      "SELECT CAST(" + engine::quote_name(column) + " AS VARCHAR) FROM " + table + " WHERE " + where + " LIMIT 1";
  return lookup;
}

}  // namespace

Result<std::optional<Error>> missed_version(engine::Connection& connection, const Unit& unit) {
  const std::string column = engine::folded_name(unit.options.version_column);
  if (column.empty()) return std::optional<Error>();
  for (size_t i = 0; i < unit.outcome.results.size() && i < unit.statements.size(); i++) {
    if (!met_no_row(unit.outcome.results[i])) continue;
    const auto lookup = lookup_of(unit.statements[i], column);
    if (!lookup) continue;
    MERGANSER_ASSIGN(auto prepared, connection.prepare(lookup->sql));
    MERGANSER_ASSIGN(auto found, prepared->execute(lookup->values, false));
    MERGANSER_ASSIGN(const auto row, found.next());
    if (!row || row->rows() == 0) {
      return std::optional<Error>(make_error(ErrorCode::kRowGone, "the row is gone",
                                             "No row has the " + lookup->row + " that the statement names.",
                                             "Somebody deleted it; nothing was changed."));
    }
    const std::string current = row->column(0).valid(0) ? std::string(row->column(0).string_at(0)) : "NULL";
    const std::string message = fmt::format("the row has another version: {} is {} now", column, current);
    const std::string detail = fmt::format(R"({{"{}": "{}"}})", column, current);
    return std::optional<Error>(make_error(ErrorCode::kStaleVersion, message, detail,
                                           "Read the row again and repeat the change; nothing was changed."));
  }
  return std::optional<Error>();
}

}  // namespace merganser::coordinator

// A table's definition as DuckDB's catalog writes it, taken apart so that it can be changed and written again.
//
// DuckDB alters a table in place only while no index, constraint or other table depends on it. Where something does,
// the table is made anew (table_rebuild.h); this is what it is made from. Threads: values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace merganser::engine {

// One part of ALTER TABLE.
struct TableChange {
  enum class Kind : uint8_t {
    kNative,          // `native` does it whatever depends on the table
    kAddColumn,       // `column`, `text` its definition without constraints that DuckDB's ADD COLUMN refuses
    kDropColumn,      // `column`
    kSetType,         // `column`, `text` the type, `using_text` an expression or empty
    kSetNotNull,      // `column`
    kDropNotNull,     // `column`
    kRenameColumn,    // `column` to `new_name`
    kRenameTable,     // to `new_name`
    kAddConstraint,   // `text`: PRIMARY KEY (…), UNIQUE (…), CHECK (…), FOREIGN KEY (…) REFERENCES …
    kDropConstraint,  // `new_name`
  };
  Kind kind = Kind::kNative;
  std::string column;
  std::string new_name;
  std::string text;
  std::string using_text;
  std::string native;            // what DuckDB does when nothing depends on the table; empty: it cannot
  bool in_place_always = false;  // `native` works whatever depends on the table
  bool if_exists = false;
  bool cascade = false;
};

class TableShape {
 public:
  struct Item {
    std::string column;  // its name; empty for a constraint of the table
    std::string text;    // the whole definition
    bool generated = false;
  };

  // From duckdb_tables().sql.
  static Result<TableShape> parse(std::string_view create_table);

  const std::vector<Item>& items() const { return items_; }
  // "(a INTEGER, b VARCHAR)"
  std::string body() const;
  bool has_column(std::string_view name) const { return find(name).has_value(); }

  // kAddColumn … kDropConstraint on this definition alone; kRenameTable for a table that refers to itself.
  Status apply(const TableChange& change, std::string_view table);
  // Another table that this one refers to, or a column of it, has a new name.
  void rename_referenced(std::string_view table, std::string_view column, std::string_view new_name);
  // Forgets its foreign keys to this table; how many there were.
  size_t drop_references(std::string_view table);
  // Which constraint bears this name: as DuckDB shows it, or as PostgreSQL would have named it.
  std::optional<size_t> find_constraint(std::string_view name, std::string_view table) const;

 private:
  std::optional<size_t> find(std::string_view column) const;
  Status drop_column(size_t at, bool cascade);
  void set_type(Item& item, std::string_view type);
  Status drop_constraint(const TableChange& change, std::string_view table);
  std::vector<Item> items_;
};

// Whether the tokens of a text name this column: not as a function, not behind a dot.
bool mentions_name(std::string_view text, std::string_view name);
std::string with_name_replaced(std::string_view text, std::string_view name, std::string_view new_name);

}  // namespace merganser::engine

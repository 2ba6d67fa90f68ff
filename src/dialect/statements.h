// The parts of translate(): one function for each kind of statement, each over the statement's tokens.
//
// They give nothing when there is nothing to change. Threads: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dialect/sql_view.h"
#include "dialect/text_edits.h"
#include "dialect/translate.h"

namespace merganser::dialect {

using MaybeTranslation = std::optional<Translation>;

MaybeTranslation create_table(const SqlView& sql);
MaybeTranslation create_other(const SqlView& sql);
MaybeTranslation alter_table(const SqlView& sql);
MaybeTranslation alter_other(const SqlView& sql);
MaybeTranslation drop(const SqlView& sql);
MaybeTranslation truncate(const SqlView& sql);
MaybeTranslation maintain(const SqlView& sql);    // VACUUM, ANALYZE, REINDEX, CLUSTER, REFRESH
MaybeTranslation privileges(const SqlView& sql);  // GRANT, REVOKE, COMMENT ON what DuckDB has not
MaybeTranslation query(const SqlView& sql);       // SELECT, INSERT, UPDATE, DELETE and the like

// ---- shared ----------------------------------------------------------------------------------------------------

Translation refused(std::string message, std::string hint);
Translation done_already(std::string tag, std::string notice);  // there is nothing to do, and the client hears why
Translation as_script(std::string tag, std::vector<engine::ScriptStep> steps);

// Types, casts and functions that DuckDB spells otherwise, between these tokens.
void edit_expressions(const SqlView& sql, size_t first, size_t end, TextEdits& edits);

// A name with dots at `at`, which moves behind it; nothing when there is none.
std::optional<engine::ObjectName> read_name(const SqlView& sql, size_t& at);

// One column's or constraint's definition as DuckDB takes it.
struct ColumnDefinition {
  std::string name;                      // as written, without quotes
  std::string type;                      // DuckDB's
  std::string rest;                      // DEFAULT, NOT NULL, CHECK, …: what CREATE TABLE takes
  std::string plain;                     // the same as far as ADD COLUMN takes it: COLLATE and DEFAULT
  std::vector<std::string> constraints;  // what ADD COLUMN does not take, as constraints of the table
  bool not_null = false;
  std::string sequence;  // options of the sequence behind a serial or identity column; empty: none
  bool has_sequence = false;
  std::optional<Translation> refusal;
  std::vector<std::string> notices;
};
ColumnDefinition read_column(const SqlView& sql, size_t first, size_t end);

// A constraint of a table: its text without what DuckDB refuses and does not need (DEFERRABLE, NO ACTION, a name).
struct ConstraintDefinition {
  std::string name;
  std::string text;
  bool unique = false;
  std::optional<Translation> refusal;
};
ConstraintDefinition read_constraint(const SqlView& sql, size_t first, size_t end);
// The end of a REFERENCES clause that begins at `at`, with what has to go from it.
size_t read_references(const SqlView& sql, size_t at, size_t end, TextEdits& edits,
                       std::optional<Translation>& refusal);
// The end of DEFERRABLE, INITIALLY …, NOT VALID, ENFORCED at `at`; `at` when there is none.
size_t constraint_attributes(const SqlView& sql, size_t at);

// CREATE SEQUENCE's options as DuckDB knows them.
std::string sequence_options(const SqlView& sql, size_t first, size_t end);
// "t_id_seq", in the table's schema.
engine::ObjectName sequence_of(const engine::ObjectName& table, const std::string& column);

}  // namespace merganser::dialect

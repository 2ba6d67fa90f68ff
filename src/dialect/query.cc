// SELECT, INSERT, UPDATE, DELETE and whatever else reads or writes rows.
#include "dialect/statements.h"

namespace merganser::dialect {
namespace {

// FOR UPDATE, FOR NO KEY UPDATE, FOR SHARE, FOR KEY SHARE [OF t, …] [NOWAIT | SKIP LOCKED]: the token behind it, or
// `at` when there is none.
size_t locking_clause(const SqlView& sql, size_t at) {
  size_t i = at + 1;
  if (sql.word(i, "no") && sql.word(i + 1, "key") && sql.word(i + 2, "update"))
    i += 3;
  else if (sql.word(i, "key") && sql.word(i + 1, "share"))
    i += 2;
  else if (sql.word(i, "update") || sql.word(i, "share"))
    i++;
  else
    return at;
  if (sql.word(i, "of")) {
    i++;
    while (read_name(sql, i) && sql.is(i, ',')) i++;
  }
  if (sql.word(i, "nowait")) i++;
  if (sql.word(i, "skip") && sql.word(i + 1, "locked")) i += 2;
  return i;
}

// WITH x AS (INSERT …): what DuckDB cannot do within a query.
bool writes_within(const SqlView& sql) {
  for (size_t i = 2; i < sql.size(); i++) {
    if (!sql.is(i - 1, '(') || !(sql.word(i - 2, "as") || sql.word(i - 2, "materialized"))) continue;
    if (sql.word(i, "insert") || sql.word(i, "update") || sql.word(i, "delete") || sql.word(i, "merge")) return true;
  }
  return false;
}

// ON CONFLICT ON CONSTRAINT name: gives the translation, or a refusal.
MaybeTranslation constraint_of_conflict(const SqlView& sql, size_t at, TextEdits& edits) {
  for (size_t i = at + 5; i < sql.size(); i++) {
    if (!sql.word(i, "do")) continue;
    if (!sql.word(i + 1, "update")) {
      return refused("ON CONFLICT ON CONSTRAINT … DO NOTHING is not supported",
                     "Name the columns: ON CONFLICT (a, b) DO NOTHING.");
    }
    // Without a target DuckDB takes the only unique constraint, and says so when there are several.
    edits.remove(sql.begin_of(at + 2), sql.end_of(i - 1));
    return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

MaybeTranslation query(const SqlView& sql) {
  TextEdits edits;
  Translation out;
  for (size_t i = 0; i < sql.size(); i++) {
    if (sql.word(i, "for")) {
      const size_t end = locking_clause(sql, i);
      if (end == i) continue;
      edits.remove(sql.begin_of(i), sql.end_of(end - 1));
      out.takes_lane = true;
      i = end - 1;
    } else if (sql.word(i, "conflict") && sql.word(i + 1, "on") && sql.word(i + 2, "constraint")) {
      if (auto refusal = constraint_of_conflict(sql, i - 1, edits)) return refusal;
    }
  }
  if (sql.word(0, "with") && writes_within(sql)) {
    return refused("data-modifying statements in WITH are not supported",
                   "Run them one after another in one transaction, with RETURNING.");
  }
  edit_expressions(sql, 0, sql.size(), edits);
  if (edits.empty()) return std::nullopt;
  out.sql = edits.apply(sql.sql());
  return out;
}

}  // namespace merganser::dialect

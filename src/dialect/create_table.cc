#include <algorithm>

#include "dialect/statements.h"

namespace merganser::dialect {
namespace {

using engine::ScriptStep;

bool is_constraint(const SqlView& sql, size_t at) {
  if (sql.word(at, "constraint")) return sql.name(at + 1);
  if (sql.word(at, "primary") || sql.word(at, "foreign")) return sql.word(at + 1, "key");
  if (sql.word(at, "unique") || sql.word(at, "check")) return sql.is(at + 1, '(') || sql.word(at + 1, "nulls");
  return sql.word(at, "exclude") && (sql.is(at + 1, '(') || sql.word(at + 1, "using"));
}

ScriptStep step_of(std::string text) {
  ScriptStep step;
  step.sql = std::move(text);
  return step;
}

class CreateTable {
 public:
  explicit CreateTable(const SqlView& sql) : sql_(sql) {}

  MaybeTranslation run() {
    size_t at = 1;
    std::string modifiers;
    bool replaces = false;
    if (sql_.word(at, "or") && sql_.word(at + 1, "replace")) {
      replaces = true;
      at += 2;
    }
    bool temporary = false;
    for (;; at++) {
      if (sql_.word(at, "temporary") || sql_.word(at, "temp"))
        temporary = true;
      else if (!sql_.word(at, "global") && !sql_.word(at, "local") && !sql_.word(at, "unlogged"))
        break;
    }
    if (!sql_.word(at, "table")) return std::nullopt;
    at++;
    const bool if_not_exists = sql_.word(at, "if") && sql_.word(at + 1, "not") && sql_.word(at + 2, "exists");
    if (if_not_exists) at += 3;
    const size_t name_at = at;
    const auto name = read_name(sql_, at);
    if (!name) return std::nullopt;
    prefix_ = std::string("CREATE ") + (replaces ? "OR REPLACE " : "") + (temporary ? "TEMPORARY " : "");
    sequence_prefix_ = std::string("CREATE ") + (replaces ? "OR REPLACE " : "") + (temporary ? "TEMPORARY " : "") +
                       "SEQUENCE " + (if_not_exists ? "IF NOT EXISTS " : "");
    head_ = "TABLE " + std::string(if_not_exists ? "IF NOT EXISTS " : "") + std::string(sql_.text(name_at, at));
    table_ = *name;
    if (sql_.word(at, "of") || sql_.word(at, "partition")) {
      return refused("CREATE TABLE … " + sql_.folded(at) + " is not supported", "Name the columns.");
    }
    return sql_.is(at, '(') && !is_query(at) ? with_columns(at) : from_query(at);
  }

 private:
  // CREATE TABLE t (a, b) AS …: names only.
  bool is_query(size_t open) const {
    const size_t close = sql_.closing(open);
    if (close == kNone) return true;
    for (size_t i = close + 1; i < sql_.size(); i++) {
      if (sql_[i].depth == 0 && sql_.word(i, "as")) return true;
    }
    return false;
  }

  MaybeTranslation from_query(size_t at) {
    TextEdits edits;
    const size_t first = at;
    while (at < sql_.size() && !sql_.word(at, "as")) {
      if (sql_.word(at, "with") && sql_.is(at + 1, '(')) {
        const size_t close = sql_.closing(at + 1);
        if (close == kNone) return std::nullopt;
        edits.remove(sql_.begin_of(at), sql_.end_of(close));
        at = close + 1;
      } else {
        at++;
      }
    }
    edit_expressions(sql_, at, sql_.size(), edits);
    if (edits.empty()) return std::nullopt;
    Translation out;
    out.sql = prefix_ + head_ + " " + edits.apply(sql_.sql(), sql_.begin_of(first), sql_.sql().size());
    return out;
  }

  MaybeTranslation with_columns(size_t open) {
    const size_t close = sql_.closing(open);
    if (close == kNone) return std::nullopt;
    std::vector<ScriptStep> steps;
    Translation out;
    std::string body;
    size_t first = open + 1;
    for (size_t i = first; i <= close; i++) {
      if (i != close && !(sql_.is(i, ',') && sql_[i].depth == sql_[open].depth + 1)) continue;
      if (i > first) body += (body.empty() ? "" : ", ") + item(first, i, steps, out);
      if (out.refusal) return out;
      first = i + 1;
    }
    if (auto refusal = options(close + 1)) return refusal;
    const std::string text = prefix_ + head_ + " (" + body + ")" + tail_;
    if (steps.empty()) {
      out.sql = text;
      return out;
    }
    steps.push_back(step_of(text));
    auto notices = std::move(out.notices);
    out = as_script("CREATE TABLE", std::move(steps));
    out.class_as = text;
    out.notices = std::move(notices);
    return out;
  }

  std::string item(size_t first, size_t end, std::vector<ScriptStep>& steps, Translation& out) {
    if (sql_.word(first, "like") && sql_.name(first + 1)) {
      out = refused("CREATE TABLE … (LIKE …) is not supported",
                    "Use CREATE TABLE … AS SELECT * FROM … LIMIT 0, and add the constraints.");
      return {};
    }
    if (is_constraint(sql_, first)) {
      ConstraintDefinition constraint = read_constraint(sql_, first, end);
      if (constraint.refusal) out = *std::move(constraint.refusal);
      return constraint.text;
    }
    ColumnDefinition column = read_column(sql_, first, end);
    if (column.refusal) {
      out = *std::move(column.refusal);
      return {};
    }
    for (std::string& notice : column.notices) out.notices.push_back(std::move(notice));
    std::string text = engine::quote_name(column.name) + " " + column.type;
    if (sql_.kind(first, engine::TokenKind::kWord)) text = std::string(sql_[first].text) + " " + column.type;
    if (column.has_sequence) {
      const engine::ObjectName sequence = sequence_of(table_, column.name);
      steps.push_back(step_of(sequence_prefix_ + sequence.sql() + column.sequence));
      text += " DEFAULT nextval(" + engine::quote_literal(sequence.sql()) + ")";
    }
    return text + column.rest;
  }

  // What stands behind the columns: storage parameters mean nothing to DuckDB.
  MaybeTranslation options(size_t at) {
    while (at < sql_.size()) {
      if (sql_.word(at, "with") && sql_.is(at + 1, '(')) {
        const size_t close = sql_.closing(at + 1);
        at = close == kNone ? sql_.size() : close + 1;
      } else if (sql_.word(at, "without") && sql_.word(at + 1, "oids")) {
        at += 2;
      } else if (sql_.word(at, "tablespace") || (sql_.word(at, "using") && sql_.name(at + 1))) {
        at += 2;
      } else if (sql_.word(at, "on") && sql_.word(at + 1, "commit")) {
        if (!sql_.word(at + 2, "preserve")) {
          return refused("temporary tables ON COMMIT " + sql_.folded(at + 2) + " are not supported",
                         "They last until the session ends: drop or empty the table where the transaction ends.");
        }
        at += 4;
      } else if (sql_.word(at, "partition") || sql_.word(at, "inherits")) {
        return refused(
            sql_.word(at, "partition") ? "partitioned tables are not supported" : "table inheritance is not supported",
            "Use one table: DuckDB skips the parts that a query does not need by itself.");
      } else {
        tail_ += " " + std::string(sql_.sql().substr(sql_.begin_of(at)));  // DuckDB says what is wrong with it
        return std::nullopt;
      }
    }
    return std::nullopt;
  }

  const SqlView& sql_;
  engine::ObjectName table_;
  std::string prefix_;
  std::string sequence_prefix_;
  std::string head_;
  std::string tail_;
};

}  // namespace

MaybeTranslation create_table(const SqlView& sql) {
  MaybeTranslation made = CreateTable(sql).run();
  if (made && made->sql == sql.sql() && made->notices.empty()) return std::nullopt;
  return made;
}

}  // namespace merganser::dialect

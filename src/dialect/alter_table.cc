#include <algorithm>

#include "dialect/statements.h"

namespace merganser::dialect {
namespace {

using engine::ScriptStep;
using engine::TableChange;
using Kind = TableChange::Kind;

class AlterTable {
 public:
  explicit AlterTable(const SqlView& sql) : sql_(sql) {}

  MaybeTranslation run() {
    size_t at = 2;
    step_.kind = ScriptStep::Kind::kChangeTable;
    if (sql_.word(at, "if") && sql_.word(at + 1, "exists")) {
      step_.if_exists = true;
      at += 2;
    }
    if (sql_.word(at, "only")) at++;
    const size_t name_at = at;
    const auto name = read_name(sql_, at);
    if (!name) return std::nullopt;
    target_ = text(name_at, at);
    if (sql_.is(at, '*')) at++;
    table_ = *name;
    step_.names.push_back(*name);
    head_ = "ALTER TABLE " + target_ + " ";
    size_t first = at;
    for (size_t i = first; i <= sql_.size(); i++) {
      if (i != sql_.size() && !(sql_.is(i, ',') && sql_[i].depth == 0)) continue;
      if (i > first && !action(first, i)) return std::nullopt;  // DuckDB's own, or no ALTER TABLE at all
      if (refusal_) return refusal_;
      first = i + 1;
    }
    std::vector<ScriptStep> steps = std::move(before_);
    if (!step_.changes.empty()) steps.push_back(std::move(step_));
    steps.insert(steps.end(), after_.begin(), after_.end());
    Translation out = as_script("ALTER TABLE", std::move(steps));
    out.notices = std::move(notices_);
    return out;
  }

 private:
  std::string text(size_t first, size_t end) const { return std::string(sql_.text(first, end)); }

  TableChange& change(Kind kind, std::string native = {}) {
    TableChange& made = step_.changes.emplace_back();
    made.kind = kind;
    made.native = std::move(native);
    return made;
  }

  // "public" for DuckDB is a schema like any other: what is run in place names the table as the client did.
  bool action(size_t first, size_t end) {
    if (sql_.word(first, "add")) return add(first + 1, end);
    if (sql_.word(first, "drop")) return drop(first + 1, end);
    if (sql_.word(first, "alter")) return alter_column(first + 1, end);
    if (sql_.word(first, "rename")) return rename(first + 1, end);
    if (sql_.word(first, "owner") || sql_.word(first, "cluster") || sql_.word(first, "replica")) {
      notices_.push_back("ALTER TABLE … " + sql_.folded(first) + " means nothing here and was passed over");
      return true;
    }
    if (sql_.word(first, "set") && sql_.is(first + 1, '(')) return true;  // storage parameters
    if (sql_.word(first, "reset") && sql_.is(first + 1, '(')) return true;
    if (sql_.word(first, "set") && (sql_.word(first + 1, "logged") || sql_.word(first + 1, "unlogged") ||
                                    sql_.word(first + 1, "without") || sql_.word(first + 1, "tablespace"))) {
      return true;
    }
    if (sql_.word(first, "validate") && sql_.word(first + 1, "constraint")) return true;  // all of them always hold
    if (sql_.word(first, "enable") || sql_.word(first, "disable") || sql_.word(first, "force")) {
      refusal_ = refused("ALTER TABLE … " + sql_.folded(first) + " " + sql_.folded(first + 1) + " is not supported",
                         "DuckDB has no triggers, rules and row security.");
      return true;
    }
    if (sql_.word(first, "inherit") || sql_.word(first, "attach") || sql_.word(first, "detach")) {
      refusal_ = refused("table inheritance and partitions are not supported", "Use one table.");
      return true;
    }
    return false;
  }

  bool is_constraint(size_t at) const {
    return sql_.word(at, "constraint") ||
           ((sql_.word(at, "primary") || sql_.word(at, "foreign")) && sql_.word(at + 1, "key")) ||
           ((sql_.word(at, "unique") || sql_.word(at, "check")) &&
            (sql_.is(at + 1, '(') || sql_.word(at + 1, "nulls") || sql_.word(at + 1, "using"))) ||
           (sql_.word(at, "exclude") && (sql_.is(at + 1, '(') || sql_.word(at + 1, "using")));
  }

  bool add(size_t at, size_t end) {
    if (is_constraint(at)) return add_constraint(at, end);
    if (sql_.word(at, "column")) at++;
    bool if_not_exists = false;
    if (sql_.word(at, "if") && sql_.word(at + 1, "not") && sql_.word(at + 2, "exists")) {
      if_not_exists = true;
      at += 3;
    }
    ColumnDefinition column = read_column(sql_, at, end);
    if (column.refusal) {
      refusal_ = std::move(column.refusal);
      return true;
    }
    if (column.name.empty() || column.type.empty()) return false;
    for (std::string& notice : column.notices) notices_.push_back(std::move(notice));
    std::string definition = engine::quote_name(column.name) + " " + column.type + column.plain;
    if (column.has_sequence) {
      const engine::ObjectName sequence = sequence_of(table_, column.name);
      ScriptStep create;
      create.sql =
          std::string("CREATE SEQUENCE ") + (if_not_exists ? "IF NOT EXISTS " : "") + sequence.sql() + column.sequence;
      before_.push_back(std::move(create));
      definition += " DEFAULT nextval(" + engine::quote_literal(sequence.sql()) + ")";
    }
    TableChange& made =
        change(Kind::kAddColumn, head_ + "ADD COLUMN " + (if_not_exists ? "IF NOT EXISTS " : "") + definition);
    made.column = column.name;
    made.text = definition;
    made.if_exists = if_not_exists;
    made.in_place_always = true;
    for (const std::string& constraint : column.constraints) change(Kind::kAddConstraint).text = constraint;
    if (column.not_null) set_not_null(column.name);
    return true;
  }

  bool add_constraint(size_t at, size_t end) {
    ConstraintDefinition constraint = read_constraint(sql_, at, end);
    if (constraint.refusal) {
      refusal_ = std::move(constraint.refusal);
      return true;
    }
    if (constraint.unique) {
      // An index keeps the name, so that DROP CONSTRAINT finds it, and needs no copy of the table.
      size_t open = at;
      while (open < end && !sql_.is(open, '(')) open++;
      if (open == end || sql_.closing(open) == kNone) return false;
      const size_t close = sql_.closing(open);
      std::string name = constraint.name;
      if (name.empty()) {
        name = table_.name;
        for (size_t i = open + 1; i < close; i++)
          if (sql_.name(i)) name += "_" + sql_.folded(i);
        name += "_key";
      }
      change(Kind::kNative,
             "CREATE UNIQUE INDEX " + engine::quote_name(name) + " ON " + target_ + " " + text(open, close + 1));
      return true;
    }
    const bool primary = constraint.text.size() > 7 && sql_.word(constraint_word(at), "primary");
    change(Kind::kAddConstraint, primary ? head_ + "ADD " + constraint.text : std::string()).text = constraint.text;
    return true;
  }

  size_t constraint_word(size_t at) const { return sql_.word(at, "constraint") ? at + 2 : at; }

  void set_not_null(const std::string& column) {
    change(Kind::kSetNotNull, head_ + "ALTER COLUMN " + engine::quote_name(column) + " SET NOT NULL").column = column;
  }

  bool drop(size_t at, size_t end) {
    const bool constraint = sql_.word(at, "constraint");
    if (constraint || sql_.word(at, "column")) at++;
    bool if_exists = false;
    if (sql_.word(at, "if") && sql_.word(at + 1, "exists")) {
      if_exists = true;
      at += 2;
    }
    const auto name = read_name(sql_, at);
    if (!name || !name->schema.empty()) return false;  // a field of a struct: DuckDB's own
    const bool cascade = at < end && sql_.word(at, "cascade");
    TableChange& made = change(constraint ? Kind::kDropConstraint : Kind::kDropColumn);
    made.if_exists = if_exists;
    made.cascade = cascade;
    (constraint ? made.new_name : made.column) = name->name;
    if (!constraint)
      made.native = head_ + "DROP COLUMN " + (if_exists ? "IF EXISTS " : "") + engine::quote_name(name->name) +
                    (cascade ? " CASCADE" : "");
    return true;
  }

  bool alter_column(size_t at, size_t end) {
    if (sql_.word(at, "constraint")) return true;  // only whether it is deferred, and nothing is
    if (sql_.word(at, "column")) at++;
    const auto name = read_name(sql_, at);
    if (!name || !name->schema.empty()) return false;  // a field of a struct: DuckDB's own
    const std::string column = engine::quote_name(name->name);
    const std::string head = head_ + "ALTER COLUMN " + column + " ";
    if (sql_.word(at, "set") && sql_.word(at + 1, "not") && sql_.word(at + 2, "null")) {
      set_not_null(name->name);
    } else if (sql_.word(at, "drop") && sql_.word(at + 1, "not") && sql_.word(at + 2, "null")) {
      change(Kind::kDropNotNull, head + "DROP NOT NULL").column = name->name;
    } else if (sql_.word(at, "type") ||
               (sql_.word(at, "set") && sql_.word(at + 1, "data") && sql_.word(at + 2, "type"))) {
      return set_type(*name, head, at + (sql_.word(at, "type") ? 1 : 3), end);
    } else if ((sql_.word(at, "set") || sql_.word(at, "drop")) && sql_.word(at + 1, "default")) {
      TextEdits edits;
      edit_expressions(sql_, at, end, edits);
      change(Kind::kNative, head + edits.apply(sql_.sql(), sql_.begin_of(at), sql_.end_of(end - 1)));
    } else if (sql_.word(at, "add") && sql_.word(at + 1, "generated")) {
      const engine::ObjectName sequence = sequence_of(table_, name->name);
      ScriptStep create;
      create.sql = "CREATE SEQUENCE " + sequence.sql();
      for (size_t i = at; i < end; i++) {
        if (sql_.is(i, '(') && sql_.closing(i) != kNone) create.sql += sequence_options(sql_, i + 1, sql_.closing(i));
      }
      before_.push_back(std::move(create));
      change(Kind::kNative, head + "SET DEFAULT nextval(" + engine::quote_literal(sequence.sql()) + ")");
    } else if (sql_.word(at, "drop") && sql_.word(at + 1, "identity")) {
      change(Kind::kNative, head + "DROP DEFAULT");
      ScriptStep drop_it;
      drop_it.sql = "DROP SEQUENCE IF EXISTS " + sequence_of(table_, name->name).sql();
      after_.push_back(std::move(drop_it));
    } else if (sql_.word(at, "restart") || (sql_.word(at, "set") && sql_.word(at + 1, "generated"))) {
      for (size_t i = at; i < end; i++) {
        if (!sql_.word(i, "restart")) continue;
        ScriptStep restart;
        restart.kind = ScriptStep::Kind::kRestartSequence;
        restart.names.push_back(sequence_of(table_, name->name));
        const size_t value = sql_.word(i + 1, "with") ? i + 2 : i + 1;
        if (value < end) restart.restart_at = text(value, end);
        after_.push_back(std::move(restart));
      }
    } else if (sql_.word(at, "set") && (sql_.word(at + 1, "statistics") || sql_.word(at + 1, "storage") ||
                                        sql_.word(at + 1, "compression") || sql_.is(at + 1, '('))) {
      return true;
    } else {
      return false;
    }
    return true;
  }

  bool set_type(const engine::ObjectName& name, const std::string& head, size_t at, size_t end) {
    size_t type_end = at;
    while (type_end < end &&
           !(sql_[type_end].depth == 0 && (sql_.word(type_end, "using") || sql_.word(type_end, "collate"))))
      type_end++;
    ColumnDefinition column = read_column(sql_, at - 1, type_end);
    if (column.refusal) {
      refusal_ = std::move(column.refusal);
      return true;
    }
    TableChange& made = change(Kind::kSetType);
    made.column = name.name;
    made.text = column.type;
    size_t using_at = type_end;
    while (using_at < end && !sql_.word(using_at, "using")) using_at++;
    if (using_at + 1 < end) {
      TextEdits edits;
      edit_expressions(sql_, using_at + 1, end, edits);
      made.using_text = edits.apply(sql_.sql(), sql_.begin_of(using_at + 1), sql_.end_of(end - 1));
    }
    made.native = head + "TYPE " + column.type + (made.using_text.empty() ? "" : " USING " + made.using_text);
    return true;
  }

  bool rename(size_t at, size_t end) {
    if (sql_.word(at, "constraint")) {
      refusal_ = refused("constraints cannot be renamed", "DuckDB does not keep the names of constraints.");
      return true;
    }
    if (sql_.word(at, "to")) {
      at++;
      const auto new_name = read_name(sql_, at);
      if (!new_name || at != end) return false;
      change(Kind::kRenameTable, head_ + "RENAME TO " + engine::quote_name(new_name->name)).new_name = new_name->name;
      return true;
    }
    if (sql_.word(at, "column")) at++;
    const auto name = read_name(sql_, at);
    if (!name || !name->schema.empty() || !sql_.word(at, "to")) return false;
    at++;
    const auto new_name = read_name(sql_, at);
    if (!new_name) return false;
    TableChange& made = change(Kind::kRenameColumn, head_ + "RENAME COLUMN " + engine::quote_name(name->name) + " TO " +
                                                        engine::quote_name(new_name->name));
    made.column = name->name;
    made.new_name = new_name->name;
    return true;
  }

  const SqlView& sql_;
  engine::ObjectName table_;
  std::string target_;  // the table's name as written
  std::string head_;    // "ALTER TABLE t "
  ScriptStep step_;
  std::vector<ScriptStep> before_;
  std::vector<ScriptStep> after_;
  std::vector<std::string> notices_;
  MaybeTranslation refusal_;
};

}  // namespace

MaybeTranslation alter_table(const SqlView& sql) {
  if (!sql.word(1, "table")) return std::nullopt;
  return AlterTable(sql).run();
}

}  // namespace merganser::dialect

// Definitions of columns and constraints, as CREATE TABLE and ALTER TABLE have them.
#include <algorithm>
#include <array>

#include "dialect/statements.h"

namespace merganser::dialect {
namespace {

using engine::TokenKind;

struct TypeWords {
  std::string_view postgres;
  std::string_view duckdb;
};
// Types of PostgreSQL's that DuckDB does not know by that name.
constexpr std::array<TypeWords, 12> kTypes{{{"jsonb", "JSON"},
                                            {"serial", "INTEGER"},
                                            {"serial4", "INTEGER"},
                                            {"bigserial", "BIGINT"},
                                            {"serial8", "BIGINT"},
                                            {"smallserial", "SMALLINT"},
                                            {"serial2", "SMALLINT"},
                                            {"name", "VARCHAR"},
                                            {"xid", "BIGINT"},
                                            {"cstring", "VARCHAR"},
                                            {"regclass", "VARCHAR"},
                                            {"regtype", "VARCHAR"}}};

struct MissingType {
  std::string_view name;
  std::string_view instead;
};
constexpr std::array<MissingType, 24> kMissing{{{"citext", "varchar COLLATE NOCASE, or lower() where it is compared"},
                                                {"money", "numeric(19, 2)"},
                                                {"xml", "text"},
                                                {"inet", "text"},
                                                {"cidr", "text"},
                                                {"macaddr", "text"},
                                                {"macaddr8", "text"},
                                                {"hstore", "jsonb or map(varchar, varchar)"},
                                                {"ltree", "text"},
                                                {"tsvector", "text"},
                                                {"tsquery", "text"},
                                                {"point", "struct(x double, y double)"},
                                                {"line", "jsonb"},
                                                {"lseg", "jsonb"},
                                                {"box", "jsonb"},
                                                {"path", "jsonb"},
                                                {"polygon", "jsonb"},
                                                {"circle", "jsonb"},
                                                {"int4range", "two columns"},
                                                {"int8range", "two columns"},
                                                {"numrange", "two columns"},
                                                {"tsrange", "two columns"},
                                                {"tstzrange", "two columns"},
                                                {"daterange", "two columns"}}};

bool begins_constraint(const SqlView& sql, size_t at) {
  static constexpr std::array<std::string_view, 12> kWords{"constraint", "not",     "null",       "default",
                                                           "primary",    "unique",  "check",      "references",
                                                           "generated",  "collate", "deferrable", "initially"};
  if (!sql.kind(at, TokenKind::kWord)) return false;
  const std::string word = sql.folded(at);
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end() || word == "using" || word == "storage" ||
         word == "compression";
}

size_t behind_brackets(const SqlView& sql, size_t at, size_t end) {
  const size_t close = sql.closing(at);
  return close == kNone ? end : std::min(close + 1, end);
}

}  // namespace

size_t constraint_attributes(const SqlView& sql, size_t at) {
  while (true) {
    if (sql.word(at, "not") &&
        (sql.word(at + 1, "deferrable") || sql.word(at + 1, "valid") || sql.word(at + 1, "enforced"))) {
      at += 2;
    } else if (sql.word(at, "deferrable") || sql.word(at, "enforced")) {
      at++;
    } else if (sql.word(at, "initially")) {
      at += 2;
    } else if (sql.word(at, "no") && sql.word(at + 1, "inherit")) {
      at += 2;
    } else {
      return std::min(at, sql.size());
    }
  }
}

size_t read_references(const SqlView& sql, size_t at, size_t end, TextEdits& edits,
                       std::optional<Translation>& refusal) {
  at++;  // REFERENCES
  read_name(sql, at);
  if (sql.is(at, '(')) at = behind_brackets(sql, at, end);
  while (at < end) {
    const size_t begin = at;
    if (sql.word(at, "match")) {
      if (sql.word(at + 1, "full"))
        refusal = refused("MATCH FULL is not supported", "Leave it out: MATCH SIMPLE is what DuckDB checks.");
      at += 2;
    } else if (sql.word(at, "on") && (sql.word(at + 1, "delete") || sql.word(at + 1, "update"))) {
      const bool harmless = sql.word(at + 2, "no") || sql.word(at + 2, "restrict");
      if (!harmless) {
        const std::string what = sql.word(at + 2, "set") ? "SET " + sql.folded(at + 3) : sql.folded(at + 2);
        refusal =
            refused("foreign keys with ON " + sql.folded(at + 1) + " " + what + " are not supported",
                    "DuckDB's foreign keys only refuse. Delete or change the rows that refer to the others first, in "
                    "the same transaction.");
      }
      at += sql.word(at + 2, "no") || sql.word(at + 2, "set") ? 4 : 3;
    } else {
      at = constraint_attributes(sql, at);
      if (at == begin) return at;
    }
    edits.remove(sql.begin_of(begin), sql.end_of(std::min(at, sql.size()) - 1));
  }
  return at;
}

std::string sequence_options(const SqlView& sql, size_t first, size_t end) {
  std::string out;
  for (size_t i = first; i < end;) {
    if (sql.word(i, "as")) {
      i += 2;
    } else if (sql.word(i, "cache")) {
      i += 2;
    } else if (sql.word(i, "owned")) {
      i += 3;
      while (sql.is(i, '.')) i += 2;
    } else if (sql.word(i, "sequence") && sql.word(i + 1, "name")) {
      i += 2;
      read_name(sql, i);
    } else if (sql.word(i, "restart")) {
      i++;
    } else {
      out += " " + std::string(sql[i].text);
      if (sql.is(i, '-') && i + 1 < end) out += std::string(sql[++i].text);
      i++;
    }
  }
  return out;
}

ColumnDefinition read_column(const SqlView& sql, size_t first, size_t end) {
  ColumnDefinition column;
  size_t at = first;
  // A name may be any word here; one with a dot is none.
  if (const auto name = read_name(sql, at); name && name->schema.empty()) column.name = name->name;
  const size_t type = at;
  while (at < end && !begins_constraint(sql, at))
    at = sql.is(at, '(') || sql.is(at, '[') ? behind_brackets(sql, at, end) : at + 1;
  const std::string word = sql.folded(type);
  for (const MissingType& missing : kMissing) {
    if (word == missing.name && !sql.is(type + 1, '.')) {
      column.refusal = refused("type " + word + " is not supported", "Use " + std::string(missing.instead) + ".");
    }
  }
  TextEdits edits;
  edit_expressions(sql, type, end, edits);
  const auto known = std::find_if(kTypes.begin(), kTypes.end(), [&](const TypeWords& t) { return t.postgres == word; });
  if (known != kTypes.end()) edits.replace(sql.begin_of(type), sql.end_of(type), std::string(known->duckdb));
  if ((word == "numeric" || word == "decimal" || word == "dec") && !sql.is(type + 1, '(')) {
    column.notices.push_back("column \"" + column.name + "\": " + word +
                             " without precision is DECIMAL(18, 3) in DuckDB; say numeric(p, s) to keep other digits");
  }
  if (type < at) column.type = edits.apply(sql.sql(), sql.begin_of(type), sql.end_of(at - 1));
  if (word.ends_with("serial") || word.starts_with("serial") || word == "bigserial") {
    column.has_sequence = column.not_null = known != kTypes.end();
  }

  const auto take = [&](size_t begin, size_t behind) {
    return " " + edits.apply(sql.sql(), sql.begin_of(begin), sql.end_of(behind - 1));
  };
  while (at < end) {
    const size_t begin = at;
    if (sql.word(at, "constraint") && sql.name(at + 1)) {
      at += 2;
    } else if (sql.word(at, "not") && sql.word(at + 1, "null")) {
      column.not_null = true;
      at += 2;
    } else if (sql.word(at, "null")) {
      at++;
    } else if (sql.word(at, "default") || sql.word(at, "collate")) {
      const bool collate = sql.word(at, "collate");
      at++;
      while (at < end && !(begins_constraint(sql, at) && at > begin + 1 && !sql.word(at - 1, "is") &&
                           !sql.word(at - 1, "not") && !(sql.word(at, "not") && !sql.word(at + 1, "null")))) {
        at = sql.is(at, '(') || sql.is(at, '[') ? behind_brackets(sql, at, end) : at + 1;
      }
      const std::string text = take(begin, at);
      if (!(collate && text.find_first_not_of(' ') == std::string::npos)) {
        column.rest += text;
        column.plain += text;
      }
    } else if (sql.word(at, "primary") && sql.word(at + 1, "key")) {
      at += 2;
      column.rest += " PRIMARY KEY";
      column.constraints.push_back("PRIMARY KEY (" + engine::quote_name(column.name) + ")");
    } else if (sql.word(at, "unique")) {
      at++;
      if (sql.word(at, "nulls")) {
        if (sql.word(at + 1, "not"))
          column.refusal = refused("UNIQUE NULLS NOT DISTINCT is not supported",
                                   "Make the column NOT NULL, or use coalesce() in a unique index.");
        at += sql.word(at + 1, "not") ? 3 : 2;
      }
      column.rest += " UNIQUE";
      column.constraints.push_back("UNIQUE (" + engine::quote_name(column.name) + ")");
    } else if (sql.word(at, "check") && sql.is(at + 1, '(')) {
      at = behind_brackets(sql, at + 1, end);
      column.rest += take(begin, at);
      column.constraints.push_back(take(begin, at));
    } else if (sql.word(at, "references")) {
      at = read_references(sql, at, end, edits, column.refusal);
      column.rest += take(begin, at);
      column.constraints.push_back("FOREIGN KEY (" + engine::quote_name(column.name) + ")" + take(begin, at));
    } else if (sql.word(at, "generated")) {
      at++;
      while (at < end && !sql.word(at, "as")) at++;
      at++;
      if (sql.word(at, "identity")) {
        column.has_sequence = column.not_null = true;
        at++;
        if (sql.is(at, '(')) {
          const size_t close = behind_brackets(sql, at, end);
          column.sequence = sequence_options(sql, at + 1, close - 1);
          at = close;
        }
      } else {
        at = sql.is(at, '(') ? behind_brackets(sql, at, end) : at + 1;
        column.rest += take(begin, std::min(at, end));
        // What is computed when it is read is the same as what was computed when it was written.
        if (sql.word(at, "stored") || sql.word(at, "virtual")) at++;
      }
    } else {
      at = constraint_attributes(sql, at);
      if (at == begin && (sql.word(at, "storage") || sql.word(at, "compression"))) at += 2;
      if (at == begin) {
        // DuckDB's own (USING COMPRESSION), or wrong, and DuckDB says why.
        column.rest += take(begin, end);
        at = end;
      }
    }
  }
  if (column.not_null) column.rest += " NOT NULL";
  return column;
}

ConstraintDefinition read_constraint(const SqlView& sql, size_t first, size_t end) {
  ConstraintDefinition out;
  size_t at = first;
  if (sql.word(at, "constraint")) {
    at++;
    if (const auto name = read_name(sql, at)) out.name = name->name;
  }
  TextEdits edits;
  const size_t begin = at;
  edit_expressions(sql, begin, end, edits);
  out.unique = sql.word(at, "unique");
  if (sql.word(at, "exclude"))
    out.refusal = refused("exclusion constraints are not supported",
                          "Check for overlaps in the same transaction: writers take turns.");
  if (out.unique && sql.word(at + 1, "nulls")) {
    if (sql.word(at + 2, "not"))
      out.refusal = refused("UNIQUE NULLS NOT DISTINCT is not supported",
                            "Make the columns NOT NULL, or use coalesce() in a unique index.");
    edits.remove(sql.begin_of(at + 1), sql.end_of(at + (sql.word(at + 2, "not") ? 3 : 2)));
  }
  if ((sql.word(at, "primary") || out.unique) && sql.word(at + (out.unique ? 1 : 2), "using")) {
    out.refusal =
        refused("constraints USING an existing INDEX are not supported", "Add the constraint with its columns.");
  }
  while (at < end && !sql.is(at, '(')) at++;
  if (at < end) at = behind_brackets(sql, at, end);
  while (at < end) {
    const size_t here = at;
    if (sql.word(at, "references")) {
      at = read_references(sql, at, end, edits, out.refusal);
      continue;
    }
    if (sql.word(at, "include")) {
      out.refusal =
          refused("INCLUDE columns are not supported", "Leave them out: DuckDB reads columns from the table.");
      at = sql.is(at + 1, '(') ? behind_brackets(sql, at + 1, end) : at + 1;
    } else if (sql.word(at, "with") && sql.is(at + 1, '(')) {
      at = behind_brackets(sql, at + 1, end);
    } else if (sql.word(at, "using") && sql.word(at + 1, "index")) {
      at += sql.word(at + 2, "tablespace") ? 4 : 3;
    } else {
      at = constraint_attributes(sql, at);
      if (at == here) {
        at++;
        continue;
      }
    }
    edits.remove(sql.begin_of(here), sql.end_of(std::min(at, end) - 1));
  }
  if (begin < end) out.text = edits.apply(sql.sql(), sql.begin_of(begin), sql.end_of(end - 1));
  return out;
}

}  // namespace merganser::dialect

// CREATE, ALTER, DROP of other things than tables, TRUNCATE, VACUUM and privileges.
#include <algorithm>

#include "dialect/statements.h"

namespace merganser::dialect {
namespace {

using engine::ScriptStep;
using engine::TokenKind;

ScriptStep step_of(std::string text) {
  ScriptStep step;
  step.sql = std::move(text);
  return step;
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(toupper(c)); });
  return out;
}

std::string rest(const SqlView& sql, size_t at) {
  return at < sql.size() ? std::string(sql.sql().substr(sql.begin_of(at))) : std::string();
}

MaybeTranslation create_index(const SqlView& sql, size_t at, bool unique) {
  at++;  // INDEX
  TextEdits edits;
  if (sql.word(at, "concurrently")) {
    edits.remove(sql.begin_of(at), sql.end_of(at));  // nobody waits for it longer than for another commit
    at++;
  }
  if (sql.word(at, "if")) at += 3;
  const bool has_name = !sql.word(at, "on");
  if (has_name) read_name(sql, at);
  if (!sql.word(at, "on")) return std::nullopt;
  const size_t on = at++;
  if (sql.word(at, "only")) {
    edits.remove(sql.begin_of(at), sql.end_of(at));
    at++;
  }
  const auto table = read_name(sql, at);
  if (!table) return std::nullopt;
  if (sql.word(at, "using")) {
    const std::string method = sql.folded(at + 1);
    if (method != "btree" && method != "hash" && method != "art") {
      return refused(
          "index method " + method + " is not supported",
          "DuckDB has one kind of index, for equality and ranges; scans skip what cannot match by themselves.");
    }
    edits.remove(sql.begin_of(at), sql.end_of(at + 1));
    at += 2;
  }
  if (!sql.is(at, '(')) return std::nullopt;
  const size_t open = at;
  const size_t close = sql.closing(open);
  if (close == kNone) return std::nullopt;
  std::string name = table->name;
  for (size_t i = open + 1; i < close; i++) {
    // x text_pattern_ops: DuckDB compares bytes anyway.
    const std::string word = sql.folded(i);
    if (sql.kind(i, TokenKind::kWord) && word.ends_with("_ops"))
      edits.remove(sql.begin_of(i), sql.end_of(i));
    else if (sql.name(i) && sql[i].depth == sql[open].depth + 1 && word != "asc" && word != "desc" && word != "nulls" &&
             word != "first" && word != "last")
      name += "_" + word;
  }
  if (!has_name) edits.replace(sql.begin_of(on), sql.begin_of(on), engine::quote_name(name + "_idx") + " ");
  edit_expressions(sql, open, close, edits);
  at = close + 1;
  while (at < sql.size()) {
    const size_t begin = at;
    if (sql.word(at, "include")) {
      return refused("INCLUDE columns are not supported", "Leave them out: DuckDB reads columns from the table.");
    }
    if (sql.word(at, "where")) {
      return refused(
          "partial indexes are not supported",
          unique ? "A unique index over all rows says more than this one; check the condition where rows are written."
                 : "Leave the condition out: the index then covers all rows.");
    }
    if (sql.word(at, "with") && sql.is(at + 1, '(')) {
      const size_t end = sql.closing(at + 1);
      at = end == kNone ? sql.size() : end + 1;
    } else if (sql.word(at, "tablespace")) {
      at += 2;
    } else if (sql.word(at, "nulls") && sql.word(at + 1, "distinct")) {
      at += 2;
    } else if (sql.word(at, "nulls")) {
      return refused("NULLS NOT DISTINCT is not supported", "Make the columns NOT NULL, or index coalesce(column, …).");
    } else {
      break;
    }
    edits.remove(sql.begin_of(begin), sql.end_of(std::min(at, sql.size()) - 1));
  }
  if (edits.empty()) return std::nullopt;
  Translation out;
  out.sql = edits.apply(sql.sql());
  return out;
}

MaybeTranslation create_extension(const SqlView& sql) {
  size_t at = 2;
  const bool if_not_exists = sql.word(at, "if");
  if (if_not_exists) at += 3;
  const std::string name = sql.kind(at, TokenKind::kQuotedName) ? sql.folded(at) : std::string(sql.folded(at));
  if (name == "plpgsql") return done_already("CREATE EXTENSION", "extension \"plpgsql\" already exists, skipping");
  std::string hint = "DuckDB's own functions come with it; there is nothing to install.";
  if (name == "uuid-ossp" || name == "pgcrypto") hint = "gen_random_uuid() is there without it.";
  return refused("extension \"" + name + "\" is not available", hint);
}

MaybeTranslation create_sequence(const SqlView& sql, size_t at) {
  const size_t verb_end = at + 1;
  at++;
  if (sql.word(at, "if")) at += 3;
  const auto name = read_name(sql, at);
  if (!name) return std::nullopt;
  bool foreign = false;
  for (size_t i = at; i < sql.size(); i++) {
    foreign = foreign || sql.word(i, "as") || sql.word(i, "cache") || sql.word(i, "owned");
  }
  if (!foreign) return std::nullopt;
  Translation out;
  out.sql = "CREATE " + std::string(sql.text(1, verb_end)) + " " + std::string(sql.text(verb_end, at)) +
            sequence_options(sql, at, sql.size());
  return out;
}

Translation no_such_object(const std::string& verb, const std::string& object) {
  static const struct {
    std::string_view object;
    std::string_view hint;
  } kHints[] = {
      {"trigger", "DuckDB has no triggers: do it in the statement or transaction that writes."},
      {"rule", "DuckDB has no rules: use a view, or write to the table itself."},
      {"materialized", "Use CREATE TABLE … AS and refresh it when it is due, or a plain view."},
      {"domain", "Use the type itself with a CHECK constraint."},
      {"procedure", "DuckDB has no stored procedures: run the statements in one transaction."},
      {"role", "Roles are not there yet: whoever may connect may read and write."},
      {"user", "Users are not there yet: whoever may connect may read and write."},
      {"policy", "DuckDB has no row security: use views."},
      {"aggregate", "Use CREATE MACRO over DuckDB's aggregates."},
      {"operator", "Use CREATE MACRO."},
      {"cast", "Use CREATE MACRO."},
      {"language", "DuckDB has no procedural languages."},
      {"tablespace", "One owner serves one file."},
  };
  for (const auto& known : kHints) {
    if (known.object == object)
      return refused(verb + " " + upper(object) + " is not supported", std::string(known.hint));
  }
  return refused(verb + " " + upper(object) + " is not supported", "DuckDB has nothing of that kind.");
}

bool unknown_object(std::string_view object) {
  static constexpr std::string_view kWords[] = {
      "trigger",     "rule",         "materialized", "domain",   "procedure", "role",      "user",
      "group",       "policy",       "aggregate",    "operator", "cast",      "language",  "tablespace",
      "publication", "subscription", "server",       "foreign",  "event",     "collation", "conversion",
      "statistics",  "text",         "transform",    "access",   "large",     "routine",   "default"};
  return std::find(std::begin(kWords), std::end(kWords), object) != std::end(kWords);
}

// The names of a list: "a, s.b".
std::vector<engine::ObjectName> read_names(const SqlView& sql, size_t& at) {
  std::vector<engine::ObjectName> names;
  while (true) {
    if (sql.word(at, "only") && sql.name(at + 1)) at++;
    auto name = read_name(sql, at);
    if (!name) return names;
    if (sql.is(at, '*')) at++;
    names.push_back(*std::move(name));
    if (!sql.is(at, ',')) return names;
    at++;
  }
}

}  // namespace

MaybeTranslation create_other(const SqlView& sql) {
  size_t at = 1;
  if (sql.word(at, "or") && sql.word(at + 1, "replace")) at += 2;
  const bool unique = sql.word(at, "unique");
  while (sql.word(at, "temporary") || sql.word(at, "temp") || sql.word(at, "unique")) at++;
  const std::string object = sql.folded(at);
  if (object == "index") return create_index(sql, at, unique);
  if (object == "sequence") return create_sequence(sql, at);
  if (object == "extension") return create_extension(sql);
  if (object == "constraint" && sql.word(at + 1, "trigger")) return no_such_object("CREATE", "trigger");
  if (object == "schema") {
    size_t i = at + 1;
    if (sql.word(i, "if")) i += 3;
    if (sql.word(i, "authorization")) {
      Translation out;
      out.sql = "CREATE SCHEMA " + std::string(sql.text(at + 1, i)) + " " + rest(sql, i + 1);
      return out;
    }
    read_name(sql, i);
    if (!sql.word(i, "authorization")) return std::nullopt;
    Translation out;
    out.sql = std::string(sql.text(0, i));
    return out;
  }
  if (object == "type") {
    size_t i = at + 1;
    read_name(sql, i);
    if (!sql.word(i, "as")) return std::nullopt;
    if (sql.word(i + 1, "range")) return refused("range types are not supported", "Use two columns.");
    TextEdits edits;
    if (sql.is(i + 1, '(')) edits.replace(sql.begin_of(i + 1), sql.begin_of(i + 1), "STRUCT");
    edit_expressions(sql, i + 1, sql.size(), edits);
    if (edits.empty()) return std::nullopt;
    Translation out;
    out.sql = edits.apply(sql.sql());
    return out;
  }
  if (object == "function") {
    for (size_t i = at; i < sql.size(); i++) {
      if (!sql.word(i, "returns") && !sql.word(i, "language")) continue;
      return refused("functions with a body in a language are not supported",
                     "Use CREATE FUNCTION name(a, b) AS expression: DuckDB's macros.");
    }
  }
  if (unknown_object(object)) return no_such_object("CREATE", object);
  if (object == "view" || object == "recursive") {
    TextEdits edits;
    edit_expressions(sql, at, sql.size(), edits);
    if (edits.empty()) return std::nullopt;
    Translation out;
    out.sql = edits.apply(sql.sql());
    return out;
  }
  return std::nullopt;
}

MaybeTranslation alter_other(const SqlView& sql) {
  const std::string object = sql.folded(1);
  if (unknown_object(object)) return no_such_object("ALTER", object);
  size_t at = 2;
  const bool if_exists = sql.word(at, "if");
  if (if_exists) at += 2;
  const auto name = read_name(sql, at);
  if (!name) return std::nullopt;
  if (sql.word(at, "owner")) return done_already("ALTER " + upper(object), "everything belongs to whoever may connect");
  if (object != "sequence") return std::nullopt;
  std::vector<ScriptStep> steps;
  while (at < sql.size()) {
    if (sql.word(at, "restart")) {
      ScriptStep restart;
      restart.kind = ScriptStep::Kind::kRestartSequence;
      restart.names.push_back(*name);
      at++;
      if (sql.word(at, "with")) at++;
      if (sql.kind(at, TokenKind::kNumber) || sql.is(at, '-')) {
        const size_t first = at;
        if (sql.is(at, '-')) at++;
        at++;
        restart.restart_at = std::string(sql.text(first, at));
      }
      steps.push_back(std::move(restart));
    } else if (sql.word(at, "owned") && sql.word(at + 1, "by")) {
      if (!sql.is(at + 3, '.')) return std::nullopt;  // DuckDB's own form: OWNED BY table
      at += 2;
      read_name(sql, at);
    } else if (sql.word(at, "as") || sql.word(at, "cache")) {
      at += 2;
    } else {
      return std::nullopt;
    }
  }
  return as_script("ALTER SEQUENCE", std::move(steps));
}

MaybeTranslation drop(const SqlView& sql) {
  const std::string object = sql.folded(1);
  size_t at = 2;
  if (object == "owned") return refused("DROP OWNED is not supported", "Roles own nothing here.");
  if (object == "extension") return refused("DROP EXTENSION is not supported", "What DuckDB brings with it stays.");
  TextEdits edits;
  const bool concurrently = object == "index" && sql.word(at, "concurrently");
  if (concurrently) at++;
  const bool if_exists = sql.word(at, "if") && sql.word(at + 1, "exists");
  if (if_exists) at += 2;
  if (unknown_object(object)) {
    // Tools clear away what may never have been there.
    if (if_exists) return done_already("DROP " + upper(object), upper(object) + " does not exist, skipping");
    return no_such_object("DROP", object);
  }
  const std::vector<engine::ObjectName> names = read_names(sql, at);
  if (names.empty() || (at < sql.size() && !sql.word(at, "cascade") && !sql.word(at, "restrict"))) return std::nullopt;
  const bool cascade = sql.word(at, "cascade");
  if (object == "table") {
    ScriptStep step;
    step.kind = ScriptStep::Kind::kDropTables;
    step.names = names;
    step.if_exists = if_exists;
    step.cascade = cascade;
    return as_script("DROP TABLE", {std::move(step)});
  }
  if (names.size() == 1 && !concurrently) return std::nullopt;
  if (object != "index" && object != "view" && object != "sequence" && object != "type" && object != "schema") {
    return std::nullopt;
  }
  std::vector<ScriptStep> steps;
  for (const engine::ObjectName& name : names) {
    steps.push_back(step_of("DROP " + upper(object) + (if_exists ? " IF EXISTS " : " ") + name.sql() +
                            (cascade ? " CASCADE" : "")));
  }
  return as_script("DROP " + upper(object), std::move(steps));
}

MaybeTranslation truncate(const SqlView& sql) {
  size_t at = sql.word(1, "table") ? 2 : 1;
  ScriptStep step;
  step.kind = ScriptStep::Kind::kTruncate;
  step.names = read_names(sql, at);
  if (step.names.empty()) return std::nullopt;
  if ((sql.word(at, "restart") || sql.word(at, "continue")) && sql.word(at + 1, "identity")) {
    step.restart_sequences = sql.word(at, "restart");
    at += 2;
  }
  if (sql.word(at, "cascade") || sql.word(at, "restrict")) step.cascade = sql.word(at++, "cascade");
  if (at < sql.size()) return std::nullopt;
  return as_script("TRUNCATE TABLE", {std::move(step)});
}

MaybeTranslation maintain(const SqlView& sql) {
  const std::string verb = sql.folded(0);
  if (verb == "refresh") return no_such_object("REFRESH", "materialized");
  if (verb == "reindex") return done_already("REINDEX", "indexes are kept in order by DuckDB: there was nothing to do");
  if (verb == "cluster") return refused("CLUSTER is not supported", "Use CREATE TABLE … AS SELECT … ORDER BY ….");
  size_t at = 1;
  bool analyze = verb != "vacuum";
  bool full = false;
  if (sql.is(at, '(')) {
    const size_t close = sql.closing(at);
    if (close == kNone) return std::nullopt;
    for (size_t i = at; i < close; i++) {
      analyze = analyze || sql.word(i, "analyze");
      full = full || sql.word(i, "full");
    }
    at = close + 1;
  }
  for (; sql.word(at, "full") || sql.word(at, "freeze") || sql.word(at, "verbose") || sql.word(at, "analyze") ||
         sql.word(at, "analyse");
       at++) {
    analyze = analyze || sql.word(at, "analyze") || sql.word(at, "analyse");
    full = full || sql.word(at, "full");
  }
  std::vector<ScriptStep> steps;
  const std::string what = verb == "vacuum" ? (analyze ? "VACUUM ANALYZE" : "VACUUM") : "ANALYZE";
  if (at >= sql.size()) steps.push_back(step_of(what));
  while (at < sql.size()) {
    auto name = read_name(sql, at);
    if (!name) return std::nullopt;
    std::string columns;
    if (sql.is(at, '(')) {
      const size_t close = sql.closing(at);
      if (close == kNone) return std::nullopt;
      columns = std::string(sql.text(at, close + 1));
      at = close + 1;
    }
    steps.push_back(step_of(what + " " + name->sql() + columns));
    if (at < sql.size() && !sql.is(at, ',')) return std::nullopt;
    at++;
  }
  Translation out = as_script(upper(verb), std::move(steps));
  if (full) out.notices.push_back("DuckDB gives the space of deleted rows back at checkpoints: FULL does no more");
  return out;
}

MaybeTranslation privileges(const SqlView& sql) {
  const std::string verb = sql.folded(0);
  if (verb == "grant") {
    for (size_t i = 1; i < sql.size(); i++) {
      if (sql.word(i, "on") && sql[i].depth == 0) {
        return done_already("GRANT", "there are no privileges to grant: whoever may connect may read and write");
      }
    }
    return refused("GRANT of roles is not supported",
                   "Roles are not there yet: whoever may connect may read and write.");
  }
  if (verb == "revoke" || verb == "reassign") {
    return refused(
        upper(verb) + " is not supported",
        "It would have no effect: whoever may connect may read and write. Who that is, the password file and "
        "the socket's directory decide.");
  }
  if (verb == "comment" && sql.word(1, "on")) {
    const std::string object = sql.folded(2);
    if (object == "constraint" || object == "extension" || object == "database" || object == "role" ||
        object == "trigger" || object == "domain" || object == "rule" || object == "policy") {
      return refused("COMMENT ON " + upper(object) + " is not supported", "DuckDB keeps no comments of these.");
    }
  }
  return std::nullopt;
}

}  // namespace merganser::dialect

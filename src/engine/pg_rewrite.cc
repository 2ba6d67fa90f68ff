#include "engine/pg_rewrite.h"

#include <map>
#include <unordered_set>
#include <vector>

#include "engine/pg_catalog.h"
#include "engine/pg_names.h"
#include "engine/pg_statement.h"
#include "engine/text_edits.h"

namespace merganser::engine {
namespace {

using Words = std::unordered_set<std::string_view>;

// Types that are the number of an object, shown by its name.
const Words& name_types() {
  static const Words words{"regclass", "regtype",      "regproc",     "regprocedure", "regnamespace",
                           "regrole",  "regcollation", "regoperator", "regoper"};
  return words;
}

// PostgreSQL's types that DuckDB has under another name, or not at all.
std::string_view plain_type(std::string_view name, bool quoted) {
  static const std::map<std::string_view, std::string_view> types{{"name", "VARCHAR"},
                                                                  {"oid", "BIGINT"},
                                                                  {"xid", "BIGINT"},
                                                                  {"xid8", "BIGINT"},
                                                                  {"cid", "BIGINT"},
                                                                  {"tid", "VARCHAR"},
                                                                  {"int2vector", "SMALLINT[]"},
                                                                  {"oidvector", "BIGINT[]"},
                                                                  {"cstring", "VARCHAR"},
                                                                  {"pg_node_tree", "VARCHAR"},
                                                                  {"aclitem", "VARCHAR"},
                                                                  {"pg_lsn", "VARCHAR"},
                                                                  {"sql_identifier", "VARCHAR"},
                                                                  {"yes_or_no", "VARCHAR"},
                                                                  {"character_data", "VARCHAR"},
                                                                  {"anyarray", "VARCHAR[]"},
                                                                  {"time_stamp", "TIMESTAMPTZ"},
                                                                  {"cardinal_number", "INTEGER"},
                                                                  {"unknown", "VARCHAR"},
                                                                  {"regconfig", "VARCHAR"},
                                                                  {"regdictionary", "VARCHAR"}};
  if (quoted && name == "char") return "VARCHAR";
  const auto it = types.find(name);
  return it == types.end() ? std::string_view() : it->second;
}

// Set-returning functions that have nothing to return here, where a table stands.
std::string_view empty_table(std::string_view function) {
  if (function == "aclexplode") {
    return "(SELECT NULL::BIGINT AS grantor, NULL::BIGINT AS grantee, NULL::VARCHAR AS privilege_type, "
           "NULL::BOOLEAN AS is_grantable WHERE false)";
  }
  if (function == "pg_partition_ancestors" || function == "pg_listening_channels") return "unnest([]::BIGINT[])";
  return {};
}

// Macros that the catalog's own text needs; nobody else means these by their names.
bool is_inner(std::string_view name) {
  return name.ends_with("_text") || name == "part_oid" || name == "catalog_oid" || name == "type_by_name";
}

class Rewriter {
 public:
  Rewriter(const PgStatement& statement, const PgRewriteOptions& options) : s_(statement), options_(options) {}

  std::optional<PgRewrite> run(std::string_view sql) {
    const size_t from = s_.first_rewritten();
    for (size_t i = 0; i < s_.size(); i++) {
      if (options_.main_is_public) public_name(i);
      if (i < from || i < next_) continue;
      if (qualified(i) || cast(i) || cast_as(i) || collation(i)) continue;
      relation(i) || function(i);
    }
    if (names_catalog_) {
      for (size_t i = from; i < s_.size(); i++) {
        i = match(i);
        subscript(i);
        array_text(i);
        column_of_rows(i);
        rows_of_lists(i);
        array_as_table(i);
        renamed(i);
        like(i);
        system_column(i);
      }
    } else {
      for (size_t i = from; i < s_.size(); i++) i = operator_call(i);
    }
    keep_names();
    if (edits_.empty()) return std::nullopt;
    return PgRewrite{edits_.apply(sql), names_catalog_};
  }

 private:
  const Token& token(size_t i) const { return s_.token(i); }
  std::string form() const { return options_.kept ? "kept" : "live"; }
  std::string in_catalog(std::string_view schema, std::string_view name) {
    names_catalog_ = true;
    return std::string(PgCatalog::kDatabase) + "." + std::string(schema) + "." + std::string(name);
  }
  void replace(size_t first, size_t last, std::string text) {
    edits_.replace(token(first).offset, s_.end_of(last), std::move(text));
  }

  // The schema public is DuckDB's main, where the file has no other.
  void public_name(size_t i) {
    if (s_.is(i + 1, '.') && s_.name(i) && !(i > 0 && s_.is(i - 1, '.')) && s_.folded(i) == "public" &&
        !s_.has_alias("public")) {
      replace(i, i, "main");
    }
  }

  std::string function_in_catalog(const std::string& name) {
    const PgNames& names = PgNames::get();
    if (is_inner(name)) return {};
    if (names.is_fixed_function(name)) return in_catalog("fixed", name);
    if (names.is_function(name)) return in_catalog(form(), name);
    return {};
  }

  // Nothing but a call whose value is no rows, where a table stands.
  bool no_rows(size_t i, size_t call) {
    const std::string_view empty = empty_table(s_.folded(call));
    if (empty.empty() || !s_.is(call + 1, '(') || !s_.in_from(i)) return false;
    replace(i, s_.closing(call + 1), std::string(empty));
    return true;
  }

  // pg_catalog.x and information_schema.x
  bool qualified(size_t i) {
    if (!s_.name(i) || !s_.is(i + 1, '.') || !s_.name(i + 2) || (i > 0 && s_.is(i - 1, '.'))) return false;
    const std::string schema = s_.folded(i);
    const bool catalog = schema == "pg_catalog";
    if (!catalog && schema != "information_schema") return false;
    if (s_.after_cast(i)) return false;  // a type: see cast()
    const std::string name = s_.folded(i + 2);
    if (s_.is(i + 3, '.')) {
      replace(i, i + 1, "");  // a column's table
    } else if (s_.is(i + 3, '(')) {
      if (no_rows(i, i + 2)) return true;
      const std::string ours = function_in_catalog(name);
      // Functions that DuckDB has are not in its schema of that name.
      if (!ours.empty()) {
        replace(i, i + 2, ours);
      } else if (catalog) {
        replace(i, i + 1, "");
      }
    } else if (catalog ? PgNames::get().is_relation(name) : PgNames::get().is_information_relation(name)) {
      note_alias(i + 2, name);
      replace(i, i + 2, in_catalog(catalog ? form() : form() + "_info", quote_name(name)));
    } else if (!s_.in_from(i)) {
      replace(i, i + 1, "");
    }
    return true;
  }

  bool relation(size_t i) {
    if (!s_.name(i) || !token(i).text.starts_with("pg_") || s_.is(i + 1, '.') || s_.is(i + 1, '(')) return false;
    if (!s_.in_from(i) || !PgNames::get().is_relation(s_.folded(i)) || s_.is_common_table(s_.folded(i))) return false;
    replace(i, i, in_catalog(form(), s_.folded(i)));
    note_alias(i, s_.folded(i));
    return true;
  }

  bool function(size_t i) {
    if (!s_.name(i) || !s_.is(i + 1, '(') || (i > 0 && s_.is(i - 1, '.'))) return false;
    if (no_rows(i, i)) return true;
    const std::string ours = function_in_catalog(s_.folded(i));
    if (ours.empty()) return false;
    replace(i, i, ours);
    return true;
  }

  struct Type {
    size_t last = 0;  // its last token, without []
    std::string name;
    bool quoted = false;
    bool qualified = false;
    bool array = false;
  };
  std::optional<Type> type_at(size_t i) const {
    if (!s_.name(i)) return std::nullopt;
    Type type;
    const std::string schema = s_.folded(i);
    type.qualified = s_.is(i + 1, '.') && s_.name(i + 2) && (schema == "pg_catalog" || schema == "information_schema");
    type.last = type.qualified ? i + 2 : i;
    type.name = s_.folded(type.last);
    type.quoted = token(type.last).kind == TokenKind::kQuotedName;
    type.array = s_.is(type.last + 1, '[');
    return type;
  }

  // operand::type
  bool cast(size_t i) {
    if (!s_.is(i, ':') || !s_.is(i + 1, ':')) return false;
    const auto type = type_at(i + 2);
    if (!type) return false;
    const auto known = casts_.find(i - 1);
    const size_t start = known != casts_.end() ? known->second : s_.operand_start(i);
    casts_[s_.is(type->last + 1, '[') && s_.is(type->last + 2, ']') ? type->last + 2 : type->last] = start;
    if (name_types().contains(type->name) && !type->array && start < i) {
      const bool number = s_.is_text_or_parameter(start, i) || s_.is(i - 1, ')');
      const bool shown = is_shown(number, start, type->last);
      if (number || shown) edits_.insert(token(start).offset, wrapped(type->name, number, shown));
      replace(i, type->last, number || shown ? (number && shown ? "))" : ")") : "");
      return true;
    }
    return plain(*type, i + 2);
  }

  // Whether the name is what is wanted, not the number: for columns, before ::text, and as a column of the result.
  bool is_shown(bool number, size_t first, size_t last) const {
    if (s_.is(last + 1, ':') && s_.is(last + 2, ':')) {
      const auto next = type_at(last + 3);
      static const Words texts{"text", "varchar", "name", "character", "bpchar", "string"};
      return next && texts.contains(next->name);
    }
    return !number || s_.is_result_column(first, last);
  }

  std::string wrapped(const std::string& type, bool number, bool shown) {
    std::string out;
    if (shown) out += in_catalog(form(), type + "_text") + "(";
    if (number) out += in_catalog(form(), type) + "(";
    return out;
  }

  bool plain(const Type& type, size_t first) {
    std::string_view other = plain_type(type.name, type.quoted);
    if (name_types().contains(type.name)) other = "BIGINT";
    if (!other.empty()) {
      replace(first, type.last, std::string(other));
    } else if (type.qualified) {
      replace(first, type.last - 1, "");
    } else {
      return false;
    }
    return true;
  }

  // CAST(operand AS type)
  bool cast_as(size_t i) {
    if (!s_.word(i, "as") || i == 0) return false;
    const size_t open = s_.opening_of(i);
    if (open == 0 || !s_.is(open, '(') || !(s_.word(open - 1, "cast") || s_.word(open - 1, "try_cast"))) return false;
    const auto type = type_at(i + 1);
    if (!type || !s_.is(type->array ? type->last + 3 : type->last + 1, ')')) return false;
    if (!name_types().contains(type->name) || type->array) return plain(*type, i + 1);
    const bool number = s_.is_text_or_parameter(open + 1, i) || s_.is(i - 1, ')');
    const size_t close = s_.closing(open);
    const bool shown = open > 2 && s_.is(open - 2, '(') && s_.word(open - 3, "cast") && s_.word(close + 1, "as")
                           ? is_shown_as(close)
                           : is_shown(number, open - 1, close);
    std::string text = wrapped(type->name, number, shown);
    // The last parenthesis of ours is the one of CAST itself.
    if (text.empty()) text = "(";
    replace(open - 1, open, text);
    replace(i, type->last, number && shown ? ")" : "");
    return true;
  }
  bool is_shown_as(size_t close) const {
    const auto outer = type_at(close + 2);
    return outer && (outer->name == "text" || outer->name == "varchar");
  }

  // COLLATE "C" and its like: DuckDB compares by bytes anyway.
  bool collation(size_t i) {
    if (!s_.word(i, "collate")) return false;
    const bool qualified = s_.is(i + 2, '.') && s_.folded(i + 1) == "pg_catalog";
    const size_t last = qualified ? i + 3 : i + 1;
    static const Words bytewise{"default", "c", "posix", "ucs_basic", "c.utf-8", "c.utf8"};
    if (!s_.name(last) || !bytewise.contains(s_.folded(last))) return false;
    replace(i, last, "");
    next_ = last + 1;
    return true;
  }

  // OPERATOR(pg_catalog.=)
  size_t operator_call(size_t i) {
    const auto op = s_.operator_at(i);
    if (!op || !op->called) return i;
    replace(i, op->last, " " + op->text + " ");
    return op->last;
  }

  // ~ finds a part of the text in PostgreSQL, and wants all of it in DuckDB.
  // Returns the last token that it has dealt with.
  size_t match(size_t i) {
    const auto op = s_.operator_at(i);
    if (!op) return i;
    const bool ignores_case = op->text == "~*" || op->text == "!~*";
    if (op->text != "~" && op->text != "!~" && !ignores_case) {
      operator_call(i);
      return op->last;
    }
    const std::string begin = ignores_case ? "(?is).*(?:" : "(?s).*(?:";
    replace(i, op->last, op->text[0] == '!' ? " !~ " : " ~ ");
    const size_t right = op->last + 1;
    if (right >= s_.size()) return op->last;
    if (token(right).kind == TokenKind::kString && token(right).text[0] == '\'') {
      replace(right, right, quote_literal(begin + unquoted_string(token(right)) + ").*"));
      return right;
    }
    edits_.insert(token(right).offset, "(" + quote_literal(begin) + " || ");
    edits_.insert(s_.end_of(s_.operand_end(right)), " || ').*')");
    return op->last;
  }

  // int2vector and oidvector count from 0, lists from 1.
  void subscript(size_t i) {
    if (s_.is(i + 1, '(') && s_.folded(i) == "generate_subscripts") {
      const size_t close = s_.closing(i + 1);
      const size_t name = s_.operand_end(i + 2);
      if (is_vector(name) && !is_table(i)) {
        edits_.append(s_.end_of(close), " - 1");
      } else if (is_vector(name)) {
        replace(i, i + 1, "generate_series(0, len(");
        replace(name + 1, close, ") - 1)");
      }
    }
    if (!is_vector(i) || !s_.is(i + 1, '[')) return;
    const size_t close = s_.closing(i + 1);
    edits_.append(s_.end_of(close - 1), " + 1");
  }

  bool is_vector(size_t i) const {
    static const Words vectors{"indkey", "indclass", "indoption", "indcollation", "proargtypes"};
    return s_.name(i) && vectors.contains(s_.folded(i));
  }

  // '{1,2}' beside an array or cast to one: [1, 2].
  void array_text(size_t i) {
    if (token(i).kind != TokenKind::kString || !token(i).text.starts_with("'{") || !token(i).text.ends_with("}'")) {
      return;
    }
    const bool compared = i > 0 && (s_.is(i - 1, '=') || s_.is(i - 1, '>') || s_.is(i - 1, '('));
    const auto type = s_.is(i + 1, ':') ? type_at(i + 3) : std::nullopt;
    if (!compared && !(type && type->array)) return;
    const std::string text = unquoted_string(token(i));
    if (const auto list = list_of(std::string_view(text).substr(1, text.size() - 2))) replace(i, i, *list);
  }

  // The elements of an array's text as a list; nothing when there are arrays among them.
  static std::optional<std::string> list_of(std::string_view text) {
    std::string out = "[";
    while (!text.empty()) {
      std::string element;
      const bool quoted = text.front() == '"';
      if (quoted) text.remove_prefix(1);
      while (!text.empty() && text.front() != (quoted ? '"' : ',')) {
        if (text.front() == '{' && !quoted) return std::nullopt;
        if (text.front() == '\\' && text.size() > 1) text.remove_prefix(1);
        element += text.front();
        text.remove_prefix(1);
      }
      if (quoted && !text.empty()) text.remove_prefix(1);
      if (!text.empty()) text.remove_prefix(1);  // the comma
      const bool number = !quoted && !element.empty() && element.find_first_not_of("0123456789") == std::string::npos;
      const bool null = !quoted && (element == "NULL" || element == "null");
      out += (out.size() > 1 ? ", " : "") + (null ? "NULL" : number ? element : quote_literal(element));
    }
    return out + "]";
  }

  // Whether this function stands where a table does, with its schema before it or without.
  bool is_table(size_t i) const { return s_.in_from(i >= 2 && s_.is(i - 1, '.') ? i - 2 : i); }

  // FROM unnest(a, b) [WITH ORDINALITY]: the lists side by side.
  void rows_of_lists(size_t i) {
    if (s_.folded(i) != "unnest" || !s_.is(i + 1, '(') || !is_table(i)) return;
    const size_t close = s_.closing(i + 1);
    std::vector<size_t> commas;
    for (size_t at = i + 2; at < close; at++) {
      if (s_.is(at, ',') && s_.opening_of(at) == i + 1) commas.push_back(at);
    }
    if (commas.empty()) return;
    replace(i, i + 1, "(SELECT unnest(");
    for (const size_t comma : commas) replace(comma, comma, "), unnest(");
    const bool numbered = s_.word(close + 1, "with") && s_.word(close + 2, "ordinality");
    std::string end = "))";
    if (numbered) {
      const size_t begin = token(i + 2).offset;
      const std::string first(s_.text().substr(begin, token(commas.front()).offset - begin));
      end = "), unnest(generate_series(1, len(" + first + "))))";
    }
    replace(close, numbered ? close + 2 : close, end);
  }

  // FROM string_to_array(…) x: one row with one array, called x.
  void array_as_table(size_t i) {
    static const Words functions{"string_to_array", "regexp_split_to_array", "current_schemas"};
    if (!s_.is(i + 1, '(') || !functions.contains(s_.folded(i)) || !is_table(i)) return;
    const size_t close = s_.closing(i + 1);
    size_t alias = close + 1;
    if (s_.word(alias, "as")) alias++;
    if (!s_.name(alias) || s_.is_keyword_after_table(alias) || s_.is(alias + 1, '(')) return;
    const size_t first = i >= 2 && s_.is(i - 1, '.') ? i - 2 : i;
    edits_.insert(token(first).offset, "(SELECT ");
    edits_.append(s_.end_of(close), ")");
    edits_.append(s_.end_of(alias), "(" + std::string(token(alias).text) + ")");
  }

  // FROM unnest(…) x: x is its one column too.
  void column_of_rows(size_t i) {
    static const Words functions{"generate_series", "unnest", "generate_subscripts", "regexp_split_to_table"};
    if (!s_.is(i + 1, '(') || !functions.contains(s_.folded(i))) return;
    if (!is_table(i)) return;
    size_t alias = s_.closing(i + 1) + 1;
    if (s_.word(alias, "as")) alias++;
    if (!s_.name(alias) || s_.is(alias + 1, '(') || s_.is_keyword_after_table(alias)) return;
    edits_.append(s_.end_of(alias), "(" + std::string(token(alias).text) + ")");
  }

  void note_alias(size_t name, const std::string& relation) {
    const size_t at = s_.word(name + 1, "as") ? name + 2 : name + 1;
    const bool has_alias = s_.name(at) && !s_.is_keyword_after_table(at);
    tables_[has_alias ? s_.folded(at) : relation] = relation;
  }

  // The columns that every table of PostgreSQL has unseen: c.tableoid, c.xmin.
  void system_column(size_t i) {
    static const Words columns{"tableoid", "xmin", "xmax", "cmin", "cmax"};
    if (!s_.name(i) || !columns.contains(s_.folded(i)) || s_.is(i + 1, '(')) return;
    const bool qualified = i >= 2 && s_.is(i - 1, '.') && s_.name(i - 2);
    const auto table = qualified ? tables_.find(s_.folded(i - 2)) : tables_.begin();
    if (table == tables_.end() || (!qualified && (tables_.size() != 1 || (i > 0 && s_.word(i - 1, "as"))))) return;
    const std::string_view number = s_.folded(i) == "tableoid" ? PgNames::get().number_of(table->second) : "0";
    if (!number.empty()) replace(qualified ? i - 2 : i, i, std::string(number) + "::BIGINT");
  }

  // A backslash escapes in PostgreSQL's patterns without being asked.
  void like(size_t i) {
    if ((!s_.word(i, "like") && !s_.word(i, "ilike")) || i + 1 >= s_.size()) return;
    if (s_.word(i + 1, "any") || s_.word(i + 1, "all")) return;
    const size_t last = s_.operand_end(i + 1);
    const bool ends = last + 1 >= s_.size() || s_.is(last + 1, ')') || s_.is(last + 1, ',') ||
                      (s_.name(last + 1) && !s_.word(last + 1, "escape"));
    if (ends) edits_.append(s_.end_of(last), " ESCAPE '\\'");
  }

  // Functions that DuckDB calls otherwise.
  void renamed(size_t i) {
    if (s_.is(i + 1, '(') && (s_.folded(i) == "json_build_object" || s_.folded(i) == "jsonb_build_object")) {
      replace(i, i, "json_object");
    }
  }

  // As a column of the result, PostgreSQL's vectors are texts of numbers with blanks between them, and a type's
  // functions have names: ADBC tells types apart by those.
  void column_text(const PgStatement::Item& item) {
    static const Words vectors{"indkey", "indclass", "indoption", "indcollation", "proargtypes"};
    static const Words functions{"typinput", "typoutput", "typreceive", "typsend"};
    const size_t last = s_.word(item.last - 1, "as") ? item.last - 2 : item.last;
    if (last < item.first || s_.operand_end(item.first) != last) return;
    if (!s_.in_outer_list(item.first) || last - item.first > 4) return;
    if (vectors.contains(s_.folded(last))) {
      edits_.insert(token(item.first).offset, "array_to_string(");
      edits_.append(s_.end_of(last), ", ' ')");
    } else if (functions.contains(s_.folded(last))) {
      edits_.insert(token(item.first).offset, in_catalog(form(), "regproc_text") + "(");
      edits_.append(s_.end_of(last), ")");
    }
  }

  // A column keeps the name that PostgreSQL gives it, whatever its expression has become.
  void keep_names() {
    for (const PgStatement::Item& item : s_.items()) {
      if (names_catalog_) column_text(item);
      if (!edits_.touches(token(item.first).offset, s_.end_of(item.last))) continue;
      const std::string name = s_.column_name(item);
      if (!name.empty()) edits_.append(s_.end_of(item.last), " AS " + quote_name(name));
    }
  }

  const PgStatement& s_;
  const PgRewriteOptions& options_;
  TextEdits edits_;
  std::map<size_t, size_t> casts_;             // last token of a cast → first token of its operand
  std::map<std::string, std::string> tables_;  // of the catalog, by the names that the statement gives them
  size_t next_ = 0;                            // all before has been dealt with
  bool names_catalog_ = false;
};

}  // namespace

std::optional<PgRewrite> rewrite_pg(std::string_view sql, const PgRewriteOptions& options) {
  // Texts as long as this carry data; those that are about the catalog say so.
  constexpr size_t kLongText = size_t{64} << 10;
  const auto says = [&](std::string_view word) { return sql.find(word) != std::string_view::npos; };
  if (sql.size() > kLongText && !says("pg_") && !says("information_schema") && !says("public")) return std::nullopt;
  const PgStatement statement(sql);
  return Rewriter(statement, options).run(sql);
}

}  // namespace merganser::engine

// Casts, operators and functions within expressions that DuckDB spells otherwise.
#include <algorithm>
#include <array>

#include "dialect/datetime_pattern.h"
#include "dialect/operand.h"
#include "dialect/statements.h"

namespace merganser::dialect {
namespace {

using engine::TokenKind;

// Functions that are exactly what DuckDB has under another name.
struct Renamed {
  std::string_view postgres;
  std::string_view duckdb;
};
constexpr std::array<Renamed, 16> kRenamed{{{"json_build_object", "json_object"},
                                            {"jsonb_build_object", "json_object"},
                                            {"json_build_array", "json_array"},
                                            {"jsonb_build_array", "json_array"},
                                            {"json_agg", "json_group_array"},
                                            {"jsonb_agg", "json_group_array"},
                                            {"json_object_agg", "json_group_object"},
                                            {"jsonb_object_agg", "json_group_object"},
                                            {"row_to_json", "to_json"},
                                            {"to_jsonb", "to_json"},
                                            {"array_to_json", "to_json"},
                                            {"jsonb_array_length", "json_array_length"},
                                            {"uuid_generate_v4", "gen_random_uuid"},
                                            {"every", "bool_and"},
                                            {"transaction_timestamp", "now"},
                                            {"statement_timestamp", "now"}}};

// '{1,"a b",NULL}' as a list: ['1', 'a b', NULL]. Nothing when it is no array.
class ArrayText {
 public:
  explicit ArrayText(std::string_view text) : text_(text) {}
  std::optional<std::string> run() {
    auto list = array();
    if (!list || at_ != text_.size()) return std::nullopt;
    return list;
  }

 private:
  std::optional<std::string> array(int depth = 0) {
    if (depth > 6 || at_ >= text_.size() || text_[at_] != '{') return std::nullopt;
    at_++;
    std::string out = "[";
    if (at_ < text_.size() && text_[at_] == '}') {
      at_++;
      return "[]";
    }
    while (at_ < text_.size()) {
      while (at_ < text_.size() && text_[at_] == ' ') at_++;
      auto element = at_ < text_.size() && text_[at_] == '{' ? array(depth + 1) : value();
      if (!element) return std::nullopt;
      out += *element;
      while (at_ < text_.size() && text_[at_] == ' ') at_++;
      if (at_ >= text_.size()) return std::nullopt;
      if (text_[at_] == '}') {
        at_++;
        return out + "]";
      }
      if (text_[at_++] != ',') return std::nullopt;
      out += ", ";
    }
    return std::nullopt;
  }

  std::optional<std::string> value() {
    std::string out;
    const bool quoted = at_ < text_.size() && text_[at_] == '"';
    if (quoted) at_++;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (quoted ? c == '"' : c == ',' || c == '}') break;
      if (c == '\\' && at_ + 1 < text_.size()) at_++;
      out += text_[at_++];
    }
    if (quoted) {
      if (at_ >= text_.size()) return std::nullopt;
      at_++;
    } else {
      while (!out.empty() && out.back() == ' ') out.pop_back();
      if (out.empty()) return std::nullopt;
      if (engine::folded_name(engine::quote_name(out)) == "null") return "NULL";
    }
    return engine::quote_literal(out);
  }

  std::string_view text_;
  size_t at_ = 0;
};

bool is_plain_string(const SqlView& sql, size_t at) {
  return sql.kind(at, TokenKind::kString) && sql[at].text.size() >= 2 && sql[at].text[0] == '\'';
}

bool is_string(const SqlView& sql, size_t at) {
  return is_plain_string(sql, at) || (sql.kind(at, TokenKind::kString) && sql[at].text.size() >= 3 &&
                                      (sql[at].text[0] | 0x20) == 'e' && sql[at].text[1] == '\'');
}

// The text of '…' or E'…'; nothing for escapes that name a character by its number.
std::optional<std::string> text_of(const SqlView& sql, size_t at) {
  if (is_plain_string(sql, at)) return engine::unquoted_string(sql[at]);
  const std::string_view body = sql[at].text.substr(2, sql[at].text.size() - 3);
  static constexpr std::string_view kNames = "bfnrt";
  static constexpr std::string_view kMeanings = "\b\f\n\r\t";
  std::string out;
  for (size_t i = 0; i < body.size(); i++) {
    char c = body[i];
    if ((c == '\\' || c == '\'') && i + 1 < body.size()) {
      const char escaped = body[++i];
      if (c == '\\' && ((escaped >= '0' && escaped <= '7') || escaped == 'x' || escaped == 'u' || escaped == 'U')) {
        return std::nullopt;
      }
      const size_t known = c == '\\' ? kNames.find(escaped) : kNames.npos;
      c = known == kNames.npos ? escaped : kMeanings[known];
    }
    out += c;
  }
  return out;
}

// Functions of DuckDB's that take x -> expression.
bool takes_lambda(const SqlView& sql, size_t at) {
  const size_t open = sql.enclosing(at);
  if (open == kNone || open == 0) return false;
  const std::string name = sql.folded(open - 1);
  return name.starts_with("list_") || name.starts_with("array_") || name == "filter" || name == "apply" ||
         name == "reduce" || name == "transform";
}

class Editor {
 public:
  Editor(const SqlView& sql, size_t first, size_t end, TextEdits& edits)
      : sql_(sql), first_(first), end_(std::min(end, sql.size())), edits_(edits) {}

  void run() {
    for (size_t i = first_; i < end_; i++) {
      if (sql_.is(i, ':') && sql_.is(i + 1, ':')) {
        cast(i);
        type(i + 2);
        i++;
      } else if (sql_.word(i, "as") && i > 0 && cast_call(i)) {
        type(i + 1);
      } else if (sql_.kind(i, TokenKind::kWord) && sql_.is(i + 1, '(')) {
        call(i);
      } else if (sql_.word(i, "similar") && sql_.word(i + 1, "to")) {
        similar_to(i + 2);
      } else if (sql_.word(i, "like") || sql_.word(i, "ilike")) {
        like(i + 1);
      } else if (sql_.word(i, "collate") && sql_.word(i + 1, "pg_catalog")) {
        edits_.remove(sql_.begin_of(i), sql_.end_of(i + 3));
      } else if (sql_.kind(i, TokenKind::kSymbol)) {
        i = op(i);
      }
    }
  }

 private:
  bool cast_call(size_t as) const {
    const size_t open = sql_.enclosing(as);
    return open != kNone && open > 0 && (sql_.word(open - 1, "cast") || sql_.word(open - 1, "try_cast"));
  }

  void replace(size_t token, std::string text) {
    edits_.replace(sql_.begin_of(token), sql_.end_of(token), std::move(text));
  }

  // x::type: what stands before it.
  void cast(size_t at) {
    if (at == 0) return;
    if (sql_.word(at + 2, "regclass") && is_plain_string(sql_, at - 1) && at > 2 && sql_.is(at - 2, '(') &&
        (sql_.word(at - 3, "nextval") || sql_.word(at - 3, "currval"))) {
      edits_.remove(sql_.begin_of(at), sql_.end_of(at + 2));
      return;
    }
    size_t behind = at + 3;
    if (sql_.word(at + 2, "double") || sql_.word(at + 2, "character")) behind++;
    if (sql_.is(behind, '(') && sql_.closing(behind) != kNone) behind = sql_.closing(behind) + 1;
    // psycopg writes ('{a,b}')::text[].
    if (sql_.is(at - 1, ')') && at > 3 && is_string(sql_, at - 2) && sql_.is(at - 3, '(')) {
      if (sql_.is(behind, '[')) array_literal(at - 2);
      return;
    }
    if (!is_string(sql_, at - 1)) return;
    if (sql_.is(behind, '[')) array_literal(at - 1);
    if (sql_.word(at + 2, "bytea") && !sql_.is(behind, '[')) bytea_literal(at - 1);
  }

  void array_literal(size_t token) {
    const auto text = text_of(sql_, token);
    if (!text) return;
    if (auto list = ArrayText(*text).run()) replace(token, *std::move(list));
  }

  // A type's name in a cast.
  void type(size_t at) {
    if (sql_.word(at, "jsonb")) replace(at, "JSON");
    if (sql_.word(at, "name")) replace(at, "VARCHAR");
    precision(at);
    if (at >= 2 && sql_.word(at - 1, "as") && is_plain_string(sql_, at - 2)) {
      for (size_t i = at; i < end_ && !sql_.is(i, ')'); i++) {
        if (sql_.is(i, '[')) return array_literal(at - 2);
      }
    }
  }

  // timestamptz(3): DuckDB keeps microseconds.
  void precision(size_t at) {
    const bool zoned = sql_.word(at, "timestamptz") || sql_.word(at, "timetz") || sql_.word(at, "time");
    if (!sql_.is(at + 1, '(') || sql_.closing(at + 1) != at + 3) return;
    if (zoned || (sql_.word(at, "timestamp") && sql_.word(at + 4, "with"))) {
      edits_.remove(sql_.begin_of(at + 1), sql_.end_of(at + 3));
    }
  }

  void call(size_t at) {
    precision(at);
    if (at > 0 && sql_.is(at - 1, '.')) {
      if (at < 2 || !sql_.word(at - 2, "pg_catalog")) return;
    }
    if (at > 0 && (sql_.word(at - 1, "into") || sql_.word(at - 1, "table") || sql_.word(at - 1, "function") ||
                   sql_.word(at - 1, "macro"))) {
      return;
    }
    const std::string name = sql_.folded(at);
    const auto known =
        std::find_if(kRenamed.begin(), kRenamed.end(), [&](const Renamed& r) { return r.postgres == name; });
    if (known != kRenamed.end()) {
      const bool qualified = at > 1 && sql_.is(at - 1, '.');
      edits_.replace(sql_.begin_of(qualified ? at - 2 : at), sql_.end_of(at), std::string(known->duckdb));
    } else if (name == "unnest" && at > 0 && (sql_.word(at - 1, "from") || sql_.word(at - 1, "join"))) {
      several_lists(at);
    } else if (name == "encode" || name == "decode") {
      binary_text(at, name);
    } else if (name == "to_hex" && sql_.closing(at + 1) != kNone) {
      edits_.wrap(sql_.begin_of(at), sql_.end_of(sql_.closing(at + 1)), "lower(", ")");
    } else if (name == "to_char" || name == "to_date" || name == "to_timestamp") {
      date_pattern(at, name);
    }
  }

  // to_char(x, 'YYYY-MM-DD') with a pattern that DuckDB can write exactly.
  void date_pattern(size_t at, const std::string& name) {
    const size_t close = sql_.closing(at + 1);
    if (close == kNone || close < at + 4 || !is_plain_string(sql_, close - 1) || !sql_.is(close - 2, ',')) return;
    const auto pattern = strftime_pattern(engine::unquoted_string(sql_[close - 1]), name != "to_char");
    if (!pattern) return;
    replace(close - 1, engine::quote_literal(*pattern));
    if (name == "to_char") {
      replace(at, "strftime");
    } else {
      replace(at, "strptime");
      edits_.wrap(sql_.begin_of(at), sql_.end_of(close), "CAST(", name == "to_date" ? " AS DATE)" : " AS TIMESTAMPTZ)");
    }
  }

  // The escape character is a backslash unless the statement says otherwise.
  void like(size_t pattern) {
    const bool text = is_plain_string(sql_, pattern) && sql_[pattern].text.find('\\') != std::string_view::npos;
    if (!text && !sql_.kind(pattern, TokenKind::kParameter)) return;
    if (sql_.word(pattern + 1, "escape") || sql_.is(pattern + 1, ':') || !sql_.operator_at(pattern + 1).text.empty())
      return;
    edits_.replace(sql_.end_of(pattern), sql_.end_of(pattern), " ESCAPE '\\'");
  }

  // DuckDB takes the pattern of SIMILAR TO for a regular expression: here it is made one.
  void similar_to(size_t at) {
    if (!is_plain_string(sql_, at) || sql_.word(at + 1, "escape")) return;
    std::string pattern;
    const std::string text = engine::unquoted_string(sql_[at]);
    for (size_t i = 0; i < text.size(); i++) {
      const char c = text[i];
      if (c == '%')
        pattern += ".*";
      else if (c == '_')
        pattern += '.';
      else if (c == '.' || c == '^' || c == '$')
        pattern += std::string("\\") + c;
      else if (c == '\\' && i + 1 < text.size())
        pattern += std::string("\\") + text[++i];
      else
        pattern += c;
    }
    replace(at, engine::quote_literal(pattern));
  }

  // FROM unnest(a, b): DuckDB takes several lists only in a select list, and fills up the shorter ones there too.
  void several_lists(size_t at) {
    const size_t close = sql_.closing(at + 1);
    if (close == kNone) return;
    for (size_t i = at + 2; i < close; i++) {
      if (sql_.is(i, ':') && sql_.is(i + 1, '=')) return;  // unnest(x, recursive := true): DuckDB's own
    }
    bool several = false;
    for (size_t i = at + 2; i < close; i++) {
      if (!sql_.is(i, ',') || sql_[i].depth != sql_[at + 1].depth + 1) continue;
      several = true;
      replace(i, "), unnest(");
    }
    if (several) edits_.wrap(sql_.begin_of(at), sql_.end_of(close), "(SELECT ", ")");
  }

  // encode(x, 'hex') and its like, with a format that is written out.
  bool binary_text(size_t at, const std::string& name) {
    const size_t close = sql_.closing(at + 1);
    if (close == kNone || close < at + 5 || !is_plain_string(sql_, close - 1) || !sql_.is(close - 2, ',')) return false;
    const std::string format = engine::unquoted_string(sql_[close - 1]);
    if (format != "hex" && format != "base64") return false;
    if (name == "encode") {
      replace(at, format == "hex" ? "lower(hex" : "to_base64");
      if (format == "hex") edits_.replace(sql_.end_of(close), sql_.end_of(close), ")");
    } else {
      replace(at, format == "hex" ? "unhex" : "from_base64");
    }
    edits_.remove(sql_.begin_of(close - 2), sql_.end_of(close - 1));
    return true;
  }

  // '\x0102'::bytea: DuckDB wants each byte with its own \x.
  void bytea_literal(size_t token) {
    const std::string text = text_of(sql_, token).value_or("");
    if (text.size() < 2 || text[0] != '\\' || text[1] != 'x' || text.size() % 2 != 0) return;
    if (text.find_first_not_of("0123456789abcdefABCDEF", 2) != std::string::npos) return;
    std::string bytes;
    for (size_t i = 2; i < text.size(); i += 2) bytes += "\\x" + text.substr(i, 2);
    replace(token, engine::quote_literal(bytes));
  }

  // An operator; gives its last token.
  size_t op(size_t at) {
    const SqlView::Operator found = sql_.operator_at(at);
    if (found.text.empty()) return at;
    const size_t last = found.end - 1;
    if (found.text == "~" || found.text == "~*" || found.text == "!~" || found.text == "!~*") {
      match(found);
    } else if (found.text == "->" || found.text == "->>") {
      member(found);
    } else if (found.text == "#>" || found.text == "#>>") {
      path(found);
    }
    return last;
  }

  // The operands of a binary operator; false when it has none on its left.
  bool operands(const SqlView::Operator& op, int precedence_of, size_t& left, size_t& right) const {
    left = op.begin > first_ ? left_operand(sql_, op.begin, precedence_of) : kNone;
    if (left == kNone || left < first_) return false;
    right = right_operand(sql_, op.end, precedence_of);
    return right != kNone && right <= end_ && right > op.end;
  }

  // DuckDB's ~ wants the whole text to match; PostgreSQL's looks for a match anywhere in it.
  void match(const SqlView::Operator& op) {
    size_t left = 0;
    size_t right = 0;
    if (!operands(op, 5, left, right)) return;
    const bool negated = op.text[0] == '!';
    edits_.replace(sql_.begin_of(op.begin), sql_.end_of(op.end - 1), ",");
    std::string tail = op.text.back() == '*' ? ", 'i')" : ")";
    if (negated) tail += ")";
    edits_.wrap(sql_.begin_of(left), sql_.end_of(right - 1), negated ? "(NOT regexp_matches(" : "regexp_matches(",
                std::move(tail));
  }

  // j ->> 'a' = 'x': DuckDB's arrows bind weaker than comparisons, PostgreSQL's stronger.
  void member(const SqlView::Operator& op) {
    const bool literal = sql_.kind(op.end, TokenKind::kString) || sql_.kind(op.end, TokenKind::kNumber) ||
                         sql_.kind(op.end, TokenKind::kParameter) ||
                         (sql_.is(op.end, '-') && sql_.kind(op.end + 1, TokenKind::kNumber));
    if (!literal || (op.text == "->" && takes_lambda(sql_, op.begin))) return;
    size_t left = 0;
    size_t right = 0;
    if (!operands(op, 5, left, right)) return;
    edits_.wrap(sql_.begin_of(left), sql_.end_of(right - 1), "(", ")");
  }

  // j #>> '{a,0}' with a path that is written out: a JSON pointer, whose numbers may be keys or places, as
  // PostgreSQL's.
  void path(const SqlView::Operator& op) {
    size_t left = 0;
    size_t right = 0;
    if (!is_plain_string(sql_, op.end) || !operands(op, 5, left, right) || right != op.end + 1) return;
    const std::string text = engine::unquoted_string(sql_[op.end]);
    if (text.size() < 2 || text.front() != '{' || text.back() != '}' || text.find_first_of("\"\\{", 1) != text.npos)
      return;
    std::string pointer;
    for (size_t i = 0; i + 1 < text.size(); i++) {
      if (i == 0 || text[i] == ',')
        pointer += '/';
      else if (text[i] == '~')
        pointer += "~0";
      else if (text[i] == '/')
        pointer += "~1";
      else if (text[i] != ' ')
        pointer += text[i];
    }
    if (pointer == "/") pointer = "$";  // '{}': all of it
    edits_.replace(sql_.begin_of(op.begin), sql_.end_of(op.end - 1), ",");
    replace(op.end, engine::quote_literal(pointer));
    edits_.wrap(sql_.begin_of(left), sql_.end_of(right - 1), op.text == "#>" ? "json_extract(" : "json_extract_string(",
                ")");
  }

  const SqlView& sql_;
  size_t first_;
  size_t end_;
  TextEdits& edits_;
};

}  // namespace

void edit_expressions(const SqlView& sql, size_t first, size_t end, TextEdits& edits) {
  Editor(sql, first, end, edits).run();
}

}  // namespace merganser::dialect

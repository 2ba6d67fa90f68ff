#include "engine/live_names.h"

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

#include "engine/sql_tokens.h"

namespace merganser::engine {
namespace {

constexpr std::string_view kSchema = "merganser";
constexpr std::array<std::string_view, 2> kTables{"activity", "statistics"};

using Words = std::unordered_set<std::string_view>;

// After one of these at the same depth no further table is named until the next FROM or JOIN.
const Words& ends_of_from() {
  static const Words words{"select", "where",  "group",     "order",  "having", "limit",
                           "offset", "window", "qualify",   "union",  "except", "intersect",
                           "on",     "set",    "returning", "values", "fetch",  "using"};
  return words;
}

// What may follow a table's name and is no alias for it.
const Words& no_alias() {
  static const Words words{"where",      "join",      "left",   "right",  "inner",   "full",       "cross",
                           "natural",    "on",        "using",  "group",  "order",   "having",     "limit",
                           "offset",     "union",     "except", "select", "qualify", "window",     "intersect",
                           "positional", "asof",      "semi",   "anti",   "pivot",   "unpivot",    "fetch",
                           "for",        "returning", "set",    "when",   "sample",  "tablesample"};
  return words;
}

bool mentions_schema(std::string_view sql) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 0x20) : a) == b; };
  return std::search(sql.begin(), sql.end(), kSchema.begin(), kSchema.end(), same) != sql.end();
}

int characters(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](unsigned char c) { return (c & 0xC0) != 0x80; }));
}

bool is_name(const Token& token) {
  return token.kind == TokenKind::kWord || token.kind == TokenKind::kQuotedName;
}

class Rewriter {
 public:
  explicit Rewriter(std::string_view sql) : sql_(sql), tokens_(tokenize(sql)) {}

  std::optional<LiveRewrite> run() {
    for (size_t i = 0; i < tokens_.size(); i++) step(i);
    if (tables_.empty()) return std::nullopt;
    LiveRewrite out;
    size_t copied = 0;
    for (size_t i = 0; i + 2 < tokens_.size(); i++) {
      const std::string_view table = live_name_at(i);
      if (table.empty()) continue;
      const bool is_table = std::find(tables_.begin(), tables_.end(), i) != tables_.end();
      // merganser.activity.pid: a column of what is called activity from now on.
      const bool is_column = !is_table && followed_by(i, '.') && unnamed_.contains(table);
      if (!is_table && !is_column) continue;
      const size_t begin = tokens_[i].offset;
      const size_t end = tokens_[i + 2].offset + tokens_[i + 2].text.size();
      std::string text(table);
      if (is_table) {
        text = "system.main." + live_function(table) + "()";
        // DESCRIBE and SUMMARIZE take a query or a name, and a call is none.
        if (i > 0 && describes(i - 1)) text = "FROM " + text;
        if (!has_alias(i + 3)) text += " AS " + std::string(table);
      }
      replace(out, copied, begin, end, text);
      i += 2;
    }
    out.text += sql_.substr(copied);
    return out;
  }

 private:
  // One level of parentheses.
  struct Level {
    bool in_from = false;   // in a list of tables
    bool expects = false;   // a table comes next
    bool call = false;      // the arguments of a function
    bool selected = false;  // SELECT has been seen: what is here is a query
    bool first = true;      // nothing has been seen yet
  };

  bool word(size_t i, std::string_view lower) const { return i < tokens_.size() && tokens_[i].is_word(lower); }
  bool followed_by(size_t i, char symbol) const { return i + 3 < tokens_.size() && tokens_[i + 3].is(symbol); }

  bool describes(size_t i) const { return word(i, "describe") || word(i, "desc") || word(i, "summarize"); }

  // The table's name when tokens i, i+1, i+2 are merganser . table and nothing qualifies them; else empty.
  std::string_view live_name_at(size_t i) const {
    if (i + 2 >= tokens_.size() || !is_name(tokens_[i]) || !tokens_[i + 1].is('.') || !is_name(tokens_[i + 2])) {
      return {};
    }
    if (i > 0 && tokens_[i - 1].is('.')) return {};
    if (folded_name(tokens_[i]) != kSchema) return {};
    const std::string name = folded_name(tokens_[i + 2]);
    const auto* it = std::find(kTables.begin(), kTables.end(), name);
    return it == kTables.end() ? std::string_view() : *it;
  }

  bool has_alias(size_t i) const {
    if (i >= tokens_.size()) return false;
    if (tokens_[i].kind == TokenKind::kQuotedName) return true;
    return tokens_[i].kind == TokenKind::kWord && !no_alias().contains(folded_name(tokens_[i]));
  }

  void step(size_t i) {
    const Token& token = tokens_[i];
    Level& level = levels_.back();
    const bool expects = std::exchange(level.expects, false);
    const bool first = std::exchange(level.first, false);
    if (token.is('(') || token.is('[') || token.is('{')) {
      Level inner;
      inner.in_from = inner.expects = token.is('(') && expects;
      inner.call = !inner.in_from && i > 0 && is_name(tokens_[i - 1]) && !opens_query(tokens_[i - 1]);
      levels_.push_back(inner);
    } else if (token.is(')') || token.is(']') || token.is('}')) {
      if (levels_.size() > 1) levels_.pop_back();
    } else if (token.is(',')) {
      level.expects = level.in_from;
    } else if (token.kind == TokenKind::kSemicolon) {
      levels_.assign(1, Level());
    } else if (expects && !live_name_at(i).empty() && !followed_by(i, '(') && !followed_by(i, '.')) {
      tables_.push_back(i);
      if (!has_alias(i + 3)) unnamed_.insert(live_name_at(i));
    } else if (token.kind == TokenKind::kWord && (i == 0 || !tokens_[i - 1].is('.'))) {
      keyword(i, first, expects);
    }
  }

  // Words before a parenthesis that are no function's name.
  static bool opens_query(const Token& token) {
    static const Words words{"in",   "exists",  "as",           "any",       "all",     "some",
                             "not",  "lateral", "materialized", "select",    "from",    "where",
                             "and",  "or",      "on",           "union",     "except",  "intersect",
                             "with", "using",   "describe",     "summarize", "explain", "analyze"};
    return token.kind == TokenKind::kWord && words.contains(folded_name(token));
  }

  void keyword(size_t i, bool first, bool expects) {
    Level& level = levels_.back();
    if (word(i, "from")) {
      // extract(year FROM …) and IS DISTINCT FROM are no clauses; DELETE FROM names what is changed.
      const bool clause = !level.call || first || level.selected;
      const bool compares = i > 1 && word(i - 1, "distinct") && (word(i - 2, "is") || word(i - 2, "not"));
      if (clause && !compares) level.in_from = level.expects = !(i > 0 && word(i - 1, "delete"));
    } else if (word(i, "join") || word(i, "pivot") || word(i, "unpivot") || (first && describes(i))) {
      level.in_from = level.expects = true;
    } else if (word(i, "using")) {
      // MERGE … USING table, DELETE … USING table; JOIN … USING (columns) has a parenthesis.
      level.in_from = level.expects = i + 1 < tokens_.size() && !tokens_[i + 1].is('(');
    } else if (word(i, "lateral")) {
      level.expects = expects;
    } else if (ends_of_from().contains(folded_name(tokens_[i]))) {
      level.in_from = false;
      level.selected |= word(i, "select");
    }
  }

  void replace(LiveRewrite& out, size_t& copied, size_t begin, size_t end, const std::string& text) {
    out.text += sql_.substr(copied, begin - copied);
    old_at_ += characters(sql_.substr(copied, begin - copied));
    new_at_ += characters(sql_.substr(copied, begin - copied));
    const int old_length = characters(sql_.substr(begin, end - begin));
    const int new_length = characters(text);
    out.edits.push_back({new_at_, new_at_ + new_length, old_at_, old_at_ + old_length});
    out.text += text;
    old_at_ += old_length;
    new_at_ += new_length;
    copied = end;
  }

  std::string_view sql_;
  std::vector<Token> tokens_;
  std::vector<Level> levels_{Level()};
  std::vector<size_t> tables_;  // indexes of their first tokens, rising
  Words unnamed_;               // those that are known by their own name
  int old_at_ = 0;
  int new_at_ = 0;
};

}  // namespace

int LiveRewrite::client_position(int position) const {
  if (position <= 0) return position;
  int at = position - 1;
  int shift = 0;
  for (const Edit& edit : edits) {
    if (at < edit.new_begin) break;
    if (at < edit.new_end) return edit.old_begin + 1;
    shift = edit.old_end - edit.new_end;
  }
  return at + shift + 1;
}

std::optional<LiveRewrite> rewrite_live_names(std::string_view sql) {
  if (!mentions_schema(sql)) return std::nullopt;
  return Rewriter(sql).run();
}

std::string live_function(std::string_view name) {
  return std::string(kSchema) + "_" + std::string(name);
}

}  // namespace merganser::engine

#include "engine/pg_statement.h"

namespace merganser::engine {
namespace {

using Words = std::unordered_set<std::string_view>;

const Words& ends_of_from() {
  static const Words words{"where",   "group", "order",  "having", "limit",     "offset",    "window",
                           "qualify", "union", "on",     "except", "intersect", "returning", "values",
                           "set",     "fetch", "select", "using",  "for"};
  return words;
}

// Words before a parenthesis that are no function's name.
const Words& before_query() {
  static const Words words{"in",      "exists", "as",     "any",       "all",          "some",    "not",
                           "lateral", "select", "from",   "where",     "and",          "or",      "on",
                           "union",   "join",   "except", "intersect", "with",         "when",    "then",
                           "else",    "case",   "array",  "explain",   "materialized", "analyze", "between"};
  return words;
}

}  // namespace

PgStatement::PgStatement(std::string_view sql) : sql_(sql), tokens_(tokenize(sql)) {
  pair_up();
  find_tables();
}

bool PgStatement::name(size_t i) const {
  return i < tokens_.size() && (tokens_[i].kind == TokenKind::kWord || tokens_[i].kind == TokenKind::kQuotedName);
}

void PgStatement::pair_up() {
  partner_.assign(tokens_.size(), 0);
  outer_.assign(tokens_.size(), 0);
  std::vector<size_t> open;
  for (size_t i = 0; i < tokens_.size(); i++) {
    outer_[i] = open.empty() ? 0 : open.back();
    partner_[i] = i;
    if (is(i, '(') || is(i, '[') || is(i, '{')) {
      open.push_back(i);
      partner_[i] = tokens_.size() - 1;
    } else if ((is(i, ')') || is(i, ']') || is(i, '}')) && !open.empty()) {
      partner_[open.back()] = i;
      partner_[i] = open.back();
      outer_[i] = outer_[open.back()];
      open.pop_back();
    }
  }
}

void PgStatement::find_tables() {
  struct Level {
    bool in_from = false;
    bool expects = false;
    bool call = false;
    bool selected = false;
    bool first = true;
    bool selecting = false;
    size_t item = 0;  // where one begins
  };
  const auto end_item = [this](const Level& level, size_t end) {
    if (level.selecting && level.item < end) items_.push_back({level.item, end - 1});
  };
  from_.assign(tokens_.size(), false);
  select_.assign(tokens_.size(), false);
  std::vector<Level> levels(1);
  for (size_t i = 0; i < tokens_.size(); i++) {
    Level& level = levels.back();
    const bool expects = level.expects;
    const bool first = level.first;
    level.expects = level.first = false;
    select_[i] = levels.size() == 1 && level.selecting;
    if (is(i, '(') || is(i, '[') || is(i, '{')) {
      Level inner;
      inner.in_from = inner.expects = is(i, '(') && expects;
      inner.call = !inner.in_from && i > 0 && name(i - 1) &&
                   !(tokens_[i - 1].kind == TokenKind::kWord && before_query().contains(folded(i - 1)));
      levels.push_back(inner);
      continue;
    }
    if (is(i, ')') || is(i, ']') || is(i, '}')) {
      end_item(level, i);
      if (levels.size() > 1) levels.pop_back();
      continue;
    }
    if (is(i, ',')) {
      level.expects = level.in_from;
      end_item(level, i);
      level.item = i + 1;
      continue;
    }
    if (!name(i)) continue;
    const std::string lower = folded(i);
    from_[i] = expects;
    if (word(i + 1, "as") && is(i + 2, '(')) common_tables_.insert(lower);
    if (i > 0 && word(i - 1, "as")) aliases_.insert(lower);
    if (i > 0 && name(i - 1) && !is(i + 1, '.') && !is(i + 1, '(')) aliases_.insert(lower);
    if (tokens_[i].kind != TokenKind::kWord || (i > 0 && is(i - 1, '.'))) continue;
    if (lower == "from") {
      // extract(year FROM …) and IS DISTINCT FROM are no clauses; DELETE FROM names what is changed.
      const bool clause = !level.call || first || level.selected;
      const bool compares = i > 1 && word(i - 1, "distinct") && (word(i - 2, "is") || word(i - 2, "not"));
      if (clause && !compares) {
        level.in_from = level.expects = !(i > 0 && word(i - 1, "delete"));
        end_item(level, i);
        level.selecting = false;
      }
    } else if (lower == "join" || (i == 0 && (lower == "table" || lower == "describe" || lower == "summarize"))) {
      level.in_from = level.expects = true;
    } else if (lower == "lateral" || lower == "only") {
      level.expects = expects;
    } else if (ends_of_from().contains(lower)) {
      level.in_from = false;
      end_item(level, i);
      level.selecting = lower == "select";
      level.item = i + 1;
      level.selected |= lower == "select";
    }
  }
  for (const Level& level : levels) end_item(level, tokens_.size());
}

std::string PgStatement::column_name(const Item& item) const {
  size_t first = item.first;
  while (word(first, "distinct") || word(first, "all")) first++;
  if (first > item.last || operand_end(first) != item.last) return {};
  if (word(first, "cast") && is(first + 1, '(')) return column_name({first + 2, operand_end(first + 2)});
  if (is_text_or_parameter(first, first + 1)) {
    return item.last > first && name(item.last) ? folded(item.last) : std::string();  // the type it is cast to
  }
  if (!name(first)) return {};
  size_t at = first;
  while (at + 2 <= item.last && is(at + 1, '.') && name(at + 2)) at += 2;
  static const Words no_names{"array", "case", "not", "null", "true", "false", "exists", "interval"};
  return no_names.contains(folded(at)) ? std::string() : folded(at);
}

size_t PgStatement::first_rewritten() const {
  size_t i = 0;
  if (word(i, "alter") || word(i, "comment")) return size();
  if (!word(i, "create")) return 0;
  for (i = 1; i < size() && tokens_[i].depth == 0; i++) {
    if (word(i, "view") || word(i, "macro") || word(i, "function")) return size();
    if (word(i, "table")) break;
  }
  for (; i < size(); i++) {
    if (tokens_[i].depth == 0 && word(i, "as")) return i + 1;
  }
  return size();
}

bool PgStatement::is_keyword_after_table(size_t i) const {
  static const Words words{"join", "left", "right", "inner", "full", "cross", "natural", "with", "as"};
  return tokens_[i].kind == TokenKind::kWord && (words.contains(folded(i)) || ends_of_from().contains(folded(i)));
}

bool PgStatement::after_cast(size_t i) const {
  if (i >= 2 && is(i - 1, ':') && is(i - 2, ':')) return true;
  if (i < 2 || !word(i - 1, "as")) return false;
  const size_t open = outer_[i];
  return open > 0 && (word(open - 1, "cast") || word(open - 1, "try_cast"));
}

bool PgStatement::is_result_column(size_t first, size_t last) const {
  if (first == 0 || !select_[first]) return false;
  const bool begins = word(first - 1, "select") || is(first - 1, ',');
  return begins && (last + 1 >= size() || is(last + 1, ',') || word(last + 1, "from") || word(last + 1, "as"));
}

size_t PgStatement::operand_start(size_t i) const {
  if (i == 0) return 0;
  size_t at = i - 1;
  // f(…), a[…][…], (…): what is before the parenthesis may belong to it.
  while (at > 0 && (is(at, ')') || is(at, ']'))) {
    at = partner_[at];
    const bool has_head = at > 0 && (name(at - 1) || is(at - 1, ')') || is(at - 1, ']'));
    if (!has_head) return at;
    if (name(at - 1) && tokens_[at - 1].kind == TokenKind::kWord && before_query().contains(folded(at - 1)) &&
        !word(at - 1, "array")) {
      return at;
    }
    at--;
  }
  while (at >= 2 && name(at) && is(at - 1, '.') && name(at - 2)) at -= 2;
  return at;
}

size_t PgStatement::operand_end(size_t i) const {
  size_t at = i;
  if (is(at, '(') || is(at, '[')) {
    at = partner_[at];
  } else if (name(at)) {
    while (is(at + 1, '.') && name(at + 2)) at += 2;
    if (is(at + 1, '(')) at = partner_[at + 1];
  }
  while (is(at + 1, '[')) at = partner_[at + 1];
  while (is(at + 1, ':') && is(at + 2, ':') && name(at + 3)) {
    at += 3;
    while (is(at + 1, '.') && name(at + 2)) at += 2;
  }
  return at;
}

bool PgStatement::is_text_or_parameter(size_t first, size_t end) const {
  if (first >= end) return false;
  const TokenKind kind = tokens_[first].kind;
  if (kind != TokenKind::kString && kind != TokenKind::kParameter && kind != TokenKind::kNumber) return false;
  size_t at = first + 1;
  // With the casts that a driver wrote behind it.
  while (at + 2 < end && is(at, ':') && is(at + 1, ':') && name(at + 2)) {
    at += 3;
    while (at + 1 < end && is(at, '.') && name(at + 1)) at += 2;
  }
  return at == end;
}

std::optional<PgStatement::Operator> PgStatement::operator_at(size_t i) const {
  const auto adjoins = [this](size_t at) { return at > 0 && at < size() && end_of(at - 1) == tokens_[at].offset; };
  const auto is_symbol = [this](size_t at) {
    return at < size() && tokens_[at].kind == TokenKind::kSymbol &&
           std::string_view("~!@#%^&|`?+-*/<>=").find(tokens_[at].text[0]) != std::string_view::npos;
  };
  Operator op;
  if (word(i, "operator") && is(i + 1, '(')) {
    const size_t close = partner_[i + 1];
    for (size_t at = i + 2; at < close; at++) {
      if (is_symbol(at)) op.text += tokens_[at].text;
    }
    op.last = close;
    op.called = true;
    return op.text.empty() ? std::nullopt : std::optional(op);
  }
  if (!is(i, '~') && !is(i, '!')) return std::nullopt;
  if (i > 0 && is_symbol(i - 1) && adjoins(i)) return std::nullopt;
  op.last = i;
  while (is_symbol(op.last + 1) && adjoins(op.last + 1)) op.last++;
  for (size_t at = i; at <= op.last; at++) op.text += tokens_[at].text;
  return op.text.find('~') == std::string::npos ? std::nullopt : std::optional(op);
}

}  // namespace merganser::engine

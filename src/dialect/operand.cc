#include "dialect/operand.h"

#include <algorithm>
#include <array>
#include <string>

namespace merganser::dialect {
namespace {

using engine::TokenKind;

// Words that end an expression on their left, and so never are the name of a function or column before a bracket.
bool is_keyword(const SqlView& sql, size_t index) {
  static constexpr std::array<std::string_view, 42> kWords{
      "select", "from",   "where",     "and",    "or",     "not",   "in",     "on",    "when",    "then",  "else",
      "having", "values", "by",        "limit",  "offset", "using", "set",    "as",    "between", "is",    "like",
      "ilike",  "any",    "all",       "some",   "exists", "union", "except", "cross", "join",    "union", "intersect",
      "case",   "into",   "returning", "filter", "over",   "with",  "within", "case",  "distinct"};
  if (!sql.kind(index, TokenKind::kWord)) return false;
  const std::string word = sql.folded(index);
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

bool is_value(const SqlView& sql, size_t index) {
  return sql.kind(index, TokenKind::kNumber) || sql.kind(index, TokenKind::kString) ||
         sql.kind(index, TokenKind::kParameter) || (sql.name(index) && !is_keyword(sql, index));
}

bool typed_literal_word(const SqlView& sql, size_t index) {
  return sql.word(index, "interval") || sql.word(index, "date") || sql.word(index, "timestamp") ||
         sql.word(index, "timestamptz") || sql.word(index, "time");
}

size_t path_begin(const SqlView& sql, size_t last) {
  while (last >= 2 && sql.is(last - 1, '.') && sql.name(last - 2)) last -= 2;
  return last;
}

// CASE … END, backwards from END.
size_t case_begin(const SqlView& sql, size_t end) {
  int open = 0;
  for (size_t i = end + 1; i-- > 0;) {
    if (sql[i].depth != sql[end].depth) continue;
    if (sql.word(i, "end")) open++;
    if (sql.word(i, "case") && --open == 0) return i;
  }
  return kNone;
}

size_t primary_begin(const SqlView& sql, size_t last);

// x::type, backwards: `first` is the first token of what may be a type.
size_t behind_cast(const SqlView& sql, size_t first) {
  if (sql.word(first, "precision") && first > 0 && sql.word(first - 1, "double")) first--;
  if (first < 3 || !sql.is(first - 1, ':') || !sql.is(first - 2, ':')) return kNone;
  return primary_begin(sql, first - 3);
}

size_t group_begin(const SqlView& sql, size_t close) {
  const size_t open = sql.opening(close);
  if (open == kNone || sql.is(close, '}')) return kNone;
  if (sql.is(close, ']')) {
    if (open == 0) return kNone;
    return sql.word(open - 1, "array") ? open - 1 : primary_begin(sql, open - 1);  // a list, or a subscript or x::t[]
  }
  if (open == 0 || !sql.name(open - 1)) return open;
  if (sql.word(open - 1, "over") || sql.word(open - 1, "filter"))
    return open < 2 ? kNone : primary_begin(sql, open - 2);
  if (is_keyword(sql, open - 1)) return open;
  const size_t first = path_begin(sql, open - 1);
  const size_t cast = behind_cast(sql, first);
  return cast != kNone ? cast : first;
}

// The first token of the simple expression whose last token this is.
size_t primary_begin(const SqlView& sql, size_t last) {
  if (sql.is(last, ')') || sql.is(last, ']') || sql.is(last, '}')) return group_begin(sql, last);
  if (sql.word(last, "end")) return case_begin(sql, last);
  if (!is_value(sql, last)) return kNone;
  if (sql.kind(last, TokenKind::kString) && last > 0 && typed_literal_word(sql, last - 1)) return last - 1;
  const size_t first = sql.name(last) ? path_begin(sql, last) : last;
  const size_t cast = sql.name(first) ? behind_cast(sql, first) : kNone;
  return cast != kNone ? cast : first;
}

size_t type_end(const SqlView& sql, size_t at) {
  if (!sql.name(at)) return at;
  if (sql.word(at, "double") && sql.word(at + 1, "precision")) at++;
  at++;
  while (sql.is(at, '.') && sql.name(at + 1)) at += 2;
  if (sql.is(at, '(')) at = sql.closing(at) == kNone ? sql.size() : sql.closing(at) + 1;
  while (sql.is(at, '[') && sql.closing(at) != kNone) at = sql.closing(at) + 1;
  return at;
}

// Casts and subscripts behind a simple expression.
size_t after_postfix(const SqlView& sql, size_t at) {
  while (true) {
    if (sql.is(at, ':') && sql.is(at + 1, ':')) {
      at = type_end(sql, at + 2);
    } else if (sql.is(at, '[') && sql.closing(at) != kNone) {
      at = sql.closing(at) + 1;
    } else {
      return at;
    }
  }
}

size_t primary_end(const SqlView& sql, size_t at) {
  while (sql.is(at, '-') || sql.is(at, '+')) at++;
  if (sql.is(at, '(')) {
    const size_t close = sql.closing(at);
    return close == kNone ? kNone : after_postfix(sql, close + 1);
  }
  if (sql.word(at, "case")) {
    for (size_t i = at + 1; i < sql.size(); i++) {
      if (sql.word(i, "end") && sql[i].depth == sql[at].depth && case_begin(sql, i) == at)
        return after_postfix(sql, i + 1);
    }
    return kNone;
  }
  if (typed_literal_word(sql, at) && sql.kind(at + 1, TokenKind::kString)) return after_postfix(sql, at + 2);
  if (!is_value(sql, at)) return kNone;
  const bool name = sql.name(at);
  at++;
  while (name && sql.is(at, '.') && sql.name(at + 1)) at += 2;
  if (name && sql.is(at, '(')) {
    if (sql.closing(at) == kNone) return kNone;
    at = sql.closing(at) + 1;
    while ((sql.word(at, "over") || sql.word(at, "filter")) && sql.is(at + 1, '(')) {
      if (sql.closing(at + 1) == kNone) return kNone;
      at = sql.closing(at + 1) + 1;
    }
  }
  return after_postfix(sql, at);
}

}  // namespace

int precedence(std::string_view op) {
  if (op == "^") return 8;
  if (op == "*" || op == "/" || op == "%") return 7;
  if (op == "+" || op == "-") return 6;
  if (op == "=" || op == "<" || op == ">" || op == "<=" || op == ">=" || op == "<>" || op == "!=") return 3;
  return 5;
}

size_t left_operand(const SqlView& sql, size_t end, int min_precedence) {
  if (end == 0) return kNone;
  size_t begin = primary_begin(sql, end - 1);
  while (begin != kNone && begin > 0) {
    const SqlView::Operator before = sql.operator_before(begin);
    if (before.text.empty() || before.begin == 0 || precedence(before.text) < min_precedence) break;
    const size_t further = primary_begin(sql, before.begin - 1);
    if (further == kNone) break;
    begin = further;
  }
  return begin;
}

size_t right_operand(const SqlView& sql, size_t begin, int min_precedence) {
  size_t end = begin < sql.size() ? primary_end(sql, begin) : kNone;
  while (end != kNone && end < sql.size()) {
    const SqlView::Operator next = sql.operator_at(end);
    if (next.text.empty() || precedence(next.text) <= min_precedence) break;
    const size_t further = primary_end(sql, next.end);
    if (further == kNone) break;
    end = further;
  }
  return end;
}

}  // namespace merganser::dialect

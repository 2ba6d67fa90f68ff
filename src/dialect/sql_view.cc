#include "dialect/sql_view.h"

namespace merganser::dialect {

size_t SqlView::closing(size_t open) const {
  for (size_t i = open + 1; i < size(); i++) {
    const engine::Token& token = tokens_[i];
    if (token.depth == tokens_[open].depth && (token.is(')') || token.is(']') || token.is('}'))) return i;
  }
  return kNone;
}

size_t SqlView::opening(size_t close) const {
  for (size_t i = close; i-- > 0;) {
    const engine::Token& token = tokens_[i];
    if (token.depth == tokens_[close].depth && (token.is('(') || token.is('[') || token.is('{'))) return i;
  }
  return kNone;
}

size_t SqlView::enclosing(size_t index) const {
  if (tokens_[index].depth == 0) return kNone;
  for (size_t i = index; i-- > 0;) {
    const engine::Token& token = tokens_[i];
    if (token.depth + 1 == tokens_[index].depth && (token.is('(') || token.is('[') || token.is('{'))) return i;
  }
  return kNone;
}

bool SqlView::operator_symbol(size_t index) const {
  return kind(index, engine::TokenKind::kSymbol) &&
         std::string_view("+-*/<>=~!@#%^&|").find(tokens_[index].text[0]) != std::string_view::npos;
}

SqlView::Operator SqlView::operator_at(size_t begin) const {
  Operator found;
  found.begin = found.end = begin;
  while (operator_symbol(found.end) && (found.end == begin || adjoins(found.end))) {
    // A sign belongs to what follows, unless the operator goes on: a <= -1, but not a ->> b.
    const char c = tokens_[found.end].text[0];
    if (found.end > begin && (c == '+' || c == '-')) break;
    found.text += c;
    found.end++;
  }
  return found;
}

SqlView::Operator SqlView::operator_before(size_t end) const {
  size_t begin = end;
  while (begin > 0 && operator_symbol(begin - 1) && (begin == end || adjoins(begin))) begin--;
  if (begin == end) return {{}, end, end};
  // Signs at the end belong to what follows.
  Operator found = operator_at(begin);
  found.end = end;
  return found;
}

}  // namespace merganser::dialect

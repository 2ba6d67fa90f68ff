// One statement's tokens with what the readers of PostgreSQL's dialect ask of them: words, operators, groups.
//
// Threads: a value over a text that outlives it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "engine/sql_tokens.h"

namespace merganser::dialect {

inline constexpr size_t kNone = SIZE_MAX;

class SqlView {
 public:
  explicit SqlView(std::string_view sql) : sql_(sql), tokens_(engine::tokenize(sql)) {}

  std::string_view sql() const { return sql_; }
  size_t size() const { return tokens_.size(); }
  const engine::Token& operator[](size_t index) const { return tokens_[index]; }
  bool word(size_t index, std::string_view lower) const {
    return index < tokens_.size() && tokens_[index].is_word(lower);
  }
  bool is(size_t index, char symbol) const { return index < tokens_.size() && tokens_[index].is(symbol); }
  // A word or a quoted name.
  bool name(size_t index) const {
    return index < tokens_.size() &&
           (tokens_[index].kind == engine::TokenKind::kWord || tokens_[index].kind == engine::TokenKind::kQuotedName);
  }
  bool kind(size_t index, engine::TokenKind kind) const {
    return index < tokens_.size() && tokens_[index].kind == kind;
  }
  // Lower case; empty when it is no name.
  std::string folded(size_t index) const { return name(index) ? engine::folded_name(tokens_[index]) : std::string(); }
  // Whether a token begins where the one before it ends.
  bool adjoins(size_t index) const {
    return index > 0 && index < tokens_.size() &&
           tokens_[index - 1].offset + tokens_[index - 1].text.size() == tokens_[index].offset;
  }
  size_t begin_of(size_t index) const { return index < tokens_.size() ? tokens_[index].offset : sql_.size(); }
  size_t end_of(size_t index) const { return tokens_[index].offset + tokens_[index].text.size(); }
  // The text from one token up to, not including, another.
  std::string_view text(size_t first, size_t end) const {
    return first >= end ? std::string_view() : sql_.substr(begin_of(first), end_of(end - 1) - begin_of(first));
  }

  // The bracket that closes the one at `open`, or the one that opens that at `close`; kNone when there is none.
  size_t closing(size_t open) const;
  size_t opening(size_t close) const;
  // The innermost bracket around a token; kNone at the outermost level.
  size_t enclosing(size_t index) const;

  // The operator that begins at a token: its text and the token behind it; empty when there is none. `::` is none.
  struct Operator {
    std::string text;  // "+", "||", "->>", "<="
    size_t begin = 0;
    size_t end = 0;
  };
  Operator operator_at(size_t begin) const;
  Operator operator_before(size_t end) const;

 private:
  bool operator_symbol(size_t index) const;
  std::string_view sql_;
  std::vector<engine::Token> tokens_;
};

}  // namespace merganser::dialect

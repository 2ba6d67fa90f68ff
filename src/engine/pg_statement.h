// A statement's tokens with what the rules of pg_rewrite.cc ask of them: where tables are named, what an operand is.
//
// Threads: a value over a text that outlives it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "engine/sql_tokens.h"

namespace merganser::engine {

class PgStatement {
 public:
  explicit PgStatement(std::string_view sql);

  std::string_view text() const { return sql_; }
  size_t size() const { return tokens_.size(); }
  const Token& token(size_t i) const { return tokens_[i]; }
  bool is(size_t i, char symbol) const { return i < tokens_.size() && tokens_[i].is(symbol); }
  bool word(size_t i, std::string_view lower) const { return i < tokens_.size() && tokens_[i].is_word(lower); }
  bool name(size_t i) const;
  std::string folded(size_t i) const { return name(i) ? folded_name(tokens_[i]) : std::string(); }
  size_t end_of(size_t i) const { return tokens_[i].offset + tokens_[i].text.size(); }

  // From this token on names may be changed; size() when the statement is kept as text in the file.
  size_t first_rewritten() const;
  // Whether a table is named here, in FROM or after JOIN.
  bool in_from(size_t i) const { return i < from_.size() && from_[i]; }
  bool is_common_table(const std::string& lower) const { return common_tables_.contains(lower); }
  bool has_alias(const std::string& lower) const { return aliases_.contains(lower); }
  // Whether this word goes on with the query and is no alias.
  bool is_keyword_after_table(size_t i) const;
  // Whether what begins here is the type of a cast.
  bool after_cast(size_t i) const;
  // Of a column of the outermost result: nothing but this expression, as it is.
  bool is_result_column(size_t first, size_t last) const;

  // The expressions of all lists after SELECT: first and last token.
  struct Item {
    size_t first;
    size_t last;
  };
  const std::vector<Item>& items() const { return items_; }
  // Whether it is one of the outermost SELECT's.
  bool in_outer_list(size_t i) const { return select_[i]; }
  // What PostgreSQL calls the column of an item that has no alias; empty when it has one, or is no plain call or cast.
  std::string column_name(const Item& item) const;

  // The last token of the parenthesis or bracket that opens at i.
  size_t closing(size_t i) const { return partner_[i]; }
  // The one that opens what token i stands in; 0 when it stands in none.
  size_t opening_of(size_t i) const { return outer_[i]; }
  // The first token of the operand of a cast at i.
  size_t operand_start(size_t i) const;
  // The last token of the operand that begins at i.
  size_t operand_end(size_t i) const;
  // Whether tokens [first, end) are one literal or parameter.
  bool is_text_or_parameter(size_t first, size_t end) const;

  struct Operator {
    std::string text;
    size_t last = 0;
    bool called = false;  // OPERATOR(schema.op)
  };
  // OPERATOR(…), or one that begins with ~ or !~ here.
  std::optional<Operator> operator_at(size_t i) const;

 private:
  void pair_up();
  void find_tables();

  std::string_view sql_;
  std::vector<Token> tokens_;
  std::vector<size_t> partner_;
  std::vector<size_t> outer_;
  std::vector<bool> from_;
  std::vector<Item> items_;
  std::vector<bool> select_;  // in the outermost list of a SELECT
  std::unordered_set<std::string> common_tables_;
  std::unordered_set<std::string> aliases_;
};

}  // namespace merganser::engine

// A lexer for SQL as DuckDB reads it: enough to split statements, find parameters and see which names are called.
//
// It must never see less than DuckDB does, since the allow list stands on it: what DuckDB may take for a space, a
// comment or a quote is one here too. Threads: free functions over views; tokens point into the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace merganser::engine {

enum class TokenKind : uint8_t {
  kWord,        // unquoted identifier or keyword
  kQuotedName,  // "…"
  kString,      // '…', E'…', $tag$…$tag$, and X'…' and the like
  kNumber,
  kParameter,  // $1 or $name or ?
  kSymbol,     // one operator or punctuation character
  kSemicolon,
};

struct Token {
  TokenKind kind;
  uint32_t offset;        // bytes from the start of the text
  uint16_t depth;         // of parentheses and brackets, before this token
  std::string_view text;  // as written, with quotes

  bool is(char symbol) const { return kind == TokenKind::kSymbol && text[0] == symbol; }
  // Case-insensitive comparison with a lower-case word; unquoted words only.
  bool is_word(std::string_view lower) const;
};

// All tokens without spaces and comments. An unterminated quote or comment becomes one token up to the end.
std::vector<Token> tokenize(std::string_view sql);

// Lower-case name of a word or quoted name: Foo → foo, "Foo" → foo (DuckDB ignores case in both).
std::string folded_name(const Token& token);
// The same for a text that is one name; empty for any other text.
std::string folded_name(std::string_view name);

// The text of a '…' string without its quotes; other strings as they are.
std::string unquoted_string(const Token& token);

// 'it''s': safe to splice, since DuckDB knows no other escape in plain quotes.
std::string quote_literal(std::string_view text);
// "a""b"
std::string quote_name(std::string_view name);

// The table that an INSERT, UPDATE, DELETE or MERGE changes, folded and without its schema; empty where that is not
// plain to see.
std::string changed_table(std::string_view sql);

// The statements of a text, without the semicolons between; statements of spaces and comments only are left out.
struct StatementSpan {
  std::string_view text;
  uint32_t offset;  // of the text within the whole
};
std::vector<StatementSpan> split_statements(std::string_view sql);

}  // namespace merganser::engine

#include "engine/sql_tokens.h"

#include <algorithm>

namespace merganser::engine {
namespace {

bool is_ascii_space(unsigned char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_digit(unsigned char c) {
  return c >= '0' && c <= '9';
}
bool is_word_start(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}
bool is_word_part(unsigned char c) {
  return is_word_start(c) || is_digit(c) || c == '$';
}

// The Unicode spaces that DuckDB replaces by plain ones before it parses; 0 when there is none here.
size_t unicode_space_length(std::string_view s, size_t at) {
  const auto byte = [&](size_t i) { return at + i < s.size() ? static_cast<unsigned char>(s[at + i]) : 0; };
  const unsigned char a = byte(0), b = byte(1), c = byte(2);
  if (a == 0xC2 && b == 0xA0) return 2;
  if (a == 0xE2 && b == 0x80 && ((c >= 0x80 && c <= 0x8B) || c == 0xAF)) return 3;
  if (a == 0xE2 && b == 0x81 && (c == 0x9F || c == 0xA0)) return 3;
  if (a == 0xE3 && b == 0x80 && c == 0x80) return 3;
  if (a == 0xEF && b == 0xBB && c == 0xBF) return 3;
  return 0;
}

class Lexer {
 public:
  explicit Lexer(std::string_view sql) : sql_(sql) {}

  std::vector<Token> run() {
    tokens_.reserve(sql_.size() / 6 + 4);
    while (true) {
      skip_space_and_comments();
      if (at_ >= sql_.size()) return std::move(tokens_);
      lex_one();
    }
  }

 private:
  unsigned char peek(size_t ahead = 0) const {
    return at_ + ahead < sql_.size() ? static_cast<unsigned char>(sql_[at_ + ahead]) : 0;
  }

  void skip_space_and_comments() {
    while (at_ < sql_.size()) {
      if (is_ascii_space(peek()) || peek() == 0) {
        at_++;
      } else if (const size_t space = unicode_space_length(sql_, at_); space > 0) {
        at_ += space;
      } else if (peek() == '-' && peek(1) == '-') {
        while (at_ < sql_.size() && peek() != '\n' && peek() != '\r') at_++;
      } else if (peek() == '/' && peek(1) == '*') {
        skip_block_comment();
      } else {
        return;
      }
    }
  }

  void skip_block_comment() {
    int depth = 0;
    do {
      if (peek() == '/' && peek(1) == '*') {
        depth++;
        at_ += 2;
      } else if (peek() == '*' && peek(1) == '/') {
        depth--;
        at_ += 2;
      } else {
        at_++;
      }
    } while (depth > 0 && at_ < sql_.size());
  }

  void lex_one() {
    const size_t start = at_;
    const unsigned char c = peek();
    if (c == '\'') return lex_quoted(start, '\'', false, TokenKind::kString);
    if (c == '"') return lex_quoted(start, '"', false, TokenKind::kQuotedName);
    if (c == '$') return lex_dollar(start);
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return lex_number(start);
    if (is_word_start(c)) return lex_word(start);
    at_++;
    if (c == ';') return add(TokenKind::kSemicolon, start);
    if (c == '?') return add(TokenKind::kParameter, start);
    add(TokenKind::kSymbol, start);
    if (c == '(' || c == '[' || c == '{') {
      if (depth_ < UINT16_MAX) depth_++;
    } else if ((c == ')' || c == ']' || c == '}') && depth_ > 0) {
      depth_--;
      tokens_.back().depth = depth_;
    }
  }

  void lex_quoted(size_t start, char quote, bool backslash, TokenKind kind) {
    at_++;
    while (at_ < sql_.size()) {
      if (backslash && sql_[at_] == '\\') {
        at_ += 2;
      } else if (sql_[at_] != quote) {
        at_++;
      } else if (peek(1) == static_cast<unsigned char>(quote)) {
        at_ += 2;
      } else {
        at_++;
        break;
      }
    }
    at_ = std::min(at_, sql_.size());
    // E'a'<newline>'b' is one string, and the second part keeps the escapes of the first.
    if (backslash && continues_on_next_line()) return lex_quoted(start, quote, true, kind);
    add(kind, start);
  }

  // Spaces and comments with a line break among them, then a quote: moves to that quote.
  bool continues_on_next_line() {
    const size_t before = at_;
    bool new_line = false;
    while (at_ < sql_.size()) {
      if (const size_t space = unicode_space_length(sql_, at_); space > 0) {
        at_ += space;
      } else if (is_ascii_space(peek())) {
        new_line |= peek() == '\n' || peek() == '\r';
        at_++;
      } else if (peek() == '-' && peek(1) == '-') {
        while (at_ < sql_.size() && peek() != '\n' && peek() != '\r') at_++;
      } else {
        break;
      }
    }
    if (new_line && peek() == '\'') return true;
    at_ = before;
    return false;
  }

  void lex_dollar(size_t start) {
    at_++;
    size_t tag_end = at_;
    while (tag_end < sql_.size() && is_word_part(sql_[tag_end]) && sql_[tag_end] != '$') tag_end++;
    const bool tag_ok = tag_end == at_ || !is_digit(peek());
    if (tag_ok && tag_end < sql_.size() && sql_[tag_end] == '$') {
      const std::string_view tag = sql_.substr(start, tag_end - start + 1);
      const size_t close = sql_.find(tag, tag_end + 1);
      at_ = close == std::string_view::npos ? sql_.size() : close + tag.size();
      return add(TokenKind::kString, start);
    }
    at_ = tag_end;
    add(at_ == start + 1 ? TokenKind::kSymbol : TokenKind::kParameter, start);
  }

  void lex_number(size_t start) {
    while (is_digit(peek()) || peek() == '.' || is_word_start(peek()) ||
           ((peek() == '+' || peek() == '-') && (sql_[at_ - 1] == 'e' || sql_[at_ - 1] == 'E') && at_ > start)) {
      at_++;
    }
    add(TokenKind::kNumber, start);
  }

  void lex_word(size_t start) {
    while (at_ < sql_.size() && is_word_part(peek()) && unicode_space_length(sql_, at_) == 0) at_++;
    if (at_ == start + 1 && peek() == '\'') {
      const char prefix = sql_[start] | 0x20;
      if (prefix == 'e') return lex_quoted(start, '\'', true, TokenKind::kString);
      if (prefix == 'x' || prefix == 'b' || prefix == 'n') return lex_quoted(start, '\'', false, TokenKind::kString);
    }
    add(TokenKind::kWord, start);
  }

  void add(TokenKind kind, size_t start) {
    tokens_.push_back(Token{kind, static_cast<uint32_t>(start), depth_, sql_.substr(start, at_ - start)});
  }

  std::string_view sql_;
  size_t at_ = 0;
  uint16_t depth_ = 0;
  std::vector<Token> tokens_;
};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

std::string doubled(std::string_view text, char quote) {
  std::string out;
  out.reserve(text.size() + 2);
  out += quote;
  for (char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  out += quote;
  return out;
}

std::string undoubled(std::string_view text, char quote) {
  std::string out;
  for (size_t i = 0; i < text.size(); i++) {
    out += text[i];
    if (text[i] == quote && i + 1 < text.size() && text[i + 1] == quote) i++;
  }
  return out;
}

}  // namespace

bool Token::is_word(std::string_view lower_word) const {
  return kind == TokenKind::kWord && text.size() == lower_word.size() &&
         std::equal(text.begin(), text.end(), lower_word.begin(), [](char a, char b) { return lower(a) == b; });
}

std::vector<Token> tokenize(std::string_view sql) {
  return Lexer(sql).run();
}

std::string folded_name(const Token& token) {
  std::string name(token.text);
  if (token.kind == TokenKind::kQuotedName) {
    const size_t end = name.size() >= 2 && name.back() == '"' ? name.size() - 1 : name.size();
    name = undoubled(std::string_view(name).substr(1, end - 1), '"');
  }
  std::transform(name.begin(), name.end(), name.begin(), lower);
  return name;
}
std::string folded_name(std::string_view name) {
  const auto tokens = tokenize(name);
  return tokens.size() == 1 ? folded_name(tokens[0]) : std::string();
}

std::string unquoted_string(const Token& token) {
  const std::string_view text = token.text;
  if (text.size() < 2 || text.front() != '\'' || text.back() != '\'') return std::string(text);
  return undoubled(text.substr(1, text.size() - 2), '\'');
}

std::string quote_literal(std::string_view text) {
  return doubled(text, '\'');
}
std::string quote_name(std::string_view name) {
  return doubled(name, '"');
}

std::vector<StatementSpan> split_statements(std::string_view sql) {
  std::vector<StatementSpan> spans;
  constexpr size_t kNone = SIZE_MAX;
  size_t start = kNone, end = 0;
  const auto finish = [&] {
    if (start != kNone) spans.push_back({sql.substr(start, end - start), static_cast<uint32_t>(start)});
    start = kNone;
  };
  for (const Token& token : tokenize(sql)) {
    if (token.kind == TokenKind::kSemicolon) {
      finish();
      continue;
    }
    if (start == kNone) start = token.offset;
    end = token.offset + token.text.size();
  }
  finish();
  return spans;
}

std::string changed_table(std::string_view sql) {
  const std::vector<Token> tokens = tokenize(sql);
  size_t at = 0;
  const auto take = [&](std::string_view word) {
    const bool there = at < tokens.size() && tokens[at].is_word(word);
    if (there) at++;
    return there;
  };
  if (take("insert")) {
    if (take("or") && !take("replace") && !take("ignore")) return {};
    if (!take("into")) return {};
  } else if (take("delete")) {
    if (!take("from")) return {};
  } else if (take("merge")) {
    if (!take("into")) return {};
  } else if (!take("update")) {
    return {};
  }
  std::string name;
  while (at < tokens.size() && (tokens[at].kind == TokenKind::kWord || tokens[at].kind == TokenKind::kQuotedName)) {
    name = folded_name(tokens[at++]);
    if (at >= tokens.size() || !tokens[at].is('.')) return name;
    at++;
  }
  return {};
}

}  // namespace merganser::engine

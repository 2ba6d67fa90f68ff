#include "engine/copy_statement.h"

#include <algorithm>

#include "engine/copy_options.h"

namespace merganser::engine {
namespace {

using Tokens = std::vector<Token>;

std::string name_of(const Token& token) {
  if (token.kind != TokenKind::kQuotedName) return std::string(token.text);
  std::string out;
  const std::string_view inner = token.text.substr(1, token.text.size() - 2);
  for (size_t i = 0; i < inner.size(); i++) {
    out += inner[i];
    if (inner[i] == '"') i++;
  }
  return out;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(tolower(c)); });
  return out;
}

// A string constant's value: plain, or with the C escapes of E'…', which is how a tab is mostly said.
Result<std::string> string_value(const Token& token) {
  if (token.text.starts_with('\'')) return unquoted_string(token);
  const bool escapes = token.text.starts_with('e') || token.text.starts_with('E');
  if (!escapes) {
    const size_t tag = token.text.find('$', 1);
    if (!token.text.starts_with('$') || tag == token.text.npos || token.text.size() < 2 * (tag + 1)) {
      return make_error(ErrorCode::kSyntaxError, "syntax error at or near \"" + std::string(token.text) + "\"");
    }
    return std::string(token.text.substr(tag + 1, token.text.size() - 2 * (tag + 1)));
  }
  const std::string_view inner = token.text.substr(2, token.text.size() < 3 ? 0 : token.text.size() - 3);
  std::string out;
  for (size_t i = 0; i < inner.size(); i++) {
    if (inner[i] == '\'') i++;
    if (i >= inner.size()) break;
    if (inner[i] != '\\' || i + 1 >= inner.size()) {
      out += inner[i];
      continue;
    }
    const char c = inner[++i];
    constexpr std::string_view kNames = "bfnrt", kValues = "\b\f\n\r\t";
    const size_t known = kNames.find(c);
    const auto hex = [&](size_t at) {
      return at < inner.size() ? std::string_view("0123456789abcdef").find(static_cast<char>(tolower(inner[at])))
                               : std::string_view::npos;
    };
    if (known != kNames.npos) {
      out += kValues[known];
    } else if (c == 'x' && hex(i + 1) != std::string_view::npos) {
      size_t value = hex(++i);
      if (hex(i + 1) != std::string_view::npos) value = value * 16 + hex(++i);
      out += static_cast<char>(value);
    } else if (c >= '0' && c <= '7') {
      int value = c - '0';
      for (int n = 0; n < 2 && i + 1 < inner.size() && inner[i + 1] >= '0' && inner[i + 1] <= '7'; n++) {
        value = value * 8 + (inner[++i] - '0');
      }
      out += static_cast<char>(value);
    } else {
      out += c;
    }
  }
  return out;
}

Error server_side(bool from) {
  return make_error(ErrorCode::kInsufficientPrivilege,
                    std::string("COPY ") + (from ? "from" : "to") + " a file or program of the server is not permitted",
                    {}, "COPY FROM STDIN and TO STDOUT are for everyone, and so is psql's \\copy.");
}

class CopyParser {
 public:
  CopyParser(std::string_view sql, const Tokens& tokens) : sql_(sql), tokens_(tokens) {}

  Result<CopyStatementPtr> run() {
    at_ = 1;
    if (word("from")) return server_side(true);  // COPY FROM DATABASE, DuckDB's
    if (take_word("binary")) MERGANSER_TRY(list_.format(CopyFormat::kBinary));
    if (is('(')) {
      MERGANSER_TRY(query());
    } else {
      MERGANSER_TRY(table());
    }
    MERGANSER_TRY(direction());
    MERGANSER_TRY(options());
    MERGANSER_ASSIGN(out_.options, list_.finish(out_.from));
    return CopyStatementPtr(std::make_shared<CopyStatement>(std::move(out_)));
  }

 private:
  bool done() const { return at_ >= tokens_.size(); }
  bool is(char symbol) const { return !done() && tokens_[at_].is(symbol); }
  bool word(std::string_view lower) const { return !done() && tokens_[at_].is_word(lower); }
  bool take(char symbol) { return is(symbol) && ++at_ > 0; }
  bool take_word(std::string_view lower) { return word(lower) && ++at_ > 0; }
  bool name() const {
    return !done() && (tokens_[at_].kind == TokenKind::kWord || tokens_[at_].kind == TokenKind::kQuotedName);
  }

  Error syntax_error() const {
    if (done()) return make_error(ErrorCode::kSyntaxError, "syntax error at end of input");
    Error error =
        make_error(ErrorCode::kSyntaxError, "syntax error at or near \"" + std::string(tokens_[at_].text) + "\"");
    error.position = 1;
    for (const char c : sql_.substr(0, tokens_[at_].offset)) {
      if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) error.position++;
    }
    return error;
  }

  // The text between the parenthesis here and its partner, which is passed.
  Result<std::string_view> parenthesised() {
    const Token& open = tokens_[at_];
    size_t close = at_ + 1;
    while (close < tokens_.size() && !(tokens_[close].is(')') && tokens_[close].depth == open.depth)) close++;
    if (close >= tokens_.size()) {
      at_ = tokens_.size();
      return syntax_error();
    }
    at_ = close + 1;
    return sql_.substr(open.offset + 1, tokens_[close].offset - open.offset - 1);
  }

  Status query() {
    out_.query_offset = tokens_[at_].offset + 1;
    MERGANSER_ASSIGN(const std::string_view text, parenthesised());
    out_.query = std::string(text);
    return {};
  }

  Status table() {
    while (true) {
      if (!name()) return syntax_error();
      out_.table += tokens_[at_].text;
      out_.table_name = name_of(tokens_[at_]);
      at_++;
      if (!take('.')) break;
      out_.table += '.';
    }
    if (!is('(')) return {};
    MERGANSER_ASSIGN(out_.columns, name_list());
    return {};
  }

  Result<std::vector<std::string>> name_list() {
    std::vector<std::string> out;
    if (!take('(')) return syntax_error();
    do {
      if (!name()) return syntax_error();
      out.push_back(name_of(tokens_[at_++]));
    } while (take(','));
    if (!take(')')) return syntax_error();
    return out;
  }

  Status direction() {
    if (out_.query.empty() && take_word("from")) {
      out_.from = true;
      if (!take_word("stdin")) return not_standard();
      return {};
    }
    if (!take_word("to")) return syntax_error();
    if (!take_word("stdout")) return not_standard();
    return {};
  }

  // FROM DATABASE and the like are DuckDB's; they reach files as well.
  Status not_standard() const {
    if (done()) return syntax_error();
    return server_side(out_.from);
  }

  Status options() {
    const bool using_word = take_word("using");
    if (using_word && !word("delimiters")) return syntax_error();
    if (take_word("delimiters")) MERGANSER_TRY(old_text("delimiter"));
    take_word("with");
    if (is('(')) {
      MERGANSER_TRY(new_options());
    } else {
      while (!done() && !word("where")) MERGANSER_TRY(old_option());
    }
    if (done()) return {};
    if (!out_.from || !take_word("where") || done()) return syntax_error();
    out_.where = std::string(sql_.substr(tokens_[at_].offset));
    // It goes between parentheses into a statement of ours: it has to stay there.
    for (int depth = 0; !done(); at_++) {
      depth += is('(') ? 1 : is(')') ? -1 : 0;
      if (depth < 0) return syntax_error();
    }
    return {};
  }

  Status old_text(std::string_view name) {
    take_word("as");
    if (done() || tokens_[at_].kind != TokenKind::kString) return syntax_error();
    MERGANSER_ASSIGN(std::string value, string_value(tokens_[at_]));
    at_++;
    return list_.text(name, std::move(value));
  }

  Status old_option() {
    if (take_word("binary")) return list_.format(CopyFormat::kBinary);
    if (take_word("csv")) return list_.format(CopyFormat::kCsv);
    if (take_word("freeze")) return list_.boolean("freeze", true);
    if (take_word("header")) return list_.header(CopyHeader::kSkip);
    for (const std::string_view name : {"delimiter", "null", "quote", "escape", "encoding"}) {
      if (take_word(name)) return old_text(name);
    }
    if (!take_word("force")) return syntax_error();
    if (take_word("quote")) return old_names("force_quote");
    if (take_word("null")) return old_names("force_null");
    if (take_word("not") && take_word("null")) return old_names("force_not_null");
    return syntax_error();
  }

  Status old_names(std::string_view option) {
    if (option == "force_quote" && take('*')) return list_.names(option, {}, true);
    std::vector<std::string> columns;
    do {
      if (!name()) return syntax_error();
      columns.push_back(name_of(tokens_[at_++]));
    } while (take(','));
    return list_.names(option, std::move(columns), false);
  }

  Status new_options() {
    at_++;
    do {
      if (!name()) return syntax_error();
      MERGANSER_TRY(new_option(lowered(name_of(tokens_[at_++]))));
    } while (take(','));
    if (!take(')')) return syntax_error();
    return {};
  }

  bool at_value() const { return !done() && !is(',') && !is(')'); }

  // A word, a string or a number; signs are for numbers, which no option here takes.
  Result<std::string> value() {
    if (!at_value()) return syntax_error();
    if (tokens_[at_].kind == TokenKind::kString) return string_value(tokens_[at_++]);
    if (tokens_[at_].kind == TokenKind::kSymbol || tokens_[at_].kind == TokenKind::kParameter) return syntax_error();
    const Token& word = tokens_[at_++];
    return word.kind == TokenKind::kQuotedName ? name_of(word) : lowered(word.text);  // FORMAT BINARY
  }

  Result<bool> flag(std::string_view name) {
    if (!at_value()) return true;
    MERGANSER_ASSIGN(const std::string text, value());
    const std::string lower = lowered(text);
    if (lower == "true" || lower == "on" || lower == "1") return true;
    if (lower == "false" || lower == "off" || lower == "0") return false;
    return make_error(ErrorCode::kSyntaxError, std::string(name) + " requires a Boolean value");
  }

  Status new_option(const std::string& name) {
    if (name == "format") {
      MERGANSER_ASSIGN(const std::string text, value());
      if (text == "text") return list_.format(CopyFormat::kText);
      if (text == "csv") return list_.format(CopyFormat::kCsv);
      if (text == "binary") return list_.format(CopyFormat::kBinary);
      return make_error(ErrorCode::kInvalidParameterValue, "COPY format \"" + text + "\" not recognized");
    }
    if (name == "freeze") {
      MERGANSER_ASSIGN(const bool on, flag(name));
      return list_.boolean(name, on);
    }
    if (name == "header") return new_header();
    if (name == "force_quote" || name == "force_not_null" || name == "force_null") {
      if (take('*')) return list_.names(name, {}, true);
      if (!is('(')) {
        return make_error(ErrorCode::kInvalidParameterValue,
                          "argument to option \"" + name + "\" must be a list of column names");
      }
      MERGANSER_ASSIGN(std::vector<std::string> columns, name_list());
      return list_.names(name, std::move(columns), false);
    }
    if (name != "delimiter" && name != "null" && name != "quote" && name != "escape" && name != "encoding") {
      return make_error(ErrorCode::kSyntaxError, "option \"" + name + "\" not recognized");
    }
    if (!at_value()) return make_error(ErrorCode::kSyntaxError, name + " requires a parameter");
    MERGANSER_ASSIGN(std::string text, value());
    return list_.text(name, std::move(text));
  }

  Status new_header() {
    if (!done() && lowered(tokens_[at_].text) == "match") {
      at_++;
      return list_.header(CopyHeader::kMatch);
    }
    const auto on = flag("header");
    if (!on.ok()) {
      if (on.error().message.starts_with("syntax")) return on.error();
      return make_error(ErrorCode::kSyntaxError, "header requires a Boolean value or \"match\"");
    }
    return list_.header(*on ? CopyHeader::kSkip : CopyHeader::kNone);
  }

  std::string_view sql_;
  const Tokens& tokens_;
  size_t at_ = 0;
  CopyOptionList list_;
  CopyStatement out_;
};

}  // namespace

Result<CopyStatementPtr> parse_copy(std::string_view sql, const std::vector<Token>& tokens) {
  return CopyParser(sql, tokens).run();
}

}  // namespace merganser::engine

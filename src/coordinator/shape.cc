#include "coordinator/shape.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "engine/sql_tokens.h"

namespace merganser::coordinator {
namespace {

using engine::Token;
using engine::TokenKind;
using engine::TypeId;
using engine::Value;

constexpr int kMaxDecimalDigits = 18;

// Functions without side effects or state, whose result depends on their arguments alone.
constexpr std::string_view kPureFunctions[] = {"coalesce", "greatest", "least",  "nullif", "abs",
                                               "lower",    "upper",    "length", "concat"};
// Words that begin or are something other than a column's name.
constexpr std::string_view kForbiddenWords[] = {"select",
                                                "from",
                                                "with",
                                                "case",
                                                "cast",
                                                "try_cast",
                                                "exists",
                                                "in",
                                                "any",
                                                "all",
                                                "values",
                                                "returning",
                                                "current_date",
                                                "current_timestamp",
                                                "current_time",
                                                "localtime",
                                                "array",
                                                "map",
                                                "struct",
                                                "over",
                                                "filter",
                                                "lambda",
                                                "localtimestamp",
                                                "collate",
                                                "at",
                                                "row",
                                                "using",
                                                "default",
                                                "interval",
                                                "current_user",
                                                "user",
                                                "session_user",
                                                "columns",
                                                "unpack",
                                                "set",
                                                "on",
                                                "limit",
                                                "order"};

bool is_one_of(const Token& token, const auto& words) {
  return std::any_of(std::begin(words), std::end(words), [&](std::string_view word) { return token.is_word(word); });
}

bool is_name(const Token& token) {
  return token.kind == TokenKind::kQuotedName || (token.kind == TokenKind::kWord && !is_one_of(token, kForbiddenWords));
}

std::optional<Value> number_value(std::string_view digits, bool negative) {
  int before = 0;
  int after = 0;
  bool point = false;
  bool exponent = false;
  for (const char c : digits) {
    if (c >= '0' && c <= '9') {
      (point ? after : before)++;
    } else if (c == '.' && !point && !exponent) {
      point = true;
    } else if ((c == 'e' || c == 'E') && !exponent) {
      exponent = true;
    } else if (!(exponent && (c == '+' || c == '-'))) {
      return std::nullopt;  // 0x1F, 1_000
    }
  }
  if (exponent) {
    double real = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), real);
    if (problem != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return Value{TypeId::kDouble, negative ? -real : real};
  }
  if (before + after == 0 || before + after > kMaxDecimalDigits) return std::nullopt;
  int64_t number = 0;
  for (const char c : digits) {
    if (c != '.') number = number * 10 + (c - '0');
  }
  if (negative) number = -number;
  if (point) {
    if (before == 0 || after == 0) return std::nullopt;  // ".5", "1.": rare enough
    const engine::Hugeint wide{static_cast<uint64_t>(number), number < 0 ? -1 : 0};
    return Value{TypeId::kDecimal,
                 engine::Decimal{static_cast<uint8_t>(before + after), static_cast<uint8_t>(after), wide}};
  }
  const bool narrow = number >= std::numeric_limits<int32_t>::min() && number <= std::numeric_limits<int32_t>::max();
  return Value{narrow ? TypeId::kInteger : TypeId::kBigInt, number};
}

class Parser {
 public:
  explicit Parser(std::string_view sql) : tokens_(engine::tokenize(sql)), shape_(std::make_shared<Shape>()) {
    shape_->key.reserve(sql.size() + 16);
  }

  ParsedShape parse() {
    if (tokens_.empty()) return {nullptr, NotCoalesced::kGrammar};
    bool known = false;
    if (tokens_[0].is_word("insert")) {
      known = parse_insert();
    } else if (tokens_[0].is_word("update")) {
      known = parse_update();
    } else if (tokens_[0].is_word("delete")) {
      known = parse_delete();
    }
    if (!known || at_ < tokens_.size()) return {nullptr, why_};
    return {std::move(shape_), NotCoalesced::kNone};
  }

 private:
  bool fail(NotCoalesced why) {
    why_ = why;
    return false;
  }
  bool done() const { return at_ >= tokens_.size(); }
  const Token& token() const { return tokens_[at_]; }
  bool is_word(std::string_view lower) const { return !done() && token().is_word(lower); }
  bool is(char symbol) const { return !done() && token().is(symbol); }

  void add_key(std::string_view text) {
    shape_->key += ' ';
    shape_->key += text;
  }
  // Operators are tokens of one character each: what stood together stays together, what stood apart stays apart.
  void append_token(std::string& out, size_t index) const {
    const Token& token = tokens_[index];
    const bool adjoins = index > 0 && tokens_[index - 1].offset + tokens_[index - 1].text.size() == token.offset;
    if (!out.empty() && !adjoins) out += ' ';
    out += token.text;
  }
  // Takes the token into the key.
  std::string_view take() {
    append_token(shape_->key, at_);
    return tokens_[at_++].text;
  }
  bool take_word(std::string_view lower) {
    if (!is_word(lower)) return false;
    take();
    return true;
  }
  bool take_symbol(char symbol) {
    if (!is(symbol)) return false;
    take();
    return true;
  }

  bool parse_table() {
    do {
      if (done() || !is_name(token()) || shape_->table.size() == 3) return false;
      shape_->table.emplace_back(take());
    } while (take_symbol('.'));
    return true;
  }

  // A value that can be lifted, and what casts it. The key gets a mark instead of the value.
  bool parse_cell(BatchSlot& slot, Cell& cell, bool allow_default) {
    if (done()) return false;
    bool negative = false;
    if (is('-') && at_ + 1 < tokens_.size() && tokens_[at_ + 1].kind == TokenKind::kNumber) {
      negative = true;
      at_++;
    }
    const Token& value = token();
    std::optional<Value> literal;
    switch (value.kind) {
      case TokenKind::kParameter: {
        uint32_t number = 0;
        const auto [end, problem] =
            std::from_chars(value.text.data() + 1, value.text.data() + value.text.size(), number);
        if (value.text[0] != '$' || problem != std::errc() || end != value.text.data() + value.text.size() ||
            number == 0) {
          return fail(NotCoalesced::kExpression);
        }
        cell = {Cell::From::kParameter, number - 1};
        break;
      }
      case TokenKind::kNumber:
        literal = number_value(value.text, negative);
        break;
      case TokenKind::kString:
        if (value.text[0] == '\'') literal = Value::varchar(engine::unquoted_string(value));
        break;
      case TokenKind::kWord:
        if (value.is_word("null")) literal = Value::null();
        if (value.is_word("true")) literal = Value{TypeId::kBoolean, true};
        if (value.is_word("false")) literal = Value{TypeId::kBoolean, false};
        if (value.is_word("default") && allow_default) {
          cell = {Cell::From::kDefault, 0};
          at_++;
          slot.is_default = true;
          return true;
        }
        break;
      default:
        break;
    }
    if (value.kind != TokenKind::kParameter) {
      if (!literal) return fail(NotCoalesced::kExpression);
      cell = {Cell::From::kLiteral, static_cast<uint32_t>(shape_->literals.size())};
      shape_->literals.push_back(*std::move(literal));
    }
    at_++;
    // -1::T is -(1::T).
    if (negative && is(':')) return fail(NotCoalesced::kExpression);
    return parse_cast(slot.cast);
  }

  // ::INTEGER, ::DECIMAL(10, 2), ::"my enum"
  bool parse_cast(std::string& cast) {
    if (!is(':')) return true;
    if (at_ + 2 >= tokens_.size() || !tokens_[at_ + 1].is(':')) return fail(NotCoalesced::kExpression);
    const size_t first = at_ + 2;
    if (tokens_[first].kind != TokenKind::kWord && tokens_[first].kind != TokenKind::kQuotedName) {
      return fail(NotCoalesced::kExpression);
    }
    size_t last = first + 1;
    if (last < tokens_.size() && tokens_[last].is('(')) {
      while (last < tokens_.size() && !tokens_[last].is(')')) last++;
      if (last == tokens_.size()) return fail(NotCoalesced::kExpression);
      last++;
    }
    for (size_t i = at_; i < last; i++) append_token(cast, i);
    at_ = last;
    // Only a whole cell: no second cast, no operator behind it.
    return done() || is(',') || is(')') || token().kind == TokenKind::kWord || fail(NotCoalesced::kExpression);
  }

  // Text that stays as it is: names, literals, operators and pure functions up to one of `ends` at this depth.
  bool parse_kept(std::string& out, const auto& ends) {
    int depth = 0;
    const size_t first = at_;
    while (!done()) {
      const Token& current = token();
      if (depth == 0 && ends(current)) break;
      if (current.is('(') || current.is('[')) depth++;
      if (current.is(')') || current.is(']')) depth--;
      if (depth < 0) break;
      if (current.kind == TokenKind::kParameter || current.kind == TokenKind::kSemicolon || current.is('[') ||
          current.is('{') || current.is('?') || (current.kind == TokenKind::kSymbol && current.text[0] < ' ')) {
        return fail(NotCoalesced::kExpression);
      }
      if (current.kind == TokenKind::kWord || current.kind == TokenKind::kQuotedName) {
        const bool calls = at_ + 1 < tokens_.size() && tokens_[at_ + 1].is('(');
        if (calls ? !is_one_of(current, kPureFunctions) : is_one_of(current, kForbiddenWords)) {
          return fail(NotCoalesced::kExpression);
        }
        // Names of the batch's own, which the client's statement would not find.
        if (engine::folded_name(current).starts_with("merganser_")) return fail(NotCoalesced::kExpression);
        // A method call, a literal with a type's name before it, or an alias without AS.
        if (at_ > first && !calls && (tokens_[at_ - 1].is(')') || tokens_[at_ - 1].kind == TokenKind::kString)) {
          if (!is_word("as") && !is_word("and") && !is_word("or") && !is_word("is")) {
            return fail(NotCoalesced::kExpression);
          }
        }
      }
      append_token(out, at_);
      take();
    }
    return at_ > first || fail(NotCoalesced::kExpression);
  }

  bool parse_returning() {
    if (!take_word("returning")) return true;
    return parse_kept(shape_->returning, [](const Token&) { return false; });
  }

  bool parse_insert() {
    shape_->head = take();
    if (take_word("or")) {
      shape_->kind = ShapeKind::kUpsert;
      if (!is_word("replace") && !is_word("ignore")) return false;
      shape_->head += " OR ";
      shape_->head += take();
    }
    if (!take_word("into")) return false;
    shape_->head += " INTO";
    if (!parse_table()) return false;
    if (take_symbol('(')) {
      shape_->has_column_list = true;
      do {
        if (done() || !is_name(token())) return false;
        shape_->slots.push_back({std::string(take()), {}, false});
      } while (take_symbol(','));
      if (!take_symbol(')')) return false;
    }
    if (!take_word("values")) return false;
    if (!parse_rows()) return false;
    if (is_word("on")) {
      shape_->kind = ShapeKind::kUpsert;
      if (!parse_on_conflict()) return false;
    }
    return parse_returning();
  }

  bool parse_rows() {
    size_t rows = 0;
    do {
      if (++rows > kShapeRowsLimit) return fail(NotCoalesced::kLarge);
      if (!is('(')) return false;
      at_++;
      size_t column = 0;
      while (true) {
        if (column == shape_->slots.size()) {
          if (rows > 1 || shape_->has_column_list) return fail(NotCoalesced::kGrammar);
          shape_->slots.emplace_back();
        }
        BatchSlot here;
        Cell cell;
        if (!parse_cell(here, cell, true)) return false;
        BatchSlot& slot = shape_->slots[column++];
        if (rows == 1) {
          slot.cast = std::move(here.cast);
          slot.is_default = here.is_default;
        } else if (slot.cast != here.cast || slot.is_default != here.is_default) {
          return fail(NotCoalesced::kExpression);
        }
        shape_->cells.push_back(cell);
        if (is(')')) break;
        if (!is(',')) return fail(NotCoalesced::kExpression);
        at_++;
      }
      at_++;
      if (column != shape_->slots.size()) return fail(NotCoalesced::kGrammar);
      if (!is(',')) break;
      at_++;
    } while (true);
    shape_->rows = rows;
    for (const BatchSlot& slot : shape_->slots)
      add_key(slot.is_default ? "\x02" : slot.cast.empty() ? "\x01" : slot.cast);
    return true;
  }

  bool parse_on_conflict() {
    const size_t first = at_;
    take();
    if (!take_word("conflict")) return false;
    if (take_symbol('(')) {
      do {
        if (done() || !is_name(token())) return false;
        take();
      } while (take_symbol(','));
      if (!take_symbol(')')) return false;
    }
    if (!take_word("do")) return false;
    if (take_word("nothing")) {
      shape_->tail = text_between(first, at_);
      return true;
    }
    if (!take_word("update") || !take_word("set")) return false;
    std::string kept;
    while (true) {
      if (done() || !is_name(token())) return fail(NotCoalesced::kExpression);
      shape_->set_columns.push_back(engine::folded_name(token()));
      take();
      if (!take_symbol('=')) return fail(NotCoalesced::kExpression);
      const auto ends = [](const Token& t) { return t.is(',') || t.is_word("where") || t.is_word("returning"); };
      if (!parse_kept(kept, ends)) return false;
      if (!take_symbol(',')) break;
    }
    if (take_word("where") && !parse_kept(kept, [](const Token& t) { return t.is_word("returning"); })) return false;
    shape_->tail = text_between(first, at_);
    return true;
  }

  std::string text_between(size_t first, size_t last) const {
    std::string text;
    for (size_t i = first; i < last; i++) append_token(text, i);
    return text;
  }

  // Whether the right side that begins here is one value and nothing else.
  bool value_stands_alone(const auto& ends) const {
    size_t at = at_;
    if (tokens_[at].is('-')) at++;
    if (at >= tokens_.size()) return false;
    const Token& value = tokens_[at];
    const bool is_value = value.kind == TokenKind::kParameter || value.kind == TokenKind::kNumber ||
                          value.kind == TokenKind::kString || value.is_word("null") || value.is_word("true") ||
                          value.is_word("false");
    if (!is_value) return false;
    at++;
    return at >= tokens_.size() || ends(tokens_[at]) || tokens_[at].is(':');
  }

  bool parse_update() {
    shape_->kind = ShapeKind::kUpdate;
    take();
    if (!parse_table() || !take_word("set")) return false;
    const auto ends = [](const Token& t) { return t.is(',') || t.is_word("where") || t.is_word("returning"); };
    shape_->head = "SET ";
    while (true) {
      if (done() || !is_name(token())) return fail(NotCoalesced::kExpression);
      shape_->set_columns.push_back(engine::folded_name(token()));
      const std::string column(take());
      if (!take_symbol('=') || done()) return fail(NotCoalesced::kExpression);
      shape_->head += column;
      shape_->head += " = ";
      if (value_stands_alone(ends)) {
        BatchSlot slot{column, {}, false};
        Cell cell;
        if (!parse_cell(slot, cell, false)) return false;
        add_key(slot.cast.empty() ? "\x01" : slot.cast);
        shape_->slots.push_back(std::move(slot));
        shape_->cells.push_back(cell);
        shape_->head += '\x01';
      } else {
        std::string kept;
        if (!parse_kept(kept, ends)) return false;
        shape_->head += kept;
      }
      if (!take_symbol(',')) break;
      shape_->head += ", ";
    }
    return parse_conditions() && parse_returning();
  }

  bool parse_delete() {
    shape_->kind = ShapeKind::kDelete;
    take();
    if (!take_word("from") || !parse_table()) return false;
    return parse_conditions() && parse_returning();
  }

  // WHERE column = value [AND column = value]…
  bool parse_conditions() {
    if (!take_word("where")) return fail(NotCoalesced::kKey);
    do {
      if (done() || !is_name(token())) return fail(NotCoalesced::kKey);
      BatchSlot slot{std::string(take()), {}, false};
      if (!take_symbol('=') || done()) return fail(NotCoalesced::kKey);
      const auto ends = [](const Token& t) { return t.is_word("and") || t.is_word("returning"); };
      if (!value_stands_alone(ends)) return fail(NotCoalesced::kKey);
      Cell cell;
      if (!parse_cell(slot, cell, false)) return false;
      add_key(slot.cast.empty() ? "\x01" : slot.cast);
      shape_->slots.push_back(std::move(slot));
      shape_->cells.push_back(cell);
      shape_->conditions++;
    } while (take_word("and"));
    return done() || is_word("returning") || fail(NotCoalesced::kKey);
  }

  std::vector<Token> tokens_;
  std::shared_ptr<Shape> shape_;
  size_t at_ = 0;
  NotCoalesced why_ = NotCoalesced::kGrammar;
};

}  // namespace

ParsedShape parse_shape(std::string_view sql) {
  if (sql.size() > kShapeTextLimit) return {nullptr, NotCoalesced::kLarge};
  return Parser(sql).parse();
}

}  // namespace merganser::coordinator

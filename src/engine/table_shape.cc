#include "engine/table_shape.h"

#include <algorithm>
#include <array>

#include "engine/sql_tokens.h"

namespace merganser::engine {
namespace {

using Tokens = std::vector<Token>;
using Kind = TableChange::Kind;

bool is_name(const Token& token) {
  return token.kind == TokenKind::kWord || token.kind == TokenKind::kQuotedName;
}

std::string_view rest_of(std::string_view text, const Token& from) {
  return text.substr(from.offset);
}

// Where a column's type ends: at the first word that begins a constraint.
size_t type_end(const Tokens& tokens) {
  static constexpr std::array<std::string_view, 9> kWords{"default", "not",     "null",      "primary",   "unique",
                                                          "check",   "collate", "generated", "references"};
  for (size_t i = 1; i < tokens.size(); i++) {
    if (tokens[i].depth != 0 || tokens[i].kind != TokenKind::kWord) continue;
    for (const std::string_view word : kWords) {
      if (tokens[i].is_word(word)) return i;
    }
  }
  return tokens.size();
}

bool begins_with(const Tokens& tokens, std::string_view first, std::string_view second = {}) {
  return tokens.size() > 1 && tokens[0].is_word(first) && (second.empty() || tokens[1].is_word(second));
}

// The names in the first brackets: of PRIMARY KEY (a, b).
std::vector<std::string> names_in_brackets(const Tokens& tokens) {
  std::vector<std::string> names;
  for (size_t i = 0; i < tokens.size() && !tokens[i].is(')'); i++) {
    if (tokens[i].depth == 1 && is_name(tokens[i])) names.push_back(folded_name(tokens[i]));
  }
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += "_" + name;
  return out;
}

std::string referenced_table(const Tokens& tokens, size_t& behind) {
  for (size_t i = 0; i + 1 < tokens.size(); i++) {
    if (tokens[i].depth != 0 || !tokens[i].is_word("references")) continue;
    size_t name = i + 1;
    while (name + 2 < tokens.size() && tokens[name + 1].is('.')) name += 2;
    behind = name + 1;
    return folded_name(tokens[name]);
  }
  return {};
}

bool is_foreign_key(const Tokens& tokens) {
  return begins_with(tokens, "foreign", "key");
}

// A text without the tokens [first, end).
std::string without(std::string_view text, const Tokens& tokens, size_t first, size_t end) {
  std::string out(text.substr(0, tokens[first].offset));
  while (!out.empty() && out.back() == ' ') out.pop_back();
  if (end < tokens.size()) out += " " + std::string(rest_of(text, tokens[end]));
  return out;
}

// The place of a constraint in a column's definition: UNIQUE, PRIMARY KEY, NOT NULL.
std::optional<size_t> place_of(const Tokens& tokens, std::string_view first, std::string_view second = {}) {
  for (size_t i = 1; i < tokens.size(); i++) {
    if (tokens[i].depth != 0 || !tokens[i].is_word(first)) continue;
    if (second.empty() || (i + 1 < tokens.size() && tokens[i + 1].is_word(second))) return i;
  }
  return std::nullopt;
}

Error no_column(std::string_view column, std::string_view table) {
  return make_error(ErrorCode::kUndefinedColumn,
                    "column \"" + std::string(column) + "\" of relation \"" + std::string(table) + "\" does not exist");
}

}  // namespace

bool mentions_name(std::string_view text, std::string_view name) {
  const Tokens tokens = tokenize(text);
  for (size_t i = 0; i < tokens.size(); i++) {
    if (!is_name(tokens[i]) || folded_name(tokens[i]) != name) continue;
    if (i + 1 < tokens.size() && tokens[i + 1].is('(')) continue;
    if (i == 0 || !tokens[i - 1].is('.')) return true;
  }
  return false;
}

std::string with_name_replaced(std::string_view text, std::string_view name, std::string_view new_name) {
  const Tokens tokens = tokenize(text);
  std::string out;
  size_t copied = 0;
  for (size_t i = 0; i < tokens.size(); i++) {
    if (!is_name(tokens[i]) || folded_name(tokens[i]) != name) continue;
    if ((i + 1 < tokens.size() && tokens[i + 1].is('(')) || (i > 0 && tokens[i - 1].is('.'))) continue;
    out += text.substr(copied, tokens[i].offset - copied);
    out += quote_name(new_name);
    copied = tokens[i].offset + tokens[i].text.size();
  }
  return out += text.substr(copied);
}

Result<TableShape> TableShape::parse(std::string_view create_table) {
  const Tokens tokens = tokenize(create_table);
  size_t open = 0;
  while (open < tokens.size() && !tokens[open].is('(')) open++;
  TableShape shape;
  size_t first = open + 1;
  for (size_t i = first; i < tokens.size(); i++) {
    const bool end = tokens[i].is(')') && tokens[i].depth == 0;
    if (!end && !(tokens[i].is(',') && tokens[i].depth == 1)) continue;
    const std::string_view text = create_table.substr(tokens[first].offset, tokens[i].offset - tokens[first].offset);
    const Tokens own = tokenize(text);
    Item item;
    item.text = std::string(text);
    const bool constraint = is_foreign_key(own) || begins_with(own, "primary", "key") ||
                            (own.size() > 1 && own[1].is('(') && (own[0].is_word("unique") || own[0].is_word("check")));
    if (!constraint && !own.empty()) item.column = folded_name(own[0]);
    item.generated = !constraint && place_of(own, "generated").has_value();
    shape.items_.push_back(std::move(item));
    first = i + 1;
    if (end) return shape;
  }
  return make_error(ErrorCode::kInternalError, "the definition of a table could not be read",
                    std::string(create_table));
}

std::string TableShape::body() const {
  std::string out = "(";
  for (const Item& item : items_) out += (out.size() > 1 ? ", " : "") + item.text;
  return out + ")";
}

std::optional<size_t> TableShape::find(std::string_view column) const {
  const std::string wanted = folded_name(quote_name(column));
  for (size_t i = 0; i < items_.size(); i++) {
    if (!items_[i].column.empty() && items_[i].column == wanted) return i;
  }
  return std::nullopt;
}

Status TableShape::apply(const TableChange& change, std::string_view table) {
  const auto at = find(change.column);
  const bool names_column = !change.column.empty() && change.kind != Kind::kAddColumn;
  if (names_column && !at) {
    if (change.if_exists) return {};
    return no_column(change.column, table);
  }
  switch (change.kind) {
    case Kind::kNative:
      return {};
    case Kind::kAddColumn:
      if (find(change.column)) {
        if (change.if_exists) return {};
        return make_error(ErrorCode::kDuplicateColumn,
                          "column \"" + change.column + "\" of relation \"" + std::string(table) + "\" already exists");
      }
      items_.push_back({folded_name(quote_name(change.column)), change.text, false});
      return {};
    case Kind::kDropColumn:
      return drop_column(*at, change.cascade);
    case Kind::kSetType:
      set_type(items_[*at], change.text);
      return {};
    case Kind::kSetNotNull:
      if (!place_of(tokenize(items_[*at].text), "not", "null")) items_[*at].text += " NOT NULL";
      return {};
    case Kind::kDropNotNull: {
      const Tokens tokens = tokenize(items_[*at].text);
      if (const auto place = place_of(tokens, "not", "null")) {
        items_[*at].text = without(items_[*at].text, tokens, *place, *place + 2);
      }
      return {};
    }
    case Kind::kRenameColumn:
      if (find(change.new_name)) {
        return make_error(ErrorCode::kDuplicateColumn, "column \"" + change.new_name + "\" of relation \"" +
                                                           std::string(table) + "\" already exists");
      }
      for (Item& item : items_) item.text = with_name_replaced(item.text, items_[*at].column, change.new_name);
      items_[*at].column = folded_name(quote_name(change.new_name));
      return {};
    case Kind::kRenameTable:
      rename_referenced(table, {}, change.new_name);
      return {};
    case Kind::kAddConstraint:
      if (begins_with(tokenize(change.text), "primary", "key")) {
        for (const Item& item : items_) {
          if (!place_of(tokenize(" x " + item.text), "primary", "key")) continue;
          return make_error(ErrorCode::kDuplicateObject,
                            "multiple primary keys for table \"" + std::string(table) + "\" are not allowed");
        }
      }
      items_.push_back({{}, change.text, false});
      return {};
    case Kind::kDropConstraint:
      return drop_constraint(change, table);
  }
  return {};
}

// As PostgreSQL does: what was defined over the column goes with it.
Status TableShape::drop_column(size_t at, bool cascade) {
  const std::string column = items_[at].column;
  for (size_t i = 0; i < items_.size(); i++) {
    if (i == at || items_[i].column.empty() || !items_[i].generated || cascade) continue;
    if (!mentions_name(items_[i].text, column)) continue;
    return make_error(ErrorCode::kDependentObjects,
                      "cannot drop column " + column + " because column " + items_[i].column + " is computed from it",
                      {}, "Use DROP … CASCADE to drop the dependent objects too.");
  }
  items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(at));
  std::erase_if(items_, [&](const Item& item) {
    if (!item.column.empty()) return item.generated && mentions_name(item.text, column);
    const Tokens tokens = tokenize(item.text);
    if (!is_foreign_key(tokens)) return mentions_name(item.text, column);
    const auto names = names_in_brackets(tokens);
    return std::find(names.begin(), names.end(), column) != names.end();
  });
  return {};
}

void TableShape::set_type(Item& item, std::string_view type) {
  const Tokens tokens = tokenize(item.text);
  const size_t end = type_end(tokens);
  std::string text(tokens[0].text);
  text += " " + std::string(type);
  if (end < tokens.size()) text += " " + std::string(rest_of(item.text, tokens[end]));
  item.text = std::move(text);
}

std::optional<size_t> TableShape::find_constraint(std::string_view name, std::string_view table) const {
  const std::string wanted = folded_name(quote_name(name));
  const std::string prefix = folded_name(quote_name(table));
  const auto is = [&](const std::string& tail) { return wanted == prefix + tail; };
  for (size_t i = 0; i < items_.size(); i++) {
    const Tokens tokens = tokenize(items_[i].text);
    if (!items_[i].column.empty()) {
      const std::string column = "_" + items_[i].column;
      if (place_of(tokens, "primary", "key") && (is("_pkey") || is(column + "_pkey"))) return i;
      if (place_of(tokens, "unique") && is(column + "_key")) return i;
      continue;
    }
    const std::string columns = joined(names_in_brackets(tokens));
    size_t behind = 0;
    if (begins_with(tokens, "primary", "key") && (is("_pkey") || is(columns + "_pkey"))) return i;
    if (tokens[0].is_word("unique") && is(columns + "_key")) return i;
    if (tokens[0].is_word("check") && (is("_check") || is(columns + "_check"))) return i;
    if (!is_foreign_key(tokens)) continue;
    referenced_table(tokens, behind);
    const Tokens target = tokenize(behind < tokens.size() ? rest_of(items_[i].text, tokens[behind]) : "");
    if (is(columns + "_fkey") || is(columns + joined(names_in_brackets(target)) + "_fkey")) return i;
  }
  return std::nullopt;
}

Status TableShape::drop_constraint(const TableChange& change, std::string_view table) {
  const auto at = find_constraint(change.new_name, table);
  if (!at) {
    if (change.if_exists) return {};
    return make_error(
        ErrorCode::kUndefinedObject,
        "constraint \"" + change.new_name + "\" of relation \"" + std::string(table) + "\" does not exist", {},
        "DuckDB does not keep the names that constraints were given: use those of pg_constraint.");
  }
  Item& item = items_[*at];
  if (item.column.empty()) {
    items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(*at));
    return {};
  }
  const Tokens tokens = tokenize(item.text);
  const auto key = place_of(tokens, "primary", "key");
  const bool primary = key.has_value() && change.new_name.ends_with("_pkey");
  const size_t place = primary ? *key : *place_of(tokens, "unique");
  item.text = without(item.text, tokens, place, place + (primary ? 2 : 1));
  // PostgreSQL leaves the columns of a dropped primary key NOT NULL.
  if (primary && !place_of(tokens, "not", "null")) item.text += " NOT NULL";
  return {};
}

void TableShape::rename_referenced(std::string_view table, std::string_view column, std::string_view new_name) {
  const std::string wanted = folded_name(quote_name(table));
  for (Item& item : items_) {
    const Tokens tokens = tokenize(item.text);
    size_t behind = 0;
    if (!is_foreign_key(tokens) || referenced_table(tokens, behind) != wanted) continue;
    if (column.empty()) {
      const Token& name = tokens[behind - 1];
      item.text =
          item.text.substr(0, name.offset) + quote_name(new_name) + item.text.substr(name.offset + name.text.size());
    } else if (behind < tokens.size()) {
      const size_t from = tokens[behind].offset;
      item.text = item.text.substr(0, from) + with_name_replaced(std::string_view(item.text).substr(from),
                                                                 folded_name(quote_name(column)), new_name);
    }
  }
}

size_t TableShape::drop_references(std::string_view table) {
  const std::string wanted = folded_name(quote_name(table));
  return std::erase_if(items_, [&](const Item& item) {
    const Tokens tokens = tokenize(item.text);
    size_t behind = 0;
    return is_foreign_key(tokens) && referenced_table(tokens, behind) == wanted;
  });
}

}  // namespace merganser::engine

#include "dialect/parameter_hints.h"

#include <algorithm>
#include <array>
#include <optional>

#include "dialect/operand.h"
#include "dialect/sql_view.h"

namespace merganser::dialect {
namespace {

using engine::TokenKind;
using engine::TypeId;
using Kind = ParameterHint::Kind;

// Functions of several signatures: what PostgreSQL resolves an argument of unknown type to. "=" is the type of the
// other arguments, "" leaves it open. The last entry stands for all further arguments.
struct FunctionArguments {
  std::string_view name;
  std::array<std::string_view, 4> types;
};
constexpr std::array<FunctionArguments, 33> kFunctions{{
    {"abs", {"DOUBLE"}},
    {"ceil", {"DOUBLE"}},
    {"ceiling", {"DOUBLE"}},
    {"floor", {"DOUBLE"}},
    {"sign", {"DOUBLE"}},
    {"sqrt", {"DOUBLE"}},
    {"cbrt", {"DOUBLE"}},
    {"exp", {"DOUBLE"}},
    {"ln", {"DOUBLE"}},
    {"log", {"DOUBLE"}},
    {"round", {"DOUBLE", "INTEGER"}},
    {"trunc", {"DOUBLE", "INTEGER"}},
    {"power", {"DOUBLE", "DOUBLE"}},
    {"pow", {"DOUBLE", "DOUBLE"}},
    {"mod", {"=", "="}},
    {"div", {"=", "="}},
    {"gcd", {"=", "="}},
    {"lcm", {"=", "="}},
    {"generate_series", {"=", "=", "="}},
    {"range", {"=", "=", "="}},
    {"date_trunc", {"VARCHAR", "TIMESTAMPTZ"}},
    {"date_part", {"VARCHAR", "TIMESTAMPTZ"}},
    {"age", {"TIMESTAMPTZ", "TIMESTAMPTZ"}},
    {"isfinite", {"TIMESTAMPTZ"}},
    {"to_timestamp", {"DOUBLE"}},
    {"make_date", {"INTEGER", "INTEGER", "INTEGER"}},
    {"array_append", {"", "element"}},
    {"array_length", {"", "INTEGER"}},
    {"nth_value", {"", "INTEGER"}},
    {"lag", {"", "INTEGER", "first"}},
    {"lead", {"", "INTEGER", "first"}},
    {"substring", {"VARCHAR", "", ""}},
    {"length", {"VARCHAR"}},
}};

ParameterHint of_type(std::string_view type) {
  return {Kind::kType, std::string(type), {}, false, false};
}

class Finder {
 public:
  Finder(const SqlView& sql, const std::vector<OpenParameter>& parameters) : sql_(sql), parameters_(parameters) {}

  ParameterHint find(size_t at) const {
    if (auto hint = beside_operator(at)) return *std::move(hint);
    if (auto hint = in_group(at)) return *std::move(hint);
    if (auto hint = after_word(at)) return *std::move(hint);
    if (auto hint = inserted(at)) return *std::move(hint);
    return {};
  }

  // Which parameter a token is, from 0; kNone when it is none.
  static size_t number_of(const engine::Token& token) {
    if (token.kind != TokenKind::kParameter || token.text.size() < 2 || token.text.size() > 7) return kNone;
    size_t number = 0;
    for (const char c : token.text.substr(1)) {
      if (c < '0' || c > '9') return kNone;
      number = number * 10 + static_cast<size_t>(c - '0');
    }
    return number - 1;
  }

 private:
  bool is_open(size_t at) const {
    const size_t number = number_of(sql_[at]);
    return number < parameters_.size() && parameters_[number].open;
  }

  // The type of the expression between these tokens. Parameters in it stand there as NULLs.
  ParameterHint same_as(size_t first, size_t end, std::string op = {}) const {
    ParameterHint hint{Kind::kSameAs, render(first, end), std::move(op), false, false};
    for (size_t i = first; i < end; i++) hint.rests_on_open |= is_open(i);
    return hint;
  }

  std::string render(size_t first, size_t end) const {
    std::string out;
    size_t copied = sql_.begin_of(first);
    for (size_t i = first; i < end; i++) {
      const size_t number = number_of(sql_[i]);
      if (number >= parameters_.size() || (!parameters_[number].open && parameters_[number].type.empty())) continue;
      out += sql_.sql().substr(copied, sql_.begin_of(i) - copied);
      const std::string& type = parameters_[number].type;
      out += type.empty() ? "NULL" : "CAST(NULL AS " + type + ")";
      copied = sql_.end_of(i);
    }
    return out += sql_.sql().substr(copied, sql_.end_of(end - 1) - copied);
  }

  bool only_open_parameter(size_t first, size_t end) const { return end == first + 1 && is_open(first); }

  std::optional<ParameterHint> beside(const SqlView::Operator& op, size_t first, size_t end, bool on_left) const {
    static constexpr std::array<std::string_view, 10> kTexts{"->", "->>", "#>",  "#>>", "~",
                                                             "~*", "!~",  "!~*", "~~",  "^@"};
    if (!on_left && std::find(kTexts.begin(), kTexts.end(), op.text) != kTexts.end()) return of_type("VARCHAR");
    if (only_open_parameter(first, end)) return std::nullopt;
    return same_as(first, end, op.text);
  }

  std::optional<ParameterHint> beside_operator(size_t at) const {
    const SqlView::Operator before = sql_.operator_before(at);
    const SqlView::Operator after = sql_.operator_at(at + 1);
    const int left = before.text.empty() ? 0 : precedence(before.text);
    const int right = after.text.empty() ? 0 : precedence(after.text);
    if (left > 0 && left >= right) {
      const size_t begin = left_operand(sql_, before.begin, left);
      if (begin != kNone) return beside(before, begin, before.begin, false);
    }
    if (right > 0) {
      const size_t end = right_operand(sql_, after.end, right);
      if (end != kNone) return beside(after, after.end, end, true);
    }
    return std::nullopt;
  }

  // Whether the parameter alone is the item between commas or brackets, and which one it is.
  bool alone(size_t at) const {
    return at > 0 && (sql_.is(at - 1, '(') || sql_.is(at - 1, ',')) && (sql_.is(at + 1, ')') || sql_.is(at + 1, ','));
  }

  // The items of a bracket: first token and the one behind.
  struct Item {
    size_t first;
    size_t end;
  };
  std::vector<Item> items(size_t open, size_t close) const {
    std::vector<Item> out;
    size_t first = open + 1;
    for (size_t i = first; i <= close; i++) {
      if (i != close && !(sql_.is(i, ',') && sql_[i].depth == sql_[open].depth + 1)) continue;
      if (i > first) out.push_back({first, i});
      first = i + 1;
    }
    return out;
  }

  static size_t position(const std::vector<Item>& items, size_t at) {
    for (size_t i = 0; i < items.size(); i++)
      if (items[i].first <= at && at < items[i].end) return i;
    return kNone;
  }

  std::optional<ParameterHint> in_group(size_t at) const {
    const size_t open = sql_.enclosing(at);
    if (open == kNone || open == 0 || !alone(at)) return std::nullopt;
    const size_t close = sql_.closing(open);
    if (close == kNone) return std::nullopt;
    const std::vector<Item> list = items(open, close);
    const size_t index = position(list, at);
    if (index == kNone) return std::nullopt;
    if (sql_.word(open - 1, "any") || sql_.word(open - 1, "all") || sql_.word(open - 1, "some"))
      return quantified(open);
    if (sql_.name(open - 1) && !sql_.word(open - 1, "values") && !sql_.word(open - 1, "in")) {
      return argument(open - 1, list, index);
    }
    if (const auto hint = of_row(open, index)) return hint;
    return of_values(open, list.size(), index);
  }

  // x = ANY ($1)
  std::optional<ParameterHint> quantified(size_t open) const {
    const SqlView::Operator op = sql_.operator_before(open - 1);
    if (op.text.empty()) return std::nullopt;
    const size_t begin = left_operand(sql_, op.begin, precedence(op.text));
    if (begin == kNone) return std::nullopt;
    ParameterHint hint = same_as(begin, op.begin);
    hint.kind = Kind::kArrayOf;
    return hint;
  }

  std::optional<ParameterHint> argument(size_t name, const std::vector<Item>& list, size_t index) const {
    const std::string function = sql_.folded(name);
    const auto* found = std::find_if(kFunctions.begin(), kFunctions.end(),
                                     [&](const FunctionArguments& f) { return f.name == function; });
    if (found == kFunctions.end()) return std::nullopt;
    std::string_view type = found->types[std::min(index, found->types.size() - 1)];
    if (type.empty()) return std::nullopt;
    if (list.size() == 2 && index == 0 && (function == "round" || function == "trunc")) type = "DECIMAL(38, 10)";
    if (type == "first" || type == "element") {
      ParameterHint hint = same_as(list[0].first, list[0].end);
      if (type == "element") hint.text = "(" + hint.text + ")[1]";
      return hint;
    }
    if (type != "=") return of_type(type);
    for (size_t i = 0; i < list.size(); i++) {
      if (i == index || only_open_parameter(list[i].first, list[i].end)) continue;
      return same_as(list[i].first, list[i].end);
    }
    return of_type("INTEGER");
  }

  // (a, b) = ($1, $2) and (a, b) IN (($1, $2), …)
  std::optional<ParameterHint> of_row(size_t open, size_t index) const {
    size_t before = open;
    if (const size_t outer = sql_.enclosing(open); outer != kNone && outer > 1 && sql_.word(outer - 1, "in")) {
      before = outer - 1;
      if (sql_.word(before - 1, "not")) before--;
    } else {
      const SqlView::Operator op = sql_.operator_before(open);
      if (op.text.empty() || precedence(op.text) != 3) return std::nullopt;
      before = op.begin;
    }
    if (before == 0 || !sql_.is(before - 1, ')')) return std::nullopt;
    const size_t row = sql_.opening(before - 1);
    if (row == kNone) return std::nullopt;
    const std::vector<Item> list = items(row, before - 1);
    if (index >= list.size() || only_open_parameter(list[index].first, list[index].end)) return std::nullopt;
    return same_as(list[index].first, list[index].end);
  }

  // VALUES ($1::int), ($2): a column has the type of its first known cell.
  std::optional<ParameterHint> of_values(size_t open, size_t width, size_t index) const {
    size_t first = open;
    while (first > 1 && sql_.is(first - 1, ',') && sql_.is(first - 2, ')')) {
      first = sql_.opening(first - 2);
      if (first == kNone || first == 0) return std::nullopt;
    }
    if (first == 0 || !sql_.word(first - 1, "values")) return std::nullopt;
    for (size_t row = first; sql_.is(row, '(');) {
      const size_t close = sql_.closing(row);
      if (close == kNone) return std::nullopt;
      const std::vector<Item> list = items(row, close);
      if (list.size() == width && !only_open_parameter(list[index].first, list[index].end)) {
        return same_as(list[index].first, list[index].end);
      }
      row = close + (sql_.is(close + 1, ',') ? 2 : 1);
    }
    return std::nullopt;
  }

  std::optional<ParameterHint> after_word(size_t at) const {
    if (at == 0) return std::nullopt;
    if (sql_.word(at - 1, "limit") || sql_.word(at - 1, "offset")) return of_type("BIGINT");
    if (sql_.word(at - 1, "like") || sql_.word(at - 1, "ilike")) return of_type("VARCHAR");
    if ((sql_.word(at - 1, "first") || sql_.word(at - 1, "next")) && at > 1 && sql_.word(at - 2, "fetch")) {
      return of_type("BIGINT");
    }
    return std::nullopt;
  }

  // INSERT INTO t (a, b) SELECT $1, …: the column that it goes to.
  std::optional<ParameterHint> inserted(size_t at) const {
    if (!sql_.word(0, "insert") || !sql_.word(1, "into") || sql_[at].depth != 0) return std::nullopt;
    size_t name_end = 3;
    while (sql_.is(name_end, '.') && sql_.name(name_end + 1)) name_end += 2;
    size_t select = name_end;
    std::vector<Item> columns;
    if (sql_.is(select, '(')) {
      const size_t close = sql_.closing(select);
      if (close == kNone) return std::nullopt;
      columns = items(select, close);
      select = close + 1;
    }
    if (!sql_.word(select, "select")) return std::nullopt;
    if (!sql_.is(at - 1, ',') && at - 1 != select) return std::nullopt;
    if (at + 1 < sql_.size() && !sql_.is(at + 1, ',') && !sql_.word(at + 1, "from") && !sql_.word(at + 1, "where")) {
      return std::nullopt;
    }
    size_t index = 0;
    for (size_t i = select + 1; i < at; i++) {
      if (sql_[i].depth != 0) continue;
      if (sql_.word(i, "from")) return std::nullopt;
      if (sql_.is(i, ',')) index++;
    }
    const std::string table(sql_.text(2, name_end));
    std::string column = "merganser_column";
    std::string names;
    if (index < columns.size()) {
      column = std::string(sql_.text(columns[index].first, columns[index].end));
    } else if (!columns.empty() || index > 1000) {
      return std::nullopt;
    } else {
      names = "(";
      for (size_t i = 0; i < index; i++) names += "c" + std::to_string(i) + ", ";
      names += column + ")";
    }
    return ParameterHint{
        Kind::kColumn, "SELECT " + column + " FROM " + table + " AS merganser_target" + names, {}, false, true};
  }

  const SqlView& sql_;
  const std::vector<OpenParameter>& parameters_;
};

bool is_moment(TypeId type) {
  return type == TypeId::kTimestamp || type == TypeId::kTimestampTz || type == TypeId::kTime ||
         type == TypeId::kTimeTz || type == TypeId::kTimestampS || type == TypeId::kTimestampMs ||
         type == TypeId::kTimestampNs;
}

}  // namespace

std::vector<ParameterHint> parameter_hints(std::string_view sql, const std::vector<OpenParameter>& parameters) {
  std::vector<ParameterHint> hints(parameters.size());
  const SqlView view(sql);
  const Finder finder(view, parameters);
  for (size_t i = 0; i < view.size(); i++) {
    const size_t number = Finder::number_of(view[i]);
    if (number >= parameters.size() || !parameters[number].open || hints[number].kind != Kind::kNone) continue;
    hints[number] = finder.find(i);
  }
  return hints;
}

engine::TypePtr type_beside(const ParameterHint& hint, const engine::TypePtr& other) {
  if (!other) return nullptr;
  const TypeId id = other->id;
  const bool list = id == TypeId::kList || id == TypeId::kArray;
  if (hint.op == "||" && !list && id != TypeId::kBlob && id != TypeId::kBit) return engine::make_type(TypeId::kVarchar);
  if (hint.op == "^") return engine::make_type(TypeId::kDouble);
  if (hint.op == "+" && is_moment(id)) return engine::make_type(TypeId::kInterval);
  if (hint.op == "+" && id == TypeId::kDate) return engine::make_type(TypeId::kInteger);
  if ((hint.op == "*" || hint.op == "/") && id == TypeId::kInterval) return engine::make_type(TypeId::kDouble);
  return other;
}

}  // namespace merganser::dialect

#include "engine/session_calls.h"

#include <algorithm>
#include <array>

#include "engine/sql_tokens.h"

namespace merganser::engine {
namespace {

using Tokens = std::vector<Token>;

enum class Gives : uint8_t { kVoid, kBoolean, kText };

struct Signature {
  std::string_view name;
  SessionFunction function;
  std::array<std::string_view, 3> types;  // of its arguments; two integers are another form of one bigint
  size_t least;
  size_t most;
  Gives gives;
  bool shared = false;
  bool transaction = false;
};

constexpr std::array<std::string_view, 3> kKey{"BIGINT", "", ""};
constexpr std::array<std::string_view, 3> kNone{"", "", ""};
using F = SessionFunction;
constexpr Signature kSignatures[] = {
    {"pg_advisory_lock", F::kAdvisoryLock, kKey, 1, 2, Gives::kVoid},
    {"pg_advisory_lock_shared", F::kAdvisoryLock, kKey, 1, 2, Gives::kVoid, true},
    {"pg_advisory_xact_lock", F::kAdvisoryLock, kKey, 1, 2, Gives::kVoid, false, true},
    {"pg_advisory_xact_lock_shared", F::kAdvisoryLock, kKey, 1, 2, Gives::kVoid, true, true},
    {"pg_try_advisory_lock", F::kTryAdvisoryLock, kKey, 1, 2, Gives::kBoolean},
    {"pg_try_advisory_lock_shared", F::kTryAdvisoryLock, kKey, 1, 2, Gives::kBoolean, true},
    {"pg_try_advisory_xact_lock", F::kTryAdvisoryLock, kKey, 1, 2, Gives::kBoolean, false, true},
    {"pg_try_advisory_xact_lock_shared", F::kTryAdvisoryLock, kKey, 1, 2, Gives::kBoolean, true, true},
    {"pg_advisory_unlock", F::kAdvisoryUnlock, kKey, 1, 2, Gives::kBoolean},
    {"pg_advisory_unlock_shared", F::kAdvisoryUnlock, kKey, 1, 2, Gives::kBoolean, true},
    {"pg_advisory_unlock_all", F::kAdvisoryUnlockAll, kNone, 0, 0, Gives::kVoid},
    {"pg_notify", F::kNotify, {"VARCHAR", "VARCHAR", ""}, 2, 2, Gives::kVoid},
    {"pg_cancel_backend", F::kCancelBackend, {"BIGINT", "", ""}, 1, 1, Gives::kBoolean},
    {"pg_terminate_backend", F::kTerminateBackend, {"BIGINT", "BIGINT", ""}, 1, 2, Gives::kBoolean},
    {"set_config", F::kSetConfig, {"VARCHAR", "VARCHAR", "BOOLEAN"}, 3, 3, Gives::kText},
};

const Signature* signature_of(std::string_view name) {
  const auto* found = std::find_if(std::begin(kSignatures), std::end(kSignatures),
                                   [&](const Signature& one) { return one.name == name; });
  return found == std::end(kSignatures) ? nullptr : found;
}

bool is_name(const Token& token) {
  return token.kind == TokenKind::kWord || token.kind == TokenKind::kQuotedName;
}

bool is_value_function(const Token& token) {
  return is_name(token) && (folded_name(token) == "pg_backend_pid" || folded_name(token) == "current_setting");
}

size_t end_of(const Token& token) {
  return token.offset + token.text.size();
}

bool ends_list(const Token& token) {
  constexpr std::string_view kWords[] = {"from",   "where",  "group",   "having",    "order",
                                         "limit",  "offset", "union",   "intersect", "except",
                                         "window", "fetch",  "qualify", "for",       "using"};
  return std::any_of(std::begin(kWords), std::end(kWords), [&](std::string_view word) { return token.is_word(word); });
}

// The parenthesis that closes the one at `open`; tokens.size() when none does.
size_t closing(const Tokens& tokens, size_t open) {
  size_t i = open + 1;
  while (i < tokens.size() && !(tokens[i].is(')') && tokens[i].depth == tokens[open].depth)) i++;
  return i;
}

struct Span {
  size_t first;
  size_t last;  // behind
};

std::string_view text_of(std::string_view sql, const Tokens& tokens, Span span) {
  if (span.first >= span.last) return {};
  return sql.substr(tokens[span.first].offset, end_of(tokens[span.last - 1]) - tokens[span.first].offset);
}

// What commas at this depth divide.
std::vector<Span> divide(const Tokens& tokens, Span whole, size_t depth) {
  std::vector<Span> parts;
  if (whole.first >= whole.last) return parts;
  size_t first = whole.first;
  for (size_t i = whole.first; i < whole.last; i++) {
    if (!tokens[i].is(',') || tokens[i].depth != depth) continue;
    parts.push_back({first, i});
    first = i + 1;
  }
  parts.push_back({first, whole.last});
  return parts;
}

// The outermost SELECT's list, behind its word; empty when the statement is no SELECT.
std::optional<Span> select_list(const Tokens& tokens) {
  for (size_t i = 0; i < tokens.size(); i++) {
    if (tokens[i].depth != 0 || !tokens[i].is_word("select")) continue;
    size_t end = i + 1;
    while (end < tokens.size() && !(tokens[end].depth == 0 && ends_list(tokens[end])) &&
           tokens[end].kind != TokenKind::kSemicolon) {
      end++;
    }
    return Span{i + 1, end};
  }
  return std::nullopt;
}

struct Call {
  const Signature* signature = nullptr;
  Span arguments{};
  std::string column;
};

// [pg_catalog.]name(…) [[AS] alias], and nothing else.
std::optional<Call> call_at(const Tokens& tokens, Span item) {
  size_t i = item.first;
  if (i + 2 < item.last && is_name(tokens[i]) && folded_name(tokens[i]) == "pg_catalog" && tokens[i + 1].is('.'))
    i += 2;
  if (i + 1 >= item.last || !is_name(tokens[i]) || !tokens[i + 1].is('(')) return std::nullopt;
  Call call;
  call.column = folded_name(tokens[i]);
  call.signature = signature_of(call.column);
  const size_t close = closing(tokens, i + 1);
  if (close >= item.last) return std::nullopt;
  call.arguments = {i + 2, close};
  size_t rest = close + 1;
  if (rest < item.last && tokens[rest].is_word("as")) rest++;
  if (rest < item.last && is_name(tokens[rest])) {
    const Token& alias = tokens[rest++];
    call.column = alias.kind == TokenKind::kQuotedName ? std::string(alias.text.substr(1, alias.text.size() - 2))
                                                       : folded_name(alias);
  }
  if (rest != item.last) return std::nullopt;
  return call;
}

Error misplaced(const std::string& name) {
  return make_error(
      ErrorCode::kFeatureNotSupported, name + " cannot be called here", {},
      "It acts on sessions, and is called as an item of the outermost list: SELECT " + name + "(…) FROM …");
}

std::string cast(std::string_view text, std::string_view type) {
  return "CAST(" + std::string(text) + " AS " + std::string(type) + ")";
}

std::string_view column_type(Gives gives) {
  return gives == Gives::kBoolean ? "BOOLEAN" : "VARCHAR";
}

}  // namespace

bool mentions_session_function(std::span<const Token> tokens) {
  for (size_t i = 0; i + 1 < tokens.size(); i++) {
    if (is_name(tokens[i]) && tokens[i + 1].is('(') && signature_of(folded_name(tokens[i])) != nullptr) return true;
  }
  return false;
}

bool mentions_session_value(std::span<const Token> tokens) {
  for (size_t i = 0; i + 1 < tokens.size(); i++) {
    if (is_value_function(tokens[i]) && tokens[i + 1].is('(')) return true;
  }
  return false;
}

Result<std::optional<SessionCalls>> parse_session_calls(std::string_view sql) {
  const Tokens tokens = tokenize(sql);
  size_t mentioned = 0;
  std::string name;
  for (size_t i = 0; i + 1 < tokens.size(); i++) {
    if (!is_name(tokens[i]) || !tokens[i + 1].is('(') || signature_of(folded_name(tokens[i])) == nullptr) continue;
    mentioned++;
    name = folded_name(tokens[i]);
  }
  if (mentioned == 0) return std::optional<SessionCalls>();
  const auto list = select_list(tokens);
  if (!list || list->first >= list->last || tokens[list->first].is_word("distinct")) return misplaced(name);
  for (size_t i = list->last; i < tokens.size(); i++) {
    const bool set = tokens[i].is_word("union") || tokens[i].is_word("intersect") || tokens[i].is_word("except");
    if (tokens[i].depth == 0 && set) return misplaced(name);
  }
  SessionCalls out;
  std::string arguments;
  std::string shape;
  size_t found = 0;
  for (const Span& item : divide(tokens, *list, 0)) {
    auto call = call_at(tokens, item);
    const std::string_view text = text_of(sql, tokens, item);
    if (!call || call->signature == nullptr) {
      if (item.first < item.last && tokens[item.last - 1].is('*')) {
        if (out.star) return misplaced(name);
        out.star = out.items.size();
      }
      out.items.emplace_back();
      arguments += (arguments.empty() ? "" : ", ") + std::string(text);
      shape += (shape.empty() ? "" : ", ") + std::string(text);
      continue;
    }
    found++;
    const Signature& signature = *call->signature;
    const auto given = divide(tokens, call->arguments, tokens[list->first].depth + 1);
    if (given.size() < signature.least || given.size() > signature.most) {
      return make_error(ErrorCode::kUndefinedFunction, "function " + std::string(signature.name) + " does not take " +
                                                           std::to_string(given.size()) + " arguments");
    }
    std::string tested;
    for (size_t i = 0; i < given.size(); i++) {
      const bool pair = signature.types == kKey && given.size() == 2;
      const std::string argument = cast(text_of(sql, tokens, given[i]), pair ? "INTEGER" : signature.types[i]);
      arguments += (arguments.empty() ? "" : ", ") + argument;
      tested += (tested.empty() ? "" : " OR ") + argument + " IS NULL";
    }
    if (given.empty()) arguments += arguments.empty() ? "NULL" : ", NULL";
    const std::string null = cast("NULL", column_type(signature.gives));
    shape += (shape.empty() ? "" : ", ") +
             (tested.empty() ? null : "CASE WHEN " + tested + " THEN " + null + " ELSE " + null + " END") + " AS " +
             quote_name(call->column);
    out.items.push_back(
        SessionCall{signature.function, signature.shared, signature.transaction, given.size(), call->column});
  }
  if (found != mentioned) return misplaced(name);
  const size_t begin = tokens[list->first].offset;
  const size_t end = end_of(tokens[list->last - 1]);
  out.arguments_sql = std::string(sql.substr(0, begin)) + arguments + std::string(sql.substr(end));
  out.shape_sql = std::string(sql.substr(0, begin)) + shape + std::string(sql.substr(end));
  return std::optional<SessionCalls>(std::move(out));
}

Result<std::string> with_session_values(std::string_view sql, const SessionValues& values) {
  const Tokens tokens = tokenize(sql);
  std::vector<Span> items;
  if (const auto list = select_list(tokens)) items = divide(tokens, *list, 0);
  std::string out;
  size_t copied = 0;
  for (size_t i = 0; i + 1 < tokens.size(); i++) {
    if (!is_value_function(tokens[i]) || !tokens[i + 1].is('(')) continue;
    const std::string name = folded_name(tokens[i]);
    const size_t close = closing(tokens, i + 1);
    if (close >= tokens.size()) break;
    const bool qualified = i >= 2 && tokens[i - 1].is('.') && is_name(tokens[i - 2]);
    const size_t first = qualified && folded_name(tokens[i - 2]) == "pg_catalog" ? i - 2 : i;
    if (qualified && first == i) continue;
    const auto arguments = divide(tokens, {i + 2, close}, tokens[i + 1].depth + 1U);
    std::string text;
    if (name == "pg_backend_pid") {
      if (!arguments.empty()) continue;
      text = cast(std::to_string(values.backend_pid), "INTEGER");
    } else {
      if (arguments.empty() || arguments.size() > 2) continue;
      const bool optional = arguments.size() == 2 && tokens[arguments[1].first].is_word("true");
      const Token& only = tokens[arguments[0].first];
      const bool literal = arguments[0].last - arguments[0].first == 1 && only.kind == TokenKind::kString;
      if (literal) {
        std::string key = unquoted_string(only);
        std::transform(key.begin(), key.end(), key.begin(), [](unsigned char c) { return tolower(c); });
        const auto value = values.setting(key);
        // One of DuckDB's, or none: DuckDB says.
        if (!value && !optional) continue;
        text = cast(value ? quote_literal(*value) : "NULL", "VARCHAR");
      } else {
        const std::string asked = cast(text_of(sql, tokens, arguments[0]), "VARCHAR");
        text = "CASE lower(" + asked + ")";
        for (const auto& [key, value] : values.settings()) {
          text += " WHEN " + quote_literal(key) + " THEN " + quote_literal(value);
        }
        if (!optional) text += " ELSE error('unrecognized configuration parameter \"' || " + asked + " || '\"')";
        text += " END";
      }
    }
    // Alone in the list its column is named after the function.
    const bool alone = std::any_of(items.begin(), items.end(),
                                   [&](const Span& item) { return item.first == first && item.last == close + 1; });
    if (alone) text += " AS " + name;
    out += sql.substr(copied, tokens[first].offset - copied);
    out += text;
    copied = end_of(tokens[close]);
  }
  out += sql.substr(copied);
  return out;
}

}  // namespace merganser::engine

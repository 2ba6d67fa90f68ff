#include "session/variables.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/time_zone.h"
#include "engine/reserved_names.h"
#include "engine/sql_tokens.h"
#include "session/client_encoding.h"
#include "session/write_options.h"

namespace merganser::session {
namespace {

// PostgreSQL's spelling where it is not all lower case.
constexpr std::pair<std::string_view, std::string_view> kSpelling[] = {
    {"datestyle", "DateStyle"}, {"intervalstyle", "IntervalStyle"}, {"timezone", "TimeZone"}};

Error unknown(const std::string& name) {
  return make_error(ErrorCode::kUndefinedObject, "unrecognized configuration parameter \"" + name + "\"", {},
                    "SHOW ALL lists those that a session may set; those of the process: merganser config.");
}

Error invalid(const std::string& name, const std::string& value, std::string hint) {
  return make_error(ErrorCode::kInvalidParameterValue,
                    "invalid value for parameter \"" + name + "\": \"" + value + "\"", {}, std::move(hint));
}

std::string lowered(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(tolower(c)); });
  return text;
}

bool is_true(const std::string& v) {
  return v == "on" || v == "true" || v == "yes" || v == "1";
}
bool is_false(const std::string& v) {
  return v == "off" || v == "false" || v == "no" || v == "0";
}

// Settings that have only one value here: the value, and what else clients may spell it.
struct Fixed {
  std::string_view name;
  std::string_view accepted;  // "|a|b|" in lower case
  std::string_view hint;
};
constexpr Fixed kFixed[] = {
    {"standard_conforming_strings", "|on|true|1|", "Backslashes are plain characters; use E'…' for escapes."},
    {"bytea_output", "|hex|", "Only hex is served."},
    {"intervalstyle", "|postgres|", "Only postgres is served."},
    {"integer_datetimes", "|on|", "It cannot be changed."},
};
constexpr std::string_view kReadOnlyNames[] = {"server_version",    "server_version_num", "server_encoding",
                                               "is_superuser",      "in_hot_standby",     "max_identifier_length",
                                               "integer_datetimes", "block_size",         "session_authorization"};

bool starts_with_iso(const std::string& value) {
  return lowered(value).starts_with("iso");
}

// A search path as the engine knows it: public is main, $user and pg_catalog are no schemas of the file. Nothing when
// none is left: then it is the default.
std::optional<std::string> engine_search_path(const std::string& value) {
  std::string out;
  for (const engine::Token& token : engine::tokenize(value)) {
    if (token.kind == engine::TokenKind::kSymbol && !token.is('.')) continue;  // commas
    const std::string name = token.kind == engine::TokenKind::kString ? engine::unquoted_string(token)
                             : token.is('.')                          ? "."
                                                                      : engine::folded_name(token);
    if (name == "$user" || name == "pg_catalog" || name == "pg_temp" || name.empty()) continue;
    const bool joins = name == "." || out.ends_with('.');
    if (!out.empty() && !joins) out += ",";
    out += name == "." ? "." : name == "public" ? "main" : engine::quote_name(name);
  }
  return out.empty() ? std::nullopt : std::optional(out);
}

}  // namespace

constexpr std::pair<std::string_view, int64_t> kUnits[] = {{"d", 86400000}, {"h", 3600000}, {"min", 60000},
                                                           {"s", 1000},     {"ms", 1},      {"", 1}};

Result<std::chrono::milliseconds> parse_duration(const std::string& text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, failed] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  std::string unit = lowered(std::string(rest, end));
  unit.erase(std::remove(unit.begin(), unit.end(), ' '), unit.end());
  for (const auto& [name, factor] : kUnits) {
    const double total = number * static_cast<double>(factor);
    if (failed == std::errc() && unit == name && total >= 0 && total <= 2147483647) {
      return std::chrono::milliseconds(std::llround(total));
    }
  }
  return make_error(ErrorCode::kInvalidParameterValue, "invalid duration \"" + text + "\"", {},
                    "Write a number with ms, s, min, h or d; without a unit it counts milliseconds.");
}

std::string format_duration(std::chrono::milliseconds span) {
  if (span.count() == 0) return "0";
  for (const auto& [name, factor] : kUnits) {
    if (span.count() % factor == 0) return std::to_string(span.count() / factor) + std::string(name);
  }
  return std::to_string(span.count()) + "ms";
}

Variables::Variables(std::string user, std::string server_version, std::string time_zone) {
  defaults_ = {
      {"application_name", ""},
      {"bytea_output", "hex"},
      {"client_encoding", "UTF8"},
      {"client_min_messages", "notice"},
      {"datestyle", "ISO, MDY"},
      {"default_transaction_deferrable", "off"},
      {"default_transaction_isolation", "repeatable read"},
      {"default_transaction_read_only", "off"},
      {"extra_float_digits", "1"},
      {"idle_in_transaction_session_timeout", "0"},
      {"in_hot_standby", "off"},
      {"integer_datetimes", "on"},
      {"intervalstyle", "postgres"},
      {"is_superuser", "off"},
      {"lock_timeout", "0"},
      {"max_identifier_length", "63"},
      {"merganser.result_cache", "on"},
      {"row_security", "on"},
      {"search_path", "\"$user\", public"},
      {"server_encoding", "UTF8"},
      {"server_version", std::move(server_version)},
      {"server_version_num", "150018"},
      {"session_authorization", std::move(user)},
      {"standard_conforming_strings", "on"},
      {"statement_timeout", "0"},
      {"synchronous_commit", "on"},
      {"timezone", std::move(time_zone)},
      {"transaction_deferrable", "off"},
      {"transaction_isolation", "repeatable read"},
      {"transaction_read_only", "off"},
  };
  for (const auto& [name, value] : write_settings()) defaults_.emplace(name, value);
  values_ = defaults_;
  read_often_used();
}

void Variables::read_often_used() {
  often_.statement_timeout = duration("statement_timeout");
  often_.idle_in_transaction_timeout = duration("idle_in_transaction_session_timeout");
  often_.read_only = values_.at("default_transaction_read_only") == "on";
  often_.time_zone = values_.at("timezone");
  often_.result_cache = values_.at("merganser.result_cache") == "on";
}

void Variables::make_default() {
  defaults_ = values_;
  for (const auto& [name, value] : write_settings()) {
    if (is_single_use(name)) defaults_[std::string(name)] = value;
  }
  engine_default_ = engine_;
}

// All from their texts, which were checked when they came.
void Variables::read_write_settings() {
  writes_ = {};
  writes_are_plain_ = true;
  for (const auto& [name, preset] : write_settings()) {
    const std::string& value = values_.at(std::string(name));
    if (value == preset) continue;
    writes_are_plain_ = false;
    (void)assign_write_hint(writes_, name, value);
  }
}

void Variables::forget_single_use() {
  for (const auto& [name, preset] : write_settings()) {
    if (is_single_use(name)) values_[std::string(name)] = preset;
  }
  read_write_settings();
}

const std::vector<std::string>& Variables::reported() {
  static const std::vector<std::string> names{"application_name",
                                              "client_encoding",
                                              "datestyle",
                                              "default_transaction_read_only",
                                              "in_hot_standby",
                                              "integer_datetimes",
                                              "intervalstyle",
                                              "is_superuser",
                                              "server_encoding",
                                              "server_version",
                                              "session_authorization",
                                              "standard_conforming_strings",
                                              "timezone"};
  return names;
}

void Variables::set_default(const std::string& name, const std::string& value) {
  defaults_[name] = value;
  values_[name] = value;
  read_often_used();
}

Status Variables::set_engine(const std::string& name, std::optional<std::string> value) {
  auto changed = std::make_shared<engine::Settings>(engine_ ? *engine_ : engine::Settings());
  if (value) {
    (*changed)[name] = *value;
  } else {
    changed->erase(name);
  }
  engine_ = changed->empty() ? nullptr : std::move(changed);
  return {};
}

Status Variables::set(const std::string& name, const std::string& value) {
  MERGANSER_TRY(store(name == "names" ? "client_encoding" : name, value));
  read_often_used();
  return {};
}

Status Variables::store(const std::string& name, const std::string& value) {
  if (name == "client_encoding") {
    MERGANSER_ASSIGN(const std::string encoding, client_encoding_name(value));
    values_[name] = encoding;
    return {};
  }
  if (std::find(std::begin(kReadOnlyNames), std::end(kReadOnlyNames), name) != std::end(kReadOnlyNames)) {
    return make_error(ErrorCode::kObjectNotInState, "parameter \"" + name + "\" cannot be changed");
  }
  for (const Fixed& fixed : kFixed) {
    if (fixed.name != name) continue;
    if (fixed.accepted.find("|" + lowered(value) + "|") == std::string_view::npos) {
      return make_error(ErrorCode::kFeatureNotSupported, "\"" + value + "\" is not supported for " + name, {},
                        std::string(fixed.hint));
    }
    return {};
  }
  if (name == "datestyle") {
    if (!starts_with_iso(value) && lowered(value) != "mdy" && lowered(value) != "ymd" && lowered(value) != "dmy") {
      return make_error(ErrorCode::kFeatureNotSupported, "DateStyle \"" + value + "\" is not supported", {},
                        "Dates are sent as ISO.");
    }
    return {};
  }
  if (name == "statement_timeout" || name == "idle_in_transaction_session_timeout" || name == "lock_timeout") {
    const auto parsed = parse_duration(value);
    if (!parsed.ok()) return invalid(name, value, parsed.error().hint);
    values_[name] = format_duration(*parsed);
    return {};
  }
  if (name == "default_transaction_isolation") {
    const std::string level = lowered(value);
    const bool weaker = level == "read committed" || level == "read uncommitted" || level == "repeatable read";
    if (!weaker && level != "serializable") {
      return invalid(name, value, "Available values: serializable, repeatable read, read committed, read uncommitted.");
    }
    values_[name] = weaker ? "repeatable read" : level;
    return {};
  }
  if (name == "merganser.result_cache" || name == "default_transaction_read_only" ||
      name == "default_transaction_deferrable") {
    const std::string flag = lowered(value);
    if (!is_true(flag) && !is_false(flag)) return invalid(name, value, "Use on or off.");
    values_[name] = is_true(flag) ? "on" : "off";
    return {};
  }
  if (name == "timezone") {
    const auto zone = TimeZone::load(value);
    if (!zone.ok()) return invalid(name, value, "Use a name such as Europe/Berlin or UTC.");
    values_[name] = (*zone)->name();
    return set_engine(name, (*zone)->name());
  }
  if (is_write_setting(name)) {
    coordinator::WriteHints checked;
    MERGANSER_ASSIGN(values_[name], assign_write_hint(checked, name, value));
    read_write_settings();
    return {};
  }
  if (engine::is_client_setting(name)) {
    if (name == "search_path" && engine::path_has_reserved_schema(value)) {
      return make_error(ErrorCode::kInsufficientPrivilege, "the schema merganser cannot be in the search path", {},
                        "Its tables can be read with their schema: SELECT * FROM merganser.idempotency_keys.");
    }
    values_[name] = value;
    return set_engine(name, name == "search_path" ? engine_search_path(value) : std::optional(value));
  }
  if (!defaults_.contains(name)) return unknown(name);
  values_[name] = value;
  return {};
}

Status Variables::reset(const std::string& name) {
  MERGANSER_TRY(restore(name));
  read_often_used();
  return {};
}

Status Variables::restore(const std::string& name) {
  if (name == "all") {
    const std::string application = values_["application_name"];
    values_ = defaults_;
    values_["application_name"] = application;
    engine_ = engine_default_;
    read_write_settings();
    return {};
  }
  if (engine::is_client_setting(name)) {
    if (const auto it = defaults_.find(name); it != defaults_.end()) {
      values_[name] = it->second;
    } else {
      values_.erase(name);
    }
    const bool had = engine_default_ && engine_default_->contains(name);
    return set_engine(name, had ? std::optional(engine_default_->at(name)) : std::nullopt);
  }
  const auto it = defaults_.find(name);
  if (it == defaults_.end()) return unknown(name);
  values_[name] = it->second;
  if (is_write_setting(name)) read_write_settings();
  return {};
}

Result<std::string> Variables::show(const std::string& name) const {
  const auto it = values_.find(name);
  if (it != values_.end()) return it->second;
  return unknown(name);
}

std::string Variables::spelled(const std::string& name) {
  for (const auto& [lower, spelling] : kSpelling) {
    if (lower == name) return std::string(spelling);
  }
  return name;
}

std::vector<std::pair<std::string, std::string>> Variables::show_all() const {
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& [name, value] : values_) {
    all.emplace_back(spelled(name), value);
  }
  return all;
}

std::chrono::milliseconds Variables::duration(const std::string& name) const {
  const auto it = values_.find(name);
  if (it == values_.end()) return std::chrono::milliseconds(0);
  const auto parsed = parse_duration(it->second);
  return parsed.ok() ? *parsed : std::chrono::milliseconds(0);
}

bool Variables::default_serializable() const {
  return values_.at("default_transaction_isolation") == "serializable";
}

bool Variables::default_deferrable() const {
  return values_.at("default_transaction_deferrable") == "on";
}

}  // namespace merganser::session

// Structured log lines, key=value, to standard error or a file.
//
// A line never holds a password, a token or a parameter value. Threads: safe from any.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace merganser {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

struct LogField {
  std::string_view key;
  std::string value;

  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(v) {}
  template <typename Number>
  requires std::is_arithmetic_v<Number> LogField(std::string_view k, Number v) : key(k), value(std::to_string(v)) {}
};

// Where lines go: a path, or empty for standard error. Called once, early in main.
void log_init(LogLevel level, const std::string& path);
// "debug", "info", "warn" or "error"; false when it is none of these.
bool parse_log_level(std::string_view text, LogLevel& level);

// log(LogLevel::kInfo, "owner.ready", {{"file", path}, {"pid", getpid()}})
void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

}  // namespace merganser

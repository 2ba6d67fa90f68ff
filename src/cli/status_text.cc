// An owner's status object as lines for people.
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/status_command.h"
#include "cli/text_width.h"
#include "cli/units.h"

namespace merganser::cli {
namespace {

using Json = nlohmann::ordered_json;

// By the ending of its name: style.md has units last in names.
std::string value_text(const std::string& key, const Json& value) {
  if (value.is_string()) return printable(value.get_ref<const std::string&>());
  if (value.is_number_integer()) {
    const int64_t number = value.get<int64_t>();
    if (key.ends_with("bytes") && number >= 0) return human_size(static_cast<uint64_t>(number));
    if (key.ends_with("_s")) return human_duration(static_cast<double>(number));
    if (key.ends_with("_ms")) return human_duration(static_cast<double>(number) / 1e3);
    if (key.ends_with("_us")) return human_duration(static_cast<double>(number) / 1e6);
    return key.ends_with("pid") || key.ends_with("port") || key == "generation" ? std::to_string(number)
                                                                                : human_count(number);
  }
  if (value.is_number_float() && key.ends_with("_s")) return human_duration(value.get<double>());
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// A distribution: where half, most and nearly all stay below. The unit is that of its name.
std::string histogram_text(const std::string& key, const Json& histogram) {
  std::string text = human_count(histogram["count"].get<int64_t>()) + " times";
  for (const char* part : {"p50", "p99", "max"}) {
    text += fmt::format(", {} {}", part, value_text(key, histogram[part]));
  }
  return text;
}

bool is_histogram(const Json& value) {
  return value.is_object() && value.contains("p99") && value.contains("count") && value["count"].is_number_integer();
}

// Nothing has been counted there yet.
bool is_silent(const Json& value) {
  if (is_histogram(value)) return value["count"] == 0;
  return value.is_number() && value == 0;
}

// "uptime" of "uptime_s": the unit is in the value already. "file size" of "file_bytes" beside "file".
std::string label(std::string key, const Json& object) {
  for (const std::string_view unit : {"_bytes", "_us", "_ms", "_s"}) {
    if (key.ends_with(unit)) {
      const std::string bare = key.substr(0, key.size() - unit.size());
      key = object.contains(bare) ? bare + " size" : bare;
      break;
    }
  }
  if (key == "bytes") return "size";
  std::ranges::replace(key, '_', ' ');
  return printable(key);
}

std::string members_text(const Json& object) {
  std::string text;
  for (const auto& [key, value] : object.items()) {
    // Of the many counters only those that have counted; the first of each group always, so that none is empty.
    if (is_silent(value) && !text.empty()) continue;
    if (!text.empty()) text += ", ";
    const std::string shown = is_histogram(value) ? "(" + histogram_text(key, value) + ")"
                              : value.is_object() ? "(" + members_text(value) + ")"
                                                  : value_text(key, value);
    text += fmt::format("{} {}", label(key, object), shown);
  }
  return text;
}

// What people look for first stands first.
std::vector<std::string> in_order(const Json& status) {
  static constexpr std::array kFirst{"file",     "state",    "pid",   "version", "duckdb_version",
                                     "uptime_s", "sessions", "queue", "wal",     "memory"};
  std::vector<std::string> keys;
  for (const char* key : kFirst) {
    if (status.contains(key)) keys.emplace_back(key);
  }
  for (const auto& [key, value] : status.items()) {
    if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
  }
  return keys;
}

}  // namespace

std::string status_text(const std::string& status_json) {
  const Json status = Json::parse(status_json, nullptr, false);
  if (!status.is_object()) return status_json + "\n";
  const std::vector<std::string> keys = in_order(status);
  size_t width = 0;
  for (const std::string& key : keys) width = std::max(width, display_width(label(key, status)));
  std::string text;
  for (const std::string& key : keys) {
    const Json& value = status[key];
    const std::string name = label(key, status);
    text += fmt::format("{}{}  {}\n", name, std::string(width - display_width(name), ' '),
                        value.is_object() ? members_text(value) : value_text(key, value));
  }
  return text;
}

}  // namespace merganser::cli

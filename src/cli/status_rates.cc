#include "cli/status_rates.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/units.h"

namespace merganser::cli {
namespace {

using Json = nlohmann::ordered_json;

// Levels, not counters: that they change says nothing of a rate.
constexpr std::array<std::string_view, 19> kLevels{"sessions.open",
                                                   "sessions.active",
                                                   "sessions.idle_in_transaction",
                                                   "queue.waiting",
                                                   "queue.debounced",
                                                   "queue.bytes",
                                                   "queue.lane_taken",
                                                   "coalescing.share",
                                                   "reads.waiting",
                                                   "reads.running",
                                                   "reads.connections",
                                                   "reads.pinned_connections",
                                                   "reads.oldest_snapshot_ms",
                                                   "wal.bytes",
                                                   "wal.checkpoint_bytes",
                                                   "wal.recovery_bytes",
                                                   "wal.checkpoint_overdue_ms",
                                                   "memory.rss_bytes",
                                                   "memory.spool_bytes"};

bool is_level(const std::string& name) {
  return name == "memory.duckdb_bytes" || std::find(kLevels.begin(), kLevels.end(), name) != kLevels.end();
}

double number_at(const Json& object, std::string_view key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_number() ? it->get<double>() : 0.0;
}

// What was measured between the two: how often a second, and its mean.
Json rate_of_histogram(const Json& before, const Json& now, double seconds) {
  const double count = number_at(now, "count") - number_at(before, "count");
  const double sum = number_at(now, "sum") - number_at(before, "sum");
  return {{"per_s", count / seconds}, {"mean", count > 0 ? sum / count : 0.0}};
}

Json rates_between(const Json& earlier, const Json& later) {
  Json rates = Json::object();
  const double seconds = number_at(later, "uptime_s") - number_at(earlier, "uptime_s");
  if (earlier.value("pid", 0) != later.value("pid", 0) || seconds <= 0) return rates;
  for (const auto& [group, fields] : later.items()) {
    const auto old = earlier.find(group);
    if (!fields.is_object() || old == earlier.end() || !old->is_object()) continue;
    for (const auto& [field, value] : fields.items()) {
      const std::string name = group + "." + field;
      const auto before = old->find(field);
      if (before == old->end() || is_level(name)) continue;
      if (value.is_object() && before->is_object()) {
        rates[name] = rate_of_histogram(*before, value, seconds);
      } else if (value.is_number() && before->is_number()) {
        rates[name] = (value.get<double>() - before->get<double>()) / seconds;
      }
    }
  }
  return rates;
}

// Short: 0, 7.5, 120, 12.3k, 1.2M.
std::string short_number(double value) {
  if (value < 0.05) return "0";
  if (value < 10 && value != std::floor(value)) return fmt::format("{:.1f}", value);
  if (value < 10e3) return fmt::format("{:.0f}", value);
  if (value < 10e6) return fmt::format("{:.1f}k", value / 1e3);
  return fmt::format("{:.1f}M", value / 1e6);
}

std::string short_time(double micros) {
  if (micros < 1) return "-";
  if (micros < 1000) return fmt::format("{:.0f}us", micros);
  if (micros < 1e6) return fmt::format("{:.1f}ms", micros / 1e3);
  return fmt::format("{:.1f}s", micros / 1e6);
}

std::string short_size(double bytes) {
  if (bytes < 1024) return fmt::format("{:.0f}B", bytes);
  if (bytes < 1024 * 1024) return fmt::format("{:.0f}K", bytes / 1024);
  if (bytes < 1024.0 * 1024 * 1024) return fmt::format("{:.0f}M", bytes / 1024 / 1024);
  return fmt::format("{:.1f}G", bytes / 1024 / 1024 / 1024);
}

constexpr std::string_view kFormat =
    "{:>8} {:>5} {:>5} {:>7} {:>7} {:>7} {:>7} {:>7} {:>6} {:>6} {:>7} {:>7} {:>6} "
    "{:>6} {:<10}";

}  // namespace

std::string with_rates(const std::string& earlier, const std::string& later) {
  const Json before = Json::parse(earlier, nullptr, false);
  Json now = Json::parse(later, nullptr, false);
  if (!now.is_object()) return later;
  now["rates"] = before.is_object() ? rates_between(before, now) : Json::object();
  return now.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string watch_header() {
  return fmt::format(fmt::runtime(kFormat), "time", "open", "activ", "stmt/s", "write/s", "row/s", "commt/s", "read/s",
                     "err/s", "queue", "wait", "commit", "log", "memory", "writer") +
         "\n";
}

std::string watch_line(const std::string& status_with_rates) {
  const Json status = Json::parse(status_with_rates, nullptr, false);
  if (!status.is_object() || !status.contains("rates")) return status_with_rates + "\n";
  const Json& rates = status["rates"];
  const auto level = [&](const char* group, const char* field) {
    const auto it = status.find(group);
    return it != status.end() && it->is_object() ? number_at(*it, field) : 0.0;
  };
  const auto rate = [&](const char* name) -> std::string {
    return rates.empty() ? "-" : short_number(number_at(rates, name));
  };
  const auto mean = [&](const char* name) -> std::string {
    return rates.contains(name) ? short_time(number_at(rates[name], "mean")) : "-";
  };
  const std::time_t now = std::time(nullptr);
  return fmt::format(fmt::runtime(kFormat), fmt::format("{:%H:%M:%S}", fmt::localtime(now)),
                     short_number(level("sessions", "open")), short_number(level("sessions", "active")),
                     rate("sessions.statements"), rate("queue.units"), rate("queue.rows"), rate("batches.commits"),
                     rate("reads.total"), rate("sessions.errors"), short_number(level("queue", "waiting")),
                     mean("queue.wait_us"), mean("batches.commit_us"), short_size(level("wal", "bytes")),
                     short_size(level("memory", "rss_bytes")), status.value("writer", "")) +
         "\n";
}

}  // namespace merganser::cli

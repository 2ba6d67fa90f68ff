#include "cli/units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <limits>

namespace merganser::cli {
namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

// Largest first, so that the shortest exact text is found first.
constexpr std::array<Unit, 10> kSizeUnits{{{"TiB", 1ULL << 40},
                                           {"GiB", 1ULL << 30},
                                           {"MiB", 1ULL << 20},
                                           {"KiB", 1ULL << 10},
                                           {"TB", 1'000'000'000'000},
                                           {"GB", 1'000'000'000},
                                           {"MB", 1'000'000},
                                           {"KB", 1'000},
                                           {"B", 1},
                                           {"", 1}}};
constexpr std::array<Unit, 6> kTimeUnits{
    {{"d", 86'400'000'000}, {"h", 3'600'000'000}, {"min", 60'000'000}, {"s", 1'000'000}, {"ms", 1'000}, {"us", 1}}};

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// A number and one of the units behind it, multiplied; nothing when either is missing or the product is too large.
template <size_t N>
std::optional<uint64_t> parse_with_unit(std::string_view text, const std::array<Unit, N>& units) {
  text = trimmed(text);
  if (text == "0") return 0;
  size_t digits = 0;
  while (digits < text.size() && ((text[digits] >= '0' && text[digits] <= '9') || text[digits] == '.')) ++digits;
  const std::string_view number = text.substr(0, digits);
  const std::string_view unit_name = trimmed(text.substr(digits));
  if (number.empty()) return std::nullopt;
  for (const Unit& unit : units) {
    if (!equal_ignoring_case(unit.name, unit_name)) continue;
    uint64_t whole = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), whole);
    if (error != std::errc() && error != std::errc::invalid_argument) return std::nullopt;
    if (error == std::errc() && end == number.data() + number.size()) {
      if (whole > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) / unit.factor) return std::nullopt;
      return whole * unit.factor;
    }
    double value = 0;
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), value);
    if (parsed.ec != std::errc() || parsed.ptr != number.data() + number.size()) return std::nullopt;
    const double product = value * static_cast<double>(unit.factor);
    if (!(product >= 0) || product > 9e18) return std::nullopt;
    return static_cast<uint64_t>(std::llround(product));
  }
  return std::nullopt;
}

}  // namespace

std::optional<uint64_t> parse_size(std::string_view text) {
  return parse_with_unit(text, kSizeUnits);
}

std::optional<std::chrono::microseconds> parse_duration(std::string_view text) {
  const auto micros = parse_with_unit(text, kTimeUnits);
  if (!micros) return std::nullopt;
  return std::chrono::microseconds(static_cast<int64_t>(*micros));
}

std::optional<int64_t> parse_integer(std::string_view text) {
  text = trimmed(text);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::optional<bool> parse_bool(std::string_view text) {
  text = trimmed(text);
  for (const std::string_view yes : {"true", "on", "yes", "1"}) {
    if (equal_ignoring_case(text, yes)) return true;
  }
  for (const std::string_view no : {"false", "off", "no", "0"}) {
    if (equal_ignoring_case(text, no)) return false;
  }
  return std::nullopt;
}

std::string size_text(uint64_t bytes) {
  if (bytes == 0) return "0";
  for (const Unit& unit : kSizeUnits) {
    if (bytes % unit.factor == 0) return fmt::format("{}{}", bytes / unit.factor, unit.factor == 1 ? "" : unit.name);
  }
  return std::to_string(bytes);
}

std::string duration_text(std::chrono::microseconds span) {
  const uint64_t micros = static_cast<uint64_t>(span.count());
  if (micros == 0) return "0";
  for (const Unit& unit : kTimeUnits) {
    if (micros == 60'000'000 && unit.name == "min") continue;  // one minute reads better as 60s
    if (micros % unit.factor == 0) {
      return fmt::format("{}{}", micros / unit.factor, unit.name);
    }
  }
  return fmt::format("{}us", micros);
}

std::string human_size(uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  std::string_view name;
  for (const std::string_view unit : {"KiB", "MiB", "GiB", "TiB"}) {
    if (value < 1024) break;
    value /= 1024;
    name = unit;
  }
  return fmt::format("{:.1f} {}", value, name);
}

std::string human_duration(double seconds) {
  if (seconds < 0.001) return fmt::format("{:.0f} µs", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.1f} ms", seconds * 1e3);
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<int64_t>(seconds);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  if (whole < 86400) return fmt::format("{} h {} min", whole / 3600, whole / 60 % 60);
  return fmt::format("{} d {} h", whole / 86400, whole / 3600 % 24);
}

std::string human_count(int64_t count) {
  std::string digits = std::to_string(count);
  const size_t first = count < 0 ? 1 : 0;
  for (size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

}  // namespace merganser::cli

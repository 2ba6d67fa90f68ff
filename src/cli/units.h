// Sizes and durations as people write them: "256MiB", "50ms".
//
// Threads: values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace merganser::cli {

// "0", "512", "64KiB", "256MiB", "1GB" (KB, MB, GB, TB are powers of 1000); nothing when it is none or overflows.
std::optional<uint64_t> parse_size(std::string_view text);
// "0", "500us", "50ms", "1.5s", "10min", "2h", "1d". A number other than 0 needs its unit.
std::optional<std::chrono::microseconds> parse_duration(std::string_view text);
std::optional<int64_t> parse_integer(std::string_view text);
std::optional<bool> parse_bool(std::string_view text);  // true/false, on/off, yes/no, 1/0

// The largest unit that loses nothing: these texts parse back to the same value.
std::string size_text(uint64_t bytes);
std::string duration_text(std::chrono::microseconds span);

// For people: "12.3 MiB", "4 d 3 h", "1.2 s"; rounded.
std::string human_size(uint64_t bytes);
std::string human_duration(double seconds);
std::string human_count(int64_t count);  // "1,234,567"

}  // namespace merganser::cli

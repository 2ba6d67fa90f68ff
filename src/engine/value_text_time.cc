// Dates, times and intervals as text, in PostgreSQL's ISO style (DateStyle ISO, IntervalStyle postgres).
#include <cstdlib>

#include "base/civil.h"
#include "engine/value_text.h"

namespace merganser::engine {

namespace {

constexpr int64_t kDaySeconds = 86400;
constexpr int32_t kMaxZoneOffset = 16 * 3600 - 1;  // DuckDB's bias in TIME WITH TIME ZONE

char* copy(char* at, std::string_view text) {
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

char* two_digits(char* at, int64_t value) {
  if (value < 0 || value > 99) return write_int(at, value);
  *at++ = static_cast<char>('0' + value / 10);
  *at++ = static_cast<char>('0' + value % 10);
  return at;
}

// ".5", ".000001", or nothing: a fraction of `digits` digits without its trailing zeros.
char* write_fraction(char* at, int64_t fraction, int digits) {
  if (fraction == 0) return at;
  *at++ = '.';
  for (int i = digits - 1; i >= 0; --i) {
    at[i] = static_cast<char>('0' + fraction % 10);
    fraction /= 10;
  }
  at += digits;
  while (at[-1] == '0') --at;
  return at;
}

char* write_clock(char* at, int64_t seconds) {
  at = two_digits(at, seconds / 3600);
  *at++ = ':';
  at = two_digits(at, seconds / 60 % 60);
  *at++ = ':';
  return two_digits(at, seconds % 60);
}

// Year zero is 1 BC; the suffix goes after everything else.
char* write_civil(char* at, const CivilDate& date) {
  const int64_t year = date.year > 0 ? date.year : 1 - date.year;
  for (int64_t power = 1000; power > 1 && year < power; power /= 10) *at++ = '0';
  at = write_int(at, year);
  *at++ = '-';
  at = two_digits(at, date.month);
  *at++ = '-';
  return two_digits(at, date.day);
}

char* write_era(char* at, const CivilDate& date) {
  return date.year > 0 ? at : copy(at, " BC");
}

char* write_offset(char* at, int32_t east, bool always_minutes) {
  const int32_t size = std::abs(east);
  *at++ = east < 0 ? '-' : '+';
  at = two_digits(at, size / 3600);
  const int32_t minutes = size / 60 % 60;
  const int32_t seconds = size % 60;
  if (minutes != 0 || seconds != 0 || always_minutes) {
    *at++ = ':';
    at = two_digits(at, minutes);
  }
  if (seconds != 0) {
    *at++ = ':';
    at = two_digits(at, seconds);
  }
  return at;
}

// DuckDB's infinities in any unit; null when the timestamp is finite.
const char* infinity_of(int64_t count) {
  if (count == kTimestampInfinity) return "infinity";
  return count == kTimestampNegInfinity ? "-infinity" : nullptr;
}

struct Split {
  int64_t seconds, fraction;
  int digits;
};
Split split(int64_t count, TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kSeconds:
      return {count, 0, 0};
    case TimeUnit::kMillis:
      return {floor_div(count, 1000), floor_mod(count, 1000), 3};
    case TimeUnit::kMicros:
      return {floor_div(count, 1'000'000), floor_mod(count, 1'000'000), 6};
    case TimeUnit::kNanos:
      break;
  }
  return {floor_div(count, 1'000'000'000), floor_mod(count, 1'000'000'000), 9};
}

char* write_part(char* at, int64_t value, std::string_view unit, bool& empty, bool& negative) {
  if (value == 0) return at;
  if (!empty) *at++ = ' ';
  if (negative && value > 0) *at++ = '+';
  at = write_int(at, value);
  *at++ = ' ';
  at = copy(at, unit);
  if (value != 1) *at++ = 's';
  empty = false;
  negative = value < 0;
  return at;
}

}  // namespace

char* write_date(char* at, int32_t days) {
  if (days == kDateInfinity) return copy(at, "infinity");
  if (days == kDateNegInfinity) return copy(at, "-infinity");
  const CivilDate date = civil_from_days(days);
  return write_era(write_civil(at, date), date);
}

char* write_time(char* at, int64_t micros) {
  return write_fraction(write_clock(at, floor_div(micros, 1'000'000)), floor_mod(micros, 1'000'000), 6);
}

char* write_time_ns(char* at, int64_t nanos) {
  return write_fraction(write_clock(at, floor_div(nanos, 1'000'000'000)), floor_mod(nanos, 1'000'000'000), 9);
}

char* write_timetz(char* at, uint64_t bits) {
  at = write_time(at, static_cast<int64_t>(bits >> 24));
  return write_offset(at, kMaxZoneOffset - static_cast<int32_t>(bits & 0xffffff), false);
}

char* write_timestamp(char* at, int64_t count, TimeUnit unit, char separator) {
  if (const char* infinity = infinity_of(count)) return copy(at, infinity);
  const Split parts = split(count, unit);
  const CivilDate date = civil_from_days(floor_div(parts.seconds, kDaySeconds));
  at = write_civil(at, date);
  *at++ = separator;
  at = write_clock(at, floor_mod(parts.seconds, kDaySeconds));
  return write_era(write_fraction(at, parts.fraction, parts.digits), date);
}

char* write_timestamptz(char* at, int64_t micros, const TimeZone& zone, char separator, bool minutes) {
  if (const char* infinity = infinity_of(micros)) return copy(at, infinity);
  const int64_t seconds = floor_div(micros, 1'000'000);
  const int32_t offset = zone.offset_at(seconds);
  const CivilDate date = civil_from_days(floor_div(seconds + offset, kDaySeconds));
  at = write_civil(at, date);
  *at++ = separator;
  at = write_clock(at, floor_mod(seconds + offset, kDaySeconds));
  at = write_fraction(at, floor_mod(micros, 1'000'000), 6);
  return write_era(write_offset(at, offset, minutes), date);
}

char* write_interval(char* at, Interval value) {
  bool empty = true, negative = false;
  at = write_part(at, value.months / 12, "year", empty, negative);
  at = write_part(at, value.months % 12, "mon", empty, negative);
  at = write_part(at, value.days, "day", empty, negative);
  if (value.micros == 0 && !empty) return at;
  if (!empty) *at++ = ' ';
  if (value.micros < 0) {
    *at++ = '-';
  } else if (negative) {
    *at++ = '+';
  }
  const auto size =
      value.micros < 0 ? uint64_t{0} - static_cast<uint64_t>(value.micros) : static_cast<uint64_t>(value.micros);
  at = write_clock(at, static_cast<int64_t>(size / 1'000'000));
  return write_fraction(at, static_cast<int64_t>(size % 1'000'000), 6);
}

}  // namespace merganser::engine

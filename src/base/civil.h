// Days since 1970 and the proleptic Gregorian calendar, for any day that 64 bits of seconds can name.
//
// Threads: pure functions. Years are astronomical: 0 is 1 BC, -1 is 2 BC.
#pragma once

#include <cstdint>

namespace merganser {

struct CivilDate {
  int64_t year;
  int32_t month;  // 1 … 12
  int32_t day;    // 1 … 31
};

// Floor division for a positive divisor: timestamps before 1970 belong to the day they are in.
constexpr int64_t floor_div(int64_t value, int64_t divisor) {
  return value / divisor - (value % divisor < 0 ? 1 : 0);
}
constexpr int64_t floor_mod(int64_t value, int64_t divisor) {
  const int64_t rest = value % divisor;  // not by floor_div: its product overflows at the lowest values
  return rest < 0 ? rest + divisor : rest;
}

// The era is 400 years, 146097 days; a year starts in March, so that the leap day is its last. |days| < 2^60.
constexpr CivilDate civil_from_days(int64_t days) {
  days += 719468;
  const int64_t era = floor_div(days, 146097);
  const int64_t day_of_era = days - era * 146097;
  const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t march_month = (5 * day_of_year + 2) / 153;
  const auto day = static_cast<int32_t>(day_of_year - (153 * march_month + 2) / 5 + 1);
  const auto month = static_cast<int32_t>(march_month < 10 ? march_month + 3 : march_month - 9);
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

// Month and day must be those of a real date; |year| < 2^40.
constexpr int64_t days_from_civil(int64_t year, int32_t month, int32_t day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = floor_div(year, 400);
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

constexpr bool is_leap_year(int64_t year) {
  return floor_mod(year, 4) == 0 && (floor_mod(year, 100) != 0 || floor_mod(year, 400) == 0);
}
constexpr int32_t days_in_month(int64_t year, int32_t month) {
  constexpr int32_t kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap_year(year) ? 29 : kDays[month - 1];
}

}  // namespace merganser

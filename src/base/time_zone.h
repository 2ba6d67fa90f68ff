// A time zone of the system's database (TZif files, RFC 8536): offsets at instants, instants of local times.
//
// Threads: immutable after loading; share it freely. Local times that a change of the clocks skips or repeats mean
// what PostgreSQL says: skipped ones are read with the offset before the change, repeated ones with the one after it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace merganser {

class TimeZone {
 public:
  using Ptr = std::shared_ptr<const TimeZone>;

  static Ptr utc();
  // A name such as "Europe/Berlin", in any case. 22023 when the database has no such zone; callers that must go on
  // use utc(), which needs no file.
  static Result<Ptr> load(std::string_view name, const std::string& directory = "/usr/share/zoneinfo");
  // The contents of a TZif file. 22023 when they are none.
  static Result<Ptr> parse(std::string name, std::string_view tzif);

  const std::string& name() const { return name_; }
  int32_t offset_at(int64_t utc_seconds) const;         // seconds east of Greenwich
  int64_t utc_from_local(int64_t local_seconds) const;  // |local_seconds| < 2^62

 private:
  // When daylight saving begins or ends in a year, as the POSIX TZ text at a TZif file's end has it.
  struct YearRule {
    enum class Kind : uint8_t { kJulianWithoutLeap, kDayOfYear, kMonthWeekDay } kind = Kind::kDayOfYear;
    int32_t month = 1, week = 1, day = 0;
    int32_t seconds = 7200;  // local time of that day; may be negative or beyond a day
    int64_t local_seconds(int64_t year) const;
  };
  struct Future {
    int32_t standard_offset = 0;
    bool has_daylight = false;
    int32_t daylight_offset = 0;
    YearRule begin, end;
    int32_t offset_at(int64_t utc_seconds) const;
  };
  struct FutureParser;

  std::string name_;
  std::vector<int64_t> changes_;         // instants, ascending
  std::vector<int32_t> change_offsets_;  // the offset from that instant on
  int32_t first_offset_ = 0;             // before the first change
  std::optional<Future> future_;         // after the last change
};

}  // namespace merganser

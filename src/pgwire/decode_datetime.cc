// Dates, times and timestamps from text in ISO form; other spellings are left to DuckDB.
#include <algorithm>
#include <cctype>
#include <limits>

#include "base/civil.h"
#include "pgwire/decode_text.h"

namespace merganser::pgwire {

using engine::TypeId;
using engine::Value;

namespace {

constexpr int64_t kDaySeconds = 86400;
constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kDayMicros = kDaySeconds * kSecond;
// DuckDB's range: 290309-12-22 BC to 294247-01-10.
constexpr int64_t kMinTimestamp = -9223372022400000000;
constexpr int32_t kMaxZoneSeconds = 16 * 3600 - 1;

// A cursor over the text; a reader that fails leaves it anywhere.
struct Scanner {
  std::string_view in;

  bool done() const { return in.empty(); }
  char peek() const { return in.empty() ? '\0' : in.front(); }
  bool take(char c) {
    if (peek() != c || in.empty()) return false;
    in.remove_prefix(1);
    return true;
  }
  bool take_word(std::string_view lower) {
    if (in.size() < lower.size()) return false;
    for (size_t i = 0; i < lower.size(); ++i) {
      if (std::tolower(static_cast<unsigned char>(in[i])) != lower[i]) return false;
    }
    in.remove_prefix(lower.size());
    return true;
  }
  void skip_spaces() {
    while (peek() == ' ') in.remove_prefix(1);
  }
  size_t digits_ahead() const {
    size_t count = 0;
    while (count < in.size() && in[count] >= '0' && in[count] <= '9') ++count;
    return count;
  }
  // Between `least` and `most` digits.
  std::optional<int64_t> number(size_t least, size_t most) {
    const size_t count = digits_ahead();
    if (count < least || count > most) return std::nullopt;
    return exactly(count);
  }
  int64_t exactly(size_t count) {
    int64_t value = 0;
    for (size_t i = 0; i < count; ++i) value = value * 10 + (in[i] - '0');
    in.remove_prefix(count);
    return value;
  }
};

// What a text said, not yet checked against the calendar.
struct Fields {
  int64_t year = 0, month = 0, day = 0;
  bool before_christ = false;
  int64_t hour = 0, minute = 0, second = 0, micros = 0;
  bool has_time = false;
  bool has_zone = false;
  int64_t offset = 0;     // seconds east
  std::string zone_name;  // instead of an offset
};

bool scan_date(Scanner& in, Fields& out) {
  if (in.digits_ahead() == 8) {
    const int64_t packed = in.exactly(8);
    out.year = packed / 10000, out.month = packed / 100 % 100, out.day = packed % 100;
    return true;
  }
  const auto year = in.number(4, 7);
  if (!year || !in.take('-')) return false;
  const auto month = in.number(1, 2);
  if (!month || !in.take('-')) return false;
  const auto day = in.number(1, 2);
  if (!day) return false;
  out.year = *year, out.month = *month, out.day = *day;
  return true;
}

bool scan_time(Scanner& in, Fields& out) {
  const auto hour = in.number(1, 2);
  if (!hour || !in.take(':')) return false;
  const auto minute = in.number(2, 2);
  if (!minute) return false;
  out.hour = *hour, out.minute = *minute, out.has_time = true;
  if (!in.take(':')) return true;
  const auto second = in.number(2, 2);
  if (!second) return false;
  out.second = *second;
  if (!in.take('.')) return true;
  const size_t digits = in.digits_ahead();
  for (size_t i = 0; i < 6; ++i) out.micros = out.micros * 10 + (i < digits ? in.in[i] - '0' : 0);
  if (digits > 6 && in.in[6] >= '5') ++out.micros;
  in.in.remove_prefix(digits);
  return true;
}

bool scan_offset(Scanner& in, Fields& out) {
  const bool west = in.peek() == '-';
  if (!in.take('-') && !in.take('+')) return false;
  const size_t digits = in.digits_ahead();
  int64_t seconds = 0;
  if (digits == 4) {
    const int64_t packed = in.exactly(4);
    if (packed % 100 > 59) return false;
    seconds = packed / 100 * 3600 + packed % 100 * 60;
  } else {
    const auto hours = in.number(1, 2);
    if (!hours) return false;
    seconds = *hours * 3600;
    for (int64_t unit = 60; unit > 0 && in.take(':'); unit /= 60) {
      const auto part = in.number(2, 2);
      if (!part || *part > 59) return false;
      seconds += *part * unit;
    }
  }
  out.has_zone = true;
  out.offset = west ? -seconds : seconds;
  return true;
}

bool scan_zone(Scanner& in, Fields& out) {
  if (in.peek() == '-' || in.peek() == '+') return scan_offset(in, out);
  size_t length = 0;
  while (length < in.in.size() && in.in[length] != ' ') ++length;
  const std::string_view name = in.in.substr(0, length);
  Scanner word{name};
  out.has_zone = true;
  if (name == "Z" || name == "z" || (word.take_word("utc") && word.done()) ||
      (Scanner{name}.take_word("gmt") && length == 3)) {
    in.in.remove_prefix(length);
    return true;
  }
  // Only names that cannot be an abbreviation, whose meaning depends on settings.
  if (name.find('/') == name.npos) return false;
  out.zone_name = name;
  in.in.remove_prefix(length);
  return true;
}

bool scan_era(Scanner& in, Fields& out) {
  in.skip_spaces();
  if (in.take_word("bc"))
    out.before_christ = true;
  else
    in.take_word("ad");
  in.skip_spaces();
  return in.done();
}

// date [(T| ) time [zone]] [BC]
std::optional<Fields> scan_timestamp(std::string_view text) {
  Scanner in{trim(text)};
  Fields out;
  if (!scan_date(in, out)) return std::nullopt;
  const bool marked = in.take('T') || in.take('t');
  if (marked && in.digits_ahead() == 0) return std::nullopt;
  const bool separated = marked || in.peek() == ' ';
  in.skip_spaces();
  if (separated && in.digits_ahead() > 0) {
    if (!scan_time(in, out)) return std::nullopt;
    in.skip_spaces();
    const bool era_ahead = Scanner{in.in}.take_word("bc") || Scanner{in.in}.take_word("ad");
    if (!in.done() && !era_ahead && !scan_zone(in, out)) return std::nullopt;
  }
  if (!scan_era(in, out)) return std::nullopt;
  return out;
}

Error field_out_of_range(std::string_view text) {
  return make_error(ErrorCode::kDatetimeOverflow, "date/time field value out of range: \"" + shown(text) + "\"");
}
Error too_far(std::string_view words, std::string_view text) {
  return make_error(ErrorCode::kDatetimeOverflow, std::string(words) + " out of range: \"" + shown(text) + "\"");
}

bool is_real_date(const Fields& f) {
  const int64_t year = f.before_christ ? 1 - f.year : f.year;
  return f.year >= 1 && f.month >= 1 && f.month <= 12 && f.day >= 1 &&
         f.day <= days_in_month(year, static_cast<int32_t>(f.month));
}
int64_t days_of(const Fields& f) {
  return days_from_civil(f.before_christ ? 1 - f.year : f.year, static_cast<int32_t>(f.month),
                         static_cast<int32_t>(f.day));
}
// 24:00:00 and a leap second are times; a second is never more than a day's.
bool is_real_time(const Fields& f) {
  return f.hour <= 24 && f.minute <= 59 && f.second <= 60 &&
         ((f.hour * 60 + f.minute) * 60 + f.second) * kSecond + f.micros <= kDayMicros;
}
int64_t micros_of_day(const Fields& f) {
  return ((f.hour * 60 + f.minute) * 60 + f.second) * kSecond + f.micros;
}

enum class Special { kNone, kInfinity, kNegInfinity, kEpoch };
Special special_of(std::string_view text) {
  const std::string_view bare = trim(text);
  const auto is = [bare](std::string_view word) {
    Scanner in{bare};
    return in.take_word(word) && in.done();
  };
  if (is("infinity") || is("+infinity")) return Special::kInfinity;
  if (is("-infinity")) return Special::kNegInfinity;
  return is("epoch") ? Special::kEpoch : Special::kNone;
}

ReadValue timestamp_value(TypeId type, int64_t micros) {
  return std::optional<Value>(Value{type, micros});
}

// Local time to an instant; the text's own zone goes before the session's.
Result<std::optional<int64_t>> utc_seconds(const Fields& f, int64_t local, const TimeZone& session) {
  if (!f.zone_name.empty()) {
    const auto zone = TimeZone::load(f.zone_name);
    if (!zone.ok())
      return make_error(ErrorCode::kInvalidParameterValue, "time zone \"" + shown(f.zone_name) + "\" not recognized");
    return std::optional<int64_t>((*zone)->utc_from_local(local));
  }
  return std::optional<int64_t>(f.has_zone ? local - f.offset : session.utc_from_local(local));
}

ReadValue read_any_timestamp(TypeId type, std::string_view text, const TimeZone* session) {
  switch (special_of(text)) {
    case Special::kInfinity:
      return timestamp_value(type, engine::kTimestampInfinity);
    case Special::kNegInfinity:
      return timestamp_value(type, engine::kTimestampNegInfinity);
    case Special::kEpoch:
      return timestamp_value(type, 0);
    case Special::kNone:
      break;
  }
  const auto fields = scan_timestamp(text);
  if (!fields) return std::optional<Value>();
  if (!is_real_date(*fields) || !is_real_time(*fields)) return field_out_of_range(text);
  if (fields->offset > kMaxZoneSeconds || fields->offset < -kMaxZoneSeconds) {
    return make_error(ErrorCode::kDatetimeOverflow, "time zone displacement out of range: \"" + shown(text) + "\"");
  }
  const int64_t of_day = micros_of_day(*fields);
  int64_t seconds = days_of(*fields) * kDaySeconds + of_day / kSecond;
  if (session != nullptr) {
    MERGANSER_ASSIGN(const auto utc, utc_seconds(*fields, seconds, *session));
    seconds = *utc;
  }
  int64_t micros = 0;
  if (__builtin_mul_overflow(seconds, kSecond, &micros) || __builtin_add_overflow(micros, of_day % kSecond, &micros) ||
      micros < kMinTimestamp || micros >= engine::kTimestampInfinity) {
    return too_far("timestamp", text);
  }
  return timestamp_value(type, micros);
}

}  // namespace

ReadValue read_timestamp(std::string_view text) {
  // PostgreSQL ignores a zone in the text of a timestamp without one.
  return read_any_timestamp(TypeId::kTimestamp, text, nullptr);
}

ReadValue read_timestamptz(std::string_view text, const TimeZone& zone) {
  return read_any_timestamp(TypeId::kTimestampTz, text, &zone);
}

ReadValue read_date(std::string_view text) {
  const auto value = [](int64_t days) { return ReadValue(std::optional<Value>(Value{TypeId::kDate, days})); };
  switch (special_of(text)) {
    case Special::kInfinity:
      return value(engine::kDateInfinity);
    case Special::kNegInfinity:
      return value(engine::kDateNegInfinity);
    case Special::kEpoch:
      return value(0);
    case Special::kNone:
      break;
  }
  // A time of day after the date is read and dropped, as PostgreSQL does.
  const auto fields = scan_timestamp(text);
  if (!fields) return std::optional<Value>();
  if (!is_real_date(*fields) || !is_real_time(*fields)) return field_out_of_range(text);
  const int64_t days = days_of(*fields);
  if (days >= engine::kDateInfinity || days <= engine::kDateNegInfinity) return too_far("date", text);
  return value(days);
}

ReadValue read_time(std::string_view text) {
  Scanner in{trim(text)};
  Fields fields;
  if (!scan_time(in, fields) || !in.done()) return std::optional<Value>();
  if (!is_real_time(fields)) return field_out_of_range(text);
  return std::optional<Value>(Value{TypeId::kTime, micros_of_day(fields)});
}

ReadValue read_timetz(std::string_view text) {
  Scanner in{trim(text)};
  Fields fields;
  if (!scan_time(in, fields)) return std::optional<Value>();
  in.skip_spaces();
  if (!scan_zone(in, fields) || !in.done() || !fields.zone_name.empty()) return std::optional<Value>();
  if (!is_real_time(fields)) return field_out_of_range(text);
  if (fields.offset > kMaxZoneSeconds || fields.offset < -kMaxZoneSeconds) return field_out_of_range(text);
  const auto bits =
      static_cast<uint64_t>(micros_of_day(fields)) << 24 | static_cast<uint64_t>(kMaxZoneSeconds - fields.offset);
  return std::optional<Value>(Value{TypeId::kTimeTz, bits});
}

}  // namespace merganser::pgwire

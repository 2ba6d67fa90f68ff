// Intervals from text: PostgreSQL's own style (1 year 2 mons 3 days 04:05:06.7), verbose (@ 1 day ago) and ISO 8601
// (P1Y2M3DT4H5M6.7S).
#include <algorithm>
#include <array>
#include <cctype>

#include "pgwire/decode_text.h"

namespace merganser::pgwire {

using engine::Interval;
using engine::TypeId;
using engine::Value;

namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kDayMicros = 86400 * kSecond;

enum class Unit : uint8_t { kMonths, kDays, kMicros };
struct UnitName {
  std::string_view name;
  Unit unit;
  int64_t size;  // months, days or microseconds
};
constexpr std::array kUnits = {
    UnitName{"year", Unit::kMonths, 12},
    UnitName{"years", Unit::kMonths, 12},
    UnitName{"yr", Unit::kMonths, 12},
    UnitName{"yrs", Unit::kMonths, 12},
    UnitName{"y", Unit::kMonths, 12},
    UnitName{"decade", Unit::kMonths, 120},
    UnitName{"decades", Unit::kMonths, 120},
    UnitName{"month", Unit::kMonths, 1},
    UnitName{"months", Unit::kMonths, 1},
    UnitName{"mon", Unit::kMonths, 1},
    UnitName{"mons", Unit::kMonths, 1},
    UnitName{"week", Unit::kDays, 7},
    UnitName{"weeks", Unit::kDays, 7},
    UnitName{"w", Unit::kDays, 7},
    UnitName{"day", Unit::kDays, 1},
    UnitName{"days", Unit::kDays, 1},
    UnitName{"d", Unit::kDays, 1},
    UnitName{"hour", Unit::kMicros, 3600 * kSecond},
    UnitName{"hours", Unit::kMicros, 3600 * kSecond},
    UnitName{"hr", Unit::kMicros, 3600 * kSecond},
    UnitName{"hrs", Unit::kMicros, 3600 * kSecond},
    UnitName{"h", Unit::kMicros, 3600 * kSecond},
    UnitName{"minute", Unit::kMicros, 60 * kSecond},
    UnitName{"minutes", Unit::kMicros, 60 * kSecond},
    UnitName{"min", Unit::kMicros, 60 * kSecond},
    UnitName{"mins", Unit::kMicros, 60 * kSecond},
    UnitName{"m", Unit::kMicros, 60 * kSecond},
    UnitName{"second", Unit::kMicros, kSecond},
    UnitName{"seconds", Unit::kMicros, kSecond},
    UnitName{"sec", Unit::kMicros, kSecond},
    UnitName{"secs", Unit::kMicros, kSecond},
    UnitName{"s", Unit::kMicros, kSecond},
    UnitName{"millisecond", Unit::kMicros, 1000},
    UnitName{"milliseconds", Unit::kMicros, 1000},
    UnitName{"msec", Unit::kMicros, 1000},
    UnitName{"msecs", Unit::kMicros, 1000},
    UnitName{"ms", Unit::kMicros, 1000},
    UnitName{"microsecond", Unit::kMicros, 1},
    UnitName{"microseconds", Unit::kMicros, 1},
    UnitName{"usec", Unit::kMicros, 1},
    UnitName{"usecs", Unit::kMicros, 1},
    UnitName{"us", Unit::kMicros, 1},
};

enum class Scan : uint8_t { kOk, kUnknown, kOverflow };

class IntervalReader {
 public:
  explicit IntervalReader(std::string_view text) : in_(text) {}

  Scan read() {
    if (take('@')) skip_spaces();
    if (in_.empty()) return Scan::kUnknown;
    const Scan scan = in_.front() == 'P' || in_.front() == 'p' ? read_iso() : read_parts();
    if (scan != Scan::kOk) return scan;
    return fits() ? Scan::kOk : Scan::kOverflow;
  }
  Interval value() const { return {static_cast<int32_t>(months_), static_cast<int32_t>(days_), micros_}; }

 private:
  bool take(char c) {
    if (in_.empty() || in_.front() != c) return false;
    in_.remove_prefix(1);
    return true;
  }
  void skip_spaces() {
    while (!in_.empty() && in_.front() == ' ') in_.remove_prefix(1);
  }
  bool digit_ahead() const { return !in_.empty() && in_.front() >= '0' && in_.front() <= '9'; }
  bool fits() const { return months_ >= INT32_MIN && months_ <= INT32_MAX && days_ >= INT32_MIN && days_ <= INT32_MAX; }

  // [sign] digits [. digits]: the fraction in millionths, both with the sign.
  struct Number {
    bool negative = false;
    int64_t whole = 0;
    int64_t millionths = 0;
    bool fractional = false;
  };
  Scan number(Number& out) {
    out.negative = take('-');
    if (!out.negative) take('+');
    if (!digit_ahead() && !(in_.size() > 1 && in_[0] == '.')) return Scan::kUnknown;
    for (; digit_ahead(); in_.remove_prefix(1)) {
      if (__builtin_mul_overflow(out.whole, int64_t{10}, &out.whole) ||
          __builtin_add_overflow(out.whole, int64_t{in_.front() - '0'}, &out.whole)) {
        return Scan::kOverflow;
      }
    }
    if (take('.')) {
      out.fractional = true;
      int64_t place = 100'000;
      for (bool first_beyond = true; digit_ahead(); in_.remove_prefix(1)) {
        const int64_t digit = in_.front() - '0';
        if (place > 0) {
          out.millionths += digit * place;
          place /= 10;
        } else if (first_beyond) {
          out.millionths += digit >= 5 ? 1 : 0;
          first_beyond = false;
        }
      }
    }
    if (out.negative) out.whole = -out.whole, out.millionths = -out.millionths;
    return Scan::kOk;
  }

  bool add(int64_t& sum, int64_t count, int64_t size) {
    int64_t product = 0;
    return !__builtin_mul_overflow(count, size, &product) && !__builtin_add_overflow(sum, product, &sum);
  }
  Scan add(const Number& number, const UnitName& unit) {
    bool ok = true;
    switch (unit.unit) {
      case Unit::kMonths:
        // Part of a month is a number of days that DuckDB and PostgreSQL count differently: not read here.
        if (number.fractional) return Scan::kUnknown;
        ok = add(months_, number.whole, unit.size);
        break;
      case Unit::kDays:
        if (number.fractional && unit.size != 1) return Scan::kUnknown;
        ok = add(days_, number.whole, unit.size) && add(micros_, number.millionths, kDayMicros / kSecond);
        break;
      case Unit::kMicros:
        ok = add(micros_, number.whole, unit.size);
        if (unit.size >= kSecond) {
          ok = ok && add(micros_, number.millionths, unit.size / kSecond);
        } else if (number.millionths != 0) {
          const int64_t scaled = number.millionths * unit.size;
          ok = ok && add(micros_, (scaled + (scaled < 0 ? -kSecond / 2 : kSecond / 2)) / kSecond, 1);
        }
        break;
    }
    return ok ? Scan::kOk : Scan::kOverflow;
  }

  // hh:mm[:ss[.fff]] after its first number.
  Scan clock(const Number& hours) {
    Number minutes, seconds;
    if (hours.fractional || !digit_ahead()) return Scan::kUnknown;
    Scan scan = number(minutes);
    if (scan == Scan::kOk && take(':')) {
      if (!digit_ahead()) return Scan::kUnknown;
      scan = number(seconds);
    }
    if (scan != Scan::kOk) return scan;
    if (minutes.fractional || minutes.whole > 59) return Scan::kUnknown;
    if (seconds.whole > 60) return Scan::kUnknown;
    int64_t micros = 0;
    const int64_t hour_count = hours.negative ? -hours.whole : hours.whole;
    if (!add(micros, hour_count, 3600 * kSecond) || !add(micros, minutes.whole, 60 * kSecond) ||
        !add(micros, seconds.whole, kSecond) || !add(micros, seconds.millionths, 1) ||
        !add(micros_, micros, hours.negative ? -1 : 1)) {
      return Scan::kOverflow;
    }
    return Scan::kOk;
  }

  Scan read_parts() {
    bool any = false;
    while (!in_.empty()) {
      if (any && (in_ == "ago" || in_ == "AGO")) return negate();
      Number part;
      Scan scan = number(part);
      if (scan != Scan::kOk) return scan;
      if (take(':')) {
        scan = clock(part);
      } else {
        skip_spaces();
        const UnitName* const unit = take_unit();
        if (unit == nullptr) return Scan::kUnknown;
        scan = add(part, *unit);
      }
      if (scan != Scan::kOk) return scan;
      any = true;
      if (!in_.empty() && in_.front() == ',') in_.remove_prefix(1);
      skip_spaces();
    }
    return any ? Scan::kOk : Scan::kUnknown;
  }
  Scan negate() {
    const bool overflow = __builtin_sub_overflow(int64_t{0}, months_, &months_) ||
                          __builtin_sub_overflow(int64_t{0}, days_, &days_) ||
                          __builtin_sub_overflow(int64_t{0}, micros_, &micros_);
    return overflow ? Scan::kOverflow : Scan::kOk;
  }
  const UnitName* take_unit() {
    size_t length = 0;
    std::string word;
    while (length < in_.size() && std::isalpha(static_cast<unsigned char>(in_[length])) != 0 && length < 16) {
      word.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(in_[length++]))));
    }
    const auto found = std::find_if(kUnits.begin(), kUnits.end(), [&](const UnitName& u) { return u.name == word; });
    if (found == kUnits.end()) return nullptr;
    in_.remove_prefix(length);
    return &*found;
  }

  Scan read_iso() {
    in_.remove_prefix(1);
    bool in_time = false, any = false;
    while (!in_.empty()) {
      if (!in_time && take('T')) {
        in_time = true;
        continue;
      }
      Number part;
      const Scan scan = number(part);
      if (scan != Scan::kOk) return scan;
      if (in_.empty()) return Scan::kUnknown;
      const char letter = in_.front();
      in_.remove_prefix(1);
      const UnitName* const unit = iso_unit(letter, in_time);
      if (unit == nullptr) return Scan::kUnknown;
      const Scan added = add(part, *unit);
      if (added != Scan::kOk) return added;
      any = true;
    }
    return any ? Scan::kOk : Scan::kUnknown;
  }
  static const UnitName* iso_unit(char letter, bool in_time) {
    static constexpr std::array kDate = {UnitName{"Y", Unit::kMonths, 12}, UnitName{"M", Unit::kMonths, 1},
                                         UnitName{"W", Unit::kDays, 7}, UnitName{"D", Unit::kDays, 1}};
    static constexpr std::array kTime = {UnitName{"H", Unit::kMicros, 3600 * kSecond},
                                         UnitName{"M", Unit::kMicros, 60 * kSecond},
                                         UnitName{"S", Unit::kMicros, kSecond}};
    const auto find = [letter](const auto& units) -> const UnitName* {
      for (const UnitName& unit : units) {
        if (unit.name.front() == letter) return &unit;
      }
      return nullptr;
    };
    return in_time ? find(kTime) : find(kDate);
  }

  std::string_view in_;
  int64_t months_ = 0, days_ = 0, micros_ = 0;
};

}  // namespace

ReadValue read_interval(std::string_view text) {
  IntervalReader reader(trim(text));
  switch (reader.read()) {
    case Scan::kOk:
      return std::optional<Value>(Value{TypeId::kInterval, reader.value()});
    case Scan::kOverflow:
      return make_error(ErrorCode::kIntervalFieldOverflow,
                        "interval field value out of range: \"" + shown(text) + "\"");
    case Scan::kUnknown:
      break;
  }
  return std::optional<Value>();
}

}  // namespace merganser::pgwire

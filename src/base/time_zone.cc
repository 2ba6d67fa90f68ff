#include "base/time_zone.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "base/bytes.h"
#include "base/civil.h"

namespace merganser {

namespace {

constexpr int64_t kDaySeconds = 86400;
constexpr size_t kMaxNameBytes = 100;          // the longest real one has 32
constexpr size_t kMaxFileBytes = 1024 * 1024;  // real ones have a few kilobytes
constexpr uint32_t kMaxChanges = 100'000;

Error unknown_zone(std::string_view name) {
  return make_error(ErrorCode::kInvalidParameterValue,
                    "invalid value for parameter \"TimeZone\": \"" + std::string(name) + "\"", {},
                    "Use a name of the time zone database, such as Europe/Berlin or UTC.");
}

bool same_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// A zone's name becomes a path: nothing that could leave the directory.
bool is_safe_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes || name.front() == '/' || name.find("..") != name.npos) return false;
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '/' || c == '_' || c == '-' || c == '+';
  });
}

// The name as the directory spells it, each part found without regard to case.
std::optional<std::string> find_spelling(std::string_view name, const std::string& directory) {
  std::filesystem::path path = directory;
  std::string spelled;
  while (!name.empty()) {
    const size_t slash = name.find('/');
    const std::string_view part = name.substr(0, slash);
    name.remove_prefix(slash == name.npos ? name.size() : slash + 1);
    std::error_code error;
    std::optional<std::string> found;
    std::filesystem::directory_iterator entries(path, error);
    for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
      const std::string entry = entries->path().filename().string();
      if (entry == part || (!found && same_ignoring_case(entry, part))) found = entry;
      if (entry == part) break;
    }
    if (!found) return std::nullopt;
    path /= *found;
    spelled += (spelled.empty() ? "" : "/") + *found;
  }
  return spelled;
}

std::optional<std::string> read_small_file(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error) || error) return std::nullopt;
  std::ifstream in(path, std::ios::binary);
  std::string bytes(kMaxFileBytes, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(in.gcount()));
  return bytes;
}

struct TzifHeader {
  uint8_t version;
  uint32_t utc_flags, standard_flags, leaps, changes, types, name_bytes;
  uint64_t body_bytes(uint64_t time_bytes) const {
    return uint64_t{changes} * (time_bytes + 1) + uint64_t{types} * 6 + name_bytes +
           uint64_t{leaps} * (time_bytes + 4) + standard_flags + utc_flags;
  }
};

std::optional<TzifHeader> read_header(ByteReader& in) {
  const auto magic = in.get_bytes(4);
  const auto version = in.get<uint8_t>();
  if (!magic || *magic != "TZif" || !version || !in.get_bytes(15)) return std::nullopt;
  TzifHeader header{};
  header.version = *version;
  for (uint32_t* field :
       {&header.utc_flags, &header.standard_flags, &header.leaps, &header.changes, &header.types, &header.name_bytes}) {
    const auto value = in.get<uint32_t>();
    if (!value) return std::nullopt;
    *field = *value;
  }
  if (header.changes > kMaxChanges || header.types == 0 || header.types > 256) return std::nullopt;
  return header;
}

}  // namespace

// Reads a POSIX TZ text: CET-1CEST,M3.5.0,M10.5.0/3 or <+0330>-3:30 (RFC 8536 section 3.3.1).
struct TimeZone::FutureParser {
  std::string_view in;

  bool take(char c) {
    if (in.empty() || in.front() != c) return false;
    in.remove_prefix(1);
    return true;
  }
  std::optional<int32_t> number(int32_t limit) {
    int32_t value = 0;
    size_t digits = 0;
    for (; digits < in.size() && digits < 4 && in[digits] >= '0' && in[digits] <= '9'; ++digits) {
      value = value * 10 + (in[digits] - '0');
    }
    if (digits == 0 || value > limit) return std::nullopt;
    in.remove_prefix(digits);
    return value;
  }
  bool skip_name() {
    if (take('<')) {
      const size_t close = in.find('>');
      if (close == in.npos) return false;
      in.remove_prefix(close + 1);
      return true;
    }
    size_t letters = 0;
    while (letters < in.size() && std::isalpha(static_cast<unsigned char>(in[letters])) != 0) ++letters;
    in.remove_prefix(letters);
    return letters >= 3;
  }
  // [+-]hh[:mm[:ss]] in seconds, up to 167 hours.
  std::optional<int32_t> clock() {
    const bool negative = take('-');
    if (!negative) take('+');
    int32_t seconds = 0;
    for (const int32_t unit : {3600, 60, 1}) {
      const auto value = number(unit == 3600 ? 167 : 59);
      if (!value) return std::nullopt;
      seconds += *value * unit;
      if (unit == 1 || !take(':')) break;
    }
    return negative ? -seconds : seconds;
  }
  std::optional<YearRule> rule() {
    if (!take(',')) return std::nullopt;
    YearRule rule;
    if (take('M')) {
      rule.kind = YearRule::Kind::kMonthWeekDay;
      const auto month = number(12);
      if (!month || *month < 1 || !take('.')) return std::nullopt;
      const auto week = number(5);
      if (!week || *week < 1 || !take('.')) return std::nullopt;
      const auto day = number(6);
      if (!day) return std::nullopt;
      rule.month = *month, rule.week = *week, rule.day = *day;
    } else {
      rule.kind = take('J') ? YearRule::Kind::kJulianWithoutLeap : YearRule::Kind::kDayOfYear;
      const auto day = number(365);
      if (!day || (rule.kind == YearRule::Kind::kJulianWithoutLeap && *day < 1)) return std::nullopt;
      rule.day = *day;
    }
    if (take('/')) {
      const auto seconds = clock();
      if (!seconds) return std::nullopt;
      rule.seconds = *seconds;
    }
    return rule;
  }
  std::optional<Future> parse() {
    Future future;
    if (!skip_name()) return std::nullopt;
    const auto west = clock();  // POSIX counts west of Greenwich
    if (!west) return std::nullopt;
    future.standard_offset = -*west;
    if (in.empty()) return future;
    if (!skip_name()) return std::nullopt;
    future.has_daylight = true;
    future.daylight_offset = future.standard_offset + 3600;
    if (!in.empty() && in.front() != ',') {
      const auto daylight_west = clock();
      if (!daylight_west) return std::nullopt;
      future.daylight_offset = -*daylight_west;
    }
    const auto begin = rule();
    const auto end = begin ? rule() : std::nullopt;
    if (!end || !in.empty()) return std::nullopt;
    future.begin = *begin, future.end = *end;
    return future;
  }
};

int64_t TimeZone::YearRule::local_seconds(int64_t year) const {
  int64_t days = days_from_civil(year, 1, 1);
  if (kind == Kind::kDayOfYear) {
    days += day;
  } else if (kind == Kind::kJulianWithoutLeap) {
    days += day - 1 + (is_leap_year(year) && day >= 60 ? 1 : 0);
  } else {
    days = days_from_civil(year, month, 1);
    const int64_t weekday = floor_mod(days + 4, 7);  // 1970-01-01 was a Thursday
    days += floor_mod(day - weekday, 7) + (week - 1) * 7;
    if (days >= days_from_civil(year, month, 1) + days_in_month(year, month)) days -= 7;  // week 5 is the last one
  }
  return days * kDaySeconds + seconds;
}

int32_t TimeZone::Future::offset_at(int64_t utc_seconds) const {
  if (!has_daylight) return standard_offset;
  const int64_t year = civil_from_days(floor_div(utc_seconds, kDaySeconds)).year;
  // A rule of this year's end may reach into the next: look at the neighbours too.
  for (int64_t y = year + 1; y >= year - 1; --y) {
    const int64_t start = begin.local_seconds(y) - standard_offset;
    const int64_t stop = end.local_seconds(y) - daylight_offset;
    if (utc_seconds >= std::max(start, stop)) return start > stop ? daylight_offset : standard_offset;
    if (utc_seconds >= std::min(start, stop)) return start > stop ? standard_offset : daylight_offset;
  }
  return standard_offset;
}

TimeZone::Ptr TimeZone::utc() {
  auto zone = std::make_shared<TimeZone>();
  zone->name_ = "UTC";
  return zone;
}

Result<TimeZone::Ptr> TimeZone::load(std::string_view name, const std::string& directory) {
  if (same_ignoring_case(name, "UTC")) return utc();
  if (!is_safe_name(name)) return unknown_zone(name);
  const auto spelled = find_spelling(name, directory);
  if (!spelled) return unknown_zone(name);
  const auto bytes = read_small_file(directory + "/" + *spelled);
  if (!bytes) return unknown_zone(name);
  return parse(*spelled, *bytes);
}

Result<TimeZone::Ptr> TimeZone::parse(std::string name, std::string_view tzif) {
  const Error bad = unknown_zone(name);
  ByteReader in(tzif);
  auto header = read_header(in);
  if (!header) return bad;
  const bool wide = header->version >= '2';
  if (wide) {
    // The first body has 32-bit times; the second, after its own header, has 64-bit ones.
    if (!in.get_bytes(header->body_bytes(4))) return bad;
    header = read_header(in);
    if (!header) return bad;
  }
  auto zone = std::make_shared<TimeZone>();
  zone->name_ = std::move(name);
  for (uint32_t i = 0; i < header->changes; ++i) {
    const std::optional<int64_t> at = wide ? in.get<int64_t>() : std::optional<int64_t>(in.get<int32_t>());
    if (!at) return bad;
    zone->changes_.push_back(*at);
  }
  const auto types_of_changes = in.get_bytes(header->changes);
  std::vector<int32_t> offsets;
  for (uint32_t i = 0; types_of_changes && i < header->types; ++i) {
    const auto offset = in.get<int32_t>();
    if (!offset || !in.get_bytes(2) || *offset < -kDaySeconds || *offset > kDaySeconds) return bad;
    offsets.push_back(*offset);
  }
  if (offsets.empty() || !std::is_sorted(zone->changes_.begin(), zone->changes_.end())) return bad;
  for (const char type : *types_of_changes) {
    const auto index = static_cast<uint8_t>(type);
    if (index >= offsets.size()) return bad;
    zone->change_offsets_.push_back(offsets[index]);
  }
  zone->first_offset_ = offsets[0];
  const uint64_t rest_of_body = uint64_t{header->name_bytes} + uint64_t{header->leaps} * (wide ? 12 : 8) +
                                header->standard_flags + header->utc_flags;
  if (!in.get_bytes(rest_of_body)) return bad;
  std::string_view footer = in.rest();
  if (wide && footer.size() >= 2 && footer.front() == '\n') {
    footer = footer.substr(1, footer.find('\n', 1) - 1);
    zone->future_ = FutureParser{footer}.parse();
    if (!footer.empty() && !zone->future_) return bad;
  }
  return Ptr(std::move(zone));
}

int32_t TimeZone::offset_at(int64_t utc_seconds) const {
  if (changes_.empty() || utc_seconds >= changes_.back()) {
    if (future_) return future_->offset_at(utc_seconds);
    return changes_.empty() ? first_offset_ : change_offsets_.back();
  }
  const auto after = std::upper_bound(changes_.begin(), changes_.end(), utc_seconds);
  if (after == changes_.begin()) return first_offset_;
  return change_offsets_[static_cast<size_t>(after - changes_.begin()) - 1];
}

int64_t TimeZone::utc_from_local(int64_t local_seconds) const {
  const int32_t before = offset_at(local_seconds - kDaySeconds);
  const int32_t after = offset_at(local_seconds + kDaySeconds);
  const int64_t with_before = local_seconds - before;
  const int64_t with_after = local_seconds - after;
  if (before == after) return with_before;
  if (offset_at(with_after) == after) return with_after;
  // Either only the earlier offset fits, or the clock skipped this time.
  return with_before;
}

}  // namespace merganser

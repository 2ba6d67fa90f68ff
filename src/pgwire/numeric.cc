#include "pgwire/numeric.h"

#include <algorithm>

#include "base/bytes.h"
#include "pgwire/encode_field.h"

namespace merganser::pgwire {

namespace {

constexpr uint16_t kPositive = 0x0000, kNegative = 0x4000, kNan = 0xC000, kInfinity = 0xD000, kNegInfinity = 0xF000;
constexpr int kGroup = 4;  // decimal digits in one of the form's digits
constexpr int kMaxScale = 0x3FFF;
constexpr size_t kMaxWholeDigits = 131072;

Error bad_binary(std::string what) {
  return make_error(ErrorCode::kInvalidBinaryRepresentation,
                    "invalid " + std::move(what) + " in external \"numeric\" value");
}

}  // namespace

void append_numeric(engine::TextSink& sink, std::string_view decimal) {
  const bool negative = !decimal.empty() && decimal.front() == '-';
  if (negative) decimal.remove_prefix(1);
  const size_t point = decimal.find('.');
  std::string_view whole = decimal.substr(0, point);
  const std::string_view fraction = point == decimal.npos ? std::string_view() : decimal.substr(point + 1);
  while (!whole.empty() && whole.front() == '0') whole.remove_prefix(1);
  if (whole.size() > kMaxWholeDigits || fraction.size() > kMaxScale) {
    return sink.fail(make_error(ErrorCode::kNumericOutOfRange, "value overflows numeric format"));
  }
  // Groups are aligned at the point: the first one may be short at its left, the last one at its right.
  const auto whole_groups = static_cast<int>((whole.size() + kGroup - 1) / kGroup);
  const auto groups = whole_groups + static_cast<int>((fraction.size() + kGroup - 1) / kGroup);
  const auto digit = [&](int64_t place) -> int {  // 0 is the first after the point
    if (place >= 0)
      return place < static_cast<int64_t>(fraction.size()) ? fraction[static_cast<size_t>(place)] - '0' : 0;
    const int64_t index = static_cast<int64_t>(whole.size()) + place;
    return index >= 0 ? whole[static_cast<size_t>(index)] - '0' : 0;
  };
  const auto group = [&](int number) {
    const int64_t place = int64_t{number - whole_groups} * kGroup;
    return digit(place) * 1000 + digit(place + 1) * 100 + digit(place + 2) * 10 + digit(place + 3);
  };
  int first = 0, last = groups;
  while (first < last && group(first) == 0) ++first;
  while (last > first && group(last - 1) == 0) --last;
  const bool zero = first == last;
  append_big_endian(sink, static_cast<int16_t>(last - first));
  append_big_endian(sink, static_cast<int16_t>(zero ? 0 : whole_groups - first - 1));
  append_big_endian(sink, negative && !zero ? kNegative : kPositive);
  append_big_endian(sink, static_cast<int16_t>(fraction.size()));
  for (int i = first; i < last; ++i) append_big_endian(sink, static_cast<int16_t>(group(i)));
}

Result<std::string> numeric_text(std::string_view binary) {
  ByteReader in(binary);
  const auto count = in.get<uint16_t>();
  const auto weight = in.get<int16_t>();
  const auto sign = in.get<uint16_t>();
  const auto scale = in.get<uint16_t>();
  if (!scale) return make_error(ErrorCode::kInvalidBinaryRepresentation, "insufficient data left in message");
  if (*sign == kNan) return std::string("NaN");
  if (*sign == kInfinity) return std::string("Infinity");
  if (*sign == kNegInfinity) return std::string("-Infinity");
  if (*sign != kPositive && *sign != kNegative) return bad_binary("sign");
  if (*scale > kMaxScale) return bad_binary("scale");
  if (in.remaining() != size_t{*count} * 2) {
    return make_error(ErrorCode::kInvalidBinaryRepresentation, "incorrect binary data format");
  }
  const int whole_groups = std::max<int>(*weight + 1, 0);
  if (static_cast<size_t>(whole_groups) * kGroup + *scale > kMaxNumericText) {
    return make_error(ErrorCode::kNumericOutOfRange, "value overflows numeric format");
  }
  std::string whole, fraction;
  const int groups_shown = whole_groups + (*scale + kGroup - 1) / kGroup;
  // Group number g has weight `whole_groups - 1 - g`; those that were not sent are zero.
  const int skipped = std::max(0, -1 - int{*weight});
  for (int g = 0; g < std::max(groups_shown, int{*count} + skipped) && fraction.size() <= kMaxNumericText; ++g) {
    const bool sent = g >= skipped && g - skipped < int{*count};
    const int value = sent ? in.get<int16_t>().value_or(0) : 0;
    if (value < 0 || value > 9999) return bad_binary("digit");
    std::string& part = g < whole_groups ? whole : fraction;
    for (int power = 1000; power > 0; power /= 10) part.push_back(static_cast<char>('0' + value / power % 10));
  }
  fraction.resize(*scale, '0');  // digits beyond the scale are hidden, as in PostgreSQL
  const size_t leading = std::min(whole.find_first_not_of('0'), whole.size());
  whole.erase(0, leading);
  std::string out = *sign == kNegative ? "-" : "";
  out += whole.empty() ? "0" : whole;
  if (!fraction.empty()) out += "." + fraction;
  return out;
}

}  // namespace merganser::pgwire

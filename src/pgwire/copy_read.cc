// The plain spellings of the common types, straight into a chunk: no values between, no allocation. Whatever looks
// unusual is left to the full readers, errors too.
#include <bit>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "base/civil.h"
#include "base/utf8.h"
#include "pgwire/copy_cells.h"

namespace merganser::pgwire {

using engine::ChunkBuilder;
using engine::Hugeint;
using engine::TypeId;

namespace {

constexpr int64_t kDayMicros = 86'400'000'000;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// ---- text ----------------------------------------------------------------------------------------------------------

template <typename T>
bool read_integer(ChunkBuilder& builder, size_t cell, std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  const bool negative = at < end && *at == '-';
  if (negative) at++;
  if (at == end || end - at > 18) return false;
  int64_t value = 0;
  for (; at < end; at++) {
    if (!is_digit(*at)) return false;
    value = value * 10 + (*at - '0');
  }
  if (negative) value = -value;
  if (!std::in_range<T>(value)) return false;
  builder.put(cell, static_cast<T>(value));
  return true;
}

template <typename T>
bool read_floating(ChunkBuilder& builder, size_t cell, std::string_view text) {
  if (text.empty()) return false;
  // from_chars knows names of what is no number as well; PostgreSQL's are other ones.
  const char first = text[0] == '-' && text.size() > 1 ? text[1] : text[0];
  if (!is_digit(first) && first != '.') return false;
  T value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return false;
  builder.put(cell, value);
  return true;
}

bool read_bool(ChunkBuilder& builder, size_t cell, std::string_view text) {
  if (text.size() != 1 || (text[0] != 't' && text[0] != 'f')) return false;
  builder.put(cell, text[0] == 't');
  return true;
}

bool read_varchar(ChunkBuilder& builder, size_t cell, std::string_view text) {
  builder.put_text(cell, text);
  return true;
}

// `count` digits; negative when there are other characters.
int digits(const char* at, int count) {
  int value = 0;
  for (int i = 0; i < count; i++) {
    if (!is_digit(at[i])) return -1;
    value = value * 10 + (at[i] - '0');
  }
  return value;
}

// YYYY-MM-DD, from the year 1 on.
bool plain_date(const char* at, int64_t& days) {
  const int year = digits(at, 4);
  const int month = digits(at + 5, 2);
  const int day = digits(at + 8, 2);
  if (year < 1 || at[4] != '-' || at[7] != '-' || month < 1 || month > 12 || day < 1) return false;
  if (day > days_in_month(year, month)) return false;
  days = days_from_civil(year, month, day);
  return true;
}

// HH:MM:SS and up to six digits of a fraction; `at` moves behind it. No leap seconds, no 24:00.
bool plain_time(const char*& at, const char* end, int64_t& micros) {
  if (end - at < 8) return false;
  const int hour = digits(at, 2);
  const int minute = digits(at + 3, 2);
  const int second = digits(at + 6, 2);
  if (at[2] != ':' || at[5] != ':' || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) {
    return false;
  }
  at += 8;
  int64_t fraction = 0;
  if (at < end && *at == '.') {
    int64_t unit = 100'000;
    for (at++; at < end && is_digit(*at) && unit > 0; at++, unit /= 10) fraction += (*at - '0') * unit;
  }
  micros = ((hour * 60 + minute) * 60 + second) * int64_t{1'000'000} + fraction;
  return true;
}

bool read_date(ChunkBuilder& builder, size_t cell, std::string_view text) {
  int64_t days = 0;
  if (text.size() != 10 || !plain_date(text.data(), days)) return false;
  builder.put(cell, static_cast<int32_t>(days));
  return true;
}

bool read_time(ChunkBuilder& builder, size_t cell, std::string_view text) {
  const char* at = text.data();
  int64_t micros = 0;
  if (!plain_time(at, text.data() + text.size(), micros) || at != text.data() + text.size()) return false;
  builder.put(cell, micros);
  return true;
}

bool plain_timestamp(const char*& at, const char* end, int64_t& micros) {
  int64_t days = 0;
  int64_t time = 0;
  if (end - at < 19 || (at[10] != ' ' && at[10] != 'T') || !plain_date(at, days)) return false;
  at += 11;
  if (!plain_time(at, end, time)) return false;
  micros = days * kDayMicros + time;
  return true;
}

bool read_timestamp(ChunkBuilder& builder, size_t cell, std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  int64_t micros = 0;
  if (!plain_timestamp(at, end, micros) || at != end) return false;
  builder.put(cell, micros);
  return true;
}

// With an offset of whole hours or hours and minutes; without one the session's time zone is needed.
bool read_timestamptz(ChunkBuilder& builder, size_t cell, std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  int64_t micros = 0;
  if (!plain_timestamp(at, end, micros) || at == end) return false;
  int64_t offset = 0;
  if (*at != 'Z' || end - at != 1) {
    if ((*at != '+' && *at != '-') || (end - at != 3 && end - at != 6)) return false;
    const int hours = digits(at + 1, 2);
    const int minutes = end - at == 6 ? (at[3] == ':' ? digits(at + 4, 2) : -1) : 0;
    if (hours < 0 || hours > 15 || minutes < 0 || minutes > 59) return false;
    offset = (hours * 60 + minutes) * int64_t{60'000'000};
    if (*at == '-') offset = -offset;
  }
  builder.put(cell, micros - offset);
  return true;
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool read_uuid(ChunkBuilder& builder, size_t cell, std::string_view text) {
  if (text.size() != 36) return false;
  uint64_t halves[2] = {0, 0};
  int count = 0;
  for (size_t i = 0; i < 36; i++) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i] != '-') return false;
      continue;
    }
    const int digit = hex(text[i]);
    if (digit < 0) return false;
    halves[count / 16] = halves[count / 16] << 4 | static_cast<uint64_t>(digit);
    count++;
  }
  builder.put(cell, Hugeint{halves[1], static_cast<int64_t>(halves[0] ^ (uint64_t{1} << 63))});
  return true;
}

// ---- binary --------------------------------------------------------------------------------------------------------

template <typename Wire>
bool take(std::string_view bytes, Wire& value) {
  if (bytes.size() != sizeof(Wire)) return false;
  std::memcpy(&value, bytes.data(), sizeof value);
  value = bytes_detail::swap_to_big_endian(value);
  return true;
}

template <typename Wire, typename Stored>
bool read_fixed(ChunkBuilder& builder, size_t cell, std::string_view bytes) {
  Wire value = 0;
  if (!take(bytes, value) || !std::in_range<Stored>(value)) return false;
  builder.put(cell, static_cast<Stored>(value));
  return true;
}

template <typename Wire, typename Stored>
bool read_bits(ChunkBuilder& builder, size_t cell, std::string_view bytes) {
  Wire value = 0;
  if (!take(bytes, value)) return false;
  builder.put(cell, std::bit_cast<Stored>(value));
  return true;
}

bool read_binary_bool(ChunkBuilder& builder, size_t cell, std::string_view bytes) {
  if (bytes.size() != 1) return false;
  builder.put(cell, bytes[0] != '\0');
  return true;
}

bool read_binary_text(ChunkBuilder& builder, size_t cell, std::string_view bytes) {
  if (find_invalid_utf8(bytes) || std::memchr(bytes.data(), 0, bytes.size()) != nullptr) return false;
  builder.put_text(cell, bytes);
  return true;
}

bool read_binary_blob(ChunkBuilder& builder, size_t cell, std::string_view bytes) {
  builder.put_text(cell, bytes);
  return true;
}

// Within what both sides can hold without a look at the edges.
bool read_binary_timestamp(ChunkBuilder& builder, size_t cell, std::string_view bytes) {
  constexpr int64_t kEpoch = 10957 * kDayMicros;
  constexpr int64_t kFar = int64_t{1} << 60;
  int64_t micros = 0;
  if (!take(bytes, micros) || micros > kFar || micros < -kFar) return false;
  builder.put(cell, micros + kEpoch);
  return true;
}

bool read_binary_date(ChunkBuilder& builder, size_t cell, std::string_view bytes) {
  constexpr int32_t kFar = int32_t{1} << 30;
  int32_t days = 0;
  if (!take(bytes, days) || days > kFar || days < -kFar) return false;
  builder.put(cell, days + 10957);
  return true;
}

bool read_binary_uuid(ChunkBuilder& builder, size_t cell, std::string_view bytes) {
  uint64_t upper = 0;
  uint64_t lower = 0;
  if (bytes.size() != 16 || !take(bytes.substr(0, 8), upper) || !take(bytes.substr(8), lower)) return false;
  builder.put(cell, Hugeint{lower, static_cast<int64_t>(upper ^ (uint64_t{1} << 63))});
  return true;
}

}  // namespace

CopyCells::Read text_reader(TypeId type) {
  switch (type) {
    case TypeId::kBoolean:
      return read_bool;
    case TypeId::kTinyInt:
      return read_integer<int8_t>;
    case TypeId::kSmallInt:
      return read_integer<int16_t>;
    case TypeId::kInteger:
      return read_integer<int32_t>;
    case TypeId::kBigInt:
      return read_integer<int64_t>;
    case TypeId::kUTinyInt:
      return read_integer<uint8_t>;
    case TypeId::kUSmallInt:
      return read_integer<uint16_t>;
    case TypeId::kUInteger:
      return read_integer<uint32_t>;
    case TypeId::kUBigInt:
      return read_integer<uint64_t>;
    case TypeId::kFloat:
      return read_floating<float>;
    case TypeId::kDouble:
      return read_floating<double>;
    case TypeId::kVarchar:
      return read_varchar;
    case TypeId::kDate:
      return read_date;
    case TypeId::kTime:
      return read_time;
    case TypeId::kTimestamp:
      return read_timestamp;
    case TypeId::kTimestampTz:
      return read_timestamptz;
    case TypeId::kUuid:
      return read_uuid;
    default:
      return nullptr;
  }
}

CopyCells::Read binary_reader(TypeId type) {
  switch (type) {
    case TypeId::kBoolean:
      return read_binary_bool;
    case TypeId::kTinyInt:
      return read_fixed<int16_t, int8_t>;
    case TypeId::kSmallInt:
      return read_fixed<int16_t, int16_t>;
    case TypeId::kUTinyInt:
      return read_fixed<int16_t, uint8_t>;
    case TypeId::kInteger:
      return read_fixed<int32_t, int32_t>;
    case TypeId::kUSmallInt:
      return read_fixed<int32_t, uint16_t>;
    case TypeId::kBigInt:
      return read_fixed<int64_t, int64_t>;
    case TypeId::kUInteger:
      return read_fixed<int64_t, uint32_t>;
    case TypeId::kFloat:
      return read_bits<uint32_t, float>;
    case TypeId::kDouble:
      return read_bits<uint64_t, double>;
    case TypeId::kVarchar:
      return read_binary_text;
    case TypeId::kBlob:
      return read_binary_blob;
    case TypeId::kDate:
      return read_binary_date;
    case TypeId::kTimestamp:
    case TypeId::kTimestampTz:
      return read_binary_timestamp;
    case TypeId::kUuid:
      return read_binary_uuid;
    default:
      return nullptr;
  }
}

}  // namespace merganser::pgwire

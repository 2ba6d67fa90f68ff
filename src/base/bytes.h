// Big-endian reading and writing of byte buffers, as network protocols want it.
//
// Threads: one thread at a time. ByteReader does not own what it reads.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace merganser {

namespace bytes_detail {
template <std::integral T>
T swap_to_big_endian(T value) {
  using U = std::make_unsigned_t<T>;
  U u = static_cast<U>(value);
  if constexpr (sizeof(T) == 2) {
    u = static_cast<U>(__builtin_bswap16(u));
  } else if constexpr (sizeof(T) == 4) {
    u = __builtin_bswap32(u);
  } else if constexpr (sizeof(T) == 8) {
    u = __builtin_bswap64(u);
  }
  return static_cast<T>(u);
}
static_assert(std::endian::native == std::endian::little, "only little-endian machines are supported");
}  // namespace bytes_detail

// Appends to a std::string that it does not own.
class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}

  template <std::integral T>
  void put(T value) {
    const T swapped = bytes_detail::swap_to_big_endian(value);
    out_.append(reinterpret_cast<const char*>(&swapped), sizeof swapped);
  }
  void put_u8(uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void put_i16(int16_t value) { put(value); }
  void put_i32(int32_t value) { put(value); }
  void put_i64(int64_t value) { put(value); }
  void put_bytes(std::string_view bytes) { out_.append(bytes); }
  // The text and its terminating zero.
  void put_cstring(std::string_view text) {
    out_.append(text);
    out_.push_back('\0');
  }
  size_t size() const { return out_.size(); }
  // Overwrites four bytes at an offset: lengths that are known late.
  void patch_i32(size_t offset, int32_t value) {
    const int32_t swapped = bytes_detail::swap_to_big_endian(value);
    std::memcpy(out_.data() + offset, &swapped, sizeof swapped);
  }
  std::string& buffer() { return out_; }

 private:
  std::string& out_;
};

// Reads from a view; every getter answers nullopt instead of reading past the end.
class ByteReader {
 public:
  explicit ByteReader(std::string_view in) : in_(in) {}

  template <std::integral T>
  std::optional<T> get() {
    if (in_.size() < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, in_.data(), sizeof value);
    in_.remove_prefix(sizeof(T));
    return bytes_detail::swap_to_big_endian(value);
  }
  std::optional<std::string_view> get_bytes(size_t length) {
    if (in_.size() < length) return std::nullopt;
    std::string_view out = in_.substr(0, length);
    in_.remove_prefix(length);
    return out;
  }
  // Up to and without the next zero byte; nullopt when there is none.
  std::optional<std::string_view> get_cstring() {
    const size_t end = in_.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    std::string_view out = in_.substr(0, end);
    in_.remove_prefix(end + 1);
    return out;
  }
  size_t remaining() const { return in_.size(); }
  bool empty() const { return in_.empty(); }
  std::string_view rest() const { return in_; }

 private:
  std::string_view in_;
};

}  // namespace merganser

// Reads the fields of one message body with PostgreSQL's words for what is wrong with it.
//
// Threads: one thread at a time. Does not own the bytes. The first problem sticks: later reads answer zeros and empty
// views, so that a parser may read on and ask once, at the end.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "base/utf8.h"

namespace merganser::pgwire {

class MessageReader {
 public:
  explicit MessageReader(std::string_view body) : in_(body) {}

  bool ok() const { return !problem_.has_value(); }
  Error take_error() { return std::move(*problem_); }
  void fail(ErrorCode code, std::string message) {
    if (ok()) problem_ = make_error(code, std::move(message));
  }

  char byte() {
    const auto value = in_.get<uint8_t>();
    if (!value) return broken("no data left in message"), '\0';
    return static_cast<char>(*value);
  }
  int32_t i32() { return number<int32_t>(); }
  // Counts are unsigned on the wire: 65535 parameters are allowed.
  uint16_t count() { return number<uint16_t>(); }
  int16_t i16() { return number<int16_t>(); }
  std::string_view bytes(size_t length) {
    const auto value = ok() ? in_.get_bytes(length) : std::nullopt;
    if (!value) return broken("insufficient data left in message"), std::string_view();
    return *value;
  }
  // Valid UTF-8 up to a zero byte.
  std::string_view text() {
    const auto value = ok() ? in_.get_cstring() : std::nullopt;
    if (!value) return broken("invalid string in message"), std::string_view();
    if (const auto at = find_invalid_utf8(*value); at && ok()) problem_ = invalid_utf8_error(*value, *at);
    return *value;
  }
  // An int32 length, then that many bytes; -1 is NULL.
  std::optional<std::string_view> value() {
    const int32_t length = i32();
    if (length == -1) return std::nullopt;
    if (length < 0) return broken("insufficient data left in message"), std::nullopt;
    return bytes(static_cast<size_t>(length));
  }
  // Every message ends with this: bytes left over are a violation.
  void end() {
    if (!in_.empty()) broken("invalid message format");
  }
  size_t remaining() const { return in_.remaining(); }

 private:
  template <typename T>
  T number() {
    const auto value = ok() ? in_.get<T>() : std::nullopt;
    if (!value) return broken("insufficient data left in message"), T{0};
    return *value;
  }
  void broken(const char* words) { fail(ErrorCode::kProtocolViolation, words); }

  ByteReader in_;
  std::optional<Error> problem_;
};

}  // namespace merganser::pgwire

// Writes bytes at the end of a std::string through a cursor, without a call of the string's own for each piece.
//
// Threads: one thread at a time. Lifetime: the string must outlive the sink; until finish() or the destructor it may
// be longer than what was written. The first failure is kept, later writes go nowhere: callers check failed() where a
// row ends, not after each write.
#pragma once

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace merganser::engine {

class TextSink {
 public:
  // Enough for the text of any value that is not a string, and what surrounds it.
  static constexpr size_t kRoom = 256;

  // `limit`: how many bytes may follow the last mark(); more is an error.
  TextSink(std::string& out, size_t limit) : out_(out), used_(out.size()), mark_(out.size()), limit_(limit) {
    out_.resize(used_ + kRoom);
  }
  ~TextSink() { finish(); }
  TextSink(const TextSink&) = delete;
  TextSink& operator=(const TextSink&) = delete;

  // At least kRoom bytes to write at; then tell how far with wrote_to().
  char* room() {
    if (out_.size() - used_ < kRoom) grow(kRoom);
    return out_.data() + used_;
  }
  void wrote_to(const char* end) { used_ = static_cast<size_t>(end - out_.data()); }
  void put(char c) {
    char* at = room();
    *at = c;
    ++used_;
  }
  void append(std::string_view bytes) {
    if (out_.size() - used_ < bytes.size() + kRoom && !grow(bytes.size() + kRoom)) return;
    if (!bytes.empty()) std::memcpy(out_.data() + used_, bytes.data(), bytes.size());
    used_ += bytes.size();
  }
  // Makes room beforehand for about so many bytes.
  void expect(size_t bytes) {
    if (out_.size() - used_ < bytes + kRoom) out_.resize(used_ + bytes + kRoom);
  }

  // What was written from here on may be taken back, and counts towards the limit.
  void mark() { mark_ = used_; }
  size_t size() const { return used_; }
  // A place among the written bytes; valid until the next write.
  char* at(size_t offset) { return out_.data() + offset; }

  void fail(Error error) {
    if (!error_) error_ = std::move(error);
    used_ = mark_;
  }
  bool failed() const { return error_.has_value(); }
  // The error, and the bytes since the last mark taken back.
  Error take_error() {
    used_ = mark_;
    return std::exchange(error_, std::nullopt).value_or(Error{});
  }

  // False, and an error, when more than the limit follows the last mark. grow() notices late, for it does not run at
  // every write: rows are checked once more where they end.
  bool within_limit() {
    if (used_ - mark_ > limit_) fail(too_large());
    return !failed();
  }

  // The string ends where writing ended; after a failure, at the last mark.
  void finish() {
    if (failed()) used_ = mark_;
    out_.resize(used_);
  }

 private:
  Error too_large() const {
    return make_error(ErrorCode::kProgramLimitExceeded, "a row is larger than " + std::to_string(limit_) + " bytes", {},
                      "Fetch fewer or shorter columns.");
  }
  // False when the limit is reached; the room() after that is at the mark.
  bool grow(size_t bytes) {
    if (failed()) used_ = mark_;
    if (used_ - mark_ > limit_ || bytes > limit_ + kRoom || used_ - mark_ + bytes > limit_ + kRoom) {
      fail(too_large());
      if (out_.size() < used_ + kRoom) out_.resize(used_ + kRoom);
      return false;
    }
    if (out_.size() - used_ < bytes)
      out_.resize(std::max(used_ + bytes, std::min(out_.size() * 2, out_.size() + kMaxStep)));
    return true;
  }

  static constexpr size_t kMaxStep = size_t{64} * 1024 * 1024;

  std::string& out_;
  size_t used_;
  size_t mark_;
  size_t limit_;
  std::optional<Error> error_;
};

}  // namespace merganser::engine

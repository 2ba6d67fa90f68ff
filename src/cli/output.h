// Buffered output: rows become few large writes, and a failed write is remembered until somebody asks.
//
// Threads: one.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace merganser::cli {

class Output {
 public:
  using Sink = std::function<bool(std::string_view)>;  // false when the bytes could not be written
  explicit Output(Sink sink) : sink_(std::move(sink)) {}

  void write(std::string_view text) {
    buffer_ += text;
    if (buffer_.size() >= kFlushBytes) flush();
  }
  void flush() {
    if (!buffer_.empty() && !failed_) failed_ = !sink_(buffer_);
    buffer_.clear();
  }
  bool failed() const { return failed_; }

 private:
  static constexpr size_t kFlushBytes = 64 * 1024;
  Sink sink_;
  std::string buffer_;
  bool failed_ = false;
};

}  // namespace merganser::cli

// Buffered output: rows become few large writes, and a failed write is remembered until somebody asks.
//
// Threads: one.
#pragma once

#include <cerrno>
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
    if (!buffer_.empty() && !failed_ && !sink_(buffer_)) {
      failed_ = true;
      error_ = errno;
    }
    buffer_.clear();
  }
  bool failed() const { return failed_; }
  int error() const { return error_; }  // errno of the write that failed

 private:
  static constexpr size_t kFlushBytes = 64 * 1024;
  Sink sink_;
  std::string buffer_;
  bool failed_ = false;
  int error_ = 0;
};

}  // namespace merganser::cli

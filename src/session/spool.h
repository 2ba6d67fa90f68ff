// Bounded temporary storage for the rest of a result whose connection is wanted for something else (fact 12).
//
// Holds rows as the protocol encoded them, in an unlinked file. Threads: one at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace merganser::session {

// What all spools of the process may use together.
struct SpoolSpace {
  std::string directory;
  uint64_t limit = uint64_t{1} << 30;
  std::atomic<uint64_t> used = 0;
};

class Spool {
 public:
  static Result<std::unique_ptr<Spool>> create(SpoolSpace& space);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // One encoded row. 53400 when the limit would be passed.
  Status append(const std::string& encoded);
  // Up to max_rows rows in about max_bytes; empty when all were read.
  Status read(uint64_t max_rows, size_t max_bytes, std::string& out, uint64_t& rows);
  // Goes to a row (from 0). Backward: each read takes the one before the last.
  void seek(size_t row, bool backward) {
    next_ = row;
    backward_ = backward;
  }
  size_t rows() const { return blocks_.size(); }
  bool exhausted() const { return next_ >= blocks_.size(); }

 private:
  explicit Spool(SpoolSpace& space, int fd) : space_(space), fd_(fd) {}
  struct Block {
    uint64_t offset;
    uint32_t bytes;
  };
  SpoolSpace& space_;
  int fd_;
  uint64_t size_ = 0;
  std::vector<Block> blocks_;  // one a row
  size_t next_ = 0;
  bool backward_ = false;
};

}  // namespace merganser::session

// Where rows go: a protocol turns chunks into its own bytes.
//
// Threads: called on a worker, one call at a time; must not touch the protocol's connection.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/chunk.h"
#include "engine/result_set.h"

namespace merganser::session {

class RowSink {
 public:
  virtual ~RowSink() = default;
  // Once, before the first row, also when there is none; appends what the protocol says of the columns.
  virtual Status begin(const engine::Columns& columns, std::string& out) = 0;
  // Rows [first, first + count) of the chunk.
  virtual Status rows(const engine::Chunk& chunk, size_t first, size_t count, std::string& out) = 0;
  // What its bytes depend on besides the rows; empty when they cannot be kept for others.
  virtual std::string format_key() const { return {}; }
  // Whether it can be begun again, and tell whether a statement that is repeated gives the same: digest() is a sum over
  // what rows() appended, row by row, the same for the same rows in any order and in any parts.
  virtual bool repeatable() const { return false; }
  virtual uint64_t digest(std::string_view) const { return 0; }
};

}  // namespace merganser::session

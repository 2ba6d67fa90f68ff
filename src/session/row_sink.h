// Where rows go: a protocol turns chunks into its own bytes.
//
// Threads: called on a worker, one call at a time; must not touch the protocol's connection.
#pragma once

#include <string>

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
};

}  // namespace merganser::session

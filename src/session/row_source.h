// Rows that a client sends: a protocol turns its bytes into chunks for the engine.
//
// Threads: begin() and read() on a worker, one call at a time; where() on a worker, after the rows were read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/batch_source.h"
#include "engine/chunk.h"
#include "engine/result_set.h"

namespace merganser::session {

// How the rows of a source become those of a table.
struct SourceLayout {
  std::vector<engine::BatchColumn> cells;  // what the chunks carry
  // For each column of the table that is filled, an SQL expression over the cells' names.
  std::vector<std::string> expressions;
};

struct RowBlock {
  engine::Chunk chunk;
  uint64_t first_line = 0;      // of the client's data, from 1
  std::vector<uint64_t> lines;  // of each row, where they do not simply count on
};

class RowSource {
 public:
  virtual ~RowSource() = default;
  // Once, with the columns to be filled.
  virtual Result<SourceLayout> begin(const std::vector<engine::Column>& columns) = 0;
  // The next bytes; `last` with the end of the data. After an error the blocks before it may still be used.
  virtual Status read(std::string bytes, bool last, std::vector<RowBlock>& out) = 0;
  // Whether the table's column is NULL in a row.
  virtual bool is_null(const RowBlock& block, size_t row, size_t column) const = 0;
  // "COPY t, line 3" of a row of a block.
  virtual std::string where(const RowBlock& block, size_t row) const = 0;
};

}  // namespace merganser::session

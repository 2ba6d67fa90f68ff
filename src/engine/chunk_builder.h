// Makes chunks of our own for a BatchSource: flat columns, filled cell by cell.
//
// Threads: one at a time; the chunks may go anywhere. Lifetime: a chunk keeps its memory, what was given to keep() and
// the types; it does not need its builder.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/batch_source.h"
#include "engine/chunk.h"

namespace merganser::engine {

inline constexpr size_t kChunkRows = 2048;

class ChunkBuilder {
 public:
  explicit ChunkBuilder(std::vector<BatchColumn> columns);
  ChunkBuilder(ChunkBuilder&&) noexcept;
  ChunkBuilder& operator=(ChunkBuilder&&) noexcept;
  ~ChunkBuilder();

  size_t rows() const { return rows_; }
  bool full() const { return rows_ == kChunkRows; }
  const std::vector<BatchColumn>& columns() const { return columns_; }

  // The cell of the row that is being filled. Fixed-size types: T is what DuckDB stores.
  template <typename T>
  void put(size_t column, T value) {
    static_cast<T*>(data_[column])[rows_] = value;
  }
  // VARCHAR and BLOB. Up to 12 bytes are copied; longer ones stay where they are, in memory given to keep().
  void put_text(size_t column, std::string_view text);
  // The same, copied in any case.
  void put_copy(size_t column, std::string_view text);
  void put_null(size_t column);
  void end_row() { ++rows_; }
  // Memory that the chunk under way refers to.
  void keep(std::shared_ptr<const void> memory);

  // The rows so far; the builder begins anew.
  Chunk take();

 private:
  struct Memory;
  void begin();

  std::vector<BatchColumn> columns_;
  std::shared_ptr<const std::vector<TypePtr>> types_;
  std::shared_ptr<Memory> memory_;
  std::vector<void*> data_;
  size_t rows_ = 0;
};

}  // namespace merganser::engine

// Up to 2048 rows of a result, as columns. Owns DuckDB's data chunk, or memory of our own in the same layout.
//
// Threads: move-only; may move to another thread than the connection's; read by one thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "engine/types.h"

namespace merganser::engine {

class Chunk {
 public:
  Chunk() = default;
  // Takes over a duckdb_data_chunk (passed as void* so that duckdb.h stays in the .cc files of this room) and builds
  // the views. `types` are the result's column types and must outlive the chunk.
  Chunk(void* duckdb_chunk, const std::vector<TypePtr>& types);
  // Of views whose memory `storage` keeps; their types must outlive the chunk too.
  Chunk(size_t rows, std::vector<VectorView> views, std::shared_ptr<const void> storage)
      : storage_(std::move(storage)), rows_(rows), columns_(std::move(views)) {}
  // `count` rows of `whole` from `first` on, its first `columns` columns only. Keeps it alive.
  Chunk(std::shared_ptr<const Chunk> whole, size_t first, size_t count, size_t columns);
  ~Chunk();
  Chunk(Chunk&& other) noexcept;
  Chunk& operator=(Chunk&& other) noexcept;
  Chunk(const Chunk&) = delete;
  Chunk& operator=(const Chunk&) = delete;

  size_t rows() const { return rows_; }
  size_t columns() const { return columns_.size(); }
  const VectorView& column(size_t index) const { return columns_[index]; }

 private:
  void* handle_ = nullptr;
  std::shared_ptr<const void> storage_;
  size_t rows_ = 0;
  std::vector<VectorView> columns_;
};

}  // namespace merganser::engine

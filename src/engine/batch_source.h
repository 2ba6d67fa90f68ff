// The rows that a kept plan reads: a table function of our own, system.main.merganser_batch(id).
//
// A plan like INSERT INTO t SELECT c0, c1 FROM system.main.merganser_batch(7) is prepared once for a layout of columns
// and executed with other rows each time. It scans nothing else, so it cannot go stale (docs/ARCHITECTURE.md). Clients
// can name the function; the allow list refuses it, and an id that is not theirs does not exist for them: bind checks
// the calling connection.
//
// Threads: BatchFunction from any; a BatchSource belongs to its connection's thread, and its rows may be read by
// DuckDB's threads while a statement executes. Lifetime: BatchFunction outlives the duckdb_database's statements;
// a BatchSource outlives the statements prepared over it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/chunk.h"
#include "engine/value.h"

namespace merganser::engine {

class Connection;

// What the cells of one column are. A decimal's width and scale hold for each of its values.
struct BatchColumn {
  TypeId type = TypeId::kVarchar;
  uint8_t width = 0;
  uint8_t scale = 0;
  bool operator==(const BatchColumn&) const = default;
};

class BatchSource {
 public:
  // "system.main.merganser_batch(7)"; its columns are c0, c1, …, or what `prefix` says: names nobody else has.
  std::string sql() const;
  static std::string column_name(size_t index) { return "merganser_c" + std::to_string(index); }

  // What the next execution reads: columns of values laid out as DuckDB has them, flat and of the batch's types (see
  // ChunkBuilder). They stay the caller's and must not change while the statement executes.
  void set_chunks(const Chunk* const* chunks, size_t count) {
    chunks_ = chunks;
    rows_ = count;
  }
  // Or: rows × columns cells, row by row; each is NULL or of its column's type. They stay
  // the caller's and must not change while the statement executes.
  void set_cells(const Value* const* cells, size_t rows) {
    cells_ = cells;
    chunks_ = nullptr;
    rows_ = rows;
  }
  size_t rows() const { return rows_; }
  const std::vector<BatchColumn>& columns() const { return columns_; }
  ~BatchSource();
  BatchSource(const BatchSource&) = delete;
  BatchSource& operator=(const BatchSource&) = delete;

 private:
  friend class BatchFunction;
  BatchSource(class BatchFunction& function, int64_t id, uint64_t connection, std::vector<BatchColumn> columns)
      : function_(function), id_(id), connection_(connection), columns_(std::move(columns)) {}
  BatchFunction& function_;
  const int64_t id_;
  const uint64_t connection_;
  const std::vector<BatchColumn> columns_;
  const Value* const* cells_ = nullptr;
  const Chunk* const* chunks_ = nullptr;  // then rows_ counts them
  size_t rows_ = 0;
};

// Bytes of one value of the column in a vector.
size_t cell_size(const BatchColumn& column);
// Whether a batch can carry values of this type.
bool fits_batch(TypeId type);

class BatchFunction {
 public:
  // Registers the function with the instance behind `duckdb_connection`.
  static Result<std::unique_ptr<BatchFunction>> install(void* duckdb_connection);
  ~BatchFunction();
  BatchFunction(const BatchFunction&) = delete;
  BatchFunction& operator=(const BatchFunction&) = delete;

  // For statements of this connection only.
  std::unique_ptr<BatchSource> make_source(const Connection& connection, std::vector<BatchColumn> columns);

 private:
  friend class BatchSource;
  BatchFunction() = default;
  struct Calls;  // the C callbacks
  void forget(int64_t id);

  std::mutex mutex_;
  std::map<int64_t, BatchSource*> sources_;
  int64_t next_id_ = 1;
};

}  // namespace merganser::engine

// What one execution gave: columns and chunks, or a number of changed rows.
//
// Threads: move-only. A streaming result belongs to its connection's thread and dies with the connection's next
// statement; a materialised one may move to another thread and outlive its statement (not its Database).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/chunk.h"
#include "engine/types.h"

namespace merganser::engine {

struct Column {
  std::string name;
  TypePtr type;
};
using Columns = std::shared_ptr<const std::vector<Column>>;

enum class ReturnKind : uint8_t { kNothing, kChangedRows, kRows };

class ResultSet {
 public:
  struct Raw;  // the duckdb_result, in result_set.cc

  ResultSet();
  // Takes over `raw` (a duckdb_result*, heap-allocated by make_raw); `columns` may be null: then they are read from it.
  ResultSet(std::unique_ptr<Raw> raw, Columns columns);
  // Rows that are already there. The chunks' types are those of the columns.
  ResultSet(Columns columns, std::vector<Chunk> chunks);
  // Without rows.
  ResultSet(ReturnKind kind, uint64_t changed_rows);
  ~ResultSet();
  ResultSet(ResultSet&&) noexcept;
  ResultSet& operator=(ResultSet&&) noexcept;

  ReturnKind kind() const { return kind_; }
  uint64_t changed_rows() const { return changed_rows_; }
  // Of a materialised result.
  uint64_t materialised_rows() const;
  const Columns& columns() const { return columns_; }

  // The next chunk; nullopt at the end.
  Result<std::optional<Chunk>> next();
  // Chunks that next() has given come again, before the others: for who had to look at the rows.
  void put_back(std::vector<Chunk> chunks);

 private:
  std::unique_ptr<Raw> raw_;
  Columns columns_;
  std::vector<TypePtr> types_;
  std::vector<Chunk> ahead_;  // what next() gives before it asks raw_, last first
  uint64_t rows_there_ = 0;   // without raw_
  ReturnKind kind_ = ReturnKind::kNothing;
  uint64_t changed_rows_ = 0;
};

}  // namespace merganser::engine

// The data of COPY FROM STDIN as chunks: text, CSV or binary.
//
// Errors say what PostgreSQL says, with the line, the column and the value in their context. Threads: see
// session::RowSource. Lifetime: the blocks do not need their reader.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time_zone.h"
#include "engine/copy_statement.h"
#include "pgwire/copy_cells.h"
#include "session/row_source.h"

namespace merganser::pgwire {

// One row, or one line, at most.
inline constexpr size_t kMaxCopyRowBytes = size_t{256} << 20;

class CopyReader : public session::RowSource {
 public:
  static std::shared_ptr<CopyReader> make(engine::CopyStatementPtr copy, TimeZone::Ptr zone);

  Result<session::SourceLayout> begin(const std::vector<engine::Column>& columns) override;
  Status read(std::string bytes, bool last, std::vector<session::RowBlock>& out) override;
  bool is_null(const session::RowBlock& block, size_t row, size_t column) const override;
  std::string where(const session::RowBlock& block, size_t row) const override;

 protected:
  CopyReader(engine::CopyStatementPtr copy, TimeZone::Ptr zone) : copy_(std::move(copy)), zone_(std::move(zone)) {}

  // Reads rows from the front of `data`; `used` is how much of it they were. What is left comes again, with more.
  virtual Status read_rows(std::string& data, bool last, size_t& used, std::vector<session::RowBlock>& out) = 0;
  virtual Status begin_rows() { return {}; }

  void end_row(std::vector<session::RowBlock>& out);
  void flush(std::vector<session::RowBlock>& out);
  // "COPY t, line 3", with `more` behind it.
  Error in_line(Error error, const std::string& more = {}) const;
  Error in_column(Error error, size_t column, std::string_view value) const;
  static std::string shortened(std::string_view text);

  const engine::CopyStatementPtr copy_;
  const TimeZone::Ptr zone_;
  std::vector<engine::Column> columns_;
  CopyCells cells_;
  std::optional<engine::ChunkBuilder> builder_;
  std::shared_ptr<std::string> data_;  // what is being read: the chunks keep it
  uint64_t line_ = 0;                  // of the row that is being read, from 1

 private:
  std::string rest_;         // what was left of the bytes before
  size_t wait_for_ = 0;      // a long row is not looked at again before there is this much
  uint64_t first_line_ = 0;  // of the chunk under way
  std::vector<uint64_t> lines_;
  bool lines_differ_ = false;
};

}  // namespace merganser::pgwire

// Rows of COPY TO STDOUT: CopyOutResponse, then one CopyData a row in text, CSV or binary format, as PostgreSQL cuts
// it.
//
// Threads: made on the sessions' thread, used by one worker at a time; finish() on the sessions' thread after the last
// row.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/time_zone.h"
#include "engine/copy_statement.h"
#include "pgwire/encode.h"
#include "session/row_sink.h"

namespace merganser::pgwire {

class CopyRowSink final : public session::RowSink {
 public:
  CopyRowSink(engine::CopyStatementPtr copy, TimeZone::Ptr zone);

  Status begin(const engine::Columns& columns, std::string& out) override;
  Status rows(const engine::Chunk& chunk, size_t first, size_t count, std::string& out) override;
  // What comes after the last row, CopyDone included.
  std::string finish();

 private:
  Status choose_forced(const std::vector<engine::Column>& columns);
  bool is_plain(const engine::LogicalType& type) const;
  void header_line(const std::vector<engine::Column>& columns, std::string& out);
  void text_row(const engine::Chunk& chunk, size_t row, engine::TextSink& sink) const;
  void binary_row(const engine::Chunk& chunk, size_t row, engine::TextSink& sink);
  void write_text_field(size_t column, const engine::VectorView& view, size_t row, engine::TextSink& sink) const;
  void escape(engine::TextSink& sink, size_t start) const;
  void quote(engine::TextSink& sink, size_t start, bool always) const;

  const engine::CopyStatementPtr copy_;
  const TimeZone::Ptr zone_;
  std::vector<RowEncoder::Column> columns_;
  std::vector<bool> forced_quote_;   // CSV: a column's
  std::vector<bool> plain_;          // a column's: nothing to escape in it, ever
  std::array<bool, 256> special_{};  // text: characters to escape; CSV: those that want quotes
  std::string pending_;              // binary: the header, until the first message
};

}  // namespace merganser::pgwire

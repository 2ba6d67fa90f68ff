// Rows as PostgreSQL messages: RowDescription when asked for, then DataRows.
//
// Threads: made on the sessions' thread, then used by one worker at a time.
#pragma once

#include <optional>
#include <vector>

#include "base/time_zone.h"
#include "pgwire/encode.h"
#include "session/row_sink.h"

namespace merganser::pgwire {

// The fields of RowDescription for these columns; formats as in Bind.
std::string row_description_of(const std::vector<engine::Column>& columns, std::span<const int16_t> formats);

class PgRowSink final : public session::RowSink {
 public:
  struct Options {
    bool describe = false;         // send RowDescription first (simple protocol)
    std::vector<int16_t> formats;  // as in Bind
    engine::Columns announced;     // what Describe told the client; null when it told nothing
    TimeZone::Ptr time_zone;
  };
  explicit PgRowSink(Options options) : options_(std::move(options)) {}

  Status begin(const engine::Columns& columns, std::string& out) override;
  Status rows(const engine::Chunk& chunk, size_t first, size_t count, std::string& out) override;
  std::string format_key() const override;
  bool repeatable() const override { return true; }
  uint64_t digest(std::string_view rows) const override;

 private:
  Options options_;
  engine::Columns columns_;
  std::optional<RowEncoder> encoder_;
};

}  // namespace merganser::pgwire

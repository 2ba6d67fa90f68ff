// Rows of a chunk as DataRow messages of the PostgreSQL protocol, in text or binary format column by column.
//
// Threads: immutable after make(); one encoder may serve many threads. Lifetime: the types given to make() are kept by
// the encoder; the context's time zone must outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time_zone.h"
#include "engine/chunk.h"
#include "engine/text_sink.h"
#include "engine/types.h"
#include "pgwire/pgtype.h"

namespace merganser::pgwire {

enum class Format : int16_t { kText = 0, kBinary = 1 };

// A message has a 32-bit length, and clients refuse what they cannot hold: PostgreSQL's own limit for a row.
inline constexpr size_t kMaxRowBytes = size_t{1} << 30;

struct EncodeContext {
  const TimeZone* time_zone = nullptr;  // the session's; null means UTC
  size_t max_row_bytes = kMaxRowBytes;  // at most kMaxRowBytes
};

class RowEncoder {
 public:
  static constexpr size_t kMaxColumns = 65535;

  // `formats` as in Bind: none means text for all, one is for all, else one a column. 08P01 for another number of
  // them, 22023 for a code that is neither 0 nor 1.
  static Result<RowEncoder> make(std::vector<engine::TypePtr> types, std::span<const int16_t> formats,
                                 EncodeContext context);

  // Appends whole messages for the rows [first, first + count). After an error, `out` ends with the last row that
  // could be encoded: 54000 for a row over the limit, 22008 for a date that the binary format cannot hold.
  Status encode(const engine::Chunk& chunk, size_t first, size_t count, std::string& out) const;

  size_t columns() const { return columns_.size(); }
  Format format(size_t column) const { return columns_[column].format; }

  struct Column;
  // Appends the length and the bytes of one value that is not NULL.
  using EncodeField = void (*)(const Column&, const engine::VectorView&, uint64_t row, engine::TextSink&);
  struct Column {
    engine::TypePtr type;
    Format format = Format::kText;
    EncodeField encode = nullptr;
    const TimeZone* zone = nullptr;
    // Arrays: how the elements are encoded (binary only), and their oid.
    std::unique_ptr<Column> element;
    int32_t element_oid = 0;
  };

 private:
  RowEncoder() = default;
  Status encode_rows(const engine::Chunk& chunk, size_t first, size_t count, std::string& out) const;

  std::vector<Column> columns_;
  TimeZone::Ptr utc_;
  size_t max_row_bytes_ = kMaxRowBytes;
};

// Set the column's encode function, and for arrays its element. In encode_text.cc and encode_binary.cc.
void choose_text_encoder(RowEncoder::Column& column);
void choose_binary_encoder(RowEncoder::Column& column);

}  // namespace merganser::pgwire

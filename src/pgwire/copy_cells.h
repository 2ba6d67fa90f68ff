// Fields of COPY data as cells of a chunk.
//
// The common types are read by code of their own, straight into the chunk. Other spellings of theirs are read as
// parameters are (decode.h); other types travel as text that DuckDB casts.
// Threads: one at a time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time_zone.h"
#include "engine/chunk_builder.h"
#include "engine/result_set.h"
#include "session/row_source.h"

namespace merganser::pgwire {

class CopyCells {
 public:
  // What the table's columns are filled from.
  static CopyCells plan(const std::vector<engine::Column>& columns, TimeZone::Ptr zone);

  const session::SourceLayout& layout() const { return layout_; }
  size_t columns() const { return plans_.size(); }
  // The first cell of a column.
  size_t cell(size_t column) const { return plans_[column].cell; }
  bool is_null(const engine::Chunk& chunk, size_t row, size_t column) const;

  // Text must be valid UTF-8 and, like binary, stay where it is as long as the chunk.
  Status put_text(engine::ChunkBuilder& builder, size_t column, std::string_view text) const {
    const Plan& plan = plans_[column];
    if (plan.read_text != nullptr && plan.read_text(builder, plan.cell, text)) return {};
    return put_decoded(builder, plan, text, 0);
  }
  Status put_binary(engine::ChunkBuilder& builder, size_t column, std::string_view bytes) const {
    const Plan& plan = plans_[column];
    if (plan.read_binary != nullptr && plan.read_binary(builder, plan.cell, bytes)) return {};
    return put_decoded(builder, plan, bytes, 1);
  }
  void put_null(engine::ChunkBuilder& builder, size_t column) const;

  // Reads the plain spelling of a type; false when it is another.
  using Read = bool (*)(engine::ChunkBuilder&, size_t cell, std::string_view);

 private:
  enum class Way : uint8_t {
    kTyped,   // a cell of the type itself
    kCast,    // a text
    kNested,  // a text in DuckDB's own form, or in a second cell one in JSON
  };
  struct Plan {
    engine::TypePtr type;
    engine::BatchColumn carrier;
    Way way = Way::kTyped;
    size_t cell = 0;
    Read read_text = nullptr;
    Read read_binary = nullptr;
  };
  Status put_decoded(engine::ChunkBuilder& builder, const Plan& plan, std::string_view bytes, int16_t format) const;

  std::vector<Plan> plans_;
  session::SourceLayout layout_;
  TimeZone::Ptr zone_;
};

// In copy_read.cc: the readers of a type, null where there is none.
CopyCells::Read text_reader(engine::TypeId type);
CopyCells::Read binary_reader(engine::TypeId type);
// A value of any type that fits a batch, stored as the carrier has it. An error where it does not fit.
Status put_value(engine::ChunkBuilder& builder, size_t cell, const engine::BatchColumn& carrier,
                 const engine::Value& value);

}  // namespace merganser::pgwire

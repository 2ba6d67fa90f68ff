#include "session/copy_errors.h"

#include <algorithm>

#include "engine/copy_statement.h"

namespace merganser::session {
namespace {

// "NOT NULL constraint failed: t.a"
std::optional<size_t> column_named_last(const std::string& message, const std::vector<engine::Column>& columns) {
  const size_t dot = message.rfind('.');
  if (dot == std::string::npos) return std::nullopt;
  const std::string name = message.substr(dot + 1);
  for (size_t i = 0; i < columns.size(); i++) {
    if (engine::is_same_name(columns[i].name, name)) return i;
  }
  return std::nullopt;
}

}  // namespace

Error locate_copy_error(Error error, const std::vector<engine::Column>& columns, const std::vector<RowBlock>& blocks,
                        const RowSource& source) {
  error.position = 0;
  if (error.code != ErrorCode::kNotNullViolation) return error;
  const auto column = column_named_last(error.message, columns);
  if (!column) return error;
  for (const RowBlock& block : blocks) {
    for (size_t row = 0; row < block.chunk.rows(); row++) {
      if (!source.is_null(block, row, *column)) continue;
      error.context = source.where(block, row);
      return error;
    }
  }
  return error;
}

std::optional<Error> refuse_copy_keys(const coordinator::WriteOptions& options) {
  const bool dedup = options.dedup != coordinator::DedupMode::kNone;
  if (!dedup && options.idempotency_key.empty()) return std::nullopt;
  return make_error(ErrorCode::kFeatureNotSupported,
                    std::string(dedup ? "merganser.dedup_key" : "merganser.idempotency_key") + " is not for COPY",
                    "The statement was not executed.", "Copy into a table of its own and move the rows with an INSERT.");
}

Error copy_too_old() {
  return make_error(ErrorCode::kObjectNotInState, "the snapshot of this COPY is too old",
                    "It kept a checkpoint from running for longer than snapshot_max_age.",
                    "Send the data faster or in parts, or raise snapshot_max_age.");
}

}  // namespace merganser::session

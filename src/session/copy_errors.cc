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

// "… when casting from source column merganser_c1": our own name for a cell, which is taken out of the message.
std::optional<size_t> take_cell(std::string& message) {
  constexpr std::string_view kWords = " when casting from source column ";
  const size_t words = message.find(kWords);
  if (words == std::string::npos) return std::nullopt;
  const std::string name = message.substr(words + kWords.size());
  const std::string prefix = engine::BatchSource::column_name(0);
  message.resize(words);
  if (!name.starts_with(std::string_view(prefix).substr(0, prefix.size() - 1))) return std::nullopt;
  size_t cell = 0;
  for (size_t i = prefix.size() - 1; i < name.size() && i < prefix.size() + 4; i++) {
    if (name[i] < '0' || name[i] > '9') break;
    cell = cell * 10 + static_cast<size_t>(name[i] - '0');
  }
  return cell;
}

// What stands between the first quotes: the text that could not be cast.
std::string_view quoted(std::string_view message) {
  const size_t open = message.find('\'');
  const size_t close = open == message.npos ? open : message.find('\'', open + 1);
  return close == message.npos ? std::string_view() : message.substr(open + 1, close - open - 1);
}

// The first row whose text that is.
void locate_cast(Error& error, const std::vector<RowBlock>& blocks, const RowSource& source) {
  const auto cell = take_cell(error.message);
  const std::string text(quoted(error.message));
  if (!cell || text.empty()) return;
  for (const RowBlock& block : blocks) {
    if (*cell >= block.chunk.columns()) return;
    const engine::VectorView& view = block.chunk.column(*cell);
    if (view.type->id != engine::TypeId::kVarchar) return;
    for (size_t row = 0; row < block.chunk.rows(); row++) {
      if (!view.valid(row) || view.string_at(row) != text) continue;
      error.context = source.where(block, row);
      return;
    }
  }
}

}  // namespace

Error locate_copy_error(Error error, const std::vector<engine::Column>& columns, const std::vector<RowBlock>& blocks,
                        const RowSource& source) {
  error.position = 0;
  if (error.code != ErrorCode::kNotNullViolation) {
    locate_cast(error, blocks, source);
    return error;
  }
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
                    "The statement was not executed.",
                    "Copy into a table of its own and move the rows with an INSERT.");
}

Error explain_copy_target(Error error, const std::string& name) {
  if (error.message.find("is not an table") == std::string::npos) return error;
  return make_error(ErrorCode::kWrongObjectType, "cannot copy to view \"" + name + "\"", {},
                    "Copy into its table, or into a table of your own and INSERT from there.");
}

Error copy_too_old() {
  return make_error(ErrorCode::kObjectNotInState, "the snapshot of this COPY is too old",
                    "It kept a checkpoint from running for longer than snapshot_max_age.",
                    "Send the data faster or in parts, or raise snapshot_max_age.");
}

}  // namespace merganser::session

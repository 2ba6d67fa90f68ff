#include "engine/result_set.h"

#include <iterator>

#include "engine/duckdb_types.h"
#include "engine/error_map.h"
#include "engine/result_set_raw.h"

namespace merganser::engine {

Error error_of(duckdb_result& result, std::string_view statement, bool& fatal) {
  const char* text = duckdb_result_error(&result);
  const int kind = duckdb_result_error_type(&result);
  fatal = is_fatal_error(text != nullptr ? text : "", kind);
  return map_error(text != nullptr ? text : "", kind, statement);
}

ResultSet::ResultSet() = default;
ResultSet::~ResultSet() = default;
ResultSet::ResultSet(ResultSet&&) noexcept = default;
ResultSet& ResultSet::operator=(ResultSet&&) noexcept = default;

ResultSet::ResultSet(std::unique_ptr<Raw> raw, Columns columns) : raw_(std::move(raw)), columns_(std::move(columns)) {
  switch (duckdb_result_return_type(raw_->result)) {
    case DUCKDB_RESULT_TYPE_CHANGED_ROWS:
      kind_ = ReturnKind::kChangedRows;
      changed_rows_ = duckdb_rows_changed(&raw_->result);
      return;
    case DUCKDB_RESULT_TYPE_QUERY_RESULT:
      kind_ = ReturnKind::kRows;
      break;
    default:
      kind_ = ReturnKind::kNothing;
      // CREATE TABLE AS says "nothing" and still gives the number of its rows, as the one value of one row.
      if (duckdb_result_statement_type(raw_->result) == DUCKDB_STATEMENT_TYPE_CREATE &&
          duckdb_column_count(&raw_->result) == 1 && duckdb_row_count(&raw_->result) == 1) {
        changed_rows_ = static_cast<uint64_t>(duckdb_value_int64(&raw_->result, 0, 0));
      }
      return;
  }
  if (!columns_) {
    auto list = std::make_shared<std::vector<Column>>();
    const idx_t count = duckdb_column_count(&raw_->result);
    for (idx_t i = 0; i < count; i++) {
      duckdb_logical_type type = duckdb_column_logical_type(&raw_->result, i);
      list->push_back(Column{duckdb_column_name(&raw_->result, i), type_from_duckdb(type)});
      duckdb_destroy_logical_type(&type);
    }
    columns_ = std::move(list);
  }
  types_.reserve(columns_->size());
  for (const Column& column : *columns_) types_.push_back(column.type);
}

ResultSet::ResultSet(Columns columns, std::vector<Chunk> chunks)
    : columns_(std::move(columns)), kind_(ReturnKind::kRows) {
  for (const Chunk& chunk : chunks) rows_there_ += chunk.rows();
  put_back(std::move(chunks));
}

ResultSet::ResultSet(ReturnKind kind, uint64_t changed_rows) : kind_(kind), changed_rows_(changed_rows) {}

uint64_t ResultSet::materialised_rows() const {
  return raw_ ? duckdb_row_count(&raw_->result) : rows_there_;
}

void ResultSet::put_back(std::vector<Chunk> chunks) {
  ahead_.insert(ahead_.end(), std::make_move_iterator(chunks.rbegin()), std::make_move_iterator(chunks.rend()));
}

Result<std::optional<Chunk>> ResultSet::next() {
  if (!ahead_.empty()) {
    std::optional<Chunk> first(std::move(ahead_.back()));
    ahead_.pop_back();
    return first;
  }
  if (!raw_ || kind_ != ReturnKind::kRows) return std::optional<Chunk>();
  const auto start = std::chrono::steady_clock::now();
  TaskThreads::Help help;
  if (raw_->threads != nullptr && raw_->is_long) help = TaskThreads::Help(*raw_->threads);
  Flight::Entry entry;
  if (raw_->flight != nullptr) {
    auto taken = raw_->flight->take_off(raw_->digest);
    if (taken.ok()) entry = std::move(taken).value();
  }
  duckdb_data_chunk chunk = duckdb_fetch_chunk(raw_->result);
  entry.land(chunk == nullptr);
  raw_->is_long |= std::chrono::steady_clock::now() - start > kLongStatement;
  if (chunk == nullptr) {
    // A streaming result reports here what went wrong after its first rows.
    const char* text = duckdb_result_error(&raw_->result);
    if (text != nullptr && *text != '\0') {
      bool fatal = false;
      return error_of(raw_->result, {}, fatal);
    }
    return std::optional<Chunk>();
  }
  return std::optional<Chunk>(Chunk(chunk, types_));
}

}  // namespace merganser::engine

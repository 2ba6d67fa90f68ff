// Each unit's own part of what one statement for many answered.
#include <algorithm>

#include "coordinator/coalescer.h"

namespace merganser::coordinator {

// Plain INSERT keeps the order of its source: every row is there, one after another.
Status Coalescer::hand_out_in_order(Step& step, engine::ResultSet& result) {
  const Error mismatch = make_error(ErrorCode::kInternalError, "a batch answered with another number of rows");
  if (!step.plan->gives_rows()) {
    if (result.changed_rows() != step.rows) {
      // It may be committed already: running it again could store rows twice.
      database_.mark_invalidated(mismatch.message);
      return mismatch;
    }
    for (const UnitPtr& unit : step.units) {
      for (const Statement& statement : unit->statements) {
        unit->outcome.results.emplace_back(engine::ReturnKind::kChangedRows, statement.shape->rows);
      }
    }
    return {};
  }
  std::shared_ptr<const engine::Chunk> chunk;
  size_t at = 0;
  size_t seen = 0;
  for (const UnitPtr& unit : step.units) {
    for (const Statement& statement : unit->statements) {
      std::vector<engine::Chunk> parts;
      for (size_t wanted = statement.shape->rows; wanted > 0;) {
        if (!chunk || at == chunk->rows()) {
          MERGANSER_ASSIGN(auto next, result.next());
          if (!next) return mismatch;
          chunk = std::make_shared<const engine::Chunk>(*std::move(next));
          at = 0;
        }
        const size_t count = std::min(wanted, chunk->rows() - at);
        parts.emplace_back(chunk, at, count, chunk->columns());
        at += count;
        seen += count;
        wanted -= count;
      }
      unit->outcome.results.emplace_back(result.columns(), std::move(parts));
    }
  }
  return seen == step.rows ? Status() : mismatch;
}

namespace {

// The key of a returned row, as append_key() writes it.
bool append_returned_key(std::string& out, const engine::VectorView& column, size_t row) {
  using engine::TypeId;
  using engine::Value;
  if (!column.valid(row)) return false;
  switch (column.type->id) {
    case TypeId::kBoolean:
      append_key(out, Value{TypeId::kBoolean, column.at<bool>(row)});
      return true;
    case TypeId::kTinyInt:
      append_key(out, Value{TypeId::kTinyInt, int64_t{column.at<int8_t>(row)}});
      return true;
    case TypeId::kSmallInt:
      append_key(out, Value{TypeId::kSmallInt, int64_t{column.at<int16_t>(row)}});
      return true;
    case TypeId::kInteger:
    case TypeId::kDate:
      append_key(out, Value{TypeId::kInteger, int64_t{column.at<int32_t>(row)}});
      return true;
    case TypeId::kBigInt:
    case TypeId::kTimestamp:
    case TypeId::kTimestampTz:
      append_key(out, Value{TypeId::kBigInt, column.at<int64_t>(row)});
      return true;
    case TypeId::kUTinyInt:
      append_key(out, Value{TypeId::kUTinyInt, uint64_t{column.at<uint8_t>(row)}});
      return true;
    case TypeId::kUSmallInt:
      append_key(out, Value{TypeId::kUSmallInt, uint64_t{column.at<uint16_t>(row)}});
      return true;
    case TypeId::kUInteger:
      append_key(out, Value{TypeId::kUInteger, uint64_t{column.at<uint32_t>(row)}});
      return true;
    case TypeId::kUBigInt:
      append_key(out, Value{TypeId::kUBigInt, column.at<uint64_t>(row)});
      return true;
    case TypeId::kUuid:
      append_key(out, Value{TypeId::kUuid, column.at<engine::Hugeint>(row)});
      return true;
    case TypeId::kVarchar:
    case TypeId::kBlob:
      append_key(out, Value{column.type->id, std::string(column.string_at(row))});
      return true;
    default:
      return false;
  }
}

}  // namespace

// As many rows as were asked for, each by a key of its own: every one was met.
Status Coalescer::hand_out_by_count(Step& step, const engine::ResultSet& result) {
  if (result.changed_rows() != step.rows) {
    step.plan->return_keys();
    return make_error(ErrorCode::kInternalError, "a batch met fewer rows than were asked for");
  }
  for (const UnitPtr& unit : step.units) {
    for (const Statement& statement : unit->statements) {
      unit->outcome.results.emplace_back(engine::ReturnKind::kChangedRows, statement.shape->rows);
    }
  }
  return {};
}

// The others answer in any order and only for what they touched: each row names its key.
Status Coalescer::hand_out_by_key(Step& step, engine::ResultSet& result) {
  struct Place {
    std::shared_ptr<const engine::Chunk> chunk;
    size_t row = 0;
  };
  std::vector<Place> places(step.rows);
  const size_t keys = step.plan->returned_keys();
  const size_t columns = result.columns() ? result.columns()->size() : 0;
  if (columns < keys) return make_error(ErrorCode::kInternalError, "a batch answered without its keys");
  const size_t visible = columns - keys;
  std::string key;
  while (true) {
    MERGANSER_ASSIGN(auto next, result.next());
    if (!next) break;
    const auto chunk = std::make_shared<const engine::Chunk>(*std::move(next));
    for (size_t row = 0; row < chunk->rows(); row++) {
      key.clear();
      bool known = true;
      for (size_t i = 0; i < keys && known; i++) known = append_returned_key(key, chunk->column(visible + i), row);
      const auto it = known ? step.keys.find(key) : step.keys.end();
      if (it == step.keys.end() || places[it->second].chunk) {
        return make_error(ErrorCode::kInternalError, "a batch answered with a key that it was not asked for");
      }
      places[it->second] = {chunk, row};
    }
  }
  engine::Columns names;
  if (step.plan->gives_rows()) {
    names = std::make_shared<const std::vector<engine::Column>>(
        result.columns()->begin(), result.columns()->begin() + static_cast<std::ptrdiff_t>(visible));
  }
  size_t at = 0;
  for (const UnitPtr& unit : step.units) {
    for (const Statement& statement : unit->statements) {
      uint64_t count = 0;
      std::vector<engine::Chunk> parts;
      for (size_t row = 0; row < statement.shape->rows && at < places.size(); row++, at++) {
        const Place& place = places[at];
        if (!place.chunk) continue;
        count++;
        if (names) parts.emplace_back(place.chunk, place.row, 1, visible);
      }
      unit->outcome.results.push_back(names ? engine::ResultSet(names, std::move(parts))
                                            : engine::ResultSet(engine::ReturnKind::kChangedRows, count));
    }
  }
  return {};
}

}  // namespace merganser::coordinator

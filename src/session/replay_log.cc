#include "session/replay_log.h"

#include <algorithm>
#include <utility>

namespace merganser::session {

using engine::StatementKind;

bool changes_state(const coordinator::Statement& statement) {
  const engine::StatementClass& kind = *statement.kind;
  switch (kind.kind) {
    case StatementKind::kWrite:
    case StatementKind::kDdl:
    case StatementKind::kExecute:
      return true;
    case StatementKind::kPinnedRead:
      return kind.tag != "SET";  // variables are no part of a transaction
    default:
      return kind.advances_sequence;
  }
}

ReplayLog::ReplayLog(ReplayLog&& other) noexcept {
  *this = std::move(other);
}

ReplayLog& ReplayLog::operator=(ReplayLog&& other) noexcept {
  if (this == &other) return *this;
  release();
  statements_ = std::exchange(other.statements_, {});
  sizes_ = std::exchange(other.sizes_, {});
  bytes_ = std::exchange(other.bytes_, 0);
  incomplete_ = std::exchange(other.incomplete_, {});
  space_ = other.space_;
  return *this;
}

void ReplayLog::release() {
  if (space_ != nullptr) space_->used -= bytes_;
  bytes_ = 0;
  statements_.clear();
  sizes_.clear();
}

void ReplayLog::add(LoggedStatement statement, ReplaySpace& space) {
  if (!incomplete_.empty()) return;
  space_ = &space;
  size_t size = sizeof(LoggedStatement);
  // The text of a prepared statement is shared by its executions.
  const bool same_text = !statements_.empty() && statements_.back().statement.sql == statement.statement.sql;
  if (!same_text) size += statement.statement.sql->size();
  size += statement.returned.size();
  for (const engine::Value& value : statement.statement.values) size += value.footprint();
  if (statements_.size() >= space.statements) {
    return give_up("it has more than " + std::to_string(space.statements) + " statements (savepoint_statements)");
  }
  if (bytes_ + size > space.bytes) {
    return give_up("its statements have more than " + std::to_string(space.bytes) + " bytes (savepoint_bytes)");
  }
  if (space.used + size > space.total_bytes) {
    return give_up("the transactions of all sessions keep more than " + std::to_string(space.total_bytes) +
                   " bytes for savepoints");
  }
  bytes_ += size;
  space.used += size;
  sizes_.push_back(size);
  statements_.push_back(std::move(statement));
}

void ReplayLog::give_up(std::string why) {
  release();
  if (incomplete_.empty()) incomplete_ = std::move(why);
}

void ReplayLog::truncate(size_t count) {
  while (statements_.size() > count) {
    bytes_ -= sizes_.back();
    space_->used -= sizes_.back();
    sizes_.pop_back();
    statements_.pop_back();
  }
}

bool ReplayLog::changed_since(size_t first) const {
  return std::any_of(statements_.begin() + static_cast<ptrdiff_t>(std::min(first, statements_.size())),
                     statements_.end(), [](const LoggedStatement& one) { return changes_state(one.statement); });
}

}  // namespace merganser::session

#include "engine/statement_cache.h"

namespace merganser::engine {

Result<Prepared*> StatementCache::get(Connection& connection, std::string_view sql, const StatementClass& kind) {
  unkept_.reset();
  if (kind.script) {
    unkept_ = connection.prepare(kind.script);
    return unkept_.get();
  }
  if (connection.settings() != settings_) {
    clear();
    settings_ = connection.settings();
  }
  if (const auto it = index_.find(sql); it != index_.end()) {
    order_.splice(order_.begin(), order_, it->second);
    return order_.front().prepared.get();
  }
  MERGANSER_ASSIGN(auto prepared, connection.prepare(sql, Origin::kClient));
  const bool plan_stays_right = kind.plain_insert || prepared->parameter_count() > 0;
  // One huge statement must not push out all others.
  if (!plan_stays_right || capacity_ == 0 || sql.size() > text_capacity_ / 8) {
    unkept_ = std::move(prepared);
    return unkept_.get();
  }
  order_.push_front(Entry{std::string(sql), std::move(prepared)});
  index_[order_.front().sql] = order_.begin();
  text_bytes_ += sql.size();
  while (order_.size() > capacity_ || text_bytes_ > text_capacity_) drop_oldest();
  return order_.front().prepared.get();
}

void StatementCache::drop_oldest() {
  text_bytes_ -= order_.back().sql.size();
  index_.erase(order_.back().sql);
  order_.pop_back();
}

void StatementCache::clear() {
  index_.clear();
  order_.clear();
  text_bytes_ = 0;
  unkept_.reset();
}

}  // namespace merganser::engine

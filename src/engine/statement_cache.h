// The prepared statements that one connection keeps, least recently used first out.
//
// Kept are only statements whose plan cannot go stale: those that DuckDB plans anew at each execution because they have
// parameters, and plain INSERT … VALUES, whose plan scans no table (fact 9). Threads: its connection's.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/connection.h"
#include "engine/statement_class.h"

namespace merganser::engine {

class StatementCache {
 public:
  explicit StatementCache(size_t capacity, size_t text_capacity = size_t{4} << 20)
      : capacity_(capacity), text_capacity_(text_capacity) {}

  // The kept statement or a new one, under the connection's settings: those of other settings are dropped, since they
  // may mean something else. The pointer lives until the next call of get() or clear().
  Result<Prepared*> get(Connection& connection, std::string_view sql, const StatementClass& kind);
  // After DDL.
  void clear();
  size_t size() const { return order_.size(); }

 private:
  struct Entry {
    std::string sql;
    std::unique_ptr<Prepared> prepared;
  };
  void drop_oldest();

  size_t capacity_;
  size_t text_capacity_;  // bytes of all texts: their plans are larger still, in proportion
  size_t text_bytes_ = 0;
  std::list<Entry> order_;  // most recent first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> index_;
  std::unique_ptr<Prepared> unkept_;
  SettingsPtr settings_;  // that all of them were prepared under
};

}  // namespace merganser::engine

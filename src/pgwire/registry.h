// The connections of an owner by the number and the key that CancelRequest names.
//
// Threads: the sessions' thread. Lifetime: outlives its connections.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "auth/crypto.h"

namespace merganser::pgwire {

class Connection;

class Registry {
 public:
  void add(int32_t pid, std::string key, Connection* connection) { entries_[pid] = {std::move(key), connection}; }
  void remove(int32_t pid) { entries_.erase(pid); }
  // Null unless both fit.
  Connection* find(int32_t pid, std::string_view key) const {
    const auto it = entries_.find(pid);
    if (it == entries_.end() || !auth::constant_time_equal(it->second.key, key)) return nullptr;
    return it->second.connection;
  }
  void for_each(const std::function<void(Connection&)>& visit) const {
    for (const auto& [pid, entry] : entries_) visit(*entry.connection);
  }
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    Connection* connection;
  };
  std::unordered_map<int32_t, Entry> entries_;
};

}  // namespace merganser::pgwire

// The connections of an owner by the number and the secret that CancelRequest names.
//
// Threads: the sessions' thread. Lifetime: outlives its connections.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>

namespace merganser::pgwire {

class Connection;

class Registry {
 public:
  void add(int32_t pid, int32_t secret, Connection* connection) { entries_[pid] = {secret, connection}; }
  void remove(int32_t pid) { entries_.erase(pid); }
  // Null unless both numbers fit.
  Connection* find(int32_t pid, int32_t secret) const {
    const auto it = entries_.find(pid);
    return it != entries_.end() && it->second.secret == secret ? it->second.connection : nullptr;
  }
  void for_each(const std::function<void(Connection&)>& visit) const {
    for (const auto& [pid, entry] : entries_) visit(*entry.connection);
  }
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    int32_t secret;
    Connection* connection;
  };
  std::unordered_map<int32_t, Entry> entries_;
};

}  // namespace merganser::pgwire

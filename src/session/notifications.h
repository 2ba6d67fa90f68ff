// LISTEN and NOTIFY: who listens to which channel, and what waits for delivery.
//
// Messages reach a listener in the order of the commits that sent them, once each, and only between its transactions.
// Threads: the sessions' thread. Lifetime: the services'; a session leaves before it goes.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace merganser::session {

struct Notification {
  uint64_t sender = 0;
  std::string channel;
  std::string payload;
  bool operator==(const Notification&) const = default;
};

// What one transaction has asked for; done at its commit. LISTEN and UNLISTEN too.
struct PendingNotifications {
  struct Change {
    bool listen = false;
    std::string channel;  // empty: UNLISTEN *
  };
  std::vector<Change> changes;
  std::vector<Notification> messages;
  size_t bytes = 0;
  bool empty() const { return changes.empty() && messages.empty(); }
};

// What a statement did to a table, for who listens to it.
struct TableChange {
  std::string table;  // schema.name
  std::string verb;   // insert, update, delete, merge, truncate, ddl
  uint64_t rows = 0;
};

class Notifications {
 public:
  using SessionId = uint64_t;
  static constexpr size_t kMaxPayload = 7999;   // bytes, as PostgreSQL's 8000 with the zero at the end
  static constexpr size_t kMaxChannel = 255;    // bytes of a name
  static constexpr size_t kMaxChannels = 1000;  // one session listens to

  struct Listener {
    std::function<void(const Notification&)> deliver;  // one message
  };

  void listen(SessionId session, const std::string& channel, const Listener& listener);
  void unlisten(SessionId session, const std::string& channel);
  void unlisten_all(SessionId session);
  std::vector<std::string> channels_of(SessionId session) const;
  bool anybody_listens(const std::string& channel) const { return channels_.contains(channel); }
  bool anybody_listens() const { return !channels_.empty(); }
  void send(const std::vector<Notification>& messages);
  size_t listeners() const { return listeners_.size(); }
  uint64_t sent() const { return sent_; }

 private:
  struct Entry {
    Listener listener;
    std::set<std::string> channels;
  };
  std::map<std::string, std::set<SessionId>> channels_;
  std::unordered_map<SessionId, Entry> listeners_;
  uint64_t sent_ = 0;
};

// What a listener has not been sent yet, because it is in a transaction or does not read.
class Inbox {
 public:
  static constexpr size_t kMaxBytes = size_t{8} << 20;
  // False when it does not fit any more.
  bool put(const Notification& one);
  std::optional<Notification> next();
  void clear();
  bool empty() const { return waiting_.empty(); }
  size_t size() const { return waiting_.size(); }

 private:
  std::deque<Notification> waiting_;
  size_t bytes_ = 0;
};

}  // namespace merganser::session

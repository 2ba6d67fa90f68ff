// PostgreSQL's advisory locks: numbers that mean what their users agree on, shared or exclusive, held by a session or
// until its transaction ends.
//
// A request that has to wait stands in line; nobody overtakes who could not have been served before. Threads: the
// sessions' thread, callbacks too. Lifetime: the services'; sessions withdraw and release before they go.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace merganser::session {

// One bigint, or two integers: the two spaces do not overlap.
struct AdvisoryKey {
  int64_t number = 0;
  bool pair = false;
  auto operator<=>(const AdvisoryKey&) const = default;
  static AdvisoryKey of(int32_t first, int32_t second) {
    return {
        static_cast<int64_t>(static_cast<uint64_t>(static_cast<uint32_t>(first)) << 32 | static_cast<uint32_t>(second)),
        true};
  }
};

enum class LockMode : uint8_t { kExclusive, kShared };
enum class LockSpan : uint8_t { kSession, kTransaction };

class AdvisoryLocks {
 public:
  using SessionId = uint64_t;

  // Takes it now when that is possible, without waiting behind others.
  bool try_lock(SessionId session, AdvisoryKey key, LockMode mode, LockSpan span);
  // Stands in line; `granted` is called once, unless withdraw() comes first. One request a session.
  void wait(SessionId session, AdvisoryKey key, LockMode mode, LockSpan span, std::function<void()> granted);
  void withdraw(SessionId session);
  // Once for each time that it was taken for the session; false when it was not.
  bool unlock(SessionId session, AdvisoryKey key, LockMode mode);
  void unlock_all(SessionId session);       // those of the session
  void end_transaction(SessionId session);  // those of its transaction
  // For ROLLBACK TO SAVEPOINT: how many locks of its transaction it has taken, and back to so many.
  size_t taken_in_transaction(SessionId session) const;
  void back_to(SessionId session, size_t taken);

  bool is_waiting(SessionId session) const { return waiting_.contains(session); }
  // Whom the waiting request of this session waits for.
  std::vector<SessionId> blockers(SessionId session) const;
  // How many keys are held or waited for; what one session holds.
  size_t keys() const { return locks_.size(); }
  size_t waiting() const { return waiting_.size(); }
  size_t held_by(SessionId session) const;

 private:
  struct Hold {
    uint32_t session_exclusive = 0;
    uint32_t session_shared = 0;
    uint32_t transaction_exclusive = 0;
    uint32_t transaction_shared = 0;
    uint32_t& count(LockMode mode, LockSpan span);
    bool exclusive() const { return session_exclusive + transaction_exclusive > 0; }
    bool empty() const { return !exclusive() && session_shared + transaction_shared == 0; }
  };
  struct Waiter {
    SessionId session;
    LockMode mode;
    LockSpan span;
    std::function<void()> granted;
  };
  struct Lock {
    std::map<SessionId, Hold> holds;
    std::deque<Waiter> line;
  };
  struct Taken {
    AdvisoryKey key;
    LockMode mode;
  };

  static bool compatible(const Lock& lock, SessionId session, LockMode mode);
  void take(Lock& lock, SessionId session, AdvisoryKey key, LockMode mode, LockSpan span);
  void serve(AdvisoryKey key);
  void drop(SessionId session, AdvisoryKey key);

  std::map<AdvisoryKey, Lock> locks_;
  std::unordered_map<SessionId, AdvisoryKey> waiting_;
  std::unordered_map<SessionId, std::set<AdvisoryKey>> held_;
  std::unordered_map<SessionId, std::vector<Taken>> transaction_;  // in the order of taking
};

}  // namespace merganser::session

#include "session/advisory_locks.h"

#include <algorithm>
#include <utility>

namespace merganser::session {

uint32_t& AdvisoryLocks::Hold::count(LockMode mode, LockSpan span) {
  if (span == LockSpan::kSession) return mode == LockMode::kExclusive ? session_exclusive : session_shared;
  return mode == LockMode::kExclusive ? transaction_exclusive : transaction_shared;
}

bool AdvisoryLocks::compatible(const Lock& lock, SessionId session, LockMode mode) {
  return std::all_of(lock.holds.begin(), lock.holds.end(), [&](const auto& hold) {
    return hold.first == session || (mode == LockMode::kShared && !hold.second.exclusive());
  });
}

void AdvisoryLocks::take(Lock& lock, SessionId session, AdvisoryKey key, LockMode mode, LockSpan span) {
  lock.holds[session].count(mode, span)++;
  held_[session].insert(key);
  if (span == LockSpan::kTransaction) transaction_[session].push_back({key, mode});
}

bool AdvisoryLocks::try_lock(SessionId session, AdvisoryKey key, LockMode mode, LockSpan span) {
  Lock& lock = locks_[key];
  // Whoever has it already may have it again, whoever waits.
  const bool again = lock.holds.contains(session);
  if (!compatible(lock, session, mode) || (!again && !lock.line.empty())) {
    if (lock.holds.empty() && lock.line.empty()) locks_.erase(key);
    return false;
  }
  take(lock, session, key, mode, span);
  return true;
}

void AdvisoryLocks::wait(SessionId session, AdvisoryKey key, LockMode mode, LockSpan span,
                         std::function<void()> granted) {
  waiting_[session] = key;
  locks_[key].line.push_back({session, mode, span, std::move(granted)});
}

void AdvisoryLocks::withdraw(SessionId session) {
  const auto found = waiting_.find(session);
  if (found == waiting_.end()) return;
  const AdvisoryKey key = found->second;
  waiting_.erase(found);
  auto& line = locks_[key].line;
  line.erase(std::remove_if(line.begin(), line.end(), [&](const Waiter& one) { return one.session == session; }),
             line.end());
  serve(key);
}

// Grants what can be granted from the front of the line.
void AdvisoryLocks::serve(AdvisoryKey key) {
  std::vector<std::function<void()>> granted;
  const auto found = locks_.find(key);
  if (found == locks_.end()) return;
  Lock& lock = found->second;
  while (!lock.line.empty() && compatible(lock, lock.line.front().session, lock.line.front().mode)) {
    Waiter next = std::move(lock.line.front());
    lock.line.pop_front();
    waiting_.erase(next.session);
    take(lock, next.session, key, next.mode, next.span);
    granted.push_back(std::move(next.granted));
  }
  if (lock.holds.empty() && lock.line.empty()) locks_.erase(found);
  for (const auto& tell : granted) tell();
}

// After a count went down: a session that holds nothing of it any more lets others in.
void AdvisoryLocks::drop(SessionId session, AdvisoryKey key) {
  Lock& lock = locks_[key];
  const auto hold = lock.holds.find(session);
  if (hold != lock.holds.end() && hold->second.empty()) {
    lock.holds.erase(hold);
    auto& keys = held_[session];
    keys.erase(key);
    if (keys.empty()) held_.erase(session);
  }
  serve(key);
}

bool AdvisoryLocks::unlock(SessionId session, AdvisoryKey key, LockMode mode) {
  const auto found = locks_.find(key);
  if (found == locks_.end()) return false;
  const auto hold = found->second.holds.find(session);
  if (hold == found->second.holds.end()) return false;
  uint32_t& count = hold->second.count(mode, LockSpan::kSession);
  if (count == 0) return false;
  count--;
  drop(session, key);
  return true;
}

void AdvisoryLocks::unlock_all(SessionId session) {
  const auto found = held_.find(session);
  if (found == held_.end()) return;
  const auto keys = found->second;
  for (const AdvisoryKey key : keys) {
    Hold& hold = locks_[key].holds[session];
    hold.session_exclusive = 0;
    hold.session_shared = 0;
    drop(session, key);
  }
}

size_t AdvisoryLocks::taken_in_transaction(SessionId session) const {
  const auto found = transaction_.find(session);
  return found == transaction_.end() ? 0 : found->second.size();
}

void AdvisoryLocks::back_to(SessionId session, size_t taken) {
  const auto found = transaction_.find(session);
  if (found == transaction_.end()) return;
  while (found->second.size() > taken) {
    const Taken last = found->second.back();
    found->second.pop_back();
    locks_[last.key].holds[session].count(last.mode, LockSpan::kTransaction)--;
    drop(session, last.key);
  }
  if (found->second.empty()) transaction_.erase(found);
}

void AdvisoryLocks::end_transaction(SessionId session) {
  back_to(session, 0);
}

std::vector<AdvisoryLocks::SessionId> AdvisoryLocks::blockers(SessionId session) const {
  std::vector<SessionId> out;
  const auto found = waiting_.find(session);
  if (found == waiting_.end()) return out;
  const auto at = locks_.find(found->second);
  if (at == locks_.end()) return out;
  const auto& line = at->second.line;
  const auto own = std::find_if(line.begin(), line.end(), [&](const Waiter& one) { return one.session == session; });
  if (own == line.end()) return out;
  for (const auto& [holder, hold] : at->second.holds) {
    if (holder != session && (own->mode == LockMode::kExclusive || hold.exclusive())) out.push_back(holder);
  }
  for (auto before = line.begin(); before != own; ++before) out.push_back(before->session);
  return out;
}

size_t AdvisoryLocks::held_by(SessionId session) const {
  const auto found = held_.find(session);
  return found == held_.end() ? 0 : found->second.size();
}

}  // namespace merganser::session

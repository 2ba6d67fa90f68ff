#include "session/notifications.h"

#include <utility>

namespace merganser::session {
namespace {

size_t size_of(const Notification& one) {
  return one.channel.size() + one.payload.size() + sizeof(Notification);
}

}  // namespace

void Notifications::listen(SessionId session, const std::string& channel, const Listener& listener) {
  Entry& entry = listeners_[session];
  entry.listener = listener;
  entry.channels.insert(channel);
  channels_[channel].insert(session);
}

void Notifications::unlisten(SessionId session, const std::string& channel) {
  const auto found = listeners_.find(session);
  if (found == listeners_.end() || found->second.channels.erase(channel) == 0) return;
  if (found->second.channels.empty()) listeners_.erase(found);
  const auto at = channels_.find(channel);
  at->second.erase(session);
  if (at->second.empty()) channels_.erase(at);
}

void Notifications::unlisten_all(SessionId session) {
  for (const std::string& channel : channels_of(session)) unlisten(session, channel);
}

std::vector<std::string> Notifications::channels_of(SessionId session) const {
  const auto found = listeners_.find(session);
  if (found == listeners_.end()) return {};
  return {found->second.channels.begin(), found->second.channels.end()};
}

void Notifications::send(const std::vector<Notification>& messages) {
  for (const Notification& one : messages) {
    const auto found = channels_.find(one.channel);
    if (found == channels_.end()) continue;
    sent_++;
    const std::set<SessionId> sessions = found->second;  // who is told may leave
    for (const SessionId session : sessions) {
      const auto listener = listeners_.find(session);
      if (listener != listeners_.end()) listener->second.listener.deliver(one);
    }
  }
}

bool Inbox::put(const Notification& one) {
  if (bytes_ + size_of(one) > kMaxBytes) return false;
  bytes_ += size_of(one);
  waiting_.push_back(one);
  return true;
}

std::optional<Notification> Inbox::next() {
  if (waiting_.empty()) return std::nullopt;
  Notification one = std::move(waiting_.front());
  waiting_.pop_front();
  bytes_ -= size_of(one);
  return one;
}

void Inbox::clear() {
  waiting_.clear();
  bytes_ = 0;
}

}  // namespace merganser::session

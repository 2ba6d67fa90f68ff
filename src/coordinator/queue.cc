#include "coordinator/queue.h"

namespace merganser::coordinator {

Error shutting_down() {
  return make_error(ErrorCode::kAdminShutdown, "the owner of this file is shutting down",
                    "The statement was not executed.", "Connect again; merganser url starts a new owner.");
}

size_t Queue::footprint(const Unit& unit) {
  size_t bytes = sizeof(Unit);
  for (const Statement& statement : unit.statements) {
    bytes += sizeof(Statement) + statement.sql->size();
    for (const engine::Value& value : statement.values) bytes += value.footprint();
  }
  return bytes;
}

std::optional<Error> Queue::refusal(const Unit& unit) {
  if (closed_) return shutting_down();
  const auto session = session_bytes_.find(unit.session);
  const size_t mine = session == session_bytes_.end() ? 0 : session->second;
  const bool full = units_ >= limits_.queue_units || bytes_ + unit.footprint > limits_.queue_bytes;
  const bool mine_full = mine > 0 && mine + unit.footprint > limits_.session_bytes;
  if (!full && !mine_full) return std::nullopt;
  counters_.refused_full++;
  return make_error(ErrorCode::kTooManyConnections,
                    full ? "the write queue is full" : "this session has too many bytes waiting to be written",
                    "The statement was not executed.", "Try again after a moment, with fewer writes at once.");
}

std::optional<Error> Queue::push(UnitPtr& unit) {
  unit->queued_at = SteadyClock::now();
  unit->footprint = footprint(*unit);
  {
    const std::lock_guard lock(mutex_);
    if (auto refused = refusal(*unit)) {
      unit->footprint = 0;
      return refused;
    }
    units_++;
    bytes_ += unit->footprint;
    session_bytes_[unit->session] += unit->footprint;
    entries_.emplace_back(std::move(unit));
    arrived_.store(true, std::memory_order_release);
  }
  wake_.notify_one();
  return std::nullopt;
}

std::optional<Error> Queue::push(LaneRequest& request) {
  request.asked_at = SteadyClock::now();
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return shutting_down();
    entries_.emplace_back(std::move(request));
    arrived_.store(true, std::memory_order_release);
  }
  wake_.notify_one();
  return std::nullopt;
}

Queue::Withdrawn Queue::withdraw(uint64_t session) {
  Withdrawn withdrawn;
  const std::lock_guard lock(mutex_);
  for (auto it = entries_.begin(); it != entries_.end();) {
    if (auto* unit = std::get_if<UnitPtr>(&*it); unit != nullptr && (*unit)->session == session) {
      withdrawn.units.push_back(std::move(*unit));
      it = entries_.erase(it);
    } else if (auto* lane = std::get_if<LaneRequest>(&*it); lane != nullptr && lane->session == session) {
      withdrawn.lanes.push_back(std::move(*lane));
      it = entries_.erase(it);
    } else {
      ++it;
    }
  }
  return withdrawn;
}

Queue::Work Queue::take(Duration patience) {
  Work work;
  std::unique_lock lock(mutex_);
  if (entries_.empty() && patience > Duration::zero()) {
    wake_.wait_for(lock, patience, [this] { return closed_ || !entries_.empty(); });
  }
  if (entries_.empty()) {
    arrived_.store(false, std::memory_order_relaxed);
    work.closed = closed_;
    return work;
  }
  if (auto* lane = std::get_if<LaneRequest>(&entries_.front()); lane != nullptr) {
    work.lane = std::move(*lane);
    entries_.pop_front();
    return work;
  }
  work.batch = take_batch(lock);
  return work;
}

std::vector<UnitPtr> Queue::take_batch(std::unique_lock<std::mutex>& lock) {
  if (limits_.linger.count() > 0 && entries_.size() == 1 && !closed_) {
    wake_.wait_for(lock, limits_.linger, [this] { return closed_ || entries_.size() > 1; });
  }
  std::vector<UnitPtr> batch;
  size_t bytes = 0;
  while (!entries_.empty() && batch.size() < limits_.batch_units && bytes < limits_.batch_bytes) {
    auto* unit = std::get_if<UnitPtr>(&entries_.front());
    if (unit == nullptr) break;
    const bool alone = (*unit)->alone || (*unit)->checkpoint;
    if (alone && !batch.empty()) break;
    bytes += (*unit)->footprint;
    batch.push_back(std::move(*unit));
    entries_.pop_front();
    if (alone) break;
  }
  return batch;
}

void Queue::settle(const Unit& unit) {
  if (unit.footprint == 0) return;
  const std::lock_guard lock(mutex_);
  units_--;
  bytes_ -= unit.footprint;
  const auto it = session_bytes_.find(unit.session);
  it->second -= unit.footprint;
  if (it->second == 0) session_bytes_.erase(it);
}

void Queue::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  wake_.notify_all();
}

bool Queue::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

Queue::State Queue::state() const {
  const std::lock_guard lock(mutex_);
  return {entries_.size(), bytes_};
}

}  // namespace merganser::coordinator

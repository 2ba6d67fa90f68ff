#include "coordinator/queue.h"

#include <algorithm>

namespace merganser::coordinator {
namespace {

// A unit of more than this does not share a batch with small ones, whatever its client says of it.
constexpr std::chrono::microseconds kQuiet{200};  // when nobody comes for so long, nobody will
constexpr size_t kBulkBytes = size_t{256} << 10;
constexpr size_t kBulkStatements = 256;
// How many are taken of each line in turn.
constexpr size_t kControlShare = 8;
constexpr size_t kInteractiveShare = 4;

size_t footprint(const Unit& unit) {
  const WriteOptions& options = unit.options;
  size_t bytes = sizeof(Unit) + options.order_key.size() + options.dedup_key.size() + options.idempotency_key.size();
  for (const Statement& statement : unit.statements) {
    bytes += sizeof(Statement) + statement.sql->size();
    for (const engine::Value& value : statement.values) bytes += value.footprint();
  }
  return bytes;
}

Priority priority_of(const Unit& unit) {
  const bool large = unit.footprint > kBulkBytes || unit.statements.size() > kBulkStatements;
  return large && unit.options.priority == Priority::kInteractive ? Priority::kBulk : unit.options.priority;
}

}  // namespace

Error shutting_down() {
  return make_error(ErrorCode::kAdminShutdown, "the owner of this file is shutting down",
                    "The statement was not executed.", "Connect again; merganser url starts a new owner.");
}

const WriteOptions& Queue::Entry::options() const {
  if (const auto* lane = std::get_if<LaneRequest>(&what)) return lane->options;
  return std::get<UnitPtr>(what)->options;
}

uint64_t Queue::Entry::session() const {
  if (const auto* lane = std::get_if<LaneRequest>(&what)) return lane->session;
  return std::get<UnitPtr>(what)->session;
}

Unit* Queue::Entry::unit() const {
  const auto* unit = std::get_if<UnitPtr>(&what);
  return unit == nullptr ? nullptr : unit->get();
}

// ---- entering --------------------------------------------------------------------------------------------------

std::optional<Error> Queue::refusal(const Unit& unit) {
  if (closed_) return shutting_down();
  const auto session = sessions_.find(unit.session);
  const size_t mine = session == sessions_.end() ? 0 : session->second.bytes;
  const bool full = units_ >= limits_.queue_units || bytes_ + unit.footprint > limits_.queue_bytes;
  const bool mine_full = mine > 0 && mine + unit.footprint > limits_.session_bytes;
  if (!full && !mine_full) return std::nullopt;
  counters_.refused_full++;
  return make_error(ErrorCode::kTooManyConnections,
                    full ? "the write queue is full" : "this session has too many bytes waiting to be written",
                    "The statement was not executed.", "Try again after a moment, with fewer writes at once.");
}

void Queue::charge(Unit& unit) {
  counters_.entered++;
  units_++;
  bytes_ += unit.footprint;
  SessionShare& share = sessions_[unit.session];
  // What a session sent earlier is not overtaken by what it sends now.
  share.priority = share.bytes == 0 ? priority_of(unit) : std::max(share.priority, priority_of(unit));
  share.bytes += unit.footprint;
}

void Queue::refund(const Unit& unit) {
  units_--;
  bytes_ -= unit.footprint;
  const auto it = sessions_.find(unit.session);
  it->second.bytes -= unit.footprint;
  if (it->second.bytes == 0) sessions_.erase(it);
}

Queue::Entry Queue::make_entry(UnitPtr unit) {
  const Priority priority = sessions_.at(unit->session).priority;
  return {++arrivals_, priority, std::move(unit)};
}

std::optional<Error> Queue::push(UnitPtr& unit, Answered& answered) {
  unit->queued_at = SteadyClock::now();
  unit->footprint = footprint(*unit);
  {
    const std::lock_guard lock(mutex_);
    if (auto refused = refusal(*unit)) {
      unit->footprint = 0;
      return refused;
    }
    charge(*unit);
    const bool keyed = unit->options.dedup != DedupMode::kNone;
    if (!keyed || deduplicate(unit, answered) == Entrance::kLine) enter(make_entry(std::move(unit)));
    arrived_.store(true, std::memory_order_release);
    // Who waits for company is woken by the last of them.
    if (counters_.entered < company_) return std::nullopt;
  }
  wake_.notify_one();
  return std::nullopt;
}

void Queue::wait_for_company(uint64_t entered, TimePoint until) {
  std::unique_lock lock(mutex_);
  company_ = entered;
  uint64_t seen = counters_.entered;
  while (!closed_ && seen < entered) {
    const TimePoint now = SteadyClock::now();
    if (now >= until) break;
    wake_.wait_until(lock, std::min(until, now + kQuiet));
    const uint64_t came = counters_.entered;
    if (came == seen) break;
    seen = came;
  }
  company_ = 0;
}

std::optional<Error> Queue::push(LaneRequest& request) {
  request.asked_at = SteadyClock::now();
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return shutting_down();
    const Priority priority = request.options.priority;
    enter({++arrivals_, priority, std::move(request)});
    arrived_.store(true, std::memory_order_release);
  }
  wake_.notify_one();
  return std::nullopt;
}

// ---- leaving ---------------------------------------------------------------------------------------------------

Queue::Withdrawn Queue::withdraw(uint64_t session) {
  Withdrawn withdrawn;
  std::vector<Entry> heads;
  const auto sift = [&](Line& from, std::vector<Entry>& out) {
    for (auto it = from.begin(); it != from.end();) {
      if (it->session() != session) {
        ++it;
        continue;
      }
      out.push_back(std::move(*it));
      it = from.erase(it);
    }
  };
  const std::lock_guard lock(mutex_);
  for (Line& line : lines_) sift(line, heads);
  std::vector<Entry> others;
  for (auto& [key, followers] : orders_) {
    const size_t before = followers.size();
    sift(followers, others);
    followers_ -= before - followers.size();
  }
  for (auto it = debounced_.begin(); it != debounced_.end();) {
    if (it->second->session != session) {
      ++it;
      continue;
    }
    others.push_back({0, Priority::kInteractive, std::move(it->second)});
    it = debounced_.erase(it);
  }
  for (auto& [name, key] : keys_) {
    for (Unit* leader : {key.waiting, key.executing}) {
      if (leader == nullptr) continue;
      auto& joiners = leader->joiners;
      for (auto it = joiners.begin(); it != joiners.end();) {
        if ((*it)->session != session) {
          ++it;
          continue;
        }
        withdrawn.units.push_back(std::move(*it));
        it = joiners.erase(it);
      }
    }
  }
  const auto give = [&](Entry& entry) {
    if (auto* lane = std::get_if<LaneRequest>(&entry.what)) return withdrawn.lanes.push_back(std::move(*lane));
    left(*entry.unit());
    withdrawn.units.push_back(std::move(std::get<UnitPtr>(entry.what)));
  };
  for (Entry& entry : heads) {
    const std::string order_key = entry.options().order_key;
    give(entry);
    if (!order_key.empty()) next_in_order(order_key);
  }
  for (Entry& entry : others) give(entry);
  return withdrawn;
}

void Queue::settle(Unit& unit, Answered& answered) {
  if (unit.footprint == 0) return;
  const std::lock_guard lock(mutex_);
  refund(unit);
  if (unit.leads) settle_key(unit, answered);
}

void Queue::answer(UnitPtr unit, Skip skip, Answered& answered) {
  refund(*unit);
  unit->footprint = 0;
  unit->outcome.skip = skip;
  answered.push_back(std::move(unit));
}

// ---- the writer ------------------------------------------------------------------------------------------------

// When the writer has something to do, as far as it is known now.
std::optional<TimePoint> Queue::next_at(TimePoint now) const {
  if (urgent_waits() || (closed_ && waits())) return now;
  std::optional<TimePoint> at;
  if (!lines_[2].empty()) at = std::max(now, turns_.bulk_from(false, lines_[2].front().session()));
  if (!debounced_.empty()) at = std::min(at.value_or(TimePoint::max()), debounced_.begin()->first.first);
  return at;
}

Queue::Work Queue::take(Duration patience) {
  std::unique_lock lock(mutex_);
  TimePoint now = SteadyClock::now();
  turns_.ended(now);
  const TimePoint until = now + patience;
  while (true) {
    release_due(now);
    const auto next = next_at(now);
    if (next && *next <= now) break;
    if (now >= until || (closed_ && !next)) {
      arrived_.store(false, std::memory_order_relaxed);
      Work work;
      work.closed = closed_ && !next;
      return work;
    }
    wake_.wait_until(lock, std::min(until, next.value_or(until)));
    now = SteadyClock::now();
  }
  linger(lock);
  return take_now(SteadyClock::now());
}

void Queue::linger(std::unique_lock<std::mutex>& lock) {
  const auto alone = [this] { return lines_[0].size() + lines_[1].size() + lines_[2].size() == 1; };
  if (limits_.linger.count() == 0 || closed_ || !alone()) return;
  wake_.wait_for(lock, limits_.linger, [&] { return closed_ || !alone(); });
}

// Moves the front of a line into the work; false when that ends it.
bool Queue::take_front(Line& from, Work& work, size_t& bytes) {
  Unit* unit = from.front().unit();
  if (unit == nullptr && !work.batch.empty()) return false;
  const bool alone = unit == nullptr || unit->alone || unit->checkpoint;
  if (alone && !work.batch.empty()) return false;
  Entry entry = std::move(from.front());
  from.pop_front();
  if (unit == nullptr) {
    work.lane = std::move(std::get<LaneRequest>(entry.what));
    return false;
  }
  bytes += unit->footprint;
  if (unit->leads) taken(*unit);
  work.batch.push_back(std::move(std::get<UnitPtr>(entry.what)));
  return !alone;
}

Queue::Work Queue::take_now(TimePoint now) {
  Work work;
  size_t bytes = 0;
  Line& bulk = line(Priority::kBulk);
  const bool bulk_turn =
      !bulk.empty() && (closed_ ? !urgent_waits() : turns_.bulk_from(urgent_waits(), bulk.front().session()) <= now);
  bool more = true;
  if (bulk_turn) {
    const size_t limit = turns_.bulk_units(limits_.batch_units, now);
    while (more && !bulk.empty() && work.batch.size() < limit && bytes < limits_.batch_bytes) {
      more = take_front(bulk, work, bytes);
    }
  } else {
    const auto fill = [&](Line& from, size_t share) {
      while (more && share-- > 0 && !from.empty() && bytes < limits_.batch_bytes) {
        if (work.batch.size() >= limits_.batch_units) more = false;
        more = more && take_front(from, work, bytes);
      }
    };
    while (more && urgent_waits() && work.batch.size() < limits_.batch_units && bytes < limits_.batch_bytes) {
      fill(line(Priority::kControl), kControlShare);
      fill(line(Priority::kInteractive), kInteractiveShare);
    }
  }
  turns_.took(bulk_turn, !bulk.empty(), work.batch.size(), now);
  // Only now, so that the batch holds one write of a key.
  for (const UnitPtr& unit : work.batch) {
    if (!unit->options.order_key.empty()) next_in_order(unit->options.order_key);
  }
  if (work.lane && !work.lane->options.order_key.empty()) next_in_order(work.lane->options.order_key);
  return work;
}

// ---- the rest --------------------------------------------------------------------------------------------------

void Queue::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    while (!debounced_.empty()) end_debounce(debounced_.begin());
  }
  wake_.notify_all();
}

bool Queue::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

bool Queue::contended() {
  const std::lock_guard lock(mutex_);
  release_due(SteadyClock::now());
  return waits();
}

std::unordered_map<uint64_t, size_t> Queue::bytes_by_session() const {
  const std::lock_guard lock(mutex_);
  std::unordered_map<uint64_t, size_t> bytes;
  for (const auto& [session, share] : sessions_) bytes[session] = share.bytes;
  return bytes;
}

Queue::State Queue::state() const {
  const std::lock_guard lock(mutex_);
  return {lines_[0].size() + lines_[1].size() + lines_[2].size() + followers_, debounced_.size(), bytes_};
}

}  // namespace merganser::coordinator

// The keys of the queue: what waits for another write of its order_key, and what a dedup_key lets out.
#include <algorithm>

#include "coordinator/queue.h"

namespace merganser::coordinator {
namespace {

// Newer writes put a debounced one off, but not for ever.
constexpr int kMaxDebounces = 5;

}  // namespace

// ---- order -----------------------------------------------------------------------------------------------------

void Queue::enter(Entry entry) {
  const std::string& key = entry.options().order_key;
  if (key.empty()) return line_up(std::move(entry));
  const auto [followers, first] = orders_.try_emplace(key);
  if (first) return line_up(std::move(entry));
  followers_++;
  followers->second.push_back(std::move(entry));
}

// A write that had to wait for others stands where it would have stood without.
void Queue::line_up(Entry entry) {
  if (entry.priority != Priority::kBulk) turns_.urgent_arrived(entry.session(), SteadyClock::now());
  Line& to = line(entry.priority);
  if (to.empty() || to.back().arrival < entry.arrival) return to.push_back(std::move(entry));
  const auto behind = std::upper_bound(to.begin(), to.end(), entry.arrival,
                                       [](uint64_t arrival, const Entry& other) { return arrival < other.arrival; });
  to.insert(behind, std::move(entry));
}

void Queue::next_in_order(const std::string& order_key) {
  const auto it = orders_.find(order_key);
  if (it->second.empty()) {
    orders_.erase(it);
    return;
  }
  Entry next = std::move(it->second.front());
  it->second.pop_front();
  followers_--;
  line_up(std::move(next));
}

// ---- deduplication ---------------------------------------------------------------------------------------------

// The unit is charged already. Afterwards it is put aside or answered, or it may line up.
Queue::Entrance Queue::deduplicate(UnitPtr& unit, Answered& answered) {
  Key& key = keys_[unit->options.dedup_key];
  const DedupMode mode = unit->options.dedup;
  Unit* leader = key.waiting != nullptr ? key.waiting : key.executing;
  if (leader != nullptr && mode != DedupMode::kLatest) {
    counters_.skipped++;
    if (mode == DedupMode::kSkip) {
      answer(std::move(unit), Skip::kPresent, answered);
      return Entrance::kDone;
    }
    leader->joiners.push_back(std::move(unit));
    return Entrance::kDone;
  }
  if (key.waiting != nullptr) {
    supersede(key, unit, answered);
    return Entrance::kDone;
  }
  key.waiting = unit.get();
  unit->leads = true;
  const auto debounce = unit->options.debounce;
  if (mode != DedupMode::kLatest || debounce.count() == 0) return Entrance::kLine;
  unit->debounced_since = unit->queued_at;
  put_aside(std::move(unit), SteadyClock::now() + debounce);
  return Entrance::kDone;
}

void Queue::supersede(Key& key, UnitPtr& unit, Answered& answered) {
  counters_.superseded++;
  Unit& older = *key.waiting;
  unit->leads = true;
  unit->joiners = std::exchange(older.joiners, {});
  unit->debounced_since = older.debounced_since;
  older.leads = false;
  const auto aside = debounced_.find({older.due, older.aside});
  if (aside != debounced_.end()) {
    UnitPtr old = std::move(aside->second);
    debounced_.erase(aside);
    key.waiting = unit.get();
    const auto debounce = unit->options.debounce;
    if (debounce.count() == 0) {
      enter(make_entry(std::move(unit)));
    } else {
      const TimePoint last = unit->debounced_since + kMaxDebounces * debounce;
      put_aside(std::move(unit), std::min(SteadyClock::now() + debounce, last));
    }
    return answer(std::move(old), Skip::kSuperseded, answered);
  }
  // In line, its time has come. The newer takes the place, unless it would overtake what it has to follow.
  const bool same_line = sessions_.at(unit->session).priority == sessions_.at(older.session).priority;
  const size_t both = unit->footprint + (unit->session == older.session ? older.footprint : 0);
  const bool overtakes_none = sessions_.at(unit->session).bytes == both;
  if (same_line && overtakes_none && unit->options.order_key.empty() && older.options.order_key.empty()) {
    std::swap(older, *unit);
    return answer(std::move(unit), Skip::kSuperseded, answered);
  }
  std::optional<Entry> old = pull(older);
  key.waiting = unit.get();
  enter(make_entry(std::move(unit)));
  answer(std::move(std::get<UnitPtr>(old->what)), Skip::kSuperseded, answered);
}

// Takes a waiting unit out, from wherever it waits in line.
std::optional<Queue::Entry> Queue::pull(const Unit& unit) {
  const auto is_it = [&](const Entry& entry) { return entry.unit() == &unit; };
  const auto pull_from = [&](Line& from) -> std::optional<Entry> {
    const auto it = std::find_if(from.begin(), from.end(), is_it);
    if (it == from.end()) return std::nullopt;
    Entry entry = std::move(*it);
    from.erase(it);
    return entry;
  };
  for (Line& line : lines_) {
    if (auto entry = pull_from(line)) {
      if (!unit.options.order_key.empty()) next_in_order(unit.options.order_key);
      return entry;
    }
  }
  auto entry = pull_from(orders_.at(unit.options.order_key));
  followers_--;
  return entry;
}

void Queue::taken(Unit& unit) {
  Key& key = keys_.at(unit.options.dedup_key);
  key.waiting = nullptr;
  key.executing = &unit;
  key.taken++;
}

// A unit that waited goes without having been executed: those who joined it must not be told that it was.
void Queue::left(Unit& unit) {
  if (!std::exchange(unit.leads, false)) return;
  const auto it = keys_.find(unit.options.dedup_key);
  it->second.waiting = nullptr;
  promote(std::exchange(unit.joiners, {}));
  if (it->second.waiting == nullptr && it->second.taken == 0) keys_.erase(it);
}

void Queue::settle_key(Unit& unit, Answered& answered) {
  unit.leads = false;
  const auto it = keys_.find(unit.options.dedup_key);
  Key& key = it->second;
  key.taken--;
  if (key.executing == &unit) key.executing = nullptr;
  auto joiners = std::exchange(unit.joiners, {});
  const auto& error = unit.outcome.error;
  if (!error || error->code == ErrorCode::kTransactionResolutionUnknown) {
    for (UnitPtr& joiner : joiners) {
      joiner->outcome.error = error;
      answer(std::move(joiner), error ? Skip::kNo : Skip::kJoined, answered);
    }
  } else {
    promote(std::move(joiners));
  }
  if (key.waiting == nullptr && key.taken == 0) keys_.erase(it);
}

// The first of those who joined takes the place of the one that was not done, the others wait for it.
void Queue::promote(std::vector<UnitPtr> joiners) {
  if (joiners.empty()) return;
  Key& key = keys_.at(joiners.front()->options.dedup_key);
  auto first = joiners.begin();
  Unit* leader = key.waiting;
  if (leader == nullptr) {
    UnitPtr unit = std::move(*first++);
    leader = key.waiting = unit.get();
    leader->leads = true;
    enter(make_entry(std::move(unit)));
    arrived_.store(true, std::memory_order_release);
    wake_.notify_one();
  }
  std::move(first, joiners.end(), std::back_inserter(leader->joiners));
}

// ---- debounce --------------------------------------------------------------------------------------------------

void Queue::put_aside(UnitPtr unit, TimePoint due) {
  // Whoever has a deadline wants to be executed before it.
  const TimePoint now = SteadyClock::now();
  if (!unit->options.deadline.is_never()) due = std::min(due, now + unit->options.deadline.remaining(now) / 2);
  unit->due = due;
  unit->aside = ++arrivals_;
  debounced_.emplace(Place{due, unit->aside}, std::move(unit));
  if (debounced_.size() > limits_.debounce_units) end_debounce(debounced_.begin());
}

void Queue::end_debounce(std::map<Place, UnitPtr>::iterator at) {
  UnitPtr unit = std::move(at->second);
  debounced_.erase(at);
  unit->due = {};
  enter(make_entry(std::move(unit)));
}

void Queue::release_due(TimePoint now) {
  while (!debounced_.empty() && debounced_.begin()->first.first <= now) end_debounce(debounced_.begin());
}

void Queue::flush(const std::string& dedup_key) {
  {
    const std::lock_guard lock(mutex_);
    const auto key = keys_.find(dedup_key);
    if (key == keys_.end() || key->second.waiting == nullptr) return;
    const auto it = debounced_.find({key->second.waiting->due, key->second.waiting->aside});
    if (it == debounced_.end()) return;
    end_debounce(it);
    arrived_.store(true, std::memory_order_release);
  }
  wake_.notify_one();
}

void Queue::flush_session(uint64_t session) {
  {
    const std::lock_guard lock(mutex_);
    for (auto it = debounced_.begin(); it != debounced_.end();) {
      const auto next = std::next(it);
      if (it->second->session == session) end_debounce(it);
      it = next;
    }
    arrived_.store(true, std::memory_order_release);
  }
  wake_.notify_one();
}

void Queue::flush_all() {
  {
    const std::lock_guard lock(mutex_);
    while (!debounced_.empty()) end_debounce(debounced_.begin());
    arrived_.store(true, std::memory_order_release);
  }
  wake_.notify_one();
}

}  // namespace merganser::coordinator

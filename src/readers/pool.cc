#include "readers/pool.h"

#include <algorithm>

#include "base/awake.h"
#include "base/log.h"

namespace merganser::readers {
namespace {

// A read this long ago still keeps one snapshot armed for the next.
constexpr std::chrono::milliseconds kDemandMemory{50};

int64_t ticks_now() {
  return SteadyClock::now().time_since_epoch().count();
}

Error shutting_down() {
  return make_error(ErrorCode::kAdminShutdown, "the owner of this file is shutting down",
                    "The statement was not executed.", "Connect again; merganser url starts a new owner.");
}

}  // namespace

// ---- Lease -----------------------------------------------------------------------------------------------------

void Lease::give_back() {
  if (pooled_) pool_->put_back(std::move(pooled_));
}

Status Lease::begin_transaction(bool read_only) const {
  pooled_->connection->rollback();
  pooled_->armed = false;
  const std::shared_lock visibility(pool_->visibility());
  const Status status = read_only ? pooled_->connection->begin_snapshot() : pooled_->connection->begin();
  if (status.ok()) pooled_->snapshot_since = ticks_now();
  return status;
}

void Lease::wait_for_client() const {
  pool_->uncount(*pooled_);
}

void Lease::ended_transaction() const {
  pooled_->snapshot_since = 0;
  pooled_->expired = false;
}

Status Lease::apply(const engine::SettingsPtr& settings) const {
  return pooled_->connection->apply(settings);
}

// ---- Pool ------------------------------------------------------------------------------------------------------

Pool::Pool(engine::Database& database, PoolLimits limits, Sequences sequences)
    : database_(database), limits_(limits), sequences_(std::move(sequences)) {
  // As many again for transactions and chores, which must not wait behind long reads.
  for (size_t i = 0; i < 2 * limits_.threads; i++) threads_.emplace_back([this, i] { work(i < limits_.threads); });
}

Pool::~Pool() {
  stop();
}

void Pool::submit(Job job) {
  if (job.needs == Needs::kSnapshot) job.submitted_at = SteadyClock::now();
  {
    const std::lock_guard lock(mutex_);
    const bool read = job.needs == Needs::kSnapshot;
    std::deque<Job>& queue = read ? reads_ : queue_;
    if (!stopping_ && (!read || queue.size() < limits_.queued_jobs)) {
      queue.push_back(std::move(job));
      if (read) read_arrived_.store(true, std::memory_order_release);
      // The thread that is still awake takes a lone read; a second one needs another thread.
      if (!read || !awake_ || queue.size() > 1) (read ? wake_reads_ : wake_).notify_one();
      return;
    }
  }
  counters_.refused_full++;
  Lease none;
  job.run(none, make_error(ErrorCode::kTooManyConnections, "too many statements wait to be read",
                           "The statement was not executed.", "Try again after a moment."));
}

void Pool::cancel(const CancelFlag& flag, const Error& why) {
  std::vector<Job> found;
  {
    const std::lock_guard lock(mutex_);
    for (std::deque<Job>* queue : {&queue_, &reads_}) {
      for (auto it = queue->begin(); it != queue->end();) {
        if (it->cancelled != flag) {
          ++it;
          continue;
        }
        found.push_back(std::move(*it));
        it = queue->erase(it);
      }
    }
  }
  for (Job& job : found) {
    Lease none;
    job.run(none, why);
  }
}

void Pool::work(bool reads) {
  std::unique_lock lock(mutex_);
  while (true) {
    // Reads beyond the connection limit wait for one to come back; other jobs pass them by.
    std::deque<Job>* from = nullptr;
    (reads ? wake_reads_ : wake_).wait(lock, [&] {
      const bool may_read = reads && !reads_.empty() && snapshots_out_ < limits_.snapshot_connections;
      from = may_read ? &reads_ : !reads && !queue_.empty() ? &queue_ : nullptr;
      return stopping_ || from != nullptr;
    });
    if (stopping_) return;
    Job job = std::move(from->front());
    from->pop_front();
    if (job.needs == Needs::kSnapshot) {
      snapshots_out_++;
      reads_since_commit_++;
      last_read_ = SteadyClock::now();
    }
    running_++;
    lock.unlock();
    run_job(job);
    job.run = nullptr;
    lock.lock();
    running_--;
    if (reads && reads_.empty() && !awake_ && !stopping_) {
      awake_ = true;
      read_arrived_.store(false, std::memory_order_relaxed);
      lock.unlock();
      stay_awake_for([this] { return read_arrived_.load(std::memory_order_acquire); });
      lock.lock();
      awake_ = false;
    }
  }
}

void Pool::run_job(Job& job) {
  if (job.needs == Needs::kNothing) {
    Lease none;
    job.run(none, {});
    return;
  }
  auto pooled = take(job);
  if (!pooled.ok()) {
    if (job.needs == Needs::kSnapshot) {
      const std::lock_guard lock(mutex_);
      snapshots_out_--;
    }
    Lease none;
    job.run(none, pooled.error());
    return;
  }
  Lease lease(this, std::move(pooled).value());
  lease.pooled().counts_as_snapshot = job.needs == Needs::kSnapshot;
  const Status ready = make_ready(lease, job);
  if (job.needs != Needs::kSnapshot) return job.run(lease, ready);
  const TimePoint begun = SteadyClock::now();
  counters_.wait.record(begun - job.submitted_at);
  job.run(lease, ready);
  counters_.run.record(SteadyClock::now() - begun);
}

Result<Pool::Pooled> Pool::take(const Job& job) {
  {
    const std::lock_guard lock(mutex_);
    if (Pooled chosen = choose_idle_locked(job)) return chosen;
    if (job.needs == Needs::kConnection && all_.size() >= limits_.snapshot_connections + limits_.pinned_connections) {
      return make_error(ErrorCode::kTooManyConnections, "too many transactions are open", {},
                        "End some, or raise max_connections.");
    }
  }
  return open_connection();
}

// A snapshot that serves, else one with the same settings, else any.
Pool::Pooled Pool::choose_idle_locked(const Job& job) {
  if (idle_.empty()) return nullptr;
  const auto score = [&](const Pooled& pooled) {
    int points = 0;
    const bool serves = pooled->armed && !job.fresh && pooled->armed_sequence >= job.min_sequence;
    if (job.needs == Needs::kSnapshot && serves) points += 4;
    if (job.needs == Needs::kConnection && !pooled->armed) points += 4;
    if (pooled->connection->settings() == job.settings) points += 2;
    return points;
  };
  size_t best = idle_.size() - 1;
  for (size_t i = idle_.size(); i-- > 0;) {
    if (score(idle_[i]) > score(idle_[best])) best = i;
  }
  Pooled chosen = std::move(idle_[best]);
  idle_.erase(idle_.begin() + static_cast<ptrdiff_t>(best));
  return chosen;
}

Result<Pool::Pooled> Pool::open_connection() {
  MERGANSER_ASSIGN(auto connection, database_.connect());
  auto pooled = std::make_unique<PooledConnection>(std::move(connection), limits_.cached_statements);
  const std::lock_guard lock(mutex_);
  all_.insert(pooled.get());
  return pooled;
}

Status Pool::make_ready(const Lease& lease, const Job& job) {
  PooledConnection& pooled = lease.pooled();
  const uint64_t ddl = sequences_.ddl_generation();
  if (pooled.ddl_generation != ddl) {
    pooled.cache.clear();
    pooled.ddl_generation = ddl;
  }
  if (job.needs == Needs::kSnapshot) {
    counters_.reads++;
    if (pooled.armed && !job.fresh && pooled.armed_sequence >= job.min_sequence) {
      counters_.reads_on_armed++;
    } else {
      MERGANSER_TRY(arm(pooled));
    }
  } else {
    disarm(pooled);
  }
  return lease.apply(job.settings);
}

Status Pool::arm(PooledConnection& pooled) {
  disarm(pooled);
  // No commit can become visible and have no number yet: the snapshot sees exactly the commits up to this one.
  const std::shared_lock visibility(visibility_);
  const uint64_t sequence = sequences_.committed();
  const uint64_t generation = sequences_.ddl_generation();
  MERGANSER_TRY(pooled.connection->begin_snapshot());
  pooled.armed = true;
  pooled.armed_sequence = sequence;
  pooled.armed_generation = generation;
  pooled.snapshot_since = ticks_now();
  counters_.snapshots_armed++;
  return {};
}

void Pool::disarm(PooledConnection& pooled) {
  pooled.connection->rollback();
  pooled.armed = false;
  pooled.snapshot_since = 0;
}

void Pool::put_back(Pooled pooled) {
  const bool usable = !pooled->dirty && !pooled->expired && !database_.invalidated();
  // An open transaction, or a snapshot on which a statement failed, is not for the next one.
  if (!pooled->armed || !usable) disarm(*pooled);
  {
    const std::lock_guard lock(pooled->mutex);
    pooled->on_expire = nullptr;
    pooled->on_in_the_way = nullptr;
  }
  std::unique_lock lock(mutex_);
  if (pooled->counts_as_snapshot) {
    snapshots_out_--;
    pooled->counts_as_snapshot = false;
  }
  if (usable && !stopping_ && idle_.size() < limits_.snapshot_connections) {
    idle_.push_back(std::move(pooled));
  } else {
    all_.erase(pooled.get());
  }
  lock.unlock();
  wake_reads_.notify_one();
}

void Pool::uncount(PooledConnection& pooled) {
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(pooled.counts_as_snapshot, false)) return;
    snapshots_out_--;
  }
  wake_reads_.notify_one();
}

void Pool::before_commit() {
  const uint64_t committed = sequences_.committed();
  std::vector<Pooled> stale;
  size_t wanted = 0;
  {
    const std::lock_guard lock(mutex_);
    wanted = std::min(reads_since_commit_, limits_.threads);
    if (wanted == 0 && SteadyClock::now() - last_read_ < kDemandMemory) wanted = 1;
    reads_since_commit_ = 0;
    const auto current = [&](const Pooled& p) { return p->armed && p->armed_sequence >= committed; };
    const size_t ready = static_cast<size_t>(std::count_if(idle_.begin(), idle_.end(), current));
    wanted -= std::min(wanted, ready);
    size_t arming = 0;
    // Take out those to arm, and those whose snapshot has become old without anybody wanting it.
    for (size_t i = idle_.size(); i-- > 0;) {
      if (current(idle_[i])) continue;
      if (arming < wanted) {
        arming++;
      } else if (!idle_[i]->armed) {
        continue;
      }
      stale.push_back(std::move(idle_[i]));
      idle_.erase(idle_.begin() + static_cast<ptrdiff_t>(i));
    }
  }
  if (stale.empty()) return;
  for (size_t i = 0; i < stale.size(); i++) {
    if (i >= wanted || !arm(*stale[i]).ok()) disarm(*stale[i]);
  }
  const std::lock_guard lock(mutex_);
  for (Pooled& pooled : stale) idle_.push_back(std::move(pooled));
}

size_t Pool::retire_snapshots(bool hard) {
  std::vector<Pooled> idle;
  {
    const std::lock_guard lock(mutex_);
    idle.swap(idle_);
  }
  for (Pooled& pooled : idle) disarm(*pooled);
  std::vector<std::function<void()>> expiries;
  {
    const std::lock_guard lock(mutex_);
    for (Pooled& pooled : idle) idle_.push_back(std::move(pooled));
    const int64_t now = ticks_now();
    for (PooledConnection* pooled : all_) {
      const int64_t since = pooled->snapshot_since;
      if (!hard || since == 0 || Duration(now - since) < limits_.snapshot_max_age) continue;
      if (pooled->expired.exchange(true)) continue;
      counters_.snapshots_expired++;
      const std::lock_guard guard(pooled->mutex);
      if (pooled->on_expire) expiries.push_back(pooled->on_expire);
    }
  }
  for (const auto& expire : expiries) expire();
  return expiries.size();
}

bool Pool::await_old_snapshots(Duration patience) {
  constexpr std::chrono::milliseconds kLook{2};
  constexpr int kHopeless = 4;  // times the patience: so old a snapshot is no short read's
  const TimePoint now = SteadyClock::now();
  const Deadline deadline(now + patience);
  const auto is_old = [&](const PooledConnection& pooled) {
    const int64_t since = pooled.snapshot_since;
    return since != 0 && since <= now.time_since_epoch().count();
  };
  while (true) {
    std::vector<Pooled> idle;
    int64_t oldest = 0;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return false;
      // A read that has ended leaves its snapshot armed for the next.
      for (size_t i = idle_.size(); i-- > 0;) {
        if (!is_old(*idle_[i])) continue;
        idle.push_back(std::move(idle_[i]));
        idle_.erase(idle_.begin() + static_cast<ptrdiff_t>(i));
      }
    }
    for (Pooled& pooled : idle) disarm(*pooled);
    {
      const std::lock_guard lock(mutex_);
      for (Pooled& pooled : idle) idle_.push_back(std::move(pooled));
      for (const PooledConnection* pooled : all_) {
        if (!is_old(*pooled)) continue;
        const int64_t since = pooled->snapshot_since;
        oldest = oldest == 0 ? since : std::min(oldest, since);
      }
    }
    if (oldest == 0) return true;
    if (deadline.expired() || now - TimePoint(Duration(oldest)) > kHopeless * patience) return false;
    std::this_thread::sleep_for(kLook);
  }
}

void Pool::warn_holders() {
  std::vector<std::function<void()>> warnings;
  {
    const std::lock_guard lock(mutex_);
    for (PooledConnection* pooled : all_) {
      const int64_t since = pooled->snapshot_since;
      if (since == 0 || pooled->warned_for.exchange(since) == since) continue;
      const std::lock_guard guard(pooled->mutex);
      if (pooled->on_in_the_way) warnings.push_back(pooled->on_in_the_way);
    }
  }
  for (const auto& warn : warnings) warn();
}

Pool::State Pool::state() const {
  const std::lock_guard lock(mutex_);
  State state;
  state.waiting = queue_.size() + reads_.size();
  state.running = running_;
  state.snapshot_connections = snapshots_out_;
  state.pinned_connections = all_.size() - idle_.size() - std::min(snapshots_out_, all_.size() - idle_.size());
  const int64_t now = ticks_now();
  for (const PooledConnection* pooled : all_) {
    const int64_t since = pooled->snapshot_since;
    if (since == 0) continue;
    state.oldest_snapshot =
        std::max(state.oldest_snapshot, std::chrono::duration_cast<std::chrono::milliseconds>(Duration(now - since)));
  }
  return state;
}

void Pool::stop() {
  std::deque<Job> refused;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    refused.swap(queue_);
    for (Job& job : reads_) refused.push_back(std::move(job));
    reads_.clear();
  }
  wake_.notify_all();
  wake_reads_.notify_all();
  for (Job& job : refused) {
    Lease none;
    job.run(none, shutting_down());
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  const std::lock_guard lock(mutex_);
  for (Pooled& pooled : idle_) all_.erase(pooled.get());
  idle_.clear();
}

}  // namespace merganser::readers

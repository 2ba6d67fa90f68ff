// A connection on loan from the pool, with its snapshot and its kept statements.
//
// Threads: one at a time; expire() and interrupt() from any. Lifetime: back to the pool when destroyed; the pool
// outlives its leases.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>

#include "base/clock.h"
#include "engine/connection.h"
#include "engine/statement_cache.h"

namespace merganser::readers {

class Pool;

// What the pool keeps of one connection. Fields without a comment belong to whoever holds the connection.
struct PooledConnection {
  explicit PooledConnection(std::unique_ptr<engine::Connection> c, size_t cached)
      : connection(std::move(c)), cache(cached) {}

  std::unique_ptr<engine::Connection> connection;
  engine::StatementCache cache;
  uint64_t ddl_generation = 0;
  bool armed = false;                       // holds a read-only snapshot
  uint64_t armed_sequence = 0;              // which sees all commits up to this one
  uint64_t armed_generation = 0;            // and the catalog as of this change of it
  bool counts_as_snapshot = false;          // against the limit of reads at once
  bool dirty = false;                       // carries state that nobody else may see (temporary tables, variables)
  std::atomic<int64_t> snapshot_since = 0;  // steady ticks; 0: no snapshot. Any thread reads.
  std::atomic<bool> expired = false;        // its snapshot was too old and stood in a checkpoint's way
  std::atomic<int64_t> warned_for = 0;      // the snapshot_since that its holder was told of
  std::mutex mutex;                         // guards what follows
  std::function<void()> on_expire;          // any thread calls it, once
  std::function<void()> on_in_the_way;      // its snapshot holds up a checkpoint; once for each
};

class Lease {
 public:
  Lease() = default;
  Lease(Pool* pool, std::unique_ptr<PooledConnection> pooled) : pool_(pool), pooled_(std::move(pooled)) {}
  ~Lease() { give_back(); }
  Lease(Lease&& other) noexcept : pool_(other.pool_), pooled_(std::move(other.pooled_)) {}
  Lease& operator=(Lease&& other) noexcept {
    give_back();
    pool_ = other.pool_;
    pooled_ = std::move(other.pooled_);
    return *this;
  }

  explicit operator bool() const { return pooled_ != nullptr; }
  engine::Connection& connection() const { return *pooled_->connection; }
  PooledConnection& pooled() const { return *pooled_; }
  // A kept or new prepared statement on this connection.
  Result<engine::Prepared*> prepare(std::string_view sql, const engine::StatementClass& kind) const {
    return pooled_->cache.get(*pooled_->connection, sql, kind);
  }
  // Ends the snapshot and begins a transaction that may write, or only reads.
  Status begin_transaction(bool read_only) const;
  // After the transaction's end, when the connection is kept: it holds no snapshot that could be too old.
  void ended_transaction() const;
  // Makes the session's settings hold; what was prepared under others may mean something else now.
  Status apply(const engine::SettingsPtr& settings) const;
  // Its read waits for the client, who may take for ever: it no longer counts against the limit of reads at once.
  void wait_for_client() const;
  bool expired() const { return pooled_->expired.load(std::memory_order_acquire); }
  // Whom to tell when its snapshot is too old, or holds up a checkpoint.
  void watch(std::function<void()> on_expire, std::function<void()> on_in_the_way) const {
    const std::lock_guard lock(pooled_->mutex);
    pooled_->on_expire = std::move(on_expire);
    pooled_->on_in_the_way = std::move(on_in_the_way);
  }
  void give_back();

 private:
  Pool* pool_ = nullptr;
  std::unique_ptr<PooledConnection> pooled_;
};

}  // namespace merganser::readers

// One DuckDB file, opened by attaching it to an otherwise empty in-memory instance, and held against other processes.
//
// DuckDB's own lock is a POSIX lock: any close() of the file anywhere in this process drops it (fact 1). So right after
// opening we drop it on purpose and hold an open-file-description lock on a descriptor of our own.
//
// Threads: open() and close from one thread; connect(), mark_invalidated(), check_guard() and the counters from any.
// Lifetime: outlives every Connection made from it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "engine/batch_source.h"
#include "engine/catalog_names.h"
#include "engine/connection.h"
#include "engine/flight.h"
#include "engine/pg_catalog.h"
#include "engine/type_probe.h"
#include "engine/wal_mark.h"

namespace merganser::engine {

struct DatabaseOptions {
  std::string file;            // real path; created when it does not exist
  std::string name;            // catalog name that clients see; usually the file's stem
  int threads = 0;             // 0: one a core
  std::string memory_limit;    // DuckDB's spelling ("4GB"); empty: DuckDB's default
  std::string temp_directory;  // for spilling; empty: none
  std::string temp_limit;      // DuckDB's spelling; empty: DuckDB's default
};

struct WalFiles {
  uint64_t wal_bytes = 0;         // <file>.wal
  uint64_t checkpoint_bytes = 0;  // <file>.wal.checkpoint
  uint64_t recovery_bytes = 0;    // <file>.wal.recovery
};

class Database {
 public:
  static Result<std::unique_ptr<Database>> open(const DatabaseOptions& options);
  // Closes the file. Checkpoints first when asked to, unless the instance is invalidated.
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // A connection with the file's main schema as its default and errors as JSON.
  Result<std::unique_ptr<Connection>> connect();

  // A duckdb_table_function for every connection, in DuckDB's system catalog. Before the first client comes.
  Status register_table_function(void* function);

  // Which statements of clients run now, or ran when an owner died.
  Flight& flight() { return *flight_; }
  TaskThreads& task_threads() { return *task_threads_; }
  BatchFunction& batch_function() { return *batch_function_; }
  TypeProbe& type_probe() { return *type_probe_; }
  PgCatalog& pg_catalog() { return pg_catalog_; }

  const std::string& name() const { return name_; }
  const std::string& file() const { return file_; }

  // Whether our lock on the file still holds.
  Status check_guard() const;
  // After each commit, before its replies: makes the directory entries of the file and its WAL durable (cheap when no
  // WAL has appeared since) and marks how much of the WAL is acknowledged.
  Status acknowledge();
  // Not empty when the file, as it was opened, held less than had been acknowledged. The WAL was copied aside then.
  const std::string& alarm() const { return alarm_; }
  // To be called after a checkpoint, which removes the WAL: makes that durable and expects a new one.
  Status after_checkpoint();

  // The views and macros that classify() has to know of. Any thread.
  CatalogNamesPtr catalog_names() const {
    const std::lock_guard lock(catalog_mutex_);
    return catalog_names_;
  }
  // After DDL, before its reply. When it cannot be read, nothing is known of the new names: an error to act on.
  Status rescan_catalog(Connection& connection);

  // A fatal or internal error happened: nothing may be written any more, the process has to start afresh.
  // Whether this was the first such error.
  bool mark_invalidated(const std::string& why);
  bool invalidated() const { return invalidated_.load(std::memory_order_acquire); }
  std::string invalidated_reason() const;
  // Called once, from the thread that saw the error.
  void on_invalidated(std::function<void(const std::string&)> callback);

  WalFiles wal_files() const;
  // Of the WAL, as of the last acknowledged commit: costs no system call.
  uint64_t acknowledged_wal_bytes() const { return acknowledged_wal_bytes_.load(std::memory_order_relaxed); }
  uint64_t file_bytes() const;

  static std::string library_version();

 private:
  Database() = default;
  Status configure_before_attach(const DatabaseOptions& options);
  Status attach();
  Status take_guard();
  Status lock_down();
  Status check_wal_mark();

  void* handle_ = nullptr;  // duckdb_database
  std::string file_;
  std::string name_;
  std::unique_ptr<Flight> flight_;
  std::unique_ptr<TaskThreads> task_threads_;
  std::unique_ptr<BatchFunction> batch_function_;
  std::unique_ptr<TypeProbe> type_probe_;
  std::unique_ptr<Connection> keeper_;  // keeps the instance alive and does our own chores
  // Not std::atomic<shared_ptr>: that of GCC 12 unlocks without release order after a load.
  mutable std::mutex catalog_mutex_;
  CatalogNamesPtr catalog_names_;
  std::unique_ptr<WalMark> mark_;
  PgCatalog pg_catalog_{*this};
  std::string alarm_;
  int guard_fd_ = -1;
  std::atomic<bool> invalidated_ = false;
  mutable std::mutex mutex_;
  std::string invalidated_reason_;
  std::function<void(const std::string&)> on_invalidated_;
  std::atomic<bool> wal_was_there_ = false;
  std::atomic<uint64_t> acknowledged_wal_bytes_ = 0;
};

}  // namespace merganser::engine

// pg_catalog and information_schema as PostgreSQL's tools know them: views and macros over DuckDB's own catalog, in an
// in-memory database beside the file, which nobody sees and clients cannot name (docs/adr/0011-catalog.md).
//
// Two forms of the same: `live` reads DuckDB's catalog in the transaction that asks; `kept` reads copies that are made
// again after DDL, and is many times faster. Threads: attach() from the one that opens the database; the rest from any.
// Lifetime: a part of its Database, gone before the instance.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"

namespace merganser::engine {

class Connection;
class Database;

class PgCatalog {
 public:
  static constexpr std::string_view kDatabase = "merganser_pg";

  explicit PgCatalog(Database& database);
  ~PgCatalog();

  // Makes the empty database, before the configuration is locked.
  static Status attach(Connection& keeper);
  // Fills it when it is empty still; the copies too when the file's catalog has changed since. Before a statement that
  // names what is in it is prepared.
  Status make_ready(bool kept);
  // Before the instance goes.
  void close();
  // After DDL: the copies are old. They are made again from time to time too, for the numbers of rows in them.
  void catalog_changed() { changes_.fetch_add(1, std::memory_order_release); }

 private:
  Status fill();
  Status copy();
  Status run(std::string_view text, std::string_view form, bool only_tables);
  std::string placed(std::string_view text, std::string_view form) const;

  Database& database_;
  std::mutex mutex_;
  std::unique_ptr<Connection> connection_;
  std::atomic<bool> filled_ = false;
  std::atomic<uint64_t> changes_ = 1;
  std::atomic<uint64_t> copied_ = 0;     // the changes that the copies know of
  std::atomic<int64_t> copies_end_ = 0;  // when they are too old, in seconds of the steady clock
};

}  // namespace merganser::engine

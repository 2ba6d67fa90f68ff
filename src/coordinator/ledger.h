// What became of the requests that carried an idempotency key: key, digest of the request and answer, in a table of the
// user's own file (merganser.idempotency_keys), written in the transaction of the effect. So a key is there exactly
// when its effect is.
//
// Only committed outcomes count: what is rolled back takes its key along, and a failed request leaves none. Clients can
// read the table and not write it (see engine/statement_class.h).
// Threads: the writer's alone; the counters may be read by any. Lifetime: close() before its connection goes.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "coordinator/counters.h"
#include "coordinator/limits.h"
#include "coordinator/unit.h"
#include "engine/database.h"
#include "engine/statement_cache.h"

namespace merganser::coordinator {

inline constexpr size_t kIdempotencyKeyBytes = 255;

class Ledger {
 public:
  // Commits what the writer's open transaction holds; `ddl` when the catalog changed.
  using Commit = std::function<Status(bool ddl)>;
  Ledger(engine::Database& database, const Limits& limits, Counters& counters);

  // Outside a transaction, before the first unit with a key: finds the table or makes it, in a commit of its own.
  Status open(engine::Connection& writer, const Commit& commit);
  bool is_open() const { return is_open_; }

  // In the transaction that the unit is about to run in. Its results when the request was answered before (they go
  // into the unit's outcome, and nothing must run); an error when the key was used for another request.
  Result<bool> replay(engine::Connection& writer, Unit& unit);
  // In the same transaction, after the unit's statements have run.
  Status record(engine::Connection& writer, Unit& unit);

  // The unit has its answer, whatever it is. Any thread.
  void count(const Unit& unit);

  // Outside a transaction, now and then: forgets a few of the keys that are older than the retention.
  bool clean_up_due() const { return is_open_ && SteadyClock::now() >= next_clean_up_; }
  Status clean_up(engine::Connection& writer, const Commit& commit);

  // Prepared statements are void: the catalog or the connection's settings changed.
  void forget_plans() { cache_.clear(); }
  void close();

 private:
  Status create(engine::Connection& writer, const Commit& commit);
  static Status check_columns(const engine::Columns& columns);
  Status load_keys(engine::Connection& writer);
  Result<bool> replay_known(engine::Connection& writer, Unit& unit);
  Status make_room(engine::Connection& writer);
  Result<engine::ResultSet> run(engine::Connection& writer, const std::string& sql,
                                const std::vector<engine::Value>& values);
  void note_key(std::string_view key) { known_[std::hash<std::string_view>()(key)]++; }
  void drop_key(std::string_view key);
  bool may_know(std::string_view key) const { return known_.contains(std::hash<std::string_view>()(key)); }

  engine::Database& database_;
  const Limits& limits_;
  Counters& counters_;
  const std::string table_;  // quoted, with database and schema: a session's search path must not matter
  engine::StatementCache cache_;
  bool is_open_ = false;
  // At least the keys of the table, so that most new keys need no look at it. Keys whose transaction was rolled back
  // stay in until the next load, which costs a look and nothing else.
  std::unordered_map<size_t, uint32_t> known_;
  TimePoint next_clean_up_;
};

}  // namespace merganser::coordinator

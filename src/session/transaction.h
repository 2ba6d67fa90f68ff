// The state of a session's transaction: what it holds, what it has done, its savepoints.
//
// Threads: the sessions' thread. Lifetime: a member of its session, replaced at each end.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "coordinator/lane.h"
#include "readers/lease.h"
#include "session/notifications.h"
#include "session/replay_log.h"
#include "session/variables.h"

namespace merganser::session {

class Query;

struct Savepoint {
  std::string name;
  size_t statements = 0;  // in the log before it
  bool read_only = false;
  size_t locks = 0;     // advisory locks of the transaction taken before it
  size_t messages = 0;  // notifications asked for before it
  size_t listens = 0;   // LISTEN and UNLISTEN
  size_t changes = 0;   // of tables
  // To undo SET: the settings as they were here. Empty while they still are.
  std::optional<Variables> variables;
  std::optional<Variables> variables_local;
};

struct Transaction {
  bool active = false;
  bool implicit = false;
  bool read_only = false;
  bool serializable = false;  // takes the lane with its first statement, so that it runs as if alone
  bool deferrable = false;
  bool chain = false;  // its end begins the next
  bool failed = false;
  bool begun = false;  // on the connection
  bool wrote = false;
  bool ddl = false;
  TimePoint begun_at;
  uint64_t catalog = 0;  // DDL generation before it began; later ones it may not see
  std::shared_ptr<readers::Lease> lease;
  std::unique_ptr<coordinator::Lane> lane;
  bool revoke_wanted = false;
  std::optional<Error> reason;  // why it failed, when the client has not heard of it yet
  // Suspended on the lease's connection. Their results are closed there, by the next job, never from here.
  std::vector<std::shared_ptr<Query>> portals;
  std::optional<Variables> variables_before;  // to undo SET at ROLLBACK
  std::optional<Variables> variables_local;   // to undo SET LOCAL at the end

  // For ROLLBACK TO SAVEPOINT.
  std::vector<Savepoint> savepoints;
  ReplayLog log;
  std::optional<uint64_t> snapshot;  // it sees exactly the commits up to this one; empty: not known so exactly
  bool in_doubt = false;             // a statement that changes something has begun and not ended well
  PendingNotifications notifications;
  std::vector<TableChange> changes;  // while somebody listens
  bool lost = false;                 // failed for good: what it held is gone
};

}  // namespace merganser::session

// Brings a transaction back to a savepoint: rolls it back, begins again, and repeats what came before the savepoint,
// comparing each answer with the one that the client has.
//
// Threads: run() on a worker, once; cancel() from any, repeatedly. Lifetime: shared between the session and the job.
#pragma once

#include <mutex>
#include <optional>

#include "readers/lease.h"
#include "session/pinned_insert.h"
#include "session/replay_log.h"

namespace merganser::session {

class Replay {
 public:
  struct Task {
    size_t count = 0;         // statements of the log to repeat
    bool same_state = false;  // nobody has committed since the transaction began, and nobody can
    bool read_only = false;
    bool only_if_dead = false;     // nothing was changed: repeat only when the transaction did not survive its error
    engine::SettingsPtr settings;  // when all is done
  };
  // True when it was repeated, false when there was no need.
  Result<bool> run(readers::Lease& lease, const ReplayLog& log, const Task& task);
  void cancel(const Error& why);

 private:
  Status repeat(readers::Lease& lease, const LoggedStatement& logged, const Task& task, bool changed);
  Status execute(readers::Lease& lease, const LoggedStatement& logged, bool compare, const Task& task);
  static Status advance_sequences(readers::Lease& lease, const PinnedInsert& pinned);
  Status cancelled();

  std::mutex mutex_;
  engine::Connection* connection_ = nullptr;
  std::optional<Error> why_;
};

}  // namespace merganser::session

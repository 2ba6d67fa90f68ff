// A unit: the statements that share one commit, the values they carry, and what became of them.
//
// Threads: built by a session, then owned by the queue and the writer in turn; `done` runs where the coordinator's
// deliver function puts it (the session's thread).
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/stage.h"
#include "coordinator/shape.h"
#include "coordinator/write_options.h"
#include "engine/connection.h"
#include "engine/result_set.h"
#include "engine/statement_class.h"
#include "engine/value.h"

namespace merganser::coordinator {

struct Statement {
  std::shared_ptr<const std::string> sql;
  std::shared_ptr<const engine::StatementClass> kind;
  std::vector<engine::Value> values;
  ShapePtr shape;  // of a write that may run together with its like; null: see why_no_shape
  NotCoalesced why_no_shape = NotCoalesced::kGrammar;
  std::shared_ptr<const WriteHints> hints;  // of the comment before it; null for nearly all
};

// Why a unit was answered without having been executed, when that is no error.
enum class Skip : uint8_t {
  kNo,
  kJoined,      // another with its dedup_key was waited for, and is done
  kPresent,     // another with its dedup_key waits or executes
  kSuperseded,  // a newer one with its dedup_key took its place
};

struct UnitOutcome {
  Skip skip = Skip::kNo;                   // then there are no results and no error
  std::vector<engine::ResultSet> results;  // of the statements that ran, in order
  std::optional<Error> error;              // of statement results.size(), or of the commit; nothing was kept then
  std::string first_answered;              // when not empty: a repeated request, answered then, not executed now
};

struct Unit {
  std::vector<Statement> statements;
  engine::SettingsPtr settings;
  WriteOptions options;
  uint64_t session = 0;
  bool alone = false;       // must not share its transaction: DDL, VACUUM
  bool checkpoint = false;  // the CHECKPOINT statement: no transaction at all
  UnitOutcome outcome;
  std::function<void(UnitOutcome&)> done;

  // Set by cancel() from any thread; looked at before the unit is executed.
  std::shared_ptr<std::atomic<bool>> cancelled = std::make_shared<std::atomic<bool>>(false);

  StageMarkPtr stage;    // of its session; may be null
  size_t footprint = 0;  // bytes counted against the budgets, until the reply is out
  TimePoint queued_at;
  std::string fingerprint;  // of a request with an idempotency key, once the writer has looked
  int attempts = 0;
  size_t arrival = 0;  // its place in the batch

  // The queue's notes on a unit with a dedup_key, guarded by its mutex.
  bool leads = false;                          // it is the one that waits or executes
  std::vector<std::unique_ptr<Unit>> joiners;  // to be answered with it
  TimePoint debounced_since;                   // of the first that it superseded
  TimePoint due;                               // when its debounce ends, while it is put aside
  uint64_t aside = 0;                          // tells those that are due at once apart
};
using UnitPtr = std::unique_ptr<Unit>;

}  // namespace merganser::coordinator

// Makes one vectorised statement out of units of one shape, so that nobody can tell.
//
// arrange() sorts a batch into steps: units that share a shape and settings, and no key, become one; all others stand
// alone. A unit joins an earlier step only past what it has nothing to do with (another table, or other keys of the
// same), so that the outcome is that of the order of arrival. execute() runs one step inside the writer's transaction
// and hands each unit its own part of the result.
// Whatever is not provably the same as one by one stays outside, and a counter says why. An error of a step says
// nothing about its members: the caller rolls back, splits it and in the end runs a unit alone, which alone decides.
//
// Threads: the writer's. Lifetime: steps end before the next begin_batch(), plans with clear(), before the connection.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "coordinator/batch_plan.h"
#include "coordinator/counters.h"
#include "coordinator/unit.h"
#include "engine/database.h"

namespace merganser::coordinator {

// What runs as one statement, or one unit that runs by itself.
struct Step {
  Step() = default;
  Step(Step&&) = default;
  Step& operator=(Step&&) = default;
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

  std::vector<UnitPtr> units;
  bool coalesced = false;
  bool apart = false;  // shares no transaction, or one unit at a time: something in it fails

  // What it changes, where that is known.
  BatchPlan* plan = nullptr;
  std::unordered_map<std::string, uint32_t> keys;  // key → row
  bool all_keys = true;                            // keys holds every row's
  // Of a coalesced step.
  engine::SettingsPtr settings;
  Layout layout;
  std::vector<const engine::Value*> cells;  // rows × columns
  std::deque<engine::Value> changed;        // what had to be brought to another form
  size_t rows = 0;
};

class Coalescer {
 public:
  Coalescer(engine::Database& database, engine::Connection& writer, Counters& counters)
      : database_(database), writer_(writer), counters_(counters) {}

  void set_enabled(bool enabled) { enabled_ = enabled; }

  // Before the steps of a batch are arranged; until the next call plans live. Void are those of an older catalog.
  void begin_batch(uint64_t catalog_generation);
  // In an order whose outcome is that of arrival. Outside a transaction: it may prepare. Units of sessions that lately
  // sent what failed stand apart.
  std::vector<Step> arrange(std::vector<UnitPtr> units);
  // Makes the plans that are missing; a step that gets none falls apart into its units. Outside a transaction.
  void prepare(std::vector<Step>& steps);
  // Whether nothing can be wrong with the answer once the statement has succeeded, so that it needs no transaction
  // around it when it is alone.
  static bool may_commit_itself(const Step& step) {
    return step.coalesced && step.plan->kind() == ShapeKind::kInsert && !step.plan->gives_rows();
  }
  // Whether the step may as well run after all of these.
  static bool may_run_after(const Step& step, std::span<const Step> later);
  // Inside a transaction. Fills the units' outcomes.
  Status execute(Step& step);
  // The unit failed alone after its step had failed: its session's next ones do not share.
  void suspect(const Unit& unit);
  void clear();

 private:
  struct Entry {
    std::unique_ptr<BatchPlan> plan;  // null: cannot, see why
    NotCoalesced why = NotCoalesced::kFirst;
    uint64_t seen = 0;
    TimePoint looked_at;  // at the table's size
  };
  struct Candidate;

  NotCoalesced admit(const Unit& unit, Candidate& candidate);
  NotCoalesced read_cells(const Unit& unit, Candidate& candidate) const;
  Entry* entry_of(const Shape& shape, const engine::SettingsPtr& settings);
  void compile(Entry& entry, const Shape& shape, const engine::SettingsPtr& settings);
  void refresh(Entry& entry);
  uint32_t settings_number(const engine::SettingsPtr& settings);
  bool is_suspect(const Unit& unit);
  void count(NotCoalesced why, const Unit& unit);
  static bool join(Step& step, Candidate& candidate);
  void place(std::vector<Step>& steps, UnitPtr unit);
  Status hand_out_in_order(Step& step, engine::ResultSet& result);
  static Result<engine::ResultSet> run(BatchPlan& plan, BatchPlan::Prepared& prepared, size_t rows);
  Status hand_out_by_count(Step& step, const engine::ResultSet& result);
  Status hand_out_by_key(Step& step, engine::ResultSet& result);

  engine::Database& database_;
  engine::Connection& writer_;
  Counters& counters_;
  bool enabled_ = true;
  uint64_t catalog_generation_ = 0;
  // By settings, then by shape.
  std::vector<engine::SettingsPtr> settings_;
  std::unordered_map<std::string, Entry> entries_;
  std::unordered_map<uint64_t, int> suspects_;  // session → units that it still sits out
  std::string key_buffer_;
};

}  // namespace merganser::coordinator

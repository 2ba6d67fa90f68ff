#include "coordinator/coalescer.h"

#include <algorithm>

#include "base/kill_point.h"
#include "base/log.h"

namespace merganser::coordinator {
namespace {

constexpr size_t kEntries = 1000;    // shapes that are remembered
constexpr size_t kSettings = 64;     // different settings that sessions may have at once
constexpr size_t kStepRows = 16384;  // rows of one statement
constexpr int kSuspectUnits = 16;    // how long a session sits out
constexpr size_t kSuspects = 10000;
constexpr std::chrono::seconds kLookAgain{1};
constexpr uint64_t kSmallTable = 1000;  // below that a plan for another size is as good

bool same_settings(const engine::SettingsPtr& a, const engine::SettingsPtr& b) {
  if (a == b) return true;
  static const engine::Settings kNone;
  return (a ? *a : kNone) == (b ? *b : kNone);
}

}  // namespace

// A unit on its way into a step.
struct Coalescer::Candidate {
  BatchPlan* plan = nullptr;
  Layout layout;
  std::vector<const engine::Value*> cells;
  std::deque<engine::Value> changed;
  std::vector<std::string> keys;  // one a row, or none at all
  size_t rows = 0;
};

void Coalescer::clear() {
  entries_.clear();
  settings_.clear();
}

void Coalescer::begin_batch(uint64_t catalog_generation) {
  // Texts that never come again must not push out the plans of those that do.
  if (entries_.size() >= kEntries) std::erase_if(entries_, [](const auto& one) { return one.second.plan == nullptr; });
  if (catalog_generation != catalog_generation_ || entries_.size() >= kEntries || settings_.size() >= kSettings) {
    clear();
  }
  catalog_generation_ = catalog_generation;
}

uint32_t Coalescer::settings_number(const engine::SettingsPtr& settings) {
  for (size_t i = 0; i < settings_.size(); i++) {
    if (same_settings(settings_[i], settings)) return static_cast<uint32_t>(i);
  }
  settings_.push_back(settings);
  return static_cast<uint32_t>(settings_.size() - 1);
}

Coalescer::Entry* Coalescer::entry_of(const Shape& shape, const engine::SettingsPtr& settings) {
  const uint32_t number = settings_number(settings);
  key_buffer_.assign(reinterpret_cast<const char*>(&number), sizeof(number));
  key_buffer_ += shape.key;
  const auto it = entries_.find(key_buffer_);
  if (it != entries_.end()) return &it->second;
  return &entries_[key_buffer_];
}

void Coalescer::compile(Entry& entry, const Shape& shape, const engine::SettingsPtr& settings) {
  const bool search_path_set = settings && settings->contains("search_path");
  auto compiled = BatchPlan::compile(writer_, database_.batch_function(), database_.name(), shape, search_path_set);
  if (!compiled.ok()) {
    log(LogLevel::kDebug, "coalesce.not_compiled", {{"why", compiled.error().message}});
    entry.why = NotCoalesced::kTable;
    return;
  }
  entry.plan = std::move(compiled->plan);
  entry.why = compiled->why;
  if (entry.plan && database_.flight().suspected(entry.plan->digest())) {
    // An owner died in it: each statement runs by itself now, so that the one to blame is known.
    entry.plan.reset();
    entry.why = NotCoalesced::kFailing;
  }
  entry.looked_at = SteadyClock::now();
}

// A plan that joins knows how large the table was; made on a small one it is slow on a large one.
void Coalescer::refresh(Entry& entry) {
  const TimePoint now = SteadyClock::now();
  if (now - entry.looked_at < kLookAgain) return;
  entry.looked_at = now;
  const auto facts =
      engine::read_table_facts(writer_, database_.name(), entry.plan->facts().schema, entry.plan->facts().name);
  if (!facts.ok() || !*facts) return;
  const uint64_t rows = (*facts)->estimated_rows;
  const uint64_t then = entry.plan->rows_then();
  if (std::max(rows, then) > kSmallTable && (rows > 2 * then || then > 2 * rows)) entry.plan->make_again(rows);
}

bool Coalescer::is_suspect(const Unit& unit) {
  if (suspects_.empty()) return false;
  const auto it = suspects_.find(unit.session);
  if (it == suspects_.end()) return false;
  if (--it->second <= 0) suspects_.erase(it);
  return true;
}

void Coalescer::suspect(const Unit& unit) {
  if (suspects_.size() >= kSuspects) suspects_.clear();
  suspects_[unit.session] = kSuspectUnits;
}

void Coalescer::count(NotCoalesced why, const Unit& unit) {
  if (why != NotCoalesced::kNone) counters_.count(why, unit.statements.size());
}

NotCoalesced Coalescer::admit(const Unit& unit, Candidate& candidate) {
  if (!enabled_ || unit.alone || unit.checkpoint || !unit.options.idempotency_key.empty()) {
    return NotCoalesced::kOption;
  }
  if (unit.statements.empty()) return NotCoalesced::kGrammar;
  const Statement& first = unit.statements.front();
  if (!first.shape) return first.why_no_shape == NotCoalesced::kNone ? NotCoalesced::kGrammar : first.why_no_shape;
  for (const Statement& statement : unit.statements) {
    if (statement.shape == first.shape) continue;
    if (!statement.shape || statement.shape->key != first.shape->key) return NotCoalesced::kGrammar;
  }
  Entry* entry = entry_of(*first.shape, unit.settings);
  entry->seen++;
  if (!entry->plan && entry->why == NotCoalesced::kFirst) {
    // A shape that is seen once is not worth a plan.
    if (entry->seen < 2 && unit.statements.size() == 1) return NotCoalesced::kFirst;
    compile(*entry, *first.shape, unit.settings);
  }
  if (!entry->plan) return entry->why;
  if (entry->plan->scans_table()) refresh(*entry);
  candidate.plan = entry->plan.get();
  return read_cells(unit, candidate);
}

NotCoalesced Coalescer::read_cells(const Unit& unit, Candidate& candidate) const {
  const BatchPlan& plan = *candidate.plan;
  const auto& carried = plan.carried();
  candidate.layout.resize(carried.size());
  bool keyed = !plan.key().empty();
  for (const Statement& statement : unit.statements) {
    const Shape& shape = *statement.shape;
    const size_t slots = shape.slots.size();
    if (plan.kind() != ShapeKind::kInsert && shape.rows > 1 && plan.gives_rows()) return NotCoalesced::kExpression;
    if (candidate.rows + shape.rows > kStepRows) return NotCoalesced::kLarge;
    for (size_t row = 0; row < shape.rows; row++) {
      const size_t row_begin = candidate.cells.size();
      for (size_t i = 0; i < carried.size(); i++) {
        const Cell& cell = shape.cells[row * slots + carried[i]];
        const engine::Value* value = nullptr;
        if (cell.from == Cell::From::kLiteral) {
          value = &shape.literals[cell.index];
        } else {
          if (cell.index >= statement.values.size()) return NotCoalesced::kExpression;
          value = &statement.values[cell.index];
        }
        const BatchSlot& slot = shape.slots[carried[i]];
        const bool is_key =
            plan.is_condition(i) || std::find(plan.key().begin(), plan.key().end(), i) != plan.key().end();
        auto lifted = is_key ? lift_key(*value, plan.type_of(i), slot.cast) : std::nullopt;
        if (is_key && !lifted) {
          if (!plan.key_is_optional()) return NotCoalesced::kType;
          keyed = false;
        }
        if (!lifted) lifted = lift_value(*value, plan.type_of(i), slot.cast);
        if (!lifted) return NotCoalesced::kType;
        if (!lifted->is_null) {
          if (!candidate.layout[i]) {
            candidate.layout[i] = lifted->column;
          } else if (*candidate.layout[i] != lifted->column) {
            return NotCoalesced::kType;
          }
        }
        if (lifted->changed) {
          candidate.changed.push_back(*std::move(lifted->changed));
          value = &candidate.changed.back();
        }
        candidate.cells.push_back(value);
      }
      candidate.rows++;
      if (!keyed) continue;
      std::string key;
      for (const size_t i : plan.key()) append_key(key, *candidate.cells[row_begin + i]);
      candidate.keys.push_back(std::move(key));
    }
  }
  if (!keyed) candidate.keys.clear();
  // The same key twice within the unit: its statements depend on each other.
  if (candidate.keys.size() > 1) {
    std::unordered_set<std::string_view> seen;
    for (const std::string& key : candidate.keys) {
      if (!seen.insert(key).second) return NotCoalesced::kDuplicate;
    }
  }
  return NotCoalesced::kNone;
}

// Takes the candidate's rows over, when nothing in the step stands against it.
bool Coalescer::join(Step& step, Candidate& candidate) {
  if (step.rows + candidate.rows > kStepRows) return false;
  for (size_t i = 0; i < candidate.layout.size(); i++) {
    if (candidate.layout[i] && step.layout[i] && *candidate.layout[i] != *step.layout[i]) return false;
  }
  for (const std::string& key : candidate.keys) {
    if (step.keys.contains(key)) return false;
  }
  for (size_t i = 0; i < candidate.layout.size(); i++) {
    if (candidate.layout[i]) step.layout[i] = candidate.layout[i];
  }
  step.all_keys = step.all_keys && candidate.keys.size() == candidate.rows;
  for (size_t row = 0; row < candidate.keys.size(); row++) {
    step.keys.emplace(std::move(candidate.keys[row]), static_cast<uint32_t>(step.rows + row));
  }
  if (candidate.changed.empty()) {
    step.cells.insert(step.cells.end(), candidate.cells.begin(), candidate.cells.end());
  } else {
    // The changed values move; their cells follow.
    std::unordered_map<const engine::Value*, const engine::Value*> moved;
    for (engine::Value& value : candidate.changed) {
      step.changed.push_back(std::move(value));
      moved.emplace(&value, &step.changed.back());
    }
    for (const engine::Value* cell : candidate.cells) {
      const auto it = moved.find(cell);
      step.cells.push_back(it == moved.end() ? cell : it->second);
    }
  }
  step.rows += candidate.rows;
  return true;
}

namespace {

bool same_table(const BatchPlan& a, const BatchPlan& b) {
  return &a == &b || (a.facts().name == b.facts().name && a.facts().schema == b.facts().schema);
}

bool adds_rows(const BatchPlan& plan) {
  return plan.kind() == ShapeKind::kInsert || plan.kind() == ShapeKind::kUpsert;
}

// Whether the rows of one and of the other, when all their keys are known, can never meet.
bool could_be_told_apart(const BatchPlan& a, const BatchPlan& b) {
  // Who comes first is seen in what sequences give.
  if (adds_rows(a) && adds_rows(b) && a.facts().defaults) return false;
  return !a.key_columns().empty() && a.key_columns() == b.key_columns();
}

bool are_independent(const BatchPlan* a, bool a_all_keys, const auto& a_keys, const BatchPlan* b, bool b_all_keys,
                     const auto& for_each_key_of_b) {
  if (a == nullptr || b == nullptr) return false;
  // Two tables may draw their defaults from one sequence.
  if (a != b && adds_rows(*a) && adds_rows(*b) && a->facts().defaults && b->facts().defaults) return false;
  if (!same_table(*a, *b)) return true;
  if (a->facts().unique_keys.empty() && !a->facts().unclear_index && !a->facts().defaults && adds_rows(*a) &&
      adds_rows(*b)) {
    return true;
  }
  if (!could_be_told_apart(*a, *b) || !a_all_keys || !b_all_keys) return false;
  bool apart = true;
  for_each_key_of_b([&](const std::string& key) { apart = apart && !a_keys.contains(key); });
  return apart;
}

}  // namespace

bool Coalescer::may_run_after(const Step& step, std::span<const Step> later) {
  return std::all_of(later.begin(), later.end(), [&](const Step& other) {
    return are_independent(other.plan, other.all_keys, other.keys, step.plan, step.all_keys, [&](const auto& visit) {
      for (const auto& [key, row] : step.keys) visit(key);
    });
  });
}

// Into the latest step that takes it, past those that it has nothing to do with; else into a new one at the end.
void Coalescer::place(std::vector<Step>& steps, UnitPtr unit) {
  Candidate candidate;
  NotCoalesced why = admit(*unit, candidate);
  const bool suspect = is_suspect(*unit);
  if (suspect && why == NotCoalesced::kNone) why = NotCoalesced::kFailing;
  count(why, *unit);
  if (why == NotCoalesced::kNone) {
    for (size_t i = steps.size(); i-- > 0;) {
      Step& step = steps[i];
      if (step.coalesced && step.plan == candidate.plan && join(step, candidate)) {
        step.units.push_back(std::move(unit));
        return;
      }
      const bool all_keys = candidate.keys.size() == candidate.rows;
      const bool passes =
          are_independent(step.plan, step.all_keys, step.keys, candidate.plan, all_keys, [&](const auto& visit) {
            for (const std::string& key : candidate.keys) visit(key);
          });
      if (!passes) break;
    }
  }
  Step& step = steps.emplace_back();
  step.apart = suspect;
  if (why == NotCoalesced::kNone || why == NotCoalesced::kFailing) {
    step.coalesced = why == NotCoalesced::kNone;
    step.plan = candidate.plan;
    step.settings = unit->settings;
    step.layout.resize(candidate.layout.size());
    step.coalesced = join(step, candidate) && step.coalesced;
  }
  step.units.push_back(std::move(unit));
}

std::vector<Step> Coalescer::arrange(std::vector<UnitPtr> units) {
  std::vector<Step> steps;
  for (UnitPtr& unit : units) place(steps, std::move(unit));
  prepare(steps);
  return steps;
}

// Here, since a plan may need a transaction of its own to be made. A step without one runs unit by unit.
void Coalescer::prepare(std::vector<Step>& steps) {
  for (size_t i = 0; i < steps.size(); i++) {
    Step& step = steps[i];
    if (!step.coalesced) continue;
    Status made = writer_.apply(step.settings);
    if (made.ok()) {
      const auto prepared = step.plan->prepare(step.layout);
      if (!prepared.ok()) made = prepared.error();
    }
    if (made.ok()) continue;
    log(LogLevel::kDebug, "coalesce.not_compiled", {{"why", made.error().message}});
    step.coalesced = false;
    std::vector<Step> singles;
    for (UnitPtr& unit : step.units) {
      count(NotCoalesced::kType, *unit);
      singles.emplace_back().units.push_back(std::move(unit));
    }
    steps.erase(steps.begin() + static_cast<std::ptrdiff_t>(i));
    steps.insert(steps.begin() + static_cast<std::ptrdiff_t>(i), std::make_move_iterator(singles.begin()),
                 std::make_move_iterator(singles.end()));
    i += singles.size() - 1;
  }
}

Result<engine::ResultSet> Coalescer::run(BatchPlan& plan, BatchPlan::Prepared& prepared, size_t rows) {
  if (!prepared.update || !plan.expects_rows_there()) return prepared.statement->execute({}, false);
  MERGANSER_ASSIGN(auto updated, prepared.update->execute({}, false));
  plan.met_rows(updated.changed_rows() == rows);
  if (updated.changed_rows() == rows) return updated;
  MERGANSER_ASSIGN(const auto inserted, prepared.insert_rest->execute({}, false));
  return engine::ResultSet(engine::ReturnKind::kChangedRows, updated.changed_rows() + inserted.changed_rows());
}

Status Coalescer::execute(Step& step) {
  size_t asked = 0;
  for (const UnitPtr& unit : step.units) {
    for (const Statement& statement : unit->statements) asked += statement.shape->rows;
  }
  if (asked != step.rows) return make_error(ErrorCode::kInternalError, "a batch lost rows on its way");
  MERGANSER_TRY(writer_.apply(step.settings));
  // Making one takes a transaction of its own.
  BatchPlan::Prepared* const prepared = step.plan->find(step.layout);
  if (prepared == nullptr) return make_error(ErrorCode::kInternalError, "the batch's plan is gone");
  prepared->source->set_cells(step.cells.data(), step.rows);
  MERGANSER_ASSIGN(auto flight, database_.flight().take_off(step.plan->digest()));
  for (const UnitPtr& unit : step.units) {
    for (const Statement& statement : unit->statements) kill_point("statement", *statement.sql);
  }
  auto result = run(*step.plan, *prepared, step.rows);
  prepared->source->set_cells(nullptr, 0);
  flight.land(!database_.invalidated());
  if (!result.ok()) return result.error();
  for (const UnitPtr& unit : step.units) {
    unit->outcome.results.clear();
    unit->outcome.error.reset();
  }
  if (step.plan->kind() == ShapeKind::kInsert) return hand_out_in_order(step, *result);
  return step.plan->by_count() ? hand_out_by_count(step, *result) : hand_out_by_key(step, *result);
}

}  // namespace merganser::coordinator

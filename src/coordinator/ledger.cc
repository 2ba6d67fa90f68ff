#include "coordinator/ledger.h"

#include <array>
#include <cstdio>

#include "base/civil.h"
#include "base/kill_point.h"
#include "coordinator/fingerprint.h"
#include "engine/result_codec.h"
#include "engine/sql_tokens.h"

namespace merganser::coordinator {
namespace {

constexpr std::chrono::seconds kCleanUpInterval{10};
constexpr std::chrono::milliseconds kCleanUpAgain{100};  // when there is more to forget
constexpr int64_t kCleanUpKeys = 1000;                   // a step: a few milliseconds of the writer
constexpr std::string_view kAnswerForm = "merganser answer 1\n";

int64_t now_us() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

engine::Value timestamp(int64_t us) {
  return engine::Value{engine::TypeId::kTimestampTz, us};
}

engine::StatementClass internal(bool plain_insert) {
  engine::StatementClass kind;
  kind.kind = engine::StatementKind::kWrite;
  kind.plain_insert = plain_insert;
  return kind;
}

// "2026-01-31 12:00:00 UTC"
std::string time_text(int64_t us) {
  const int64_t seconds = floor_div(us, 1000000);
  const CivilDate date = civil_from_days(floor_div(seconds, 86400));
  const auto of_day = static_cast<int>(floor_mod(seconds, 86400));
  std::array<char, 80> text{};
  const int length =
      snprintf(text.data(), text.size(), "%04lld-%02d-%02d %02d:%02d:%02d UTC", static_cast<long long>(date.year),
               date.month, date.day, of_day / 3600, of_day / 60 % 60, of_day % 60);
  return {text.data(), static_cast<size_t>(length)};
}

Error key_reused() {
  return make_error(ErrorCode::kIdempotencyKeyReused, "this idempotency key was used for another request",
                    "Statements, values or settings such as the time zone or the search path differ from the first.",
                    "Use a new key for each request, and the same key only to repeat one.");
}

Error answer_not_kept(const std::string& when, int64_t rows) {
  return make_error(ErrorCode::kIdempotentAnswerLost,
                    "the request was executed before, but its answer was too large to be kept",
                    "It was committed at " + when + " and has " + std::to_string(rows) + " rows.",
                    "It was not executed again: read what you need. A larger idempotency_answer_bytes keeps more.");
}

}  // namespace

Ledger::Ledger(engine::Database& database, const Limits& limits, Counters& counters)
    : database_(database),
      limits_(limits),
      counters_(counters),
      table_(engine::quote_name(database.name()) + ".merganser.idempotency_keys"),
      cache_(8) {}

Result<engine::ResultSet> Ledger::run(engine::Connection& writer, const std::string& sql,
                                      const std::vector<engine::Value>& values) {
  MERGANSER_ASSIGN(engine::Prepared * prepared, cache_.get(writer, sql, internal(sql.starts_with("INSERT"))));
  return prepared->execute(values, false);
}

// ---- the table -------------------------------------------------------------------------------------------------

Status Ledger::open(engine::Connection& writer, const Commit& commit) {
  if (is_open_) return {};
  auto there = writer.prepare("SELECT * FROM " + table_);
  if (!there.ok()) {
    if (there.error().code != ErrorCode::kUndefinedTable && there.error().code != ErrorCode::kInvalidSchemaName) {
      return there.error();
    }
    MERGANSER_TRY(create(writer, commit));
    there = writer.prepare("SELECT * FROM " + table_);
    if (!there.ok()) return there.error();
  }
  MERGANSER_TRY(check_columns((*there)->columns()));
  MERGANSER_TRY(load_keys(writer));
  is_open_ = true;
  next_clean_up_ = SteadyClock::now() + kCleanUpAgain;
  return {};
}

Status Ledger::create(engine::Connection& writer, const Commit& commit) {
  cache_.clear();
  MERGANSER_TRY(writer.begin());
  Status status = writer.execute("CREATE SCHEMA IF NOT EXISTS " + engine::quote_name(database_.name()) + ".merganser");
  if (status.ok()) {
    status = writer.execute("CREATE TABLE " + table_ +
                            "(key VARCHAR PRIMARY KEY, fingerprint VARCHAR NOT NULL, created_at TIMESTAMP WITH TIME "
                            "ZONE NOT NULL, row_count BIGINT NOT NULL, answer BLOB)");
  }
  if (!status.ok()) {
    writer.rollback();
    return status;
  }
  return commit(true);
}

// Somebody may have had a table of that name before.
Status Ledger::check_columns(const engine::Columns& columns) {
  using engine::TypeId;
  constexpr std::pair<std::string_view, TypeId> kColumns[] = {{"key", TypeId::kVarchar},
                                                              {"fingerprint", TypeId::kVarchar},
                                                              {"created_at", TypeId::kTimestampTz},
                                                              {"row_count", TypeId::kBigInt},
                                                              {"answer", TypeId::kBlob}};
  bool same = columns && columns->size() == std::size(kColumns);
  for (size_t i = 0; same && i < std::size(kColumns); i++) {
    same = (*columns)[i].name == kColumns[i].first && (*columns)[i].type->id == kColumns[i].second;
  }
  if (same) return {};
  return make_error(ErrorCode::kObjectNotInState, "the table merganser.idempotency_keys has other columns than ours",
                    "Something else made it. The statement was not executed.",
                    "Rename it with plain DuckDB; idempotency keys need that name.");
}

Status Ledger::load_keys(engine::Connection& writer) {
  known_.clear();
  MERGANSER_ASSIGN(auto prepared, writer.prepare("SELECT key FROM " + table_));
  MERGANSER_ASSIGN(auto keys, prepared->execute({}, false));
  while (true) {
    MERGANSER_ASSIGN(const auto chunk, keys.next());
    if (!chunk) break;
    for (size_t row = 0; row < chunk->rows(); row++) note_key(chunk->column(0).string_at(row));
  }
  counters_.idempotency_keys = known_.size();
  return {};
}

void Ledger::drop_key(std::string_view key) {
  const auto it = known_.find(std::hash<std::string_view>()(key));
  if (it != known_.end() && --it->second == 0) known_.erase(it);
}

// ---- one unit --------------------------------------------------------------------------------------------------

Result<bool> Ledger::replay(engine::Connection& writer, Unit& unit) {
  const std::string& key = unit.options.idempotency_key;
  if (key.size() > kIdempotencyKeyBytes) {
    return make_error(ErrorCode::kInvalidParameterValue, "the idempotency key is longer than 255 bytes");
  }
  if (unit.fingerprint.empty()) {
    MERGANSER_ASSIGN(unit.fingerprint, fingerprint_of(unit));
  }
  if (may_know(key)) {
    MERGANSER_ASSIGN(const bool answered, replay_known(writer, unit));
    if (answered) return true;
  }
  MERGANSER_TRY(make_room(writer));
  return false;
}

Result<bool> Ledger::replay_known(engine::Connection& writer, Unit& unit) {
  MERGANSER_ASSIGN(auto found,
                   run(writer, "SELECT fingerprint, created_at, row_count, answer FROM " + table_ + " WHERE key = $1",
                       {engine::Value::varchar(unit.options.idempotency_key)}));
  MERGANSER_ASSIGN(const auto chunk, found.next());
  if (!chunk || chunk->rows() == 0) return false;
  if (chunk->column(0).string_at(0) != unit.fingerprint) return key_reused();
  const std::string when = time_text(chunk->column(1).at<int64_t>(0));
  if (!chunk->column(3).valid(0)) return answer_not_kept(when, chunk->column(2).at<int64_t>(0));
  std::string_view answer = chunk->column(3).string_at(0);
  if (!answer.starts_with(kAnswerForm)) {
    return make_error(ErrorCode::kDataCorrupted, "the kept answer of this idempotency key cannot be read", {},
                      "The request was executed before and was not executed again.");
  }
  answer.remove_prefix(kAnswerForm.size());
  std::vector<engine::ResultSet> results;
  while (!answer.empty()) {
    MERGANSER_ASSIGN(auto result, engine::decode_result(answer));
    results.push_back(std::move(result));
  }
  if (results.size() != unit.statements.size()) {
    return make_error(ErrorCode::kDataCorrupted, "the kept answer of this idempotency key is not whole");
  }
  unit.outcome.results = std::move(results);
  unit.outcome.first_answered = when;
  return true;
}

// A table that may not grow further refuses new keys: forgetting one before its time could repeat its effect.
Status Ledger::make_room(engine::Connection& writer) {
  if (known_.size() < limits_.idempotency_max_keys) return {};
  MERGANSER_TRY(load_keys(writer));
  if (known_.size() < limits_.idempotency_max_keys) return {};
  next_clean_up_ = SteadyClock::now();
  return make_error(ErrorCode::kConfigurationLimitExceeded, "too many idempotency keys are kept",
                    "There are " + std::to_string(known_.size()) + ". The statement was not executed.",
                    "Raise idempotency_max_keys, or shorten idempotency_retention.");
}

Status Ledger::record(engine::Connection& writer, Unit& unit) {
  std::string answer(kAnswerForm);
  bool kept = true;
  uint64_t rows = 0;
  for (engine::ResultSet& result : unit.outcome.results) {
    rows += result.kind() == engine::ReturnKind::kRows ? result.materialised_rows() : result.changed_rows();
    if (!kept) continue;
    MERGANSER_ASSIGN(kept, engine::encode_result(result, limits_.idempotency_answer_bytes, answer));
  }
  if (!kept) counters_.idempotent_answers_too_large++;
  const std::string& key = unit.options.idempotency_key;
  MERGANSER_ASSIGN([[maybe_unused]] auto done,
                   run(writer, "INSERT INTO " + table_ + " VALUES ($1, $2, $3, $4, $5)",
                       {engine::Value::varchar(key), engine::Value::varchar(unit.fingerprint), timestamp(now_us()),
                        engine::Value::bigint(static_cast<int64_t>(rows)),
                        kept ? engine::Value{engine::TypeId::kBlob, std::move(answer)} : engine::Value::null()}));
  note_key(key);
  counters_.idempotency_keys = known_.size();
  kill_point("ledger_written");
  return {};
}

void Ledger::count(const Unit& unit) {
  if (unit.outcome.error) {
    if (unit.outcome.error->code == ErrorCode::kIdempotencyKeyReused) counters_.idempotency_mismatches++;
  } else if (!unit.outcome.first_answered.empty()) {
    counters_.idempotent_replays++;
  }
}

// ---- forgetting ------------------------------------------------------------------------------------------------

Status Ledger::clean_up(engine::Connection& writer, const Commit& commit) {
  next_clean_up_ = SteadyClock::now() + kCleanUpInterval;
  const int64_t cutoff = now_us() - std::chrono::microseconds(limits_.idempotency_retention).count();
  MERGANSER_ASSIGN(auto oldest,
                   run(writer, "SELECT 1 FROM " + table_ + " WHERE created_at < $1 LIMIT 1", {timestamp(cutoff)}));
  if (oldest.materialised_rows() == 0) return {};
  MERGANSER_TRY(writer.begin());
  auto deleted = run(writer,
                     "DELETE FROM " + table_ + " WHERE key IN (SELECT key FROM " + table_ +
                         " WHERE created_at < $1 ORDER BY created_at LIMIT $2) RETURNING key",
                     {timestamp(cutoff), engine::Value::bigint(kCleanUpKeys)});
  if (!deleted.ok()) {
    writer.rollback();
    return deleted.error();
  }
  MERGANSER_TRY(commit(false));
  uint64_t count = 0;
  while (true) {
    MERGANSER_ASSIGN(const auto chunk, deleted->next());
    if (!chunk) break;
    for (size_t row = 0; row < chunk->rows(); row++) drop_key(chunk->column(0).string_at(row));
    count += chunk->rows();
  }
  counters_.idempotency_keys_expired += count;
  counters_.idempotency_keys = known_.size();
  if (count == static_cast<uint64_t>(kCleanUpKeys)) next_clean_up_ = SteadyClock::now() + kCleanUpAgain;
  return {};
}

void Ledger::close() {
  cache_.clear();
  is_open_ = false;
}

}  // namespace merganser::coordinator

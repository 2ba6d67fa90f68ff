#include "readers/result_cache.h"

#include <algorithm>
#include <sstream>

#include "engine/sql_tokens.h"

namespace merganser::readers {
namespace {

constexpr size_t kEntryOverhead = 400;  // of the maps, the list and the answer
constexpr size_t kMaxNames = 64;        // in one statement
constexpr size_t kMaxKnownNames = 20'000;

// What is not the same at another time, in another session or beside other commits, and no function; rowid changes with
// a checkpoint.
constexpr std::string_view kUnsteadyWords[] = {  // in order
    "ago",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_setting",
    "current_time",
    "current_timestamp",
    "current_user",
    "get_block_size",
    "getvariable",
    "information_schema",
    "localtime",
    "localtimestamp",
    "merganser",
    "rowid",
    "sample",
    "session_user",
    "set_config",
    "setval",
    "sqlite_master",
    "sqlite_schema",
    "sqlite_temp_master",
    "sqlite_temp_schema",
    "system",
    "tablesample",
    "temp",
    "user"};
static_assert(std::is_sorted(std::begin(kUnsteadyWords), std::end(kUnsteadyWords)));
constexpr std::string_view kUnsteadyPrefixes[] = {"duckdb_", "pg_", "pragma_"};

// Functions whose answers may differ from call to call, table functions, and the file's own macros and views.
constexpr char kUnsteadyNames[] =
    "SELECT string_agg(name, chr(10)) FROM (SELECT lower(function_name) AS name FROM duckdb_functions() "
    "WHERE stability <> 'CONSISTENT' OR (function_type = 'macro' AND NOT internal) "
    "OR (function_type IN ('table', 'table_macro', 'pragma') AND function_name NOT IN ('range', 'generate_series', "
    "'unnest', "
    "'repeat')) "
    "UNION SELECT lower(view_name) FROM duckdb_views() WHERE NOT internal)";

// Each column has a name and a type of its own.
size_t size_of(const engine::Columns& columns) {
  constexpr size_t kType = 250;
  size_t bytes = 0;
  for (size_t i = 0; columns && i < columns->size(); i++) {
    bytes += sizeof(engine::Column) + (*columns)[i].name.size() + kType;
  }
  return bytes;
}

bool is_unsteady(std::string_view name, const std::set<std::string, std::less<>>& unsteady) {
  for (const std::string_view prefix : kUnsteadyPrefixes) {
    if (name.starts_with(prefix)) return true;
  }
  return std::binary_search(std::begin(kUnsteadyWords), std::end(kUnsteadyWords), name) || unsteady.contains(name);
}

}  // namespace

// ---- asking ----------------------------------------------------------------------------------------------------

ResultCache::AnswerPtr ResultCache::find(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto it = by_key_.find(key);
  if (it == by_key_.end()) {
    counters_.misses++;
    return nullptr;
  }
  const Entries::iterator entry = it->second;
  if (!holds(*entry)) {
    counters_.expired++;
    drop(entry);
    return nullptr;
  }
  counters_.hits++;
  entries_.splice(entries_.begin(), entries_, entry);
  return entry->answer;
}

bool ResultCache::holds(const Entry& entry) const {
  if (all_changed_ > entry.sequence) return false;
  return std::none_of(entry.names.begin(), entry.names.end(),
                      [&](NameId name) { return changed_[name] > entry.sequence; });
}

// ---- keeping ---------------------------------------------------------------------------------------------------

bool ResultCache::keep(std::string key, std::string_view sql, uint64_t sequence, uint64_t ddl_generation, Answer answer,
                       engine::Connection& connection) {
  const size_t footprint = key.size() + answer.rows.size() + kEntryOverhead + size_of(answer.columns);
  if (footprint > capacity_ || answer.rows.size() > kMaxAnswer) return true;
  const NamesPtr unsteady = unsteady_names(connection, ddl_generation);
  if (!unsteady) return false;
  std::vector<std::string> names;
  if (!names_of(sql, *unsteady, names)) return true;

  const std::lock_guard lock(mutex_);
  if (ddl_generation < generation_) return true;
  if (ddl_generation > generation_ || ids_.size() > kMaxKnownNames) clear();
  generation_ = ddl_generation;
  if (const auto it = by_key_.find(key); it != by_key_.end()) drop(it->second);
  Entry& entry = entries_.emplace_front();
  entry.key = std::move(key);
  entry.answer = std::make_shared<const Answer>(std::move(answer));
  for (const std::string& name : names) entry.names.push_back(name_id(name));
  entry.sequence = sequence;
  entry.footprint = footprint + names.size() * sizeof(NameId);
  by_key_.emplace(entry.key, entries_.begin());
  bytes_ += entry.footprint;
  counters_.kept++;
  while (bytes_ > capacity_) {
    counters_.evicted++;
    drop(std::prev(entries_.end()));
  }
  counters_.bytes = bytes_;
  counters_.entries = entries_.size();
  return true;
}

ResultCache::NamesPtr ResultCache::unsteady_names(engine::Connection& connection, uint64_t ddl_generation) {
  {
    const std::lock_guard lock(functions_mutex_);
    if (unsteady_ && functions_generation_ == ddl_generation) return unsteady_;
  }
  const auto lines = connection.query_text(kUnsteadyNames);
  if (!lines.ok()) return nullptr;
  auto names = std::make_shared<Names>();
  std::istringstream in(*lines);
  for (std::string name; std::getline(in, name);) names->insert(std::move(name));
  const std::lock_guard lock(functions_mutex_);
  if (!unsteady_ || functions_generation_ < ddl_generation) {
    unsteady_ = names;
    functions_generation_ = ddl_generation;
  }
  return names;
}

bool ResultCache::names_of(std::string_view sql, const Names& unsteady, std::vector<std::string>& names) {
  const std::vector<engine::Token> tokens = engine::tokenize(sql);
  if (tokens.empty()) return false;
  const engine::Token& first = tokens[0];
  if (!first.is_word("select") && !first.is_word("with") && !first.is_word("from") && !first.is('(')) return false;
  bool after_string = false;
  for (const engine::Token& token : tokens) {
    std::string name;
    switch (token.kind) {
      case engine::TokenKind::kWord:
      case engine::TokenKind::kQuotedName:
        name = engine::folded_name(token);
        break;
      case engine::TokenKind::kString:
        // DuckDB takes a string for a table's name, too: only a plain one in one piece can be read here.
        if (after_string || token.text[0] != '\'') return false;
        name = engine::folded_name(engine::quote_name(engine::unquoted_string(token)));
        break;
      default:
        after_string = false;
        continue;
    }
    after_string = token.kind == engine::TokenKind::kString;
    if (is_unsteady(name, unsteady)) return false;
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    if (names.size() == kMaxNames) return false;
    names.push_back(std::move(name));
  }
  return true;
}

ResultCache::NameId ResultCache::name_id(const std::string& name) {
  const auto [it, added] = ids_.try_emplace(name, static_cast<NameId>(changed_.size()));
  if (added) changed_.push_back(0);
  return it->second;
}

// ---- forgetting ------------------------------------------------------------------------------------------------

void ResultCache::changed(uint64_t sequence, std::span<const std::string> tables, bool all) {
  if (!enabled()) return;
  const std::lock_guard lock(mutex_);
  if (all) all_changed_ = sequence;
  if (ids_.size() > kMaxKnownNames) clear();
  for (const std::string& table : tables) {
    // A name that no answer has is remembered as well: one may be on its way here with an older snapshot.
    changed_[name_id(table)] = sequence;
  }
}

void ResultCache::drop(Entries::iterator at) {
  bytes_ -= at->footprint;
  by_key_.erase(at->key);
  entries_.erase(at);
  counters_.bytes = bytes_;
  counters_.entries = entries_.size();
}

void ResultCache::clear() {
  by_key_.clear();
  entries_.clear();
  // What the names' commits were is gone: as if all had been changed by the last of them.
  for (const uint64_t sequence : changed_) all_changed_ = std::max(all_changed_, sequence);
  ids_.clear();
  changed_.clear();
  bytes_ = 0;
}

}  // namespace merganser::readers

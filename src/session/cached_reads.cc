// Reads whose answer is known: nothing has changed since.
#include "session/session.h"

namespace merganser::session {
namespace {

void append_number(std::string& key, uint64_t number) {
  key.append(reinterpret_cast<const char*>(&number), sizeof(number));
}

void append_text(std::string& key, std::string_view text) {
  append_number(key, text.size());
  key += text;
}

template <typename T>
void append_plain(std::string& key, const T& value) {
  key.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void append_value(std::string& key, const engine::Value& value) {
  key += static_cast<char>(value.type);
  key += static_cast<char>(value.data.index());
  if (const auto* flag = std::get_if<bool>(&value.data)) key += *flag ? '1' : '0';
  if (const auto* number = std::get_if<int64_t>(&value.data)) append_plain(key, *number);
  if (const auto* natural = std::get_if<uint64_t>(&value.data)) append_plain(key, *natural);
  if (const auto* real = std::get_if<double>(&value.data)) append_plain(key, *real);
  if (const auto* text = std::get_if<std::string>(&value.data)) append_text(key, *text);
}

bool has_plain_value(const engine::Value& value) {
  return !std::holds_alternative<engine::Hugeint>(value.data) &&
         !std::holds_alternative<engine::UHugeint>(value.data) &&
         !std::holds_alternative<engine::Decimal>(value.data) && !std::holds_alternative<engine::Interval>(value.data);
}

}  // namespace

// All that the answer depends on besides the data; empty for what is not kept.
std::string Session::cache_key(const RunRequest& request) const {
  const readers::ResultCache* results = services_->results;
  const coordinator::Statement& statement = request.statement;
  if (results == nullptr || !results->enabled() || !variables_.result_cache() || !request.sink) return {};
  if (statement.kind->kind != engine::StatementKind::kRead || statement.kind->time_dependent ||
      statement.kind->explains || request.max_rows != 0) {
    return {};
  }
  constexpr size_t kMaxText = size_t{16} << 10;
  if (statement.sql->size() > kMaxText) return {};
  const std::string format = request.sink->format_key();
  if (format.empty()) return {};
  std::string key;
  key.reserve(statement.sql->size() + format.size() + 64);
  append_text(key, *statement.sql);
  append_text(key, format);
  append_number(key, statement.values.size());
  for (const engine::Value& value : statement.values) {
    if (!has_plain_value(value)) return {};
    append_value(key, value);
    if (key.size() > 2 * kMaxText) return {};
  }
  if (const engine::SettingsPtr& settings = variables_.engine_settings()) {
    for (const auto& [name, value] : *settings) {
      append_text(key, name);
      append_text(key, value);
    }
  }
  return key;
}

bool Session::answer_from_cache(const RunRequest& request, const std::string& key) {
  const auto answer = services_->results->find(key);
  if (!answer) return false;
  std::string bytes;
  // Also looks whether the columns are those that were announced.
  const Status begun = request.sink->begin(answer->columns, bytes);
  if (!begun.ok()) {
    finish_error(request.done, begun.error());
    return true;
  }
  bytes += answer->rows;
  request.bytes(std::move(bytes));
  Completion completion;
  completion.rows = answer->count;
  completion.tag = tag_of(*request.statement.kind, answer->count);
  finish(request.done, std::move(completion));
  return true;
}

Query::Keep Session::keep_in_cache(const std::shared_ptr<const std::string>& sql, std::string key) const {
  return [results = services_->results, sql, key = std::move(key)](
             readers::Lease& lease, const engine::Columns& columns, std::string_view rows, uint64_t count) {
    readers::PooledConnection& on = lease.pooled();
    if (!on.armed || on.dirty) return;
    const bool kept = results->keep(key, *sql, on.armed_sequence, on.armed_generation,
                                    {columns, std::string(rows), count}, *on.connection);
    if (!kept) on.armed = false;
  };
}

}  // namespace merganser::session

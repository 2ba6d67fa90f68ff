#include "session/activity.h"

#include <algorithm>
#include <future>

#include "base/log.h"
#include "engine/sql_tokens.h"
#include "session/session.h"

namespace merganser::session {
namespace {

using engine::LiveType;
using engine::LiveValue;
using engine::StatementKind;

constexpr size_t kShownBytes = 1024;                 // of a statement
constexpr size_t kKeptBytes = size_t{16} << 10;      // of one that has ended
constexpr size_t kLoggedBytes = 512;                 // of a slow one
constexpr std::chrono::seconds kAnswerWithin{2};     // for the sessions' thread
constexpr size_t kTokenisedBytes = size_t{8} << 10;  // of a statement that is logged: the rest is cut anyway

// Not in the middle of a character.
std::string_view cut(std::string_view text, size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) limit--;
  return text.substr(0, limit);
}

std::string cut_text(const std::string& sql) {
  std::string text(cut(sql, kShownBytes));
  if (text.size() < sql.size()) text += "…";
  return text;
}

int64_t micros(Duration span) {
  return std::chrono::duration_cast<std::chrono::microseconds>(span).count();
}

LiveValue known(int64_t number, int64_t unknown) {
  return number == unknown ? LiveValue() : LiveValue(number);
}

}  // namespace

void ActivityBoard::add(uint64_t id, std::weak_ptr<Session> session) {
  const std::lock_guard lock(mutex_);
  sessions_[id] = std::move(session);
}

void ActivityBoard::remove(uint64_t id) {
  const std::lock_guard lock(mutex_);
  sessions_.erase(id);
}

std::shared_ptr<Session> ActivityBoard::find(uint64_t id) const {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second.lock();
}

std::vector<std::shared_ptr<Session>> ActivityBoard::sessions() const {
  std::vector<std::shared_ptr<Session>> out;
  const std::lock_guard lock(mutex_);
  out.reserve(sessions_.size());
  for (const auto& [id, weak] : sessions_) {
    if (auto session = weak.lock()) out.push_back(std::move(session));
  }
  return out;
}

Latency latency_group(const RunningStatement& statement) {
  if (statement.more > 0) return Latency::kUnit;
  switch (statement.kind->kind) {
    case StatementKind::kRead:
    case StatementKind::kPinnedRead:
    case StatementKind::kUnknown:
      return Latency::kRead;
    case StatementKind::kWrite:
      return Latency::kWrite;
    case StatementKind::kDdl:
      return Latency::kDdl;
    case StatementKind::kBegin:
    case StatementKind::kCommit:
    case StatementKind::kRollback:
      return Latency::kTransaction;
    default:
      return Latency::kOther;
  }
}

std::string without_values(std::string_view sql, size_t limit) {
  using engine::TokenKind;
  std::string out;
  for (const engine::Token& token : engine::tokenize(cut(sql, std::min(kTokenisedBytes, 4 * limit)))) {
    const bool value = token.kind == TokenKind::kString || token.kind == TokenKind::kNumber;
    const bool tight = token.is(',') || token.is(')') || token.is('.') || token.is('(') || out.empty() ||
                       out.back() == '(' || out.back() == '.';
    if (!tight) out += ' ';
    out += value ? std::string_view("?") : token.text;
    if (out.size() > limit) return std::string(cut(out, limit)) + "…";
  }
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  }
  return out;
}

// ---- one session -----------------------------------------------------------------------------------------------

void Session::introduce(ClientInfo client) {
  client_ = std::move(client);
  connected_at_ = changed_at_ = SteadyClock::now();
  services_->board.add(id_, weak_from_this());
}

void Session::account_operation() {
  const TimePoint now = SteadyClock::now();
  const Duration took = now - std::exchange(changed_at_, now);
  const Duration waited = stage_->waited(now);
  stage_->begin(now);
  const RunningStatement statement = std::exchange(statement_, {});
  if (!statement.sql) return;
  // A huge one would be kept for as long as the session is idle.
  last_statement_ = statement.sql->size() <= kKeptBytes ? statement.sql : nullptr;
  services_->counters.latency[static_cast<size_t>(latency_group(statement))].record(took);
  const auto limit = services_->slow_statement;
  if (limit.count() == 0 || took < limit) return;
  log(LogLevel::kWarn, "session.slow_statement",
      {{"session", id_},
       {"took_ms", micros(took) / 1000},
       {"waited_ms", micros(waited) / 1000},
       {"statements", statement.more + 1},
       {"peer", client_.peer},
       {"user", client_.user},
       {"statement", without_values(*statement.sql, kLoggedBytes)}});
}

void Session::count_error(const Error& error) {
  services_->counters.errors++;
  if (error.code == ErrorCode::kSerializationFailure) services_->counters.conflicts++;
}

// Whoever may connect at present may read and change everything in the file, so all texts are shown to all. Roles that
// see less decide here.
std::optional<std::string> Session::visible_statement() const {
  if (!statement_.sql) return std::nullopt;
  return cut_text(*statement_.sql);
}

// Percent done of what executes for it; negative: not known.
double Session::progress() const {
  return running_ ? running_->progress() : services_->coordinator->progress(id_);
}

std::vector<engine::LiveColumn> activity_columns() {
  return {{"session", LiveType::kInteger},       {"user_name", LiveType::kText},
          {"application_name", LiveType::kText}, {"peer", LiveType::kText},
          {"client_pid", LiveType::kInteger},    {"client_uid", LiveType::kInteger},
          {"connected_at", LiveType::kTime},     {"state", LiveType::kText},
          {"state_since", LiveType::kTime},      {"waiting_for", LiveType::kText},
          {"waited_us", LiveType::kInteger},     {"kind", LiveType::kText},
          {"statement", LiveType::kText},        {"statements_in_unit", LiveType::kInteger},
          {"running_us", LiveType::kInteger},    {"transaction_us", LiveType::kInteger},
          {"holds_lane", LiveType::kBoolean},    {"bytes_queued", LiveType::kInteger},
          {"statements", LiveType::kInteger},    {"progress", LiveType::kReal},
          {"last_statement", LiveType::kText}};
}

std::vector<LiveValue> Session::activity(TimePoint now, size_t queued_bytes) const {
  const auto wall = std::chrono::system_clock::now();
  const auto at = [&](TimePoint point) {
    return std::chrono::duration_cast<std::chrono::microseconds>((wall - (now - point)).time_since_epoch()).count();
  };
  const TransactionState transaction = state();
  const Stage stage = stage_->stage();
  std::string state = busy_ ? "active" : "idle";
  if (closed_) {
    state = "leaving";
  } else if (!busy_ && transaction != TransactionState::kIdle) {
    state = transaction == TransactionState::kFailed ? "idle in transaction (aborted)" : "idle in transaction";
  }
  const auto text = visible_statement();
  const bool runs = statement_.sql != nullptr;
  const auto application = variables_.show("application_name");
  const std::string_view waits = busy_ ? kStageNames[static_cast<size_t>(stage)] : "client";
  const double progress = busy_ ? this->progress() : -1;
  std::string kind = runs ? statement_.kind->tag : "";
  if (kind.ends_with(" 0")) kind.resize(kind.size() - 2);
  return {static_cast<int64_t>(id_),
          client_.user,
          application.ok() ? *application : "",
          client_.peer,
          known(client_.pid, 0),
          known(client_.uid, -1),
          at(connected_at_),
          state,
          at(changed_at_),
          waits.empty() ? LiveValue() : LiveValue(std::string(waits)),
          runs ? LiveValue(micros(stage_->waited(now))) : LiveValue(),
          runs ? LiveValue(kind) : LiveValue(),
          text ? LiveValue(*text) : LiveValue(),
          runs ? LiveValue(static_cast<int64_t>(statement_.more + 1)) : LiveValue(),
          runs ? LiveValue(micros(now - changed_at_)) : LiveValue(),
          transaction_.active ? LiveValue(micros(now - transaction_.begun_at)) : LiveValue(),
          transaction_.lane != nullptr,
          static_cast<int64_t>(queued_bytes),
          static_cast<int64_t>(statements_),
          progress >= 0 ? LiveValue(progress) : LiveValue(),
          last_statement_ ? LiveValue(cut_text(*last_statement_)) : LiveValue()};
}

// ---- all of them -----------------------------------------------------------------------------------------------

Result<engine::LiveRows> read_activity(Services& services) {
  auto promise = std::make_shared<std::promise<engine::LiveRows>>();
  auto future = promise->get_future();
  services.post([&services, promise] {
    const auto queued = services.coordinator->queued_bytes();
    const TimePoint now = SteadyClock::now();
    engine::LiveRows rows;
    for (const auto& session : services.board.sessions()) {
      const auto bytes = queued.find(session->id());
      rows.push_back(session->activity(now, bytes == queued.end() ? 0 : bytes->second));
    }
    promise->set_value(std::move(rows));
  });
  if (future.wait_for(kAnswerWithin) == std::future_status::ready) return future.get();
  return make_error(ErrorCode::kCannotConnectNow, "the sessions did not answer in time");
}

}  // namespace merganser::session

// LISTEN, UNLISTEN, NOTIFY and pg_notify: asked for within a transaction they happen at its commit. Besides, every
// commit of this session's tells those who listen to the tables that it changed.
#include <algorithm>
#include <map>

#include "engine/sql_tokens.h"
#include "session/session.h"

namespace merganser::session {
namespace {

using engine::CommandKind;

constexpr size_t kMaxPendingBytes = size_t{8} << 20;  // messages of one transaction
constexpr size_t kMaxChanges = 10000;                 // kept apart for ROLLBACK TO SAVEPOINT

Error invalid(std::string message) {
  return make_error(ErrorCode::kInvalidParameterValue, std::move(message));
}

std::string lowered(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(tolower(c)); });
  return text;
}

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return out + '"';
}

// "INSERT 0" is insert, "ALTER TABLE" is ddl.
std::string verb_of(const engine::StatementClass& kind) {
  if (kind.kind == engine::StatementKind::kDdl) return kind.tag == "TRUNCATE TABLE" ? "truncate" : "ddl";
  return lowered(kind.tag.substr(0, kind.tag.find(' ')));
}

}  // namespace

std::optional<Error> Session::check_channel(const std::string& channel) const {
  if (channel.empty()) return invalid("channel name cannot be empty");
  if (channel.size() > Notifications::kMaxChannel) return invalid("channel name too long");
  return std::nullopt;
}

std::optional<Error> Session::notify(const std::string& channel, const std::string& payload) {
  if (auto wrong = check_channel(channel)) return wrong;
  if (payload.size() > Notifications::kMaxPayload) return invalid("payload string too long");
  PendingNotifications now;
  PendingNotifications& pending = transaction_.active ? transaction_.notifications : now;
  Notification one{id_, channel, payload};
  // The same message twice in a transaction is sent once.
  if (std::find(pending.messages.begin(), pending.messages.end(), one) != pending.messages.end()) return std::nullopt;
  pending.bytes += channel.size() + payload.size() + sizeof(Notification);
  if (pending.bytes > kMaxPendingBytes) {
    return make_error(ErrorCode::kProgramLimitExceeded, "too many notifications in one transaction", {},
                      "Send fewer or shorter ones, or commit in between.");
  }
  pending.messages.push_back(std::move(one));
  if (!transaction_.active) publish(std::move(now));
  return std::nullopt;
}

void Session::run_notify(RunRequest request, const engine::SessionCommand& command) {
  std::optional<Error> wrong;
  if (command.kind == CommandKind::kNotify) {
    wrong = notify(command.name, command.payload);
  } else {
    if (command.kind == CommandKind::kListen) wrong = check_channel(command.name);
    if (!wrong && services_->notifications.channels_of(id_).size() >= Notifications::kMaxChannels) {
      wrong = make_error(ErrorCode::kProgramLimitExceeded, "the session listens to too many channels");
    }
    PendingNotifications now;
    PendingNotifications& pending = transaction_.active ? transaction_.notifications : now;
    if (!wrong && pending.changes.size() >= Notifications::kMaxChannels) {
      wrong = make_error(ErrorCode::kProgramLimitExceeded, "too many LISTEN and UNLISTEN in one transaction");
    }
    if (!wrong) pending.changes.push_back({command.kind == CommandKind::kListen, command.name});
    if (!wrong && !transaction_.active) publish(std::move(now));
  }
  if (wrong) {
    if (transaction_.active) fail_transaction(std::nullopt);
    return finish_error(request.done, *std::move(wrong));
  }
  Completion completion;
  completion.tag = command.tag;
  finish(request.done, std::move(completion));
}

// At the commit.
void Session::publish(PendingNotifications pending) {
  Notifications& all = services_->notifications;
  for (const PendingNotifications::Change& change : pending.changes) {
    if (change.listen) {
      all.listen(id_, change.channel, {[this](const Notification& one) { receive(one); }});
    } else if (change.channel.empty()) {
      all.unlisten_all(id_);
    } else {
      all.unlisten(id_, change.channel);
    }
  }
  all.send(pending.messages);
}

// ---- receiving -------------------------------------------------------------------------------------------------

void Session::receive(const Notification& one) {
  if (closed_) return;
  if (!inbox_.put(one)) {
    // Dropping some would be worse: who listens relies on all of them, and can begin anew.
    services_->notifications.unlisten_all(id_);
    inbox_.clear();
    if (on_fatal) {
      on_fatal(make_error(ErrorCode::kConfigurationLimitExceeded, "too many notifications wait for this listener",
                          "It was in a transaction, or did not read, for too long.",
                          "Connect again, LISTEN again, and look at the current state."));
    }
    return;
  }
  if (on_notification) on_notification();
}

std::optional<Notification> Session::next_notification() {
  if (transaction_.active || inbox_.empty()) return std::nullopt;
  return inbox_.next();
}

// ---- changes of tables -----------------------------------------------------------------------------------------

void Session::note_change(std::vector<TableChange>& changes, const engine::StatementClass& kind, uint64_t rows) const {
  if (kind.target.empty() || !services_->notifications.anybody_listens()) return;
  if (changes.size() < kMaxChanges) changes.push_back({table_of(kind.target), verb_of(kind), rows});
}

// The table's name with its schema: the first of the search path, where none is named. `public` is DuckDB's main.
std::string Session::table_of(const std::string& target) const {
  const size_t dot = target.find('.');
  if (dot != std::string::npos) return target.starts_with("public.") ? "main" + target.substr(dot) : target;
  const auto path = variables_.show("search_path");
  for (const engine::Token& token : engine::tokenize(path.ok() ? *path : std::string())) {
    if (token.kind != engine::TokenKind::kWord && token.kind != engine::TokenKind::kQuotedName) continue;
    const std::string schema = engine::folded_name(token);
    if (schema != "$user") return (schema == "public" ? "main" : schema) + "." + target;
  }
  return "main." + target;
}

// One message for each table, to who listens to "table:schema.name".
void Session::publish_changes(const std::vector<TableChange>& changes) {
  std::map<std::string, std::map<std::string, uint64_t>> tables;
  for (const TableChange& change : changes) {
    if (change.rows > 0 || change.verb == "ddl" || change.verb == "truncate") {
      tables[change.table][change.verb] += change.rows;
    }
  }
  std::vector<Notification> messages;
  for (const auto& [table, verbs] : tables) {
    Notification one{id_, "table:" + table, "{\"table\": " + json_text(table)};
    if (!services_->notifications.anybody_listens(one.channel)) continue;
    for (const auto& [verb, rows] : verbs) one.payload += ", \"" + verb + "\": " + std::to_string(rows);
    one.payload += "}";
    messages.push_back(std::move(one));
  }
  services_->notifications.send(messages);
}

// Of statements that were committed by the writer.
void Session::publish_changes_of(std::span<const coordinator::Statement> statements,
                                 const coordinator::UnitOutcome& outcome) {
  if (!services_->notifications.anybody_listens() || outcome.skip != coordinator::Skip::kNo) return;
  if (!outcome.first_answered.empty()) return;  // a repeated request: told the first time
  std::vector<TableChange> changes;
  for (size_t i = 0; i < std::min(statements.size(), outcome.results.size()); i++) {
    const engine::ResultSet& result = outcome.results[i];
    const bool rows = result.kind() == engine::ReturnKind::kRows;
    note_change(changes, *statements[i].kind, rows ? result.materialised_rows() : result.changed_rows());
  }
  publish_changes(changes);
}

}  // namespace merganser::session

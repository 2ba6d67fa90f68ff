#include "pgwire/connection.h"

#include "auth/crypto.h"
#include "base/log.h"

namespace merganser::pgwire {
namespace {

template <typename... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};
template <typename... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

constexpr size_t kCancelKey = 4;  // bytes
constexpr size_t kLongCancelKey = 32;
constexpr size_t kUnsentLimit = size_t{1} << 20;  // replies that may wait for the client before its messages do

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(tolower(static_cast<unsigned char>(c)));
  return out;
}

}  // namespace

Connection::Connection(std::shared_ptr<session::Services> services, std::shared_ptr<const ConnectionOptions> options,
                       Registry& registry, Transport& transport)
    : services_(std::move(services)),
      options_(std::move(options)),
      registry_(registry),
      transport_(&transport),
      parser_(options_->limits) {}

Connection::~Connection() {
  on_closed();
}

void Connection::on_closed() {
  transport_ = nullptr;
  closing_ = true;
  if (pid_ != 0) registry_.remove(std::exchange(pid_, 0));
  close_all_portals();
  copying_.reset();
  if (session_) session_->close();
}

bool Connection::wants_bytes() const {
  if (closing_) return false;
  if (transport_->unsent() > kUnsentLimit) return false;
  if (copying_ && copying_->full()) return false;
  return !waiting_ || in_.size() - in_at_ < options_->input_while_busy;
}

void Connection::on_bytes(std::string_view bytes) {
  if (closing_) return;
  in_.append(bytes);
  process();
}

void Connection::on_sent(size_t bytes) {
  if (session_) session_->consumed(bytes);
  if (session_ && !waiting_ && !processing_) deliver_notifications();
  if (!waiting_) process();
}

// ---- the loop --------------------------------------------------------------------------------------------------

void Connection::process() {
  if (processing_) return;
  processing_ = true;
  const auto self = shared_from_this();
  while (!waiting_ && !closing_ && transport_ != nullptr) {
    // Replies behind deferred writes are not sent yet; where many gather, they cannot wait for Sync.
    if (!deferred_.empty() && out_.size() > kUnsentLimit / 2) {
      settle([this] { flush(); });
      continue;
    }
    if (transport_->unsent() + out_.size() > kUnsentLimit) break;
    if (copying_ && copying_->full()) break;
    size_t consumed = 0;
    Parsed parsed = parser_.next(std::string_view(in_).substr(in_at_), consumed);
    if (std::holds_alternative<NeedMore>(parsed)) break;
    if (auto* failed = std::get_if<ProtocolError>(&parsed)) {
      in_at_ += consumed;
      if (failed->fatal) {
        fatal(failed->error);
      } else if (!session_) {
        fatal(failed->error);
      } else if (is_extended_query_message(failed->type)) {
        if (!skip_to_sync_) extended_error(failed->error);
      } else {
        error(failed->error);
        ready();
      }
      continue;
    }
    // The views of a message point into the buffer, which stays as it is until the next turn.
    in_at_ += consumed;
    handle(std::get<FrontendMessage>(parsed));
  }
  if (in_at_ == in_.size()) {
    in_.clear();
    if (in_.capacity() > (size_t{1} << 16)) in_.shrink_to_fit();
    in_at_ = 0;
  } else if (in_at_ > (size_t{1} << 16)) {
    in_.erase(0, in_at_);
    in_at_ = 0;
  }
  processing_ = false;
  // Replies to what came before a running statement go out with its own: one write, one wake-up of the client.
  if (!waiting_) flush();
  if (end_reason_ && !waiting_ && may_end() && !closing_ && in_.empty()) {
    fatal(*std::exchange(end_reason_, std::nullopt));
  }
}

// After a session's callback: goes on with what waits in the buffer.
void Connection::resume_processing() {
  if (!waiting_) process();
}

void Connection::flush() {
  if (transport_ == nullptr || out_.empty() || !deferred_.empty()) return;
  transport_->send(std::exchange(out_, {}));
}

void Connection::handle(FrontendMessage& message) {
  if (copying_ && on_copy_message(message)) return;
  if (skip_to_sync_ && !std::holds_alternative<Sync>(message) && !std::holds_alternative<Terminate>(message)) return;
  std::visit(Overloaded{
                 [&](const StartupMessage& m) { on_startup(m); },
                 [&](const SslRequest&) {
                   const bool granted = transport_->security().can_encrypt;
                   writer_.encryption_answer(granted ? 'S' : 'N');
                   flush();
                   if (granted) transport_->start_tls();
                 },
                 [&](const GssEncRequest&) {
                   writer_.encryption_answer('N');
                   flush();
                 },
                 [&](const CancelRequest& m) {
                   if (Connection* other = registry_.find(m.pid, m.key)) other->cancel();
                   closing_ = true;
                   transport_->close_after_send();
                 },
                 [&](const Query& m) { on_query(m.sql); },
                 [&](const Parse& m) { on_parse(m); },
                 [&](const Bind& m) { on_bind(m); },
                 [&](const Describe& m) { on_describe(m); },
                 [&](const Execute& m) { on_execute(m); },
                 [&](const Close& m) { on_close(m); },
                 [&](const Sync&) { on_sync(); },
                 [&](const Flush&) { on_flush(); },
                 [&](const Terminate&) {
                   closing_ = true;
                   transport_->close_after_send();
                 },
                 [&](const PasswordMessage& m) { on_password(m); },
                 // Left over from a COPY that failed: PostgreSQL drops them too.
                 [&](const CopyData&) {},
                 [&](const CopyDone&) {},
                 [&](const CopyFail&) {},
                 [&](const FunctionCall&) {
                   error(make_error(ErrorCode::kFeatureNotSupported, "function calls are not supported", {},
                                    "Use SELECT function(…)."));
                   ready();
                 },
             },
             message);
}

void Connection::cancel() {
  if (session_) session_->cancel();
}

void Connection::terminate(Error why, End when) {
  if (closing_) return;
  end_when_ = when;
  if (may_end()) return fatal(why);
  end_reason_ = std::move(why);
}

bool Connection::may_end() const {
  if (!session_ || end_when_ == End::kNow) return true;
  return end_when_ == End::kWhenIdle ? idle() : !session_->busy();
}

// ---- replies ---------------------------------------------------------------------------------------------------

void Connection::fatal(const Error& error) {
  closing_ = true;
  deferred_.clear();
  writer_.error_response(error, Severity::kFatal);
  flush();
  if (transport_ != nullptr) transport_->close_after_send();
}

void Connection::error(Error error) {
  writer_.error_response(error);
}

char Connection::status() const {
  switch (session_->state()) {
    case session::TransactionState::kOpen:
      return 'T';
    case session::TransactionState::kFailed:
      return 'E';
    default:
      return 'I';
  }
}

// As PostgreSQL 14 and newer do it: before ReadyForQuery, and only what is another value than the client knows.
void Connection::report_parameters() {
  for (const std::string& name : std::exchange(to_report_, {})) {
    const auto value = session_->variables().show(name);
    if (!value.ok()) continue;
    const auto [known, first] = reported_.try_emplace(name, *value);
    if (!first && known->second == *value) continue;
    known->second = *value;
    writer_.parameter_status(session::Variables::spelled(name), *value);
  }
}

// As many as the client takes; the others wait in the session, which has a limit for them.
void Connection::deliver_notifications() {
  if (transport_ == nullptr || closing_) return;
  while (transport_->unsent() + out_.size() < kUnsentLimit) {
    const auto one = session_->next_notification();
    if (!one) break;
    writer_.notification_response(static_cast<int32_t>(one->sender & 0x7fffffff), one->channel, one->payload);
  }
  if (!processing_ && !waiting_) flush();
}

void Connection::ready() {
  if (!to_report_.empty()) report_parameters();
  if (status() == 'I') deliver_notifications();
  writer_.ready_for_query(status());
  flush();
}

const TimeZone::Ptr& Connection::time_zone() {
  const std::string& name = session_->variables().time_zone();
  if (!time_zone_ || name != time_zone_name_) {
    const auto loaded = TimeZone::load(name);
    time_zone_ = loaded.ok() ? *loaded : TimeZone::utc();
    time_zone_name_ = name;
  }
  return time_zone_;
}

std::shared_ptr<PgRowSink> Connection::make_sink(bool describe, std::vector<int16_t> formats,
                                                 engine::Columns announced) {
  return std::make_shared<PgRowSink>(
      PgRowSink::Options{describe, std::move(formats), std::move(announced), time_zone()});
}

session::RunRequest Connection::make_request(coordinator::Statement statement, std::shared_ptr<PgRowSink> sink) {
  session::RunRequest request;
  request.statement = std::move(statement);
  request.sink = std::move(sink);
  request.bytes = [self = shared_from_this()](std::string bytes) {
    self->out_ += bytes;
    self->flush();
  };
  return request;
}

void Connection::append_result(engine::ResultSet& result, PgRowSink& sink, const engine::StatementClass& kind) {
  uint64_t count = result.changed_rows();
  if (result.kind() == engine::ReturnKind::kRows) {
    Status status = sink.begin(result.columns(), out_);
    while (status.ok()) {
      auto chunk = result.next();
      if (!chunk.ok()) status = chunk.error();
      if (!chunk.ok() || !chunk->has_value()) break;
      status = sink.rows(**chunk, 0, (*chunk)->rows(), out_);
      count += (*chunk)->rows();
    }
    if (!status.ok()) log(LogLevel::kWarn, "pgwire.result_lost", {{"error", status.error().message}});
  }
  writer_.command_complete(session::Session::tag_of(kind, count));
}

// ---- startup ---------------------------------------------------------------------------------------------------

void Connection::on_startup(const StartupMessage& message) {
  for (const auto& [name, value] : message.parameters) startup_.emplace_back(lowered(name), std::string(value));
  user_ = std::string(message.find("user").value_or(""));
  database_ = std::string(message.find("database").value_or(options_->database));
  if (user_.empty()) {
    return fatal(make_error(ErrorCode::kInvalidAuthorization, "no PostgreSQL user name specified in startup packet"));
  }
  if (const auto replication = message.find("replication");
      replication && *replication != "false" && *replication != "0") {
    return fatal(make_error(ErrorCode::kFeatureNotSupported, "replication connections are not supported"));
  }
  std::vector<std::string_view> unknown;
  for (const auto& [name, value] : message.parameters) {
    if (name.starts_with("_pq_.")) unknown.push_back(name);
  }
  protocol_ = std::min(message.version, kProtocol32);
  if (message.version > kProtocol32 || !unknown.empty()) writer_.negotiate_protocol_version(protocol_, unknown);
  authenticate();
}

void Connection::log_in() {
  if (database_ != options_->database) {
    return fatal(make_error(ErrorCode::kInvalidCatalogName, "database \"" + database_ + "\" does not exist", {},
                            "This owner serves \"" + options_->database + "\"."));
  }
  if (!transport_->admit()) {
    return fatal(make_error(ErrorCode::kTooManyConnections, "sorry, too many clients already", {},
                            "Raise max_connections, or share connections through a pool."));
  }
  session::Variables variables(user_, options_->server_version, services_->time_zone);
  variables.set_default("statement_timeout", session::format_duration(services_->statement_timeout));
  variables.set_default("idle_in_transaction_session_timeout",
                        session::format_duration(services_->idle_in_transaction_timeout));
  session_ = std::make_shared<session::Session>(services_, std::move(variables));
  if (const Status status = apply_startup_parameters(); !status.ok()) return fatal(status.error());
  session_->keep_as_initial();
  session::ClientInfo client = transport_->client();
  client.user = user_;
  session_->introduce(std::move(client));
  session_->on_fatal = [this](const Error& error) { fatal(error); };
  session_->on_warning = [this](const Error& warning) {
    writer_.notice_response(warning, NoticeSeverity::kWarning);
    if (!processing_) flush();  // it may come between statements
  };
  session_->on_notice = [this](const Error& notice) { writer_.notice_response(notice, NoticeSeverity::kNotice); };
  session_->on_notification = [this] {
    if (!waiting_ && !processing_ && deferred_.empty()) deliver_notifications();
  };
  session_->on_variable = [this](const std::string& name, const std::string&) { to_report_.insert(name); };
  pid_ = static_cast<int32_t>(session_->id() & 0x7fffffff);
  auto key = auth::random_bytes(protocol_ >= kProtocol32 ? kLongCancelKey : kCancelKey);
  if (!key.ok()) return fatal(key.error());
  registry_.add(pid_, *key, this);
  parser_.set_authenticated();
  writer_.authentication_ok();
  to_report_.insert(session::Variables::reported().begin(), session::Variables::reported().end());
  report_parameters();
  writer_.backend_key_data(pid_, *key);
  ready();
}

Status Connection::apply_startup_parameters() {
  for (const auto& [name, value] : startup_) {
    if (name == "user" || name == "database" || name == "replication" || name.starts_with("_pq_.")) continue;
    if (name != "options") {
      MERGANSER_TRY(session_->variables().set(name, value));
      continue;
    }
    // "-c name=value --name=value", blanks escaped by a backslash.
    std::string word;
    std::vector<std::string> words;
    for (size_t i = 0; i <= value.size(); i++) {
      if (i < value.size() && value[i] == '\\' && i + 1 < value.size()) {
        word += value[++i];
      } else if (i == value.size() || value[i] == ' ') {
        if (!word.empty()) words.push_back(std::exchange(word, {}));
      } else {
        word += value[i];
      }
    }
    for (size_t i = 0; i < words.size(); i++) {
      std::string setting = words[i];
      if (setting == "-c" && i + 1 < words.size()) {
        setting = words[++i];
      } else if (setting.starts_with("-c") || setting.starts_with("--")) {
        setting.erase(0, 2);
      } else {
        return make_error(ErrorCode::kInvalidParameterValue, "invalid command-line argument for server: " + setting);
      }
      const size_t equals = setting.find('=');
      if (equals == std::string::npos) {
        return make_error(ErrorCode::kInvalidParameterValue, "-c " + setting + " requires a value");
      }
      MERGANSER_TRY(session_->variables().set(lowered(setting.substr(0, equals)), setting.substr(equals + 1)));
    }
  }
  return {};
}

}  // namespace merganser::pgwire

#include "bench/null_session.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace merganser::bench {

namespace {

using namespace pgwire;

constexpr size_t kMaxNames = 10'000;  // prepared statements and portals of one client

std::string first_word(std::string_view sql) {
  std::string word;
  for (const char c : sql) {
    if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
      word.push_back(static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
    } else if (!word.empty()) {
      break;
    }
  }
  return word;
}

// The highest $n outside quotes: how many parameters a statement has.
int count_parameters(std::string_view sql) {
  int highest = 0;
  bool quoted = false;
  for (size_t i = 0; i < sql.size(); i++) {
    if (sql[i] == '\'') quoted = !quoted;
    if (quoted || sql[i] != '$') continue;
    int number = 0;
    while (i + 1 < sql.size() && sql[i + 1] >= '0' && sql[i + 1] <= '9' && number < 6553) {
      number = number * 10 + (sql[++i] - '0');
    }
    highest = std::max(highest, number);
  }
  return highest;
}

// The statement before the next semicolon outside quotes; `rest` moves past it.
std::string_view take_statement(std::string_view& rest) {
  bool quoted = false;
  size_t end = 0;
  for (; end < rest.size() && (quoted || rest[end] != ';'); end++) {
    if (rest[end] == '\'') quoted = !quoted;
  }
  const std::string_view out = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return out;
}

bool blank(std::string_view sql) {
  return std::all_of(sql.begin(), sql.end(),
                     [](char c) { return c == ';' || std::isspace(static_cast<unsigned char>(c)); });
}

}  // namespace

NullSession::Statement NullSession::classify(std::string_view sql) const {
  Statement out;
  out.parameters = count_parameters(sql);
  if (blank(sql)) {
    out.empty = true;
    return out;
  }
  const std::string word = options_.reply == Reply::kInsert   ? "INSERT"
                           : options_.reply == Reply::kSelect ? "SELECT"
                                                              : first_word(sql);
  if (word == "BEGIN" || word == "START") {
    out.tag = "BEGIN";
    out.status_after = 'T';
  } else if (word == "COMMIT" || word == "END" || word == "ROLLBACK" || word == "ABORT") {
    out.tag = word == "COMMIT" || word == "END" ? "COMMIT" : "ROLLBACK";
    out.status_after = 'I';
  } else if (word == "INSERT") {
    out.tag = "INSERT 0 1";
  } else if (word == "UPDATE" || word == "DELETE") {
    out.tag = word + " 1";
  } else if (word == "SELECT" || word == "VALUES" || word == "WITH" || word == "SHOW") {
    out.rows = true;
    out.tag = "SELECT " + std::to_string(options_.rows);
  } else {
    out.tag = word;  // SET, CREATE, VACUUM …
  }
  return out;
}

void NullSession::greet() {
  parser_.set_authenticated();
  out_.authentication_ok();
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> settings = {
      {{"server_version", "15.0"},
       {"server_encoding", "UTF8"},
       {"client_encoding", "UTF8"},
       {"DateStyle", "ISO, MDY"},
       {"integer_datetimes", "on"},
       {"standard_conforming_strings", "on"}}};
  for (const auto& [name, value] : settings) out_.parameter_status(name, value);
  out_.backend_key_data(1, "null");
  out_.ready_for_query('I');
}

void NullSession::describe(const Statement& statement, int16_t format) {
  if (!statement.rows) return out_.no_data();
  const FieldDescription column[] = {{"n", 0, 0, 23, 4, -1, format}};
  out_.row_description(column);
}

void NullSession::execute(const Statement& statement, int16_t format) {
  if (statement.empty) return out_.empty_query_response();
  if (statement.rows) {
    for (int i = 0; i < options_.rows; i++) {
      out_.data_row_begin(1);
      out_.data_field(format == 1 ? std::string_view("\0\0\0\1", 4) : std::string_view("1"));
      (void)out_.data_row_end();  // a row of one number always fits
    }
  }
  out_.command_complete(statement.tag);
  if (statement.status_after != 0) status_ = statement.status_after;
}

void NullSession::simple_query(std::string_view sql) {
  if (blank(sql)) out_.empty_query_response();
  while (!blank(sql)) {
    const Statement statement = classify(take_statement(sql));
    if (statement.empty) continue;
    if (statement.rows) describe(statement, 0);
    execute(statement, 0);
  }
  out_.ready_for_query(status_);
}

void NullSession::fail(Error error) {
  out_.error_response(error);
  skip_to_sync_ = true;
  if (status_ == 'T') status_ = 'E';
}

bool NullSession::handle_password(std::string_view body) {
  if (!scram_) return false;
  const auto answer = [&]() -> Result<std::string> {
    if (scram_step_ == ScramStep::kFinal) return scram_->client_final(body);
    if (scram_step_ == ScramStep::kFirst) return scram_->client_first(body);
    MERGANSER_ASSIGN(const SaslInitialResponse initial, parse_sasl_initial_response(body));
    if (initial.mechanism != auth::kScramSha256) {
      return make_error(ErrorCode::kProtocolViolation, "client selected an invalid SASL authentication mechanism");
    }
    scram_step_ = ScramStep::kFirst;
    if (!initial.data) return std::string();  // an empty challenge, which the client answers with its first message
    return scram_->client_first(*initial.data);
  }();
  if (!answer.ok()) {
    out_.error_response(answer.error(), Severity::kFatal);
    return false;
  }
  if (scram_->authenticated()) {
    out_.authentication_sasl_final(*answer);
    scram_.reset();
    greet();
    return true;
  }
  if (!answer->empty()) scram_step_ = ScramStep::kFinal;
  out_.authentication_sasl_continue(*answer);
  return true;
}

bool NullSession::handle(const FrontendMessage& message) {
  if (const auto* query = std::get_if<Query>(&message)) {
    simple_query(query->sql);
    return true;
  }
  if (std::holds_alternative<Sync>(message)) {
    skip_to_sync_ = false;
    out_.ready_for_query(status_);
    return true;
  }
  if (std::holds_alternative<SslRequest>(message) || std::holds_alternative<GssEncRequest>(message)) {
    out_.encryption_answer('N');
    return true;
  }
  if (const auto* startup = std::get_if<StartupMessage>(&message)) {
    if (startup->version > pgwire::kProtocol32) out_.negotiate_protocol_version(pgwire::kProtocol32, {});
    user_ = startup->find("user").value_or("");
    if (options_.passwords == nullptr) {
      greet();
    } else {
      scram_.emplace(user_, options_.passwords->find(user_), options_.passwords->mock_secret());
      out_.authentication_sasl({auth::kScramSha256});
    }
    return true;
  }
  if (const auto* password = std::get_if<PasswordMessage>(&message)) return handle_password(password->body);
  if (std::holds_alternative<Terminate>(message) || std::holds_alternative<CancelRequest>(message)) return false;
  if (skip_to_sync_ || std::holds_alternative<Flush>(message)) return true;
  return handle_extended(message);
}

bool NullSession::handle_extended(const FrontendMessage& message) {
  if (const auto* parse = std::get_if<Parse>(&message)) {
    if (statements_.size() >= kMaxNames) return false;
    statements_.insert_or_assign(std::string(parse->name), classify(parse->sql));
    out_.parse_complete();
  } else if (const auto* bind = std::get_if<Bind>(&message)) {
    const auto found = statements_.find(bind->statement);
    if (found == statements_.end() || portals_.size() >= kMaxNames) {
      fail(make_error(ErrorCode::kInvalidStatementName, "prepared statement does not exist"));
      return true;
    }
    const int16_t format = bind->result_formats.empty() ? int16_t{0} : bind->result_formats[0];
    if (const auto old = portals_.find(bind->portal); old != portals_.end()) {
      old->second = Portal{found->second, format};
    } else {
      portals_.emplace(bind->portal, Portal{found->second, format});
    }
    out_.bind_complete();
  } else if (const auto* target = std::get_if<Describe>(&message)) {
    const auto statement = statements_.find(target->name);
    const auto portal = portals_.find(target->name);
    if (target->kind == 'S' && statement != statements_.end()) {
      out_.parameter_description(std::vector<int32_t>(static_cast<size_t>(statement->second.parameters), 25));
      describe(statement->second, 0);
    } else if (target->kind == 'P' && portal != portals_.end()) {
      describe(portal->second.statement, portal->second.format);
    } else {
      fail(make_error(ErrorCode::kInvalidCursorName, "portal or prepared statement does not exist"));
    }
  } else if (const auto* run = std::get_if<Execute>(&message)) {
    const auto portal = portals_.find(run->portal);
    if (portal == portals_.end()) {
      fail(make_error(ErrorCode::kInvalidCursorName, "portal does not exist"));
    } else {
      execute(portal->second.statement, portal->second.format);
    }
  } else if (const auto* close = std::get_if<Close>(&message)) {
    if (close->kind == 'S') statements_.erase(std::string(close->name));
    if (close->kind == 'P') portals_.erase(std::string(close->name));
    out_.close_complete();
  } else if (std::holds_alternative<FunctionCall>(message)) {
    out_.error_response(make_error(ErrorCode::kFeatureNotSupported, "function calls are not supported"));
    out_.ready_for_query(status_);
  }
  return true;  // copy messages outside a copy are ignored, as in PostgreSQL
}

bool NullSession::feed(std::string_view& in) {
  while (!in.empty()) {
    size_t consumed = 0;
    const Parsed parsed = parser_.next(in, consumed);
    if (std::holds_alternative<NeedMore>(parsed)) return true;
    in.remove_prefix(consumed);
    if (const auto* problem = std::get_if<ProtocolError>(&parsed)) {
      if (skip_to_sync_ && !problem->fatal) continue;
      out_.error_response(problem->error, problem->fatal ? Severity::kFatal : Severity::kError);
      if (problem->fatal) return false;
      if (is_extended_query_message(problem->type)) {
        skip_to_sync_ = true;
      } else {
        out_.ready_for_query(status_);
      }
      continue;
    }
    if (!handle(std::get<FrontendMessage>(parsed))) return false;
  }
  return true;
}

}  // namespace merganser::bench

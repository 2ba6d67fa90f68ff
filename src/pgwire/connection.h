// One client of the PostgreSQL protocol: bytes in, bytes out, a session behind. No sockets here.
//
// Messages are handled one after another; while a statement runs the rest waits in the buffer. The writes of a pipeline
// up to Sync are gathered into one unit. Threads: the sessions' thread. Lifetime: shared; on_closed() ends it.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>

#include "auth/scram.h"
#include "base/time_zone.h"
#include "pgwire/backend.h"
#include "pgwire/frontend.h"
#include "pgwire/pg_row_sink.h"
#include "pgwire/registry.h"
#include "pgwire/transport.h"
#include "session/copy_in.h"
#include "session/session.h"
#include "session/write_options.h"

namespace merganser::pgwire {

struct ConnectionOptions {
  std::string database;
  std::string server_version = "15.18 (merganser)";
  std::string password_file;                              // empty: nobody comes in over TCP with a password
  std::optional<ClientCertificates> client_certificates;  // nullopt: there are no authorities for them
  FrontendLimits limits;
  size_t pipeline_statements = 10000;  // gathered into one unit
  size_t pipeline_bytes = size_t{16} << 20;
  size_t named_statements = 10000;              // a session
  size_t input_while_busy = size_t{256} << 10;  // bytes read ahead
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<session::Services> services, std::shared_ptr<const ConnectionOptions> options,
             Registry& registry, Transport& transport);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void on_bytes(std::string_view bytes);
  void on_sent(size_t bytes);
  void on_closed();
  // Whether more bytes should be read now.
  bool wants_bytes() const;
  bool authenticated() const { return session_ != nullptr; }
  bool idle() const { return session_ && !session_->busy() && session_->state() == session::TransactionState::kIdle; }
  void cancel();
  // Ends the connection with a FATAL message: at once, after the running statement, or after its transaction.
  enum class End : uint8_t { kNow, kWhenNotBusy, kWhenIdle };
  void terminate(Error why, End when);

 private:
  struct PreparedStatement {
    session::DescriptionPtr description;
    std::vector<int32_t> oids;
    session::HintsPtr hints;
  };
  struct Portal {
    coordinator::Statement statement;
    session::DescriptionPtr description;           // of the statement that was bound
    std::vector<session::ParameterRewrite> typed;  // to describe it, when its columns depend on its parameters
    std::vector<int16_t> formats;
    engine::Columns announced;  // what Describe told the client
    bool rows_unknown = false;
    bool rewritten = false;
    bool finished = false;
    bool broken = false;  // its transaction failed after it was bound
    std::shared_ptr<session::Query> query;
  };
  // An Execute of a pipeline that waits for Sync, with the replies that go out before its own.
  struct Deferred {
    std::string before;
    coordinator::Statement statement;
    std::shared_ptr<PgRowSink> sink;
  };

  void process();
  void handle(FrontendMessage& message);
  void flush();
  void fatal(const Error& error);
  bool may_end() const;
  // connection.cc: startup
  void on_startup(const StartupMessage& message);
  void log_in();
  Status apply_startup_parameters();
  // authentication.cc
  void authenticate();
  void authenticate_certificate(const std::optional<std::string>& name, ClientCertificates rule);
  void start_scram();
  void on_password(const PasswordMessage& message);
  void answer_client_first(std::string_view data, const std::function<void(const Error&)>& fail);
  // simple_query.cc
  void on_query(std::string_view sql);
  void next_simple();
  void run_one_simple();
  void end_simple(bool ok);
  void run_simple_unit();
  void simple_error(Error error);
  bool deallocate(std::string_view sql);
  void forget_prepared();
  // extended_query.cc
  void on_parse(const Parse& message);
  void on_bind(const Bind& message);
  void on_describe(const Describe& message);
  void on_execute(const Execute& message);
  void on_close(const Close& message);
  void on_sync();
  void on_flush();
  void add_statement(const std::string& name, session::DescriptionPtr description, std::vector<int32_t> oids,
                     session::HintsPtr hints);
  static bool rows_unknown(const PreparedStatement& statement);
  static Error missing_statement(const std::string& name);
  static Error missing_portal(const std::string& name);
  // describe.cc
  void describe_statement(const std::string& name);
  void describe_portal(const std::string& name);
  void describe_typed(const std::string& sql, const std::vector<session::ParameterRewrite>& typed,
                      std::function<void(Result<engine::Columns>)> done);
  Result<Portal> bind_portal(const PreparedStatement& statement, const Bind& message);
  void run_portal(const std::string& name, uint64_t max_rows);
  bool defer(const std::string& name, Portal& portal);
  void settle(std::function<void()> then);
  void settle_next(std::shared_ptr<std::vector<Deferred>> list, size_t index, std::function<void()> then);
  void run_deferred_unit();
  void end_sync();
  void close_portal(const std::string& name);
  void close_all_portals();
  void break_portals();
  bool next_is_sync() const;
  // copy.cc
  void run_or_copy(session::RunRequest request);
  void copy_to(session::RunRequest request);
  void copy_from(session::RunRequest request);
  bool on_copy_message(FrontendMessage& message);
  // both
  void error(Error error);
  void extended_error(Error error);
  void ready();
  void report_parameters();
  void deliver_notifications();
  // cursor.cc
  void describe_cursor_statement(const engine::StatementClass& kind, std::span<const int16_t> formats);
  bool describe_cursor(const std::string& name);
  session::RunRequest prepare_cursor(session::RunRequest request, std::vector<int16_t> formats, bool simple);
  void append_result(engine::ResultSet& result, PgRowSink& sink, const engine::StatementClass& kind);
  std::shared_ptr<PgRowSink> make_sink(bool describe, std::vector<int16_t> formats, engine::Columns announced);
  session::RunRequest make_request(coordinator::Statement statement, std::shared_ptr<PgRowSink> sink);
  const TimeZone::Ptr& time_zone();
  char status() const;
  void resume_processing();

  std::shared_ptr<session::Services> services_;
  std::shared_ptr<const ConnectionOptions> options_;
  Registry& registry_;
  Transport* transport_;  // null once closed
  FrontendParser parser_;
  std::string in_;
  size_t in_at_ = 0;
  std::string out_;
  BackendWriter writer_{out_};
  bool waiting_ = false;     // for a session's callback
  bool processing_ = false;  // inside process(): callbacks that come at once do not recurse
  bool closing_ = false;
  bool skip_to_sync_ = false;
  std::optional<Error> end_reason_;  // ends as soon as it may
  End end_when_ = End::kNow;

  std::string user_;
  std::string database_;
  std::vector<std::pair<std::string, std::string>> startup_;
  std::map<std::string, std::string> reported_;  // what the client was told of parameters
  std::set<std::string> to_report_;              // those that have changed since, perhaps back
  std::unique_ptr<auth::ScramServer> scram_;
  std::string scram_mechanism_;
  int scram_step_ = 0;
  int32_t pid_ = 0;
  int32_t protocol_ = 0;  // 3.0 or newer, as the startup packet asked
  std::shared_ptr<session::Session> session_;
  std::shared_ptr<session::CopyIn> copying_;  // the client sends data for it
  TimeZone::Ptr time_zone_;
  std::string time_zone_name_;

  struct Simple {
    std::string text;
    std::vector<coordinator::Statement> statements;
    std::vector<uint32_t> offsets;  // of each statement within the text
    size_t next = 0;
    bool implicit = false;  // several statements that share a transaction
    bool looping = false;
    bool ended = false;
  };
  Simple simple_;
  std::unordered_map<std::string, PreparedStatement> statements_;
  std::unordered_map<std::string, Portal> portals_;
  std::vector<Deferred> deferred_;
  size_t deferred_bytes_ = 0;
};

}  // namespace merganser::pgwire

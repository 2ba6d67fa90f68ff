// What one client has, whatever protocol it speaks: transaction state, settings, the connection it may have pinned.
//
// One operation at a time: run(), run_unit(), describe() and the endings of implicit transactions call back once, then
// the next may begin. Autocommit reads go to the pool, autocommit writes to the coordinator's queue; a connection is
// pinned only by an open transaction, temporary tables, variables and SQL-level prepared statements.
//
// Threads: everything on the sessions' thread, callbacks too. Lifetime: shared; close() ends it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/session_calls.h"
#include "session/query.h"
#include "session/services.h"
#include "session/transaction.h"
#include "session/variables.h"

namespace merganser::session {

enum class TransactionState : uint8_t { kIdle, kOpen, kFailed };

inline bool ends_transaction(engine::StatementKind kind) {
  return kind == engine::StatementKind::kCommit || kind == engine::StatementKind::kRollback;
}
// What a failed transaction still takes.
inline bool leaves_failure(engine::StatementKind kind) {
  return ends_transaction(kind) || kind == engine::StatementKind::kRollbackTo;
}

class Replay;
struct CallRun;
struct Cursor;
using CallArguments = std::vector<std::optional<std::string>>;

// The end of one statement, or a pause.
struct Completion {
  std::shared_ptr<Query> query;  // what resume() goes on with, when suspended
  std::optional<Error> error;
  std::string tag;         // "INSERT 0 1"
  bool suspended = false;  // the row limit was reached; resume() goes on
  bool empty = false;      // there was no statement
  uint64_t rows = 0;
  bool fatal = false;  // the session has to end
};

struct RunRequest {
  coordinator::Statement statement;
  std::shared_ptr<RowSink> sink;
  uint64_t max_rows = 0;                               // 0: all
  static constexpr uint64_t kNoRows = Query::kNoRows;  // begins, and stops before the first
  bool resumed = false;                                // goes on with what was begun by an earlier one
  std::string format;                                  // of FETCH: what the sink's rows look like, as an opaque word
  // Pieces of encoded rows, before `done`.
  std::function<void(std::string)> bytes;
  std::function<void(Completion)> done;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<Services> services, Variables variables);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  uint64_t id() const { return id_; }
  Variables& variables() { return variables_; }
  // Makes the session visible to others, with who is behind it.
  void introduce(ClientInfo client);
  // Its row of merganser.activity, now.
  std::vector<engine::LiveValue> activity(TimePoint now, size_t queued_bytes) const;
  TransactionState state() const;
  bool busy() const { return busy_; }
  bool pinned() const { return pinned_ != nullptr; }
  // Whether writes may go to the queue together instead of into a transaction of this session.
  bool can_run_unit() const { return !transaction_.active && !pinned_ && !variables_.default_read_only(); }
  // What a statement within a failed transaction is answered; the first time with the reason the client has not heard.
  Error failure();
  // An error that the protocol found: an open transaction fails.
  void fail_open_transaction() {
    if (transaction_.active) fail_transaction(std::nullopt);
  }
  // What RESET and DISCARD ALL go back to: after the startup parameters.
  void keep_as_initial() {
    variables_.make_default();
    initial_ = variables_;
  }

  // What the statement is, with the file's own views and macros in mind.
  engine::StatementClass classify(std::string_view sql) const;
  Result<std::string> text_to_describe(const std::string& sql, const engine::StatementClass& kind) const;
  void describe(const std::string& sql, std::function<void(Result<DescriptionPtr>)> done);
  void run(RunRequest request);
  // The client has taken this many bytes: rows that waited for it go on.
  void consumed(size_t bytes) {
    if (running_) running_->consumed(bytes);
  }
  void resume(const std::shared_ptr<Query>& query, RunRequest request);
  // COPY FROM STDIN: the client's bytes go to what this answers. Null when it was refused, and `done` was told so.
  std::shared_ptr<class CopyIn> copy_in(struct CopyInRequest request);
  // Several writes as one unit: all or nothing, in one commit.
  void run_unit(std::vector<coordinator::Statement> statements, std::function<void(coordinator::UnitOutcome&)> done);
  // A transaction that the client did not ask for: several statements in one string, or a pipeline up to Sync.
  void begin_implicit();
  void end_implicit(bool commit, std::function<void(Completion)> done);
  bool implicit() const { return transaction_.active && transaction_.implicit; }

  // Ends what runs now with 57014; harmless when nothing does.
  void cancel();
  // pg_terminate_backend.
  void terminate();
  // What waits to be told, while no transaction is open.
  std::optional<Notification> next_notification();
  const Cursor* find_cursor(const std::string& name) const;
  void close_cursor(const std::string& name);
  // A setting as SHOW gives it, also those of the transaction.
  std::optional<std::string> setting(const std::string& name) const;
  // Rolls back, gives everything back. Running work is interrupted.
  void close();

  // Called when the session has to end by itself (idle in a transaction for too long).
  std::function<void(Error)> on_fatal;
  // Something to tell that is no error: a warning, and what is only good to know.
  std::function<void(const Error&)> on_warning;
  std::function<void(const Error&)> on_notice;
  // Something waits for next_notification().
  std::function<void()> on_notification;
  // Called when a reported variable changes: name, value.
  std::function<void(const std::string&, const std::string&)> on_variable;

  // The tag of a statement with its count: "INSERT 0 5", "CREATE TABLE".
  static std::string tag_of(const engine::StatementClass& kind, uint64_t count);

 private:
  friend class CopyIn;
  using Done = std::function<void(Completion)>;

  std::string cache_key(const RunRequest& request) const;
  bool answer_from_cache(const RunRequest& request, const std::string& key);
  Query::Keep keep_in_cache(const std::shared_ptr<const std::string>& sql, std::string key) const;

  void begin_operation(RunningStatement statement = {});
  void account_operation();
  void count_error(const Error& error);
  std::optional<std::string> visible_statement() const;
  double progress() const;
  void end_operation();
  void finish(const Done& done, Completion completion);
  void finish_error(const Done& done, Error error);
  void cancel_with(Error reason);
  void close_again();
  static Status describe_on(const Services& services, readers::Lease& lease, Description& description);

  void run_control(RunRequest request, const engine::StatementClass& kind);
  void run_begin(RunRequest request, const engine::SessionCommand& command);
  void run_end(RunRequest request, const engine::SessionCommand& command);
  void run_set_transaction(RunRequest request, const engine::SessionCommand& command);
  void begin_transaction(const engine::TransactionModes& modes, bool implicit);
  Status apply_modes(const engine::TransactionModes& modes);
  static bool is_transaction_setting(std::string_view name);
  std::string transaction_setting(std::string_view name) const;
  void set_of_transaction(RunRequest request, const engine::StatementClass& kind);
  void run_set(RunRequest request, const engine::StatementClass& kind);
  void run_show(RunRequest request, const engine::StatementClass& kind);
  void run_discard(RunRequest request, const engine::SessionCommand& command);
  void discard_temporary(RunRequest request);
  bool flush_debounced(RunRequest& request, const engine::StatementClass& kind);
  void warn(ErrorCode code, std::string message);
  void tell_of_replay(const coordinator::UnitOutcome& outcome);
  void restore_variables(const Variables& to);
  void report(const std::string& name);

  // savepoints.cc
  void run_savepoint(RunRequest request, const engine::SessionCommand& command);
  void run_rollback_to(RunRequest request, const engine::SessionCommand& command);
  void replay_to(size_t statements, bool only_if_dead, Done done, std::string tag);
  void back_at_savepoint(size_t statements);
  void note_success(RunRequest& request, const Progress& progress);
  void keep_for_savepoints(const Variables& old);
  void undo_settings();
  std::vector<Savepoint>::iterator find_savepoint(const std::string& name);

  // calls.cc: functions that act on sessions
  void run_calls(RunRequest request);
  void next_call(const std::shared_ptr<CallRun>& run);
  std::optional<Error> call_now(const std::shared_ptr<CallRun>& run, const engine::SessionCall& call,
                                const CallArguments& arguments);
  std::optional<Error> set_config(const std::shared_ptr<CallRun>& run, const CallArguments& arguments);
  void give_call_results(const std::shared_ptr<CallRun>& run);
  void end_calls(const std::shared_ptr<CallRun>& run, Error error);
  Status put_session_values(coordinator::Statement& statement) const;
  static std::shared_ptr<const engine::StatementClass> plain_read(std::string tag);

  // locks.cc: what it waits for besides the engine
  std::vector<uint64_t> blockers() const;
  std::optional<Error> circle_of_waiting() const;
  void start_lock_timer(std::function<void(Error)> expired);
  std::optional<Error> wait_for_advisory_lock(const std::shared_ptr<CallRun>& run, AdvisoryKey key, LockMode mode,
                                              LockSpan span);
  void end_lock_wait();
  bool give_up_lock_wait(Error why);
  void run_lock(RunRequest request, const engine::SessionCommand& command);

  // notify.cc
  std::optional<Error> check_channel(const std::string& channel) const;
  std::optional<Error> notify(const std::string& channel, const std::string& payload);
  void run_notify(RunRequest request, const engine::SessionCommand& command);
  void publish(PendingNotifications pending);
  void receive(const Notification& one);
  void note_change(std::vector<TableChange>& changes, const engine::StatementClass& kind, uint64_t rows) const;
  std::string table_of(const std::string& target) const;
  void publish_changes(const std::vector<TableChange>& changes);
  void publish_changes_of(std::span<const coordinator::Statement> statements, const coordinator::UnitOutcome& outcome);

  // cursors.cc
  void run_cursor(RunRequest request, const engine::SessionCommand& command);
  void declare_cursor(RunRequest request, const engine::SessionCommand& command);
  void store_cursor(const std::shared_ptr<Cursor>& cursor, bool own, const Done& done, Completion completion);
  void end_declare(bool own, const Done& done, Completion completion);
  void fetch_cursor(RunRequest request, const engine::SessionCommand& command);
  void fetch_rows(const std::shared_ptr<Cursor>& cursor, RunRequest request, uint64_t rows,
                  const std::function<Completion(uint64_t)>& answer);
  void drop_cursors(const std::function<bool(Cursor&)>& which);

  void leave_others();
  void run_read(RunRequest request);
  void run_write(RunRequest request);
  void run_pinned(RunRequest request);
  void run_in_transaction(RunRequest request);
  void with_lane(coordinator::WriteOptions options, std::function<void(std::optional<Error>)> then);
  void execute_in_transaction(const std::shared_ptr<RunRequest>& request, const std::shared_ptr<Query>& query);
  void materialised(const std::shared_ptr<RunRequest>& request, engine::ResultSet result);
  void deliver(const std::shared_ptr<Query>& query, const std::shared_ptr<RunRequest>& request, Progress progress);

  void commit(Done done, std::string tag);
  std::vector<std::shared_ptr<Query>> held_cursors() const;
  void refuse_commit(const std::shared_ptr<readers::Lease>& lease, std::shared_ptr<coordinator::Lane> lane, bool keep,
                     Error why, Done done);
  void rollback(Done done, std::string tag, std::optional<Error> error);
  void end_transaction_block(bool committed);
  // After an error: with savepoints it can still be rolled back in part, without it is lost.
  void fail_transaction(std::optional<Error> reason);
  void lose_transaction(std::optional<Error> reason);
  // Rolls back on a worker, then gives connection and lane back; `then` runs on the sessions' thread.
  void release_transaction(std::function<void()> then);
  // On a worker: the next statement on a connection ends its open results, so their rest goes to temporary storage.
  static Status make_room(Services& services, const std::vector<std::shared_ptr<Query>>& portals,
                          const std::atomic<bool>& cancelled);
  void revoked();
  void snapshot_expired(const std::weak_ptr<readers::Lease>& lease);
  void snapshot_in_the_way();
  std::function<void()> warn_of_snapshot();
  void watch_idle();
  void count_idle(bool idle);
  std::shared_ptr<Query> make_query(const std::shared_ptr<RunRequest>& request);
  void hear(const std::shared_ptr<Query>& query, const std::shared_ptr<RunRequest>& request);
  Result<coordinator::UnitPtr> make_unit(std::vector<coordinator::Statement> statements);
  // What is asked of the next write; what holds for one write only is used up.
  Result<coordinator::WriteOptions> take_write_options(std::span<const coordinator::Statement> statements);
  void end_at_deadline(const coordinator::WriteOptions& options);
  void bound_read(const coordinator::Statement& statement);
  void tell_skipped(coordinator::Skip skip);
  void answer_skipped(const std::shared_ptr<RunRequest>& request, coordinator::Skip skip);
  // Why an operation was cancelled, when that is what `error` is about.
  void explain(Error& error) const;
  static bool changes_file(const engine::StatementClass& kind);

  std::shared_ptr<Services> services_;
  const uint64_t id_;
  Variables variables_;
  Variables initial_;
  Transaction transaction_;
  std::shared_ptr<readers::Lease> pinned_;  // temporary tables and the like, outside transactions too
  int releasing_ = 0;                       // jobs that roll back and give connections and lanes back
  std::vector<std::function<void()>> after_release_;
  std::map<std::string, std::shared_ptr<Cursor>> cursors_;
  Inbox inbox_;
  bool closed_ = false;
  bool busy_ = false;
  bool counted_idle_ = false;  // in counters.idle_in_transaction

  ClientInfo client_;
  TimePoint connected_at_;
  TimePoint changed_at_;  // when the running operation began, or the last one ended
  uint64_t statements_ = 0;

  // The running operation.
  RunningStatement statement_;
  std::shared_ptr<const std::string> last_statement_;
  const StageMarkPtr stage_ = std::make_shared<StageMark>();
  std::shared_ptr<Query> running_;
  std::shared_ptr<Replay> replay_;
  std::shared_ptr<CopyIn> copy_;
  std::function<void(Error)> lock_wait_;  // gives up the advisory lock that it waits for
  readers::CancelFlag cancelled_;
  std::optional<Error> cancel_reason_;
  bool outlives_client_ = false;  // a debounced write: it was promised, whoever leaves
  std::unique_ptr<Timer> statement_timer_;
  std::unique_ptr<Timer> deadline_timer_;
  std::unique_ptr<Timer> lock_timer_;
  std::unique_ptr<Timer> interrupt_timer_;
  std::unique_ptr<Timer> idle_timer_;
};

}  // namespace merganser::session

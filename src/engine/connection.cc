#include "engine/connection.h"

#include <algorithm>
#include <array>
#include <thread>

#include "base/kill_point.h"
#include "base/log.h"
#include "engine/bind_value.h"
#include "engine/database.h"
#include "engine/duckdb_types.h"
#include "engine/error_map.h"
#include "engine/pg_rewrite.h"
#include "engine/result_set_raw.h"
#include "engine/sql_tokens.h"

namespace merganser::engine {
namespace {

duckdb_prepared_statement statement_of(void* handle) {
  return static_cast<duckdb_prepared_statement>(handle);
}
duckdb_connection connection_of(void* handle) {
  return static_cast<duckdb_connection>(handle);
}

constexpr int kTriesBeforePause = 100;
// Asking for the type of one column copies those of all: the time for a description grows with the square.
constexpr idx_t kMaxColumns = 10000;
constexpr std::chrono::microseconds kPause{20};

struct ClientSetting {
  std::string_view lower;
  std::string_view duckdb;
};
// Settings that live in one connection and cannot harm another.
constexpr ClientSetting kClientSettings[] = {
    {"timezone", "TimeZone"},
    {"calendar", "Calendar"},
    {"search_path", "search_path"},
    {"integer_division", "integer_division"},
    {"ieee_floating_point_ops", "ieee_floating_point_ops"},
    {"lambda_syntax", "lambda_syntax"},
    {"scalar_subquery_error_on_multiple_rows", "scalar_subquery_error_on_multiple_rows"},
    {"order_by_non_integer_literal", "order_by_non_integer_literal"},
};

const ClientSetting* find_setting(std::string_view lower) {
  const auto* it = std::find_if(std::begin(kClientSettings), std::end(kClientSettings),
                                [&](const ClientSetting& s) { return s.lower == lower; });
  return it == std::end(kClientSettings) ? nullptr : it;
}

Error in_client_text(Error error, const std::vector<LiveRewrite>& steps) {
  for (const LiveRewrite& step : steps) error.position = step.client_position(error.position);
  return error;
}

}  // namespace

bool is_client_setting(std::string_view lower_name) {
  return find_setting(lower_name) != nullptr;
}

// ---- Prepared --------------------------------------------------------------------------------------------------

Prepared::Prepared(Database& database, void* handle, std::string text, std::vector<LiveRewrite> rewritten,
                   Origin origin)
    : database_(database),
      handle_(handle),
      text_(std::move(text)),
      rewritten_(std::move(rewritten)),
      watched_(origin == Origin::kClient),
      text_digest_(Flight::of_text(text_)) {
  for (const Token& token : tokenize(text_)) mentions_returning_ |= token.is_word("returning");
  describe();
}

Prepared::Prepared(Database& database, Connection& connection, ScriptPtr script)
    : database_(database),
      connection_(&connection),
      script_(std::move(script)),
      handle_(nullptr),
      watched_(false),
      text_digest_{} {}

Prepared::~Prepared() {
  if (handle_ == nullptr) return;
  duckdb_prepared_statement statement = statement_of(handle_);
  duckdb_destroy_prepare(&statement);
}

Error Prepared::in_client_text(Error error) const {
  return engine::in_client_text(std::move(error), rewritten_);
}

void Prepared::describe() {
  duckdb_prepared_statement statement = statement_of(handle_);
  const idx_t parameters = duckdb_nparams(statement);
  for (idx_t i = 1; i <= parameters; i++) {
    duckdb_logical_type type = duckdb_param_logical_type(statement, i);
    TypePtr parsed = type != nullptr ? type_from_duckdb(type) : nullptr;
    if (type != nullptr) duckdb_destroy_logical_type(&type);
    const bool known =
        parsed && parsed->id != TypeId::kInvalid && parsed->id != TypeId::kAny && parsed->id != TypeId::kSqlNull;
    parameter_types_.push_back(known ? std::move(parsed) : nullptr);
  }
  auto columns = std::make_shared<std::vector<Column>>();
  const idx_t count = duckdb_prepared_statement_column_count(statement);
  for (idx_t i = 0; i < count; i++) {
    duckdb_logical_type type = duckdb_prepared_statement_column_logical_type(statement, i);
    const DuckdbString name(const_cast<char*>(duckdb_prepared_statement_column_name(statement, i)));
    TypePtr parsed = type != nullptr ? type_from_duckdb(type) : nullptr;
    if (type != nullptr) duckdb_destroy_logical_type(&type);
    if (!parsed || parsed->id == TypeId::kInvalid || parsed->id == TypeId::kAny) return;
    columns->push_back(Column{name ? name.get() : "", std::move(parsed)});
  }
  if (!columns->empty()) columns_ = std::move(columns);
}

bool Prepared::gives_rows() const {
  if (!columns_) return false;
  // A change without RETURNING describes itself as one column "Count" of type BIGINT.
  switch (static_cast<int>(duckdb_prepared_statement_type(statement_of(handle_)))) {
    case DUCKDB_STATEMENT_TYPE_INSERT:
    case DUCKDB_STATEMENT_TYPE_UPDATE:
    case DUCKDB_STATEMENT_TYPE_DELETE:
    case DUCKDB_STATEMENT_TYPE_CREATE:
    case kStatementMergeInto:
      return columns_->size() != 1 || columns_->front().name != "Count" || mentions_returning_;
    case DUCKDB_STATEMENT_TYPE_SELECT:
    case DUCKDB_STATEMENT_TYPE_EXPLAIN:
    case DUCKDB_STATEMENT_TYPE_PRAGMA:
    case DUCKDB_STATEMENT_TYPE_EXECUTE:
      return true;
    default:
      return false;
  }
}

// Runs the statement until its result is there, or its first rows are. The threads help when it takes long.
TaskThreads::Help Prepared::run_tasks(void* handle) {
  const auto pending = static_cast<duckdb_pending_result>(handle);
  const auto start = std::chrono::steady_clock::now();
  TaskThreads::Help help;
  int idle = 0;
  while (true) {
    const duckdb_pending_state state = duckdb_pending_execute_task(pending);
    if (state == DUCKDB_PENDING_ERROR || duckdb_pending_execution_is_finished(state)) return help;
    if (!help && std::chrono::steady_clock::now() - start > kLongStatement) {
      help = TaskThreads::Help(database_.task_threads());
    }
    if (state != DUCKDB_PENDING_NO_TASKS_AVAILABLE) {
      idle = 0;
    } else if (++idle < kTriesBeforePause) {
      std::this_thread::yield();  // another thread has the last tasks
    } else {
      std::this_thread::sleep_for(kPause);
    }
  }
}

Result<ResultSet> Prepared::execute(const std::vector<Value>& values, bool streaming) {
  if (script_) {
    MERGANSER_TRY(run_script(*connection_, *script_));
    return ResultSet(ReturnKind::kNothing, 0);
  }
  duckdb_prepared_statement statement = statement_of(handle_);
  if (values.size() != parameter_types_.size()) {
    return make_error(ErrorCode::kProtocolViolation, "statement takes " + std::to_string(parameter_types_.size()) +
                                                         " parameters, got " + std::to_string(values.size()));
  }
  Flight::Entry entry;
  const Flight::Digest digest = watched_ ? Flight::of(text_digest_, values) : Flight::Digest{};
  if (watched_) {
    MERGANSER_ASSIGN(entry, database_.flight().take_off(digest));
    kill_point("statement", text_);
  }
  for (size_t i = 0; i < values.size(); i++) MERGANSER_TRY(bind_value(statement, i + 1, values[i]));
  duckdb_pending_result pending = nullptr;
  const duckdb_state begun =
      streaming ? duckdb_pending_prepared_streaming(statement, &pending) : duckdb_pending_prepared(statement, &pending);
  TaskThreads::Help help;
  if (begun == DuckDBSuccess) help = run_tasks(pending);
  // Of a failed task only the pending result knows. It does not tell the error's type; the text's JSON or prefix does.
  const char* text = duckdb_pending_error(pending);
  if (text != nullptr && *text != '\0') {
    const std::string copy = text;
    duckdb_destroy_pending(&pending);
    const int kind = error_kind_of_text(copy);
    const bool fatal = is_fatal_error(copy, kind);
    if (fatal && database_.mark_invalidated(copy)) entry.blame();
    entry.land(!fatal);
    return in_client_text(map_error(copy, kind, text_));
  }
  auto raw = std::make_unique<ResultSet::Raw>();
  const duckdb_state state = duckdb_execute_pending(pending, &raw->result);
  duckdb_destroy_pending(&pending);
  if (state == DuckDBError) {
    bool fatal = false;
    Error error = error_of(raw->result, text_, fatal);
    if (fatal && database_.mark_invalidated(error.message)) entry.blame();
    entry.land(!fatal);
    return in_client_text(std::move(error));
  }
  if (streaming) raw->threads = &database_.task_threads();
  if (streaming && watched_) {
    raw->flight = &database_.flight();
    raw->digest = digest;
  }
  entry.land(!streaming);
  raw->is_long = static_cast<bool>(help);
  return ResultSet(std::move(raw), nullptr);
}

// ---- Connection ------------------------------------------------------------------------------------------------

Connection::Connection(Database& database, void* handle) : database_(database), handle_(handle) {
  duckdb_client_context context = nullptr;
  duckdb_connection_get_client_context(connection_of(handle_), &context);
  id_ = duckdb_client_context_get_connection_id(context);
  duckdb_destroy_client_context(&context);
}

Connection::~Connection() {
  for (void* fixed : {begin_, begin_read_only_, commit_, rollback_}) {
    duckdb_prepared_statement statement = statement_of(fixed);
    if (statement != nullptr) duckdb_destroy_prepare(&statement);
  }
  duckdb_connection connection = connection_of(handle_);
  duckdb_disconnect(&connection);
}

void Connection::note_ddl(std::string_view text) {
  // The words that matter stand at the beginning; what follows may be megabytes.
  const std::vector<Token> tokens = tokenize(text.substr(0, 256));
  if (tokens.empty()) return;
  const auto first_is = [&](std::string_view word) { return tokens[0].is_word(word); };
  if (!first_is("create") && !first_is("drop") && !first_is("alter") && !first_is("comment")) return;
  changes_catalog_ = true;
  for (size_t i = 1; i < std::min<size_t>(tokens.size(), 5); i++) {
    has_temporary_ |= tokens[i].is_word("temp") || tokens[i].is_word("temporary");
  }
}

// What clients write of names that DuckDB does not know becomes what it knows.
Status Connection::rewrite(std::string& text, std::vector<LiveRewrite>& steps) {
  if (auto live = rewrite_live_names(text)) {
    text = live->text;
    steps.insert(steps.begin(), *std::move(live));
  }
  const bool kept = !changes_catalog_ && !has_temporary_;
  auto catalog = rewrite_pg(text, {kept, !database_.catalog_names()->has_public_schema});
  if (!catalog) return {};
  if (catalog->names_catalog) MERGANSER_TRY(database_.pg_catalog().make_ready(kept));
  text = catalog->text.text;
  steps.insert(steps.begin(), std::move(catalog->text));
  return {};
}

Result<std::unique_ptr<Prepared>> Connection::prepare(std::string_view sql, Origin origin) {
  if (sql.find('\0') != std::string_view::npos) {
    return make_error(ErrorCode::kCharacterNotInRepertoire, "a statement cannot contain a NUL character");
  }
  std::vector<LiveRewrite> rewritten;
  std::string text(sql);
  if (origin == Origin::kClient) {
    MERGANSER_TRY(rewrite(text, rewritten));
    note_ddl(text);
  }
  Flight::Entry entry;
  if (origin == Origin::kClient) {
    MERGANSER_ASSIGN(entry, database_.flight().take_off(Flight::of_text(text)));
    kill_point("planning", text);
  }
  duckdb_prepared_statement statement = nullptr;
  if (duckdb_prepare(connection_of(handle_), text.c_str(), &statement) == DuckDBError) {
    const char* message = duckdb_prepare_error(statement);
    const std::string copy = message != nullptr ? message : "";
    duckdb_destroy_prepare(&statement);
    const int kind = error_kind_of_text(copy);
    const bool fatal = is_fatal_error(copy, kind);
    if (fatal && database_.mark_invalidated(copy)) entry.blame();
    entry.land(!fatal);
    return in_client_text(map_error(copy, kind, text), rewritten);
  }
  entry.land(true);
  if (duckdb_prepared_statement_column_count(statement) > kMaxColumns) {
    duckdb_destroy_prepare(&statement);
    return make_error(ErrorCode::kProgramLimitExceeded, "a result can have at most 10000 columns");
  }
  return std::unique_ptr<Prepared>(new Prepared(database_, statement, std::move(text), std::move(rewritten), origin));
}

std::unique_ptr<Prepared> Connection::prepare(ScriptPtr script) {
  // Its steps may be anything that changes the catalog.
  if (!script->steps.empty()) note_ddl("ALTER TABLE");
  return std::unique_ptr<Prepared>(new Prepared(database_, *this, std::move(script)));
}

Status Connection::execute(std::string_view sql, Origin origin) {
  MERGANSER_ASSIGN(auto prepared, prepare(sql, origin));
  // A checkpoint is one long task that makes its own small ones.
  const TaskThreads::Help help(database_.task_threads());
  MERGANSER_ASSIGN(auto result, prepared->execute({}, false));
  return {};
}

Result<std::string> Connection::query_text(std::string_view sql) {
  duckdb_result result;
  const std::string text(sql);
  if (duckdb_query(connection_of(handle_), text.c_str(), &result) == DuckDBError) {
    bool fatal = false;
    Error error = error_of(result, sql, fatal);
    duckdb_destroy_result(&result);
    if (fatal) database_.mark_invalidated(error.message);
    return error;
  }
  std::string value;
  if (duckdb_row_count(&result) > 0 && duckdb_column_count(&result) > 0) {
    const DuckdbString first(duckdb_value_varchar(&result, 0, 0));
    if (first) value = first.get();
  }
  duckdb_destroy_result(&result);
  return value;
}

Status Connection::run_fixed(void*& prepared, const char* sql) {
  if (prepared == nullptr) {
    duckdb_prepared_statement statement = nullptr;
    if (duckdb_prepare(connection_of(handle_), sql, &statement) == DuckDBError) {
      const char* message = duckdb_prepare_error(statement);
      Error error = map_error(message != nullptr ? message : "", DUCKDB_ERROR_INTERNAL, sql);
      duckdb_destroy_prepare(&statement);
      return error;
    }
    prepared = statement;
  }
  duckdb_result result;
  const duckdb_state state = duckdb_execute_prepared(statement_of(prepared), &result);
  Status status;
  if (state == DuckDBError) {
    bool fatal = false;
    status = error_of(result, sql, fatal);
    if (fatal) database_.mark_invalidated(status.error().message);
  }
  duckdb_destroy_result(&result);
  return status;
}

Status Connection::begin() {
  Status status = run_fixed(begin_, "BEGIN TRANSACTION");
  changes_catalog_ = false;
  in_transaction_ = status.ok();
  return status;
}

Status Connection::begin_snapshot() {
  MERGANSER_TRY(run_fixed(begin_read_only_, "BEGIN TRANSACTION READ ONLY"));
  changes_catalog_ = false;
  in_transaction_ = true;
  // BEGIN alone takes no snapshot of an attached file; looking something up in its catalog does.
  duckdb_table_description nothing = nullptr;
  duckdb_table_description_create_ext(connection_of(handle_), database_.name().c_str(), "main", "", &nothing);
  duckdb_table_description_destroy(&nothing);
  return {};
}

Status Connection::commit() {
  Status status = run_fixed(commit_, "COMMIT");
  in_transaction_ = false;
  return status;
}

void Connection::rollback() {
  if (!in_transaction_) return;
  in_transaction_ = false;
  const Status status = run_fixed(rollback_, "ROLLBACK");
  if (!status.ok()) log(LogLevel::kWarn, "engine.rollback_failed", {{"error", status.error().message}});
}

Status Connection::apply(const SettingsPtr& settings) {
  if (settings == settings_) return {};
  static const Settings kNone;
  const Settings& wanted = settings ? *settings : kNone;
  const Settings& present = settings_ ? *settings_ : kNone;
  const auto set = [&](const std::string& name, const std::string& value) -> Status {
    const ClientSetting* known = find_setting(name);
    if (known == nullptr) return make_error(ErrorCode::kUndefinedObject, "unrecognized setting " + name);
    return execute("SET SESSION " + std::string(known->duckdb) + " = " + quote_literal(value));
  };
  for (const auto& [name, value] : present) {
    if (wanted.contains(name)) continue;
    const Status status = name == "search_path" ? execute("USE " + quote_name(database_.name()))
                                                : execute("RESET SESSION " + std::string(find_setting(name)->duckdb));
    MERGANSER_TRY(status);
  }
  for (const auto& [name, value] : wanted) {
    const auto it = present.find(name);
    if (it == present.end() || it->second != value) MERGANSER_TRY(set(name, value));
  }
  settings_ = settings;
  return {};
}

void Connection::interrupt() {
  duckdb_interrupt(connection_of(handle_));
}

double Connection::progress() const {
  return duckdb_query_progress(connection_of(handle_)).percentage;
}

}  // namespace merganser::engine

// One connection to the engine and the statements prepared on it.
//
// Threads: one at a time (it may change hands between statements), except interrupt() and progress(), which any
// thread may call while the connection lives. Lifetime: a Prepared and a streaming ResultSet die before their
// Connection, a Connection before its Database.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/flight.h"
#include "engine/live_names.h"
#include "engine/result_set.h"
#include "engine/script.h"
#include "engine/task_threads.h"
#include "engine/value.h"

namespace merganser::engine {

class Database;

// Engine settings of a session that differ from the defaults: lower-case name → value. "search_path" is a list of
// schemas in the client's file. Shared and immutable, so that comparing pointers mostly decides.
using Settings = std::map<std::string, std::string>;
using SettingsPtr = std::shared_ptr<const Settings>;

// Whether a client may set it, and how DuckDB spells it.
bool is_client_setting(std::string_view lower_name);

// Whose statement it is: those of clients are remembered while they run (see flight.h).
enum class Origin : uint8_t { kOwn, kClient };

class Prepared {
 public:
  ~Prepared();
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

  int parameter_count() const { return static_cast<int>(parameter_types_.size()); }
  // Null when DuckDB does not know it yet.
  const TypePtr& parameter_type(int index) const { return parameter_types_[static_cast<size_t>(index)]; }
  // The result's columns; null when the statement gives none or they depend on parameters.
  const Columns& columns() const { return columns_; }
  // Whether it gives rows: a query, or a change with RETURNING.
  bool gives_rows() const;
  // A change that may give rows, even where columns() does not know them yet.
  bool mentions_returning() const { return mentions_returning_; }

  // A statement that runs as a script: it takes no parameters and gives no rows.
  bool is_script() const { return script_ != nullptr; }

  // Executes with these values (as many as parameter_count()). Streaming: rows come as they are asked for.
  Result<ResultSet> execute(const std::vector<Value>& values, bool streaming);

 private:
  friend class Connection;
  Prepared(Database& database, Connection& connection, ScriptPtr script);
  Prepared(Database& database, void* handle, std::string text, std::vector<LiveRewrite> rewritten, Origin origin);
  Error in_client_text(Error error) const;
  void describe();
  TaskThreads::Help run_tasks(void* pending);

  Database& database_;
  Connection* connection_ = nullptr;  // of a script
  ScriptPtr script_;
  void* handle_;                        // duckdb_prepared_statement; null for a script
  std::string text_;                    // as DuckDB has it
  std::vector<LiveRewrite> rewritten_;  // how it came from the client's, last change first
  const bool watched_;
  const Flight::Digest text_digest_;
  std::vector<TypePtr> parameter_types_;
  Columns columns_;
  bool mentions_returning_ = false;
};

class Connection {
 public:
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Exactly one statement. Binds it, so it sees the open transaction's catalog.
  Result<std::unique_ptr<Prepared>> prepare(std::string_view sql, Origin origin = Origin::kOwn);
  std::unique_ptr<Prepared> prepare(ScriptPtr script);
  // Prepares and executes a text, dropping the rows.
  Status execute(std::string_view sql, Origin origin = Origin::kOwn);
  // The first value of the first row as text; empty when NULL or no row.
  Result<std::string> query_text(std::string_view sql);

  Status begin();
  // Begins a read-only transaction and pins its snapshot now, so that later reads wait for nobody (fact 8).
  Status begin_snapshot();
  Status commit();
  // Never fails in a way that leaves a transaction open; errors are logged.
  void rollback();
  bool in_transaction() const { return in_transaction_; }

  // Makes the connection's settings equal these. Cheap when they already are.
  Status apply(const SettingsPtr& settings);
  const SettingsPtr& settings() const { return settings_; }

  // Of DuckDB; tells connections of one instance apart.
  uint64_t id() const { return id_; }

  // Any thread. Lost when no statement is running: callers repeat it until theirs has ended.
  void interrupt();
  // Percent done of the running statement, or -1 when unknown. Any thread.
  double progress() const;

 private:
  friend class Database;
  Connection(Database& database, void* handle);
  Status rewrite(std::string& text, std::vector<LiveRewrite>& steps);
  void note_ddl(std::string_view text);
  Status run_fixed(void*& prepared, const char* sql);

  Database& database_;
  void* handle_;  // duckdb_connection
  uint64_t id_ = 0;
  void* begin_ = nullptr;
  void* begin_read_only_ = nullptr;
  void* commit_ = nullptr;
  void* rollback_ = nullptr;
  bool in_transaction_ = false;
  bool changes_catalog_ = false;  // in this transaction: only a look into it knows what there is
  bool has_temporary_ = false;    // likewise, for good
  SettingsPtr settings_;
};

}  // namespace merganser::engine

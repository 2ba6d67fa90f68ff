#include "engine/database.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "engine/error_map.h"
#include "engine/raw.h"
#include "engine/sql_tokens.h"

namespace merganser::engine {
namespace {

uint64_t size_of(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

bool exists(const std::string& path) {
  return access(path.c_str(), F_OK) == 0;
}

int lock_whole_file(int fd, int command) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return fcntl(fd, command, &lock);
}

Status sync_parent(const std::string& file) {
  const std::string parent = std::filesystem::path(file).parent_path().string();
  const int fd = ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno_error(errno, "cannot open directory " + parent);
  const int failed = fsync(fd);
  const int error = errno;
  ::close(fd);
  if (failed != 0) return errno_error(error, "cannot sync directory " + parent);
  return {};
}

// What DuckDB says when it cannot open the file, in our words.
Error explain_open_error(Error error, const std::string& file) {
  const std::string text = error.message + " " + error.detail;
  const auto says = [&](std::string_view part) { return text.find(part) != std::string::npos; };
  if (says("Could not set lock on file") || says("Conflicting lock")) {
    return make_error(ErrorCode::kObjectInUse, "another process holds the database file " + file, error.message,
                      "Close it there, or let that program connect through merganser too. "
                      "merganser doctor " +
                          file + " tells who it is.");
  }
  if (says("not a valid DuckDB database file")) {
    return make_error(ErrorCode::kDataCorrupted, file + " is not a DuckDB database file", error.message,
                      "Check the path; a new file is made when it does not exist.");
  }
  if (says("was created with a newer version") || says("version number")) {
    return make_error(ErrorCode::kFeatureNotSupported, file + " was written by a newer DuckDB", error.message,
                      "Use a merganser that carries that DuckDB, or export the data with the newer one.");
  }
  if (says("Failure while replaying WAL")) {
    return make_error(
        ErrorCode::kDataCorrupted, "the write-ahead log of " + file + " cannot be replayed", error.message,
        "Nothing was changed or deleted. merganser doctor " + file +
            " shows which files are there; with --quarantine-wal it moves the log aside, and with it the writes since "
            "the last checkpoint.");
  }
  error.message = "cannot open " + file + ": " + error.message;
  return error;
}

}  // namespace

std::string Database::library_version() {
  std::string version = duckdb_library_version();
  if (!version.empty() && version[0] == 'v') version.erase(0, 1);
  return version;
}

Result<std::unique_ptr<Database>> Database::open(const DatabaseOptions& options) {
  std::unique_ptr<Database> database(new Database());
  database->file_ = options.file;
  database->name_ = options.name;
  // DuckDB takes a file of no bytes for a damaged one; there is nothing in it to lose.
  if (exists(options.file) && size_of(options.file) == 0) ::unlink(options.file.c_str());
  MERGANSER_TRY(database->configure_before_attach(options));
  MERGANSER_TRY(database->check_wal_mark());
  MERGANSER_TRY(database->attach());
  MERGANSER_TRY(database->take_guard());
  MERGANSER_ASSIGN(database->flight_, Flight::open(database->file_));
  MERGANSER_TRY(database->lock_down());
  MERGANSER_TRY(database->rescan_catalog(*database->keeper_));
  database->wal_was_there_ = exists(database->file_ + ".wal");
  database->mark_->reset();
  if (database->alarm_.empty()) database->mark_->set(size_of(database->file_ + ".wal"));
  return database;
}

Status Database::configure_before_attach(const DatabaseOptions& options) {
  duckdb_config config = nullptr;
  duckdb_create_config(&config);
  const auto set = [&](const char* name, const std::string& value) {
    return duckdb_set_config(config, name, value.c_str()) == DuckDBSuccess;
  };
  bool ok = set("autoinstall_known_extensions", "false") && set("autoload_known_extensions", "false") &&
            set("allow_community_extensions", "false");
  if (options.threads > 0) ok = ok && set("threads", std::to_string(options.threads));
  std::string bad;
  if (!options.memory_limit.empty() && !set("memory_limit", options.memory_limit)) bad = "memory_limit";
  if (!options.temp_limit.empty() && !set("max_temp_directory_size", options.temp_limit)) bad = "temp_limit";
  if (!options.temp_directory.empty() && !set("temp_directory", options.temp_directory)) bad = "temp_dir";
  if (!ok || !bad.empty()) {
    duckdb_destroy_config(&config);
    return make_error(ErrorCode::kConfigFileError, "DuckDB does not accept the setting " + bad);
  }
  duckdb_database handle = nullptr;
  char* message = nullptr;
  const duckdb_state state = duckdb_open_ext(nullptr, &handle, config, &message);
  duckdb_destroy_config(&config);
  const DuckdbString owned(message);
  if (state == DuckDBError) {
    return make_error(ErrorCode::kConfigFileError, owned ? owned.get() : "DuckDB did not start", {},
                      "Check memory_limit, temp_dir and threads: merganser config.");
  }
  handle_ = handle;
  duckdb_connection connection = nullptr;
  if (duckdb_connect(handle, &connection) == DuckDBError) {
    return make_error(ErrorCode::kInternalError, "DuckDB gave no connection");
  }
  keeper_.reset(new Connection(*this, connection));
  MERGANSER_ASSIGN(batch_function_, BatchFunction::install(connection));
  MERGANSER_ASSIGN(type_probe_, TypeProbe::install(connection));
  // No background threads of DuckDB's: see task_threads.h. What it calls external includes the one that runs a
  // statement.
  MERGANSER_ASSIGN(const std::string threads, keeper_->query_text("SELECT current_setting('threads')"));
  MERGANSER_ASSIGN([[maybe_unused]] const std::string none,
                   keeper_->query_text("SET GLOBAL external_threads = " + threads));
  task_threads_ =
      std::make_unique<TaskThreads>(handle, static_cast<size_t>(std::max(std::atoi(threads.c_str()), 1) - 1));
  return {};
}

Status Database::attach() {
  // Checkpoints are ours: inside a COMMIT their failure would look like the commit's (fact 2). Set before the file is
  // opened, or replaying a long log would end with one.
  MERGANSER_TRY(keeper_->execute("SET GLOBAL checkpoint_threshold = '16TB'"));
  const Status attached =
      keeper_->execute("ATTACH " + quote_literal(file_) + " AS " + quote_name(name_) + " (TYPE duckdb)");
  if (!attached.ok()) return explain_open_error(attached.error(), file_);
  MERGANSER_TRY(keeper_->execute("USE " + quote_name(name_)));
  // Nothing may be written outside the file: the in-memory database that DuckDB starts with goes away.
  MERGANSER_TRY(PgCatalog::attach(*keeper_));
  return keeper_->execute("DETACH memory");
}

Status Database::take_guard() {
  guard_fd_ = ::open(file_.c_str(), O_RDWR | O_CLOEXEC);
  if (guard_fd_ < 0) return errno_error(errno, "cannot open " + file_);
  const int stray = ::open(file_.c_str(), O_RDONLY | O_CLOEXEC);
  if (stray >= 0) ::close(stray);  // drops DuckDB's POSIX lock
  if (lock_whole_file(guard_fd_, F_OFD_SETLK) != 0) {
    const int error = errno;
    if (error == EAGAIN || error == EACCES) {
      return make_error(ErrorCode::kObjectInUse, "another process took the database file " + file_, {},
                        "merganser doctor " + file_ + " tells who it is.");
    }
    return errno_error(error, "cannot lock " + file_);
  }
  return {};
}

Status Database::lock_down() {
  constexpr std::string_view settings[] = {
      "SET GLOBAL auto_checkpoint_skip_wal_threshold = 9223372036854775807",
      "SET GLOBAL allow_persistent_secrets = false",
      "SET GLOBAL allowed_configs = ['TimeZone', 'Calendar', 'search_path', 'schema', 'errors_as_json', "
      "'integer_division', 'ieee_floating_point_ops', 'lambda_syntax', 'scalar_subquery_error_on_multiple_rows', "
      "'order_by_non_integer_literal', 'dynamic_or_filter_threshold', 'enable_progress_bar', "
      "'enable_progress_bar_print']",
      "SET GLOBAL enable_external_access = false",
      "SET GLOBAL lock_configuration = true",
  };
  for (const std::string_view sql : settings) MERGANSER_TRY(keeper_->execute(sql));
  return {};
}

Database::~Database() {
  pg_catalog_.close();
  keeper_.reset();
  task_threads_.reset();
  if (handle_ != nullptr) {
    duckdb_database handle = static_cast<duckdb_database>(handle_);
    duckdb_close(&handle);
  }
  if (guard_fd_ >= 0) ::close(guard_fd_);
}

Result<std::unique_ptr<Connection>> Database::connect() {
  duckdb_connection handle = nullptr;
  if (duckdb_connect(static_cast<duckdb_database>(handle_), &handle) == DuckDBError) {
    return make_error(ErrorCode::kInsufficientResources, "DuckDB gave no further connection");
  }
  std::unique_ptr<Connection> connection(new Connection(*this, handle));
  MERGANSER_TRY(connection->execute("USE " + quote_name(name_)));
  MERGANSER_TRY(connection->execute("SET SESSION errors_as_json = true"));
  // DuckDB only counts what has been done when it believes that it shows it.
  MERGANSER_TRY(connection->execute("SET SESSION enable_progress_bar_print = false"));
  MERGANSER_TRY(connection->execute("SET SESSION enable_progress_bar = true"));
  return connection;
}

Status Database::register_table_function(void* function) {
  duckdb_connection connection = nullptr;
  if (duckdb_connect(static_cast<duckdb_database>(handle_), &connection) == DuckDBError) {
    return make_error(ErrorCode::kInsufficientResources, "DuckDB gave no further connection");
  }
  const duckdb_state state = duckdb_register_table_function(connection, static_cast<duckdb_table_function>(function));
  duckdb_disconnect(&connection);
  if (state == DuckDBError) return make_error(ErrorCode::kInternalError, "DuckDB does not take a table function");
  return {};
}

Status Database::rescan_catalog(Connection& connection) {
  MERGANSER_ASSIGN(CatalogNamesPtr names, scan_catalog_names(connection));
  const std::lock_guard lock(catalog_mutex_);
  catalog_names_ = std::move(names);
  pg_catalog_.catalog_changed();
  return {};
}

Status Database::check_guard() const {
  // Taking a lock that we hold already succeeds and changes nothing.
  if (lock_whole_file(guard_fd_, F_OFD_SETLK) == 0) return {};
  return errno_error(errno, "the lock on " + file_ + " is lost");
}

Status Database::acknowledge() {
  const uint64_t wal_bytes = size_of(file_ + ".wal");
  mark_->set(wal_bytes);
  acknowledged_wal_bytes_.store(wal_bytes, std::memory_order_relaxed);
  if (wal_bytes == 0 || wal_was_there_.load(std::memory_order_relaxed)) return {};
  MERGANSER_TRY(sync_parent(file_));
  wal_was_there_ = true;
  return {};
}

// A log that holds less than was acknowledged is kept aside before DuckDB replays what it takes for whole.
Status Database::check_wal_mark() {
  MERGANSER_ASSIGN(mark_, WalMark::open(file_));
  const auto complaint = mark_->complaint();
  if (!complaint) return {};
  alarm_ = *complaint;
  const std::string wal = file_ + ".wal";
  const std::string aside = wal + ".suspect-" + std::to_string(::time(nullptr));
  std::error_code failed;
  if (exists(wal)) std::filesystem::copy_file(wal, aside, std::filesystem::copy_options::overwrite_existing, failed);
  log(LogLevel::kError, "engine.acknowledged_writes_missing",
      {{"file", file_}, {"why", alarm_}, {"kept", exists(wal) && !failed ? aside : "nothing"}});
  return {};
}

Status Database::after_checkpoint() {
  wal_was_there_ = exists(file_ + ".wal");
  mark_->reset();
  acknowledged_wal_bytes_.store(0, std::memory_order_relaxed);
  return sync_parent(file_);
}

bool Database::mark_invalidated(const std::string& why) {
  std::function<void(const std::string&)> callback;
  {
    const std::lock_guard lock(mutex_);
    if (invalidated_) return false;
    invalidated_reason_ = why;
    invalidated_.store(true, std::memory_order_release);
    callback = on_invalidated_;
  }
  log(LogLevel::kError, "engine.invalidated", {{"file", file_}, {"why", why}});
  if (callback) callback(why);
  return true;
}

std::string Database::invalidated_reason() const {
  const std::lock_guard lock(mutex_);
  return invalidated_reason_;
}

void Database::on_invalidated(std::function<void(const std::string&)> callback) {
  const std::lock_guard lock(mutex_);
  on_invalidated_ = std::move(callback);
}

WalFiles Database::wal_files() const {
  return {size_of(file_ + ".wal"), size_of(file_ + ".wal.checkpoint"), size_of(file_ + ".wal.recovery")};
}

uint64_t Database::file_bytes() const {
  return size_of(file_);
}

}  // namespace merganser::engine

#include "cli/owner_process.h"

#include <cmath>
#include <filesystem>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>
#include <unistd.h>

#include "auth/password_file.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "cli/address.h"
#include "os/process.h"

namespace merganser::cli {
namespace {

constexpr std::chrono::seconds kDrainTime{30};  // for statements and transactions to end by themselves
constexpr std::chrono::milliseconds kIdleTransactionGrace{1500};  // for clients to end theirs
constexpr std::chrono::milliseconds kQuietCheck{5};
constexpr std::chrono::seconds kForcedTime{10};  // for interrupted work to end
constexpr std::chrono::milliseconds kMirror{200};
constexpr size_t kOwnDescriptors = 128;  // database, logs, temporary files, sockets of our own

std::chrono::milliseconds ms(Settings::Duration span) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(span);
}

std::string system_time_zone() {
  if (const char* tz = getenv("TZ"); tz != nullptr && *tz != '\0') {
    if (TimeZone::load(tz).ok()) return tz;
  }
  std::error_code failed;
  const std::string target = std::filesystem::read_symlink("/etc/localtime", failed).string();
  const size_t at = target.find("zoneinfo/");
  if (!failed && at != std::string::npos && TimeZone::load(target.substr(at + 9)).ok()) return target.substr(at + 9);
  return "UTC";
}

net::TlsUse tls_use(std::string_view setting) {
  if (setting == "required") return net::TlsUse::kRequired;
  return setting == "off" ? net::TlsUse::kOff : net::TlsUse::kAuto;
}

pgwire::ClientCertificates client_certificates(std::string_view setting) {
  if (setting == "cert") return pgwire::ClientCertificates::kCert;
  if (setting == "verify-ca") return pgwire::ClientCertificates::kVerifyCa;
  return setting == "verify-full" ? pgwire::ClientCertificates::kVerifyFull : pgwire::ClientCertificates::kOptional;
}

// Clients may not take the descriptors that the database needs for its files.
void fit_into_descriptors(net::ServerOptions& options) {
  const size_t limit = os::raise_descriptor_limit();
  const size_t wanted = options.max_connections + options.max_logins * 2;  // TCP and Unix socket
  if (wanted + kOwnDescriptors <= limit) return;
  const size_t left = limit > kOwnDescriptors ? limit - kOwnDescriptors : 1;
  options.max_logins = std::max<size_t>(1, std::min(options.max_logins, left / 8));
  options.max_connections =
      std::max<size_t>(1, std::min(options.max_connections, left - std::min(left, options.max_logins * 2)));
  log(LogLevel::kWarn, "net.few_descriptors",
      {{"limit", limit}, {"max_connections", options.max_connections}, {"max_logins", options.max_logins}});
}

}  // namespace

OwnerProcess::OwnerProcess(const Settings& settings, std::unique_ptr<owner::Ownership> ownership)
    : settings_(settings), ownership_(std::move(ownership)) {}

OwnerProcess::~OwnerProcess() {
  shut_down();
}

Status OwnerProcess::open(const std::string& file, const std::function<void(const std::string&)>& progress) {
  MERGANSER_TRY(start_engine(file, progress));
  return start_network();
}

Status OwnerProcess::start_engine(const std::string& file, const std::function<void(const std::string&)>& progress) {
  engine::DatabaseOptions options;
  options.file = file;
  options.name = cli::database_name(file);
  options.threads = static_cast<int>(settings_.threads);
  options.memory_limit = settings_.memory_limit;
  options.temp_directory = settings_.temp_dir.empty() ? file + ".tmp" : settings_.temp_dir;
  options.temp_limit = std::to_string(settings_.temp_limit) + "B";
  std::error_code ignored;
  const uint64_t wal =
      std::filesystem::exists(file + ".wal", ignored) ? std::filesystem::file_size(file + ".wal", ignored) : 0;
  if (wal > 0) progress("replaying " + std::to_string(wal) + " bytes of write-ahead log");
  MERGANSER_ASSIGN(database_, engine::Database::open(options));

  results_ = std::make_unique<readers::ResultCache>(settings_.result_cache_bytes);
  readers::PoolLimits pool;
  pool.threads = static_cast<size_t>(settings_.reader_threads);
  pool.snapshot_connections = static_cast<size_t>(settings_.max_read_connections);
  pool.pinned_connections = static_cast<size_t>(settings_.max_connections);
  pool.snapshot_max_age = ms(settings_.snapshot_max_age);
  pool_ = std::make_unique<readers::Pool>(*database_, pool,
                                          readers::Pool::Sequences{[this] { return coordinator_->committed(); },
                                                                   [this] { return coordinator_->ddl_generation(); }});

  loop_ = std::make_unique<net::EventLoop>();
  coordinator::Limits limits;
  limits.queue_units = static_cast<size_t>(settings_.write_queue_units);
  limits.debounce_units = static_cast<size_t>(settings_.debounce_units);
  limits.queue_bytes = settings_.write_queue_bytes;
  limits.session_bytes = settings_.session_queue_bytes;
  limits.batch_units = static_cast<size_t>(settings_.batch_max_units);
  limits.batch_bytes = settings_.batch_max_bytes;
  limits.batch_time = ms(settings_.batch_max_time);
  limits.linger = settings_.linger;
  limits.coalescing = settings_.coalescing;
  limits.lane_lease = ms(settings_.lane_lease);
  limits.idempotency_retention = ms(settings_.idempotency_retention);
  limits.idempotency_max_keys = static_cast<uint64_t>(settings_.idempotency_max_keys);
  limits.idempotency_answer_bytes = settings_.idempotency_answer_bytes;
  limits.checkpoint_wal_bytes = settings_.checkpoint_wal_bytes;
  limits.checkpoint_interval = ms(settings_.checkpoint_interval);
  coordinator::Hooks hooks;
  hooks.deliver = [this](std::vector<std::function<void()>> tasks) {
    loop_->post([tasks = std::move(tasks)] {
      for (const auto& task : tasks) task();
      kill_point("replied");
    });
  };
  hooks.before_commit = [this] { pool_->before_commit(); };
  hooks.visibility = &pool_->visibility();
  hooks.changed = [this](uint64_t sequence, std::span<const std::string> tables, bool all) {
    results_->changed(sequence, tables, all);
  };
  hooks.retire_snapshots = [this](bool hard) { return pool_->retire_snapshots(hard); };
  hooks.await_snapshots = [this](Duration patience) { return pool_->await_old_snapshots(patience); };
  hooks.warn_holders = [this] { pool_->warn_holders(); };
  MERGANSER_ASSIGN(coordinator_, coordinator::Coordinator::start(*database_, limits, std::move(hooks)));
  database_->on_invalidated([this](const std::string&) { ask_to_leave(Leaving::kInvalidated); });
  return {};
}

Status OwnerProcess::start_network() {
  services_ = std::make_shared<session::Services>();
  services_->database = database_.get();
  services_->coordinator = coordinator_.get();
  services_->pool = pool_.get();
  services_->results = results_.get();
  services_->post = [loop = loop_.get()](std::function<void()> task) { loop->post(std::move(task)); };
  services_->timer = [loop = loop_.get()](Duration after, std::function<void()> callback) {
    return loop->timer(after, std::move(callback));
  };
  services_->descriptions = session::DescriptionCache(static_cast<size_t>(settings_.statement_cache));
  services_->spool.directory = settings_.temp_dir.empty() ? ownership_->sockets().path() : settings_.temp_dir;
  services_->spool.limit = settings_.temp_limit;
  services_->replay.statements = static_cast<size_t>(settings_.savepoint_statements);
  services_->replay.bytes = settings_.savepoint_bytes;
  services_->replay.total_bytes = settings_.savepoint_total_bytes;
  services_->output_limit = settings_.output_buffer_bytes;
  services_->statement_timeout = ms(settings_.statement_timeout);
  services_->idle_in_transaction_timeout = ms(settings_.idle_in_transaction_timeout);
  services_->slow_statement = ms(settings_.slow_statement);
  services_->time_zone = system_time_zone();

  if (!settings_.password_file.empty()) {
    const auto users = auth::PasswordFile::load(settings_.password_file);
    if (!users.ok()) return users.error();
  }
  auto protocol = std::make_shared<pgwire::ConnectionOptions>();
  protocol->database = database_->name();
  protocol->password_file = settings_.password_file;
  if (!settings_.tls_client_ca.empty()) {
    protocol->client_certificates = client_certificates(settings_.tls_client_certificates);
  }
  protocol->limits.message_bytes = settings_.max_message_bytes;
  net::ServerOptions options;
  options.socket_path = ownership_->sockets().postgres_socket();
  options.listen = settings_.listen;
  options.tls = tls_use(settings_.tls);
  options.tls_source.files = {settings_.tls_certificate, settings_.tls_key, settings_.tls_client_ca, settings_.tls_crl};
  options.tls_source.generated = database_->file();
  options.plaintext_from_other_machines = settings_.unsafe_plaintext_tcp;
  options.max_connections = static_cast<size_t>(settings_.max_connections);
  options.reserved_connections = static_cast<size_t>(settings_.reserved_connections);
  options.max_logins = static_cast<size_t>(settings_.max_logins);
  options.authentication_timeout = ms(settings_.authentication_timeout);
  fit_into_descriptors(options);
  options.tcp_keepalive = std::chrono::duration_cast<std::chrono::seconds>(settings_.tcp_keepalive);
  MERGANSER_TRY(add_live_tables());
  server_ = std::make_unique<net::Server>(*loop_, services_, protocol, options);
  return server_->listen();
}

// What clients read as merganser.activity and merganser.statistics. Statements end before the parts go.
Status OwnerProcess::add_live_tables() {
  MERGANSER_TRY(
      engine::add_live_table(*database_, {"activity", session::activity_columns(),
                                          [services = services_.get()] { return session::read_activity(*services); }}));
  return engine::add_live_table(*database_, {"statistics", statistics_columns(), [this]() -> Result<engine::LiveRows> {
                                               return statistics_rows(owner_statistics(parts()));
                                             }});
}

Result<owner::Endpoint> OwnerProcess::publish() {
  owner::Ownership::Publication publication;
  publication.tcp = server_->tcp_address();
  publication.handler = [this](std::string_view op, const std::string&) { return control(op); };
  publication.guard = [this] { return database_->check_guard(); };
  publication.on_lost = [this](const Error& why) {
    // Another owner may be writing already: stop at once, and touch nothing.
    log(LogLevel::kError, "owner.lost_file", {{"file", database_->file()}, {"why", why.to_string()}});
    _exit(75);
  };
  return ownership_->publish(std::move(publication));
}

void OwnerProcess::watch_idle() {
  if (settings_.idle_timeout.count() == 0) return;
  ownership_->watch_idle(
      settings_.idle_timeout, [this] { return activity(); }, [this] { ask_to_leave(Leaving::kIdle); });
}

owner::Activity OwnerProcess::activity() const {
  owner::Activity activity;
  activity.sessions = std::max<size_t>(connections_, services_->counters.open);
  activity.last = TimePoint(Duration(last_activity_.load()));
  return activity;
}

// ---- control ---------------------------------------------------------------------------------------------------

Result<std::string> OwnerProcess::control(std::string_view op) {
  if (op == "status") {
    const std::lock_guard lock(parts_mutex_);
    if (!parts_gone_) return status_json();
    return make_error(ErrorCode::kAdminShutdown, "the owner of this file is shutting down");
  }
  if (op == "stop") {
    ask_to_leave(Leaving::kStopCommand);
    return std::string("{}");
  }
  return make_error(ErrorCode::kFeatureNotSupported, "unknown control operation \"" + std::string(op) + "\"");
}

// DuckDB's own account of its memory, asked for on a worker; 0 when it does not answer soon.
uint64_t OwnerProcess::engine_memory() {
  auto answer = std::make_shared<std::promise<uint64_t>>();
  auto future = answer->get_future();
  readers::Job job;
  job.needs = readers::Needs::kConnection;
  job.run = [answer](readers::Lease& lease, const Status& status) {
    uint64_t bytes = 0;
    if (status.ok()) {
      const auto text = lease.connection().query_text("SELECT sum(memory_usage_bytes)::UBIGINT FROM duckdb_memory()");
      if (text.ok() && !text->empty()) bytes = std::stoull(*text);
    }
    answer->set_value(bytes);
  };
  pool_->submit(std::move(job));
  return future.wait_for(std::chrono::milliseconds(100)) == std::future_status::ready ? future.get() : 0;
}

OwnerParts OwnerProcess::parts() const {
  return {*database_, *coordinator_, *pool_, *services_};
}

std::string OwnerProcess::status_json() {
  using nlohmann::json;
  json status;
  status["pid"] = getpid();
  status["version"] = owner::kVersion;
  status["duckdb_version"] = engine::Database::library_version();
  status["file"] = database_->file();
  status["file_bytes"] = database_->file_bytes();
  status["database"] = database_->name();
  status["socket_dir"] = ownership_->sockets().path();
  status["listen"] = server_->tcp_address();
  status["state"] = database_->invalidated() ? "invalidated" : leaving_ ? "leaving" : "serving";
  status["alarm"] = database_->alarm();
  status["uptime_s"] = std::chrono::duration<double>(SteadyClock::now() - started_).count();
  status["generation"] = ownership_->generation();
  const auto writer = coordinator_->counters().writer.load();
  status["writer"] = coordinator::kWriterStateNames[static_cast<size_t>(writer)];
  status["commits"] = coordinator_->counters().commits.load();
  for (const Statistic& one : owner_statistics(parts())) {
    json& place = status[std::string(one.group)][one.name];
    if (const auto* histogram = std::get_if<Histogram::Snapshot>(&one.value)) {
      place = {{"count", histogram->count},
               {"sum", histogram->sum},
               {"p50", std::llround(histogram->quantile(0.5))},
               {"p90", std::llround(histogram->quantile(0.9))},
               {"p99", std::llround(histogram->quantile(0.99))},
               {"max", histogram->max}};
    } else if (const auto* ratio = std::get_if<double>(&one.value)) {
      place = *ratio;
    } else {
      place = std::get<uint64_t>(one.value);
    }
  }
  status["memory"]["duckdb_bytes"] = engine_memory();
  // A file name may hold anything, JSON only UTF-8.
  return status.dump(-1, ' ', false, json::error_handler_t::replace);
}

// ---- serving and leaving ---------------------------------------------------------------------------------------

void OwnerProcess::reload_tls() {
  const std::lock_guard lock(parts_mutex_);
  if (parts_gone_) return;
  loop_->post([this] { server_->reload_tls(); });
}

void OwnerProcess::ask_to_leave(Leaving why) {
  const int call = ++leave_calls_;
  leaving_ = true;
  if (why == Leaving::kInvalidated) exit_code_ = 1;
  const std::lock_guard lock(parts_mutex_);
  if (parts_gone_) return;
  loop_->post([this, why, call] {
    if (call == 1) {
      constexpr const char* kWords[] = {"signal", "stop command", "idle", "invalidated"};
      log(LogLevel::kInfo, "owner.leaving", {{"file", database_->file()}, {"why", kWords[static_cast<int>(why)]}});
      begin_drain();
    }
    // A second signal, and a database that answers nobody any more: no waiting.
    if (why == Leaving::kInvalidated || (call > 1 && why == Leaving::kSignal)) server_->close_all();
  });
}

void OwnerProcess::begin_drain() {
  ownership_->begin_leaving();
  quiet_until_ = Deadline::in(kDrainTime + kForcedTime);
  drain_timer_ = loop_->timer(kDrainTime, [this] {
    log(LogLevel::kWarn, "owner.drain_timed_out", {{"sessions", server_->connections()}});
    server_->close_all();
  });
  grace_timer_ = loop_->timer(kIdleTransactionGrace, [this] { server_->end_idle_transactions(); });
  // Nobody waits for what may still come, now that no more may come.
  coordinator_->flush_all();
  server_->drain([this] { finish_when_quiet(); });
}

// Sessions that were closed in the middle of a statement still end it.
void OwnerProcess::finish_when_quiet() {
  const bool quiet = services_->counters.active == 0;
  if (!quiet && quiet_until_.expired()) {
    log(LogLevel::kWarn, "owner.work_did_not_end", {{"statements", services_->counters.active.load()}});
  }
  if (quiet || quiet_until_.expired()) return loop_->stop();
  drain_timer_ = loop_->timer(kQuietCheck, [this] { finish_when_quiet(); });
}

int OwnerProcess::run() {
  mirror_ = [this] {
    connections_ = server_->connections();
    last_activity_ = server_->last_activity().time_since_epoch().count();
    mirror_timer_ = loop_->timer(kMirror, mirror_);
  };
  loop_->post(mirror_);
  loop_->run();
  shut_down();
  return exit_code_;
}

void OwnerProcess::shut_down() {
  if (!ownership_) return;
  ownership_->begin_leaving();
  mirror_timer_.reset();
  drain_timer_.reset();
  grace_timer_.reset();
  // If interrupted work does not end, the process does: what was acknowledged is in the write-ahead log.
  std::atomic<bool> done = false;
  std::thread watchdog([&done] {
    const Deadline deadline = Deadline::in(kForcedTime * 6);
    while (!done && !deadline.expired()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (!done) {
      log(LogLevel::kError, "owner.shutdown_stuck");
      _exit(76);
    }
  });
  if (server_) server_->close_all();
  if (pool_) pool_->stop();
  if (coordinator_) coordinator_->stop(true);
  ownership_->stop_watching();
  {
    const std::lock_guard lock(parts_mutex_);
    parts_gone_ = true;
  }
  server_.reset();
  // Tasks that still wait hold sessions, lanes and leases: they go while pool and coordinator are there.
  loop_.reset();
  services_.reset();
  pool_.reset();
  coordinator_.reset();
  database_.reset();
  if (const Status left = ownership_->leave(); !left.ok()) {
    log(LogLevel::kWarn, "owner.leave", {{"error", left.error().to_string()}});
  }
  ownership_.reset();
  done = true;
  watchdog.join();
  log(LogLevel::kInfo, "owner.left");
}

}  // namespace merganser::cli

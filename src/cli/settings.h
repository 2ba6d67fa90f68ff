// Every setting of Merganser: one plain struct with the defaults, one table with names, ranges and documentation.
//
// Threads: Settings is a value; the table is immutable. See settings_load.h for where values come from.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace merganser::cli {

struct Settings {
  using Duration = std::chrono::microseconds;
  using Bytes = uint64_t;

  // Where clients connect.
  std::string listen;         // "ADDR:PORT" or "[v6]:PORT"; empty: no TCP
  std::string socket_dir;     // empty: a private directory of this user
  int64_t port = 5432;        // the number in the socket's name, .s.PGSQL.<port>
  std::string password_file;  // SCRAM verifiers, needed for TCP
  std::string tls = "auto";
  std::string tls_certificate;  // empty: a self-signed one is made beside the database
  std::string tls_key;
  std::string tls_client_ca;
  std::string tls_crl;
  std::string tls_client_certificates = "optional";
  bool unsafe_plaintext_tcp = false;
  int64_t max_connections = 2000;
  int64_t reserved_connections = 3;
  int64_t max_logins = 1000;
  Duration authentication_timeout = std::chrono::seconds(30);
  Duration tcp_keepalive = std::chrono::seconds(60);
  Bytes max_message_bytes = 256ULL << 20;
  Bytes output_buffer_bytes = 1ULL << 20;

  // The owner's life.
  Duration idle_timeout = std::chrono::seconds(60);  // only an owner that a client started leaves when idle
  Duration start_timeout = std::chrono::seconds(30);
  std::string log_level = "info";
  std::string log_file;  // empty: standard error, or <socket_dir>/log when a client started the owner
  bool allow_network_fs = false;
  bool create_parents = false;

  // The engine.
  int64_t threads = 0;       // 0: one a core
  std::string memory_limit;  // as DuckDB writes it, "4GB" or "50%"; empty: DuckDB's own, 80 %
  std::string temp_dir;      // empty: beside the database
  Bytes temp_limit = 1ULL << 30;
  Bytes checkpoint_wal_bytes = 64ULL << 20;
  Duration checkpoint_interval = std::chrono::seconds(60);

  // Reads.
  int64_t reader_threads = 4;
  int64_t max_read_connections = 32;
  Duration snapshot_max_age = std::chrono::minutes(10);
  int64_t statement_cache = 1000;
  Bytes result_cache_bytes = 64ULL << 20;

  // Writes.
  int64_t write_queue_units = 10000;
  int64_t debounce_units = 1000;
  Bytes write_queue_bytes = 256ULL << 20;
  Bytes session_queue_bytes = 64ULL << 20;
  int64_t batch_max_units = 1024;
  Bytes batch_max_bytes = 16ULL << 20;
  Duration batch_max_time = std::chrono::milliseconds(50);
  Duration linger = Duration::zero();
  bool coalescing = true;
  Duration lane_lease = std::chrono::seconds(5);
  Duration idempotency_retention = std::chrono::hours(24);
  int64_t idempotency_max_keys = 1000000;
  Bytes idempotency_answer_bytes = uint64_t{256} << 10;

  // Statements.
  Duration statement_timeout = Duration::zero();
  Duration idle_in_transaction_timeout = Duration::zero();
  Duration slow_statement = Duration::zero();
  int64_t savepoint_statements = 10000;
  Bytes savepoint_bytes = uint64_t{16} << 20;
  Bytes savepoint_total_bytes = uint64_t{256} << 20;
};

// What kind of value a setting takes is said by the member it points at.
using SettingField = std::variant<bool Settings::*, int64_t Settings::*, Settings::Bytes Settings::*,
                                  Settings::Duration Settings::*, std::string Settings::*>;

// How the text of a string setting is checked.
enum class TextRule : uint8_t { kPath, kListenAddress, kMemoryLimit, kLogLevel, kTls, kClientCertificates, kNone };

struct SettingSpec {
  std::string_view name;  // as TOML writes it; MERGANSER_<NAME> in the environment; --with-dashes as a flag
  SettingField field;
  int64_t min = 0;  // integers as they are, sizes in bytes, durations in microseconds
  int64_t max = 0;
  TextRule rule = TextRule::kNone;
  std::string_view doc;
};

std::span<const SettingSpec> setting_specs();
const SettingSpec* find_setting(std::string_view name);  // null when there is none
std::string nearest_setting(std::string_view name);      // the known name most like this one
bool is_likely_slip(std::string_view name);              // so like a known name that it must be a typing error

// Sets one value from its text. The error says what is accepted.
Status set_setting(Settings& settings, const SettingSpec& spec, std::string_view text);
std::string setting_text(const Settings& settings, const SettingSpec& spec);
std::string setting_kind(const SettingSpec& spec);      // "duration", "size", "integer", "boolean", "text"
std::string accepted_values(const SettingSpec& spec);   // "a duration from 0 to 1h, such as 50ms or 2min"
std::string setting_flag(const SettingSpec& spec);      // "--batch-max-units"
std::string setting_variable(const SettingSpec& spec);  // "MERGANSER_BATCH_MAX_UNITS"

}  // namespace merganser::cli

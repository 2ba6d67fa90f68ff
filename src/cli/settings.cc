#include "cli/settings.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <limits>
#include <vector>

#include "base/log.h"
#include "cli/units.h"

namespace merganser::cli {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kHour = 3600 * kSecond;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kKiB = 1LL << 10;
constexpr int64_t kMiB = 1LL << 20;
constexpr int64_t kGiB = 1LL << 30;
constexpr int64_t kTiB = 1LL << 40;

using S = Settings;

constexpr SettingSpec kSpecs[] = {
    {"listen", &S::listen, 0, 0, TextRule::kListenAddress,
     "TCP address to listen on, such as 127.0.0.1:5432; empty listens on the Unix socket only"},
    {"socket_dir", &S::socket_dir, 0, 0, TextRule::kPath,
     "directory of the Unix socket; empty takes a private one of this user"},
    {"port", &S::port, 1, 65535, TextRule::kNone, "number in the Unix socket's name, .s.PGSQL.<port>"},
    {"password_file", &S::password_file, 0, 0, TextRule::kPath,
     "file of user:verifier lines for TCP clients (see merganser password)"},
    {"tls", &S::tls, 0, 0, TextRule::kTls,
     "TLS over TCP: auto for who asks and required from other machines, required of all, off"},
    {"tls_certificate", &S::tls_certificate, 0, 0, TextRule::kPath,
     "certificate and its chain, PEM; empty makes a self-signed one beside the database"},
    {"tls_key", &S::tls_key, 0, 0, TextRule::kPath, "key of the certificate, PEM, closed to others"},
    {"tls_client_ca", &S::tls_client_ca, 0, 0, TextRule::kPath,
     "authorities that sign certificates of clients, PEM; empty asks for none"},
    {"tls_crl", &S::tls_crl, 0, 0, TextRule::kPath, "withdrawn certificates of clients, PEM; with tls_client_ca"},
    {"tls_client_certificates", &S::tls_client_certificates, 0, 0, TextRule::kClientCertificates,
     "what they are for, with tls_client_ca: optional, cert, verify-ca or verify-full (PROTOCOL.md)"},
    {"unsafe_plaintext_tcp", &S::unsafe_plaintext_tcp, 0, 0, TextRule::kNone,
     "clients of other machines may connect without TLS: whoever is between can read and change everything"},
    {"max_connections", &S::max_connections, 1, 100000, TextRule::kNone, "clients at once; more are refused (53300)"},
    {"reserved_connections", &S::reserved_connections, 0, 1000, TextRule::kNone,
     "of them, for the owner's user on the Unix socket alone"},
    {"max_logins", &S::max_logins, 1, 100000, TextRule::kNone,
     "clients that have not logged in yet; beyond, the one that has waited longest is closed"},
    {"authentication_timeout", &S::authentication_timeout, kSecond, kHour, TextRule::kNone,
     "time to log in, with TLS's handshake"},
    {"tcp_keepalive", &S::tcp_keepalive, 0, kDay, TextRule::kNone,
     "silence after which a TCP client is probed; 0 leaves it to the system"},
    {"max_message_bytes", &S::max_message_bytes, 64 * kKiB, kGiB, TextRule::kNone, "largest message of a client"},
    {"output_buffer_bytes", &S::output_buffer_bytes, 16 * kKiB, kGiB, TextRule::kNone,
     "bytes waiting for one slow client before its query pauses"},
    {"idle_timeout", &S::idle_timeout, 0, 365 * kDay, TextRule::kNone,
     "an owner that a client started leaves after this long without any; 0 never"},
    {"start_timeout", &S::start_timeout, kSecond / 10, kHour, TextRule::kNone,
     "how long a client waits for an owner to start"},
    {"log_level", &S::log_level, 0, 0, TextRule::kLogLevel, "least level that is logged"},
    {"log_file", &S::log_file, 0, 0, TextRule::kPath,
     "where the log goes; empty is standard error, or <socket_dir>/log when a client started the owner"},
    {"allow_network_fs", &S::allow_network_fs, 0, 0, TextRule::kNone,
     "own files on network file systems, where locks may not hold"},
    {"create_parents", &S::create_parents, 0, 0, TextRule::kNone, "make missing directories above the database"},
    {"threads", &S::threads, 0, 1024, TextRule::kNone, "threads of the engine; 0 is one a core"},
    {"memory_limit", &S::memory_limit, 0, 0, TextRule::kMemoryLimit,
     "memory of the engine, such as 4GB or 50%; empty is DuckDB's own default, 80%"},
    {"temp_dir", &S::temp_dir, 0, 0, TextRule::kPath,
     "directory for what does not fit in memory; empty: beside the file"},
    {"temp_limit", &S::temp_limit, 0, 1024 * kTiB, TextRule::kNone, "largest size of temporary files"},
    {"checkpoint_wal_bytes", &S::checkpoint_wal_bytes, 64 * kKiB, kTiB, TextRule::kNone,
     "size of the write-ahead log at which a checkpoint is due"},
    {"checkpoint_interval", &S::checkpoint_interval, 0, 7 * kDay, TextRule::kNone,
     "time after which an idle owner makes a checkpoint; 0 never"},
    {"reader_threads", &S::reader_threads, 1, 1024, TextRule::kNone, "queries that run at once"},
    {"max_read_connections", &S::max_read_connections, 1, 4096, TextRule::kNone, "snapshot connections kept for reads"},
    {"snapshot_max_age", &S::snapshot_max_age, kSecond, 7 * kDay, TextRule::kNone,
     "age at which a read snapshot is retired, so that checkpoints can go on"},
    {"statement_cache", &S::statement_cache, 0, 1'000'000, TextRule::kNone, "prepared statements kept"},
    {"result_cache_bytes", &S::result_cache_bytes, 0, kTiB, TextRule::kNone,
     "answers of reads kept until a commit changes what they read; 0 keeps none"},
    {"write_queue_units", &S::write_queue_units, 1, 10'000'000, TextRule::kNone,
     "writes waiting at once; more are refused (53300)"},
    {"write_queue_bytes", &S::write_queue_bytes, kMiB, kTiB, TextRule::kNone, "bytes of the writes that wait"},
    {"debounce_units", &S::debounce_units, 1, 10'000'000, TextRule::kNone,
     "writes that wait for their debounce; when there are more, the oldest is executed early"},
    {"session_queue_bytes", &S::session_queue_bytes, kMiB, kTiB, TextRule::kNone, "the same for one session"},
    {"batch_max_units", &S::batch_max_units, 1, 1'000'000, TextRule::kNone, "writes that share one commit at most"},
    {"batch_max_bytes", &S::batch_max_bytes, 64 * kKiB, kTiB, TextRule::kNone, "bytes that share one commit at most"},
    {"batch_max_time", &S::batch_max_time, 1000, 60 * kSecond, TextRule::kNone,
     "how long a group of writes runs before its commit"},
    {"linger", &S::linger, 0, 1000, TextRule::kNone, "wait for company before a lone write commits; 0 does not wait"},
    {"coalescing", &S::coalescing, 0, 0, TextRule::kNone, "writes of one shape run as one statement"},
    {"lane_lease", &S::lane_lease, kSecond / 100, kHour, TextRule::kNone,
     "a write transaction idle for longer is ended when others wait to write (25P03)"},
    {"idempotency_retention", &S::idempotency_retention, kSecond, 365 * kDay, TextRule::kNone,
     "how long idempotency keys and their answers are kept"},
    {"idempotency_max_keys", &S::idempotency_max_keys, 1, 100'000'000, TextRule::kNone,
     "idempotency keys kept at once; new ones are refused beyond (53400)"},
    {"idempotency_answer_bytes", &S::idempotency_answer_bytes, 0, 64 << 20, TextRule::kNone,
     "largest answer kept with an idempotency key; repeating a request with a larger one gets 55M01"},
    {"statement_timeout", &S::statement_timeout, 0, 7 * kDay, TextRule::kNone,
     "longest run of a statement unless the session says otherwise; 0 is no limit"},
    {"idle_in_transaction_timeout", &S::idle_in_transaction_timeout, 0, 7 * kDay, TextRule::kNone,
     "longest idle time inside a transaction; 0 is no limit"},
    {"slow_statement", &S::slow_statement, 0, 7 * kDay, TextRule::kNone,
     "statements that take longer are logged, without their values; 0 logs none"},
    {"savepoint_statements", &S::savepoint_statements, 0, 10'000'000, TextRule::kNone,
     "statements of a transaction that are kept for ROLLBACK TO SAVEPOINT"},
    {"savepoint_bytes", &S::savepoint_bytes, 0, kTiB, TextRule::kNone, "bytes of the statements that are kept for it"},
    {"savepoint_total_bytes", &S::savepoint_total_bytes, 0, kTiB, TextRule::kNone,
     "the same for all transactions together"},
};

// The steps from one word to the other: inserted, removed and changed letters.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

bool is_listen_address(std::string_view text) {
  if (text.empty()) return true;
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const auto port = parse_integer(text.substr(colon + 1));
  if (!port || *port < 0 || *port > 65535) return false;
  const std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  return bracketed || host.find(':') == std::string_view::npos;
}

bool is_memory_limit(std::string_view text) {
  if (text.empty()) return true;
  if (text.back() == '%') {
    const auto percent = parse_integer(text.substr(0, text.size() - 1));
    return percent && *percent >= 1 && *percent <= 100;
  }
  const auto bytes = parse_size(text);
  return bytes && *bytes >= 16ULL << 20;
}

bool text_follows(TextRule rule, std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return false;
  LogLevel level;
  switch (rule) {
    case TextRule::kListenAddress:
      return is_listen_address(text);
    case TextRule::kMemoryLimit:
      return is_memory_limit(text);
    case TextRule::kLogLevel:
      return parse_log_level(text, level);
    case TextRule::kTls:
      return text == "auto" || text == "required" || text == "off";
    case TextRule::kClientCertificates:
      return text == "optional" || text == "cert" || text == "verify-ca" || text == "verify-full";
    case TextRule::kPath:
      return text.size() <= 4096;
    case TextRule::kNone:
      return true;
  }
  return false;
}

Error bad_value(const SettingSpec& spec, std::string_view text) {
  return make_error(ErrorCode::kInvalidParameterValue, fmt::format("{} cannot be \"{}\"; it takes {}", spec.name,
                                                                   text.substr(0, 100), accepted_values(spec)));
}

// Stores the parsed value when it lies in the range.
template <typename T, typename Parsed>
bool store(Settings& settings, T Settings::*member, const SettingSpec& spec, const std::optional<Parsed>& parsed,
           int64_t as_number) {
  if (!parsed || as_number < spec.min || as_number > spec.max) return false;
  settings.*member = static_cast<T>(*parsed);
  return true;
}

}  // namespace

std::span<const SettingSpec> setting_specs() {
  return kSpecs;
}

const SettingSpec* find_setting(std::string_view name) {
  const auto found = std::ranges::find(kSpecs, name, &SettingSpec::name);
  return found == std::end(kSpecs) ? nullptr : &*found;
}

std::string nearest_setting(std::string_view name) {
  const auto nearest = std::ranges::min_element(
      kSpecs, {}, [&](const SettingSpec& spec) { return edit_distance(spec.name, name.substr(0, 64)); });
  return std::string(nearest->name);
}

bool is_likely_slip(std::string_view name) {
  constexpr size_t kLettersASlip = 5;  // one wrong letter in so many is a slip, more is another word
  return edit_distance(nearest_setting(name), name.substr(0, 64)) <= std::max<size_t>(2, name.size() / kLettersASlip);
}

Status set_setting(Settings& settings, const SettingSpec& spec, std::string_view text) {
  bool stored = false;
  if (const auto* flag = std::get_if<bool S::*>(&spec.field)) {
    const auto parsed = parse_bool(text);
    if (parsed) settings.** flag = *parsed;
    stored = parsed.has_value();
  } else if (const auto* integer = std::get_if<int64_t S::*>(&spec.field)) {
    const auto parsed = parse_integer(text);
    stored = store(settings, *integer, spec, parsed, parsed.value_or(0));
  } else if (const auto* bytes = std::get_if<S::Bytes S::*>(&spec.field)) {
    const auto parsed = parse_size(text);
    stored = store(settings, *bytes, spec, parsed, static_cast<int64_t>(parsed.value_or(0)));
  } else if (const auto* span = std::get_if<S::Duration S::*>(&spec.field)) {
    const auto parsed = parse_duration(text);
    stored = store(settings, *span, spec, parsed, parsed.value_or(S::Duration()).count());
  } else if (const auto* string = std::get_if<std::string S::*>(&spec.field)) {
    stored = text_follows(spec.rule, text);
    if (stored) settings.** string = std::string(text);
  }
  if (!stored) return bad_value(spec, text);
  return {};
}

std::string setting_text(const Settings& settings, const SettingSpec& spec) {
  if (const auto* flag = std::get_if<bool S::*>(&spec.field)) return settings.**flag ? "true" : "false";
  if (const auto* integer = std::get_if<int64_t S::*>(&spec.field)) return std::to_string(settings.**integer);
  if (const auto* bytes = std::get_if<S::Bytes S::*>(&spec.field)) return size_text(settings.**bytes);
  if (const auto* span = std::get_if<S::Duration S::*>(&spec.field)) return duration_text(settings.**span);
  return settings.*std::get<std::string S::*>(spec.field);
}

std::string setting_kind(const SettingSpec& spec) {
  static constexpr std::string_view kKinds[] = {"boolean", "integer", "size", "duration", "text"};
  return std::string(kKinds[spec.field.index()]);
}

std::string accepted_values(const SettingSpec& spec) {
  const auto span = [](int64_t micros) { return duration_text(std::chrono::microseconds(micros)); };
  if (std::holds_alternative<bool S::*>(spec.field)) return "true or false";
  if (std::holds_alternative<int64_t S::*>(spec.field)) {
    return fmt::format("a whole number from {} to {}", spec.min, spec.max);
  }
  if (std::holds_alternative<S::Bytes S::*>(spec.field)) {
    return fmt::format("a size from {} to {}, such as 64MiB", size_text(static_cast<uint64_t>(spec.min)),
                       size_text(static_cast<uint64_t>(spec.max)));
  }
  if (std::holds_alternative<S::Duration S::*>(spec.field)) {
    return fmt::format("a duration with its unit from {} to {}, such as {}", span(spec.min), span(spec.max),
                       span(std::clamp<int64_t>(5 * kSecond, spec.min, spec.max)));
  }
  switch (spec.rule) {
    case TextRule::kListenAddress:
      return "ADDRESS:PORT such as 127.0.0.1:5432 or [::1]:5432, or nothing";
    case TextRule::kMemoryLimit:
      return "a size of at least 16MiB such as 4GB, a share such as 50%, or nothing";
    case TextRule::kLogLevel:
      return "debug, info, warn or error";
    case TextRule::kTls:
      return "auto, required or off";
    case TextRule::kClientCertificates:
      return "optional, cert, verify-ca or verify-full";
    case TextRule::kPath:
      return "a path of up to 4096 bytes";
    case TextRule::kNone:
      break;
  }
  return "text";
}

std::string setting_flag(const SettingSpec& spec) {
  std::string flag = "--" + std::string(spec.name);
  std::ranges::replace(flag, '_', '-');
  return flag;
}

std::string setting_variable(const SettingSpec& spec) {
  std::string variable = "MERGANSER_" + std::string(spec.name);
  std::ranges::transform(variable, variable.begin(), [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
  return variable;
}

}  // namespace merganser::cli

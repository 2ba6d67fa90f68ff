// A session's settings as PostgreSQL's clients know them (SET, SHOW, RESET, startup parameters, ParameterStatus).
//
// Those that change what the engine does end up in engine::Settings; the rest lives here. Threads: the session's.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "coordinator/write_options.h"
#include "engine/connection.h"

namespace merganser::session {

class Variables {
 public:
  // `user` is who logged in, `server_version` what clients parse ("15.18 …").
  Variables(std::string user, std::string server_version, std::string time_zone);

  // Checks and stores. Engine settings are checked by the engine only when it applies them: see engine_settings().
  Status set(const std::string& name, const std::string& value);
  Status reset(const std::string& name);  // also "all"
  Result<std::string> show(const std::string& name) const;
  std::vector<std::pair<std::string, std::string>> show_all() const;

  // Null when nothing differs from the defaults.
  const engine::SettingsPtr& engine_settings() const { return engine_; }

  // Names whose values clients are told at start and at each change.
  static const std::vector<std::string>& reported();
  // As PostgreSQL spells it: timezone is TimeZone.
  static std::string spelled(const std::string& name);

  // Every statement asks for these: they are kept parsed.
  std::chrono::milliseconds statement_timeout() const { return often_.statement_timeout; }
  std::chrono::milliseconds idle_in_transaction_timeout() const { return often_.idle_in_transaction_timeout; }
  bool default_read_only() const { return often_.read_only; }
  const std::string& time_zone() const { return often_.time_zone; }
  bool result_cache() const { return often_.result_cache; }
  std::chrono::milliseconds lock_timeout() const { return duration("lock_timeout"); }
  bool default_serializable() const;
  bool default_deferrable() const;
  // What is set now becomes what RESET goes back to.
  void make_default();
  void set_default(const std::string& name, const std::string& value);

  // What merganser.* say of writes; `writes_are_plain` when that is nothing.
  const coordinator::WriteHints& write_hints() const { return writes_; }
  bool writes_are_plain() const { return writes_are_plain_; }
  // Ends those that hold for one write only.
  void forget_single_use();

 private:
  void read_write_settings();

  // After each change of values_.
  void read_often_used();
  std::chrono::milliseconds duration(const std::string& name) const;
  Status store(const std::string& name, const std::string& value);
  Status restore(const std::string& name);
  Status set_engine(const std::string& name, std::optional<std::string> value);

  std::map<std::string, std::string> defaults_;
  std::map<std::string, std::string> values_;
  struct {
    std::chrono::milliseconds statement_timeout{};
    std::chrono::milliseconds idle_in_transaction_timeout{};
    bool read_only = false;
    bool result_cache = true;
    std::string time_zone;
  } often_;
  engine::SettingsPtr engine_;
  engine::SettingsPtr engine_default_;
  coordinator::WriteHints writes_;
  bool writes_are_plain_ = true;
};

// "500", "500ms", "5s", "2min", "1h": PostgreSQL's spelling, milliseconds without a unit.
Result<std::chrono::milliseconds> parse_duration(const std::string& text);
// In the largest unit that divides it: 300ms, 2s, 5min; 0 without one.
std::string format_duration(std::chrono::milliseconds span);

}  // namespace merganser::session

// What others may see of a session, and how long its statements take: merganser.activity, the latencies in
// merganser.statistics, and the log of slow statements.
//
// Threads: ActivityBoard and read_activity() from any; the rest on the sessions' thread. Lifetime: the services'.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/histogram.h"
#include "engine/live_table.h"
#include "engine/statement_class.h"

namespace merganser::session {

class Session;
struct Services;

// Who is at the other end.
struct ClientInfo {
  std::string peer;  // "uid:1000 pid:4711" or "127.0.0.1:52114"
  int64_t pid = 0;   // over a Unix socket; 0: not known
  int64_t uid = -1;  // likewise; -1: not known
  std::string user;  // who logged in
};

// The running statement, or the first of several that run as one.
struct RunningStatement {
  std::shared_ptr<const std::string> sql;
  std::shared_ptr<const engine::StatementClass> kind;
  size_t more = 0;  // statements after it in the same unit
};

// Statements that are measured together.
enum class Latency : uint8_t { kRead, kWrite, kUnit, kDdl, kTransaction, kOther, kCount };
inline constexpr std::array<std::string_view, static_cast<size_t>(Latency::kCount)> kLatencyNames{
    "read", "write", "unit", "ddl", "transaction", "other"};
Latency latency_group(const RunningStatement& statement);

// The sessions there are.
class ActivityBoard {
 public:
  void add(uint64_t id, std::weak_ptr<Session> session);
  void remove(uint64_t id);
  std::vector<std::shared_ptr<Session>> sessions() const;
  std::shared_ptr<Session> find(uint64_t id) const;  // null when there is none

 private:
  mutable std::mutex mutex_;
  std::unordered_map<uint64_t, std::weak_ptr<Session>> sessions_;
};

// The table merganser.activity: asks the sessions' thread, which must not be the caller's.
std::vector<engine::LiveColumn> activity_columns();
Result<engine::LiveRows> read_activity(Services& services);

// The statement's words without any value: strings and numbers become ?, and what is long is cut.
std::string without_values(std::string_view sql, size_t limit);

}  // namespace merganser::session

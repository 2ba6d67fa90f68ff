// A running owner: engine, coordinator, readers, sessions and listeners of one file, put together and taken apart.
//
// Threads: start(), run() and shut_down() on main's thread; ask_to_leave() and status_json() from any. Lifetime: the
// parts are declared in the order in which they need each other.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "cli/owner_status.h"
#include "cli/settings.h"
#include "coordinator/coordinator.h"
#include "engine/database.h"
#include "net/event_loop.h"
#include "net/server.h"
#include "owner/ownership.h"
#include "readers/pool.h"

namespace merganser::cli {

enum class Leaving : uint8_t { kSignal, kStopCommand, kIdle, kInvalidated };

class OwnerProcess {
 public:
  OwnerProcess(const Settings& settings, std::unique_ptr<owner::Ownership> ownership);
  ~OwnerProcess();
  OwnerProcess(const OwnerProcess&) = delete;
  OwnerProcess& operator=(const OwnerProcess&) = delete;

  // Opens the file and listens. `file` is the real path.
  Status open(const std::string& file, const std::function<void(const std::string&)>& progress);
  // Lets clients find it.
  Result<owner::Endpoint> publish();
  void watch_idle();
  // Serves until asked to leave, then drains and closes. The exit code.
  int run();

  // Any thread. The first call drains; the next ends what still runs.
  void ask_to_leave(Leaving why);
  // Any thread. Certificates and keys are read again; connections stay.
  void reload_tls();

  const std::string& database_name() const { return database_->name(); }

 private:
  Status start_engine(const std::string& file, const std::function<void(const std::string&)>& progress);
  Status start_network();
  Status add_live_tables();
  OwnerParts parts() const;
  Result<std::string> control(std::string_view op);
  std::string status_json();
  uint64_t engine_memory();
  void begin_drain();
  void finish_when_quiet();
  void shut_down();
  owner::Activity activity() const;

  const Settings settings_;
  std::unique_ptr<owner::Ownership> ownership_;
  std::unique_ptr<engine::Database> database_;
  std::unique_ptr<coordinator::Coordinator> coordinator_;
  std::unique_ptr<readers::ResultCache> results_;
  std::unique_ptr<readers::Pool> pool_;
  std::unique_ptr<net::EventLoop> loop_;
  std::shared_ptr<session::Services> services_;
  std::unique_ptr<net::Server> server_;
  std::unique_ptr<session::Timer> drain_timer_;
  std::unique_ptr<session::Timer> grace_timer_;
  Deadline quiet_until_;  // for interrupted work to end

  // Between shut_down(), which takes the parts above away, and other threads that ask for something.
  std::mutex parts_mutex_;
  bool parts_gone_ = false;

  const TimePoint started_ = SteadyClock::now();
  std::atomic<int> leave_calls_ = 0;
  std::atomic<bool> leaving_ = false;
  std::atomic<size_t> connections_ = 0;  // mirrors of the loop's numbers, for other threads
  std::atomic<int64_t> last_activity_ = 0;
  std::unique_ptr<session::Timer> mirror_timer_;
  std::function<void()> mirror_;
  std::atomic<int> exit_code_ = 0;
};

}  // namespace merganser::cli

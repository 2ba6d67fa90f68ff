// Being the owner of a database file: from winning the election to leaving in order.
//
//   acquire   the lock, the generation, the socket directory; then the caller opens the engine and its listeners
//   publish   control socket, endpoint file, fence: clients can find us
//   …         serving; watch_idle when the owner was started by a client
//   begin_leaving, then the caller drains, checkpoints, calls stop_watching and closes the engine
//   leave     removes our own sockets and endpoint, and lets go of the file
//
// When the fence finds the file lost, on_lost is called; after that leave() touches nothing but its own descriptors.
// Threads: one thread calls the methods; callbacks run on threads of this class and must only set a flag or post to an
// event loop, never call back into it. Lifetime: the destructor leaves if leave() was not called.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "os/lock.h"
#include "owner/control_server.h"
#include "owner/endpoint.h"
#include "owner/fence.h"
#include "owner/file_place.h"
#include "owner/idle_watch.h"
#include "owner/socket_dir.h"

namespace merganser::owner {

class Ownership {
 public:
  // Waits until the deadline for an owner that is leaving. 55006 naming the holder when another owner serves the file,
  // or another program (a plain DuckDB) has it open. Call it before the engine opens the file.
  static Result<std::unique_ptr<Ownership>> acquire(const FilePlace& place, const SocketDir::Options& sockets,
                                                    Deadline deadline);
  ~Ownership();
  Ownership(const Ownership&) = delete;
  Ownership& operator=(const Ownership&) = delete;

  const SocketDir& sockets() const { return sockets_; }
  const std::string& nonce() const { return nonce_; }
  uint64_t generation() const { return generation_; }

  struct Publication {
    std::string tcp;                 // "address:port" of the TCP listener, or empty
    ControlServer::Handler handler;  // every operation but hello: status, stop, …
    std::function<Status()> guard;   // the engine's guard descriptor; not called after stop_watching
    std::function<void(const Error&)> on_lost;
    Duration fence_interval = std::chrono::seconds(1);
  };
  // The database file exists now and the PostgreSQL socket listens.
  Result<Endpoint> publish(Publication publication);

  // Sessions and the last activity are the caller's to know; hellos of clients that want to connect count as well.
  void watch_idle(Duration timeout, std::function<Activity()> activity, std::function<void()> on_idle);

  // New clients are told to wait for the next owner. Idempotent.
  void begin_leaving();
  // Ends the fence and the idle watch; from here the guard may go.
  void stop_watching();
  // After the engine has closed the file. Idempotent.
  Status leave();
  bool lost() const { return lost_; }

 private:
  Ownership(FilePlace place, os::FileLock lock, SocketDir sockets, std::string nonce, uint64_t generation);

  FilePlace place_;
  os::FileLock lock_;
  SocketDir sockets_;
  const std::string nonce_;
  const uint64_t generation_;
  std::atomic<bool> lost_{false};
  bool left_ = false;
  bool published_ = false;
  std::unique_ptr<ControlServer> control_;
  std::unique_ptr<Fence> fence_;
  std::unique_ptr<IdleWatch> idle_;
  std::mutex mutex_;                        // guards the next one
  std::optional<os::FileLock> spawn_lock_;  // held from the idle decision until the file is free
};

// 55006 naming the process when another program has record locks on the database, as a plain DuckDB has.
Status check_foreign_holder(const FilePlace& place);

}  // namespace merganser::owner

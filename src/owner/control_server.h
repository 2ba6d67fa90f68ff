// Answers on the control socket: who this owner is, how it is, and that it should stop.
//
// It has a thread of its own that does nothing else, so it answers while queries, checkpoints and shutdown keep
// everything else busy. One line of JSON is one request; see docs/adr/0001-control-socket.md and wire.h.
// Threads: all methods are safe from any thread. Lifetime: the destructor stops the thread and closes the socket, but
// leaves the socket file to SocketDir.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/clock.h"
#include "base/result.h"
#include "os/unique_fd.h"
#include "owner/wire.h"

namespace merganser::owner {

struct ControlLimits {
  size_t connections = 64;  // more wait in the listen queue
  size_t line_bytes = 64 * 1024;
  Duration idle = std::chrono::seconds(30);  // also for a client that does not read its answer
};

class ControlServer {
 public:
  // Gets every operation but hello: its name and the whole request. Returns a JSON text. Runs on the control thread,
  // so it must answer from what is at hand and never wait.
  using Handler = std::function<Result<std::string>(std::string_view op, const std::string& request)>;

  static Result<std::unique_ptr<ControlServer>> start(const std::string& socket_path, wire::Hello identity,
                                                      Handler handler, ControlLimits limits = {});
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  // From now on hello says that the owner is leaving.
  void set_leaving();
  // The same, unless somebody said hello in order to use the owner after `since`: then false, and nothing changes.
  // Both sides of that race are decided under one lock, so no client is told "come in" by an owner that leaves.
  bool set_leaving_unless_used(TimePoint since);
  TimePoint last_use() const;

 private:
  struct Connection;
  ControlServer(os::UniqueFd listener, os::UniqueFd wake, wire::Hello identity, Handler handler, ControlLimits limits);
  void run();
  void accept_one();
  void serve(Connection& connection, short events);
  void answer_lines(Connection& connection);
  std::string answer(const std::string& line);
  std::string answer_hello(wire::Intent intent);

  os::UniqueFd listener_;
  os::UniqueFd wake_;  // an eventfd: somebody wants the thread to end
  const Handler handler_;
  const ControlLimits limits_;
  std::vector<std::unique_ptr<Connection>> connections_;  // of the thread
  mutable std::mutex mutex_;                              // guards the next two
  wire::Hello identity_;
  TimePoint last_use_;
  std::thread thread_;
};

}  // namespace merganser::owner

// A program that owns a file and does nothing else, and what tests need around it. Used by *_test.cc only.
//
// The test program starts itself again as this server, as the real program does: see main_test.cc.
// Threads: one at a time.
#pragma once

#include <functional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "owner/connect_or_start.h"
#include "owner/file_place.h"

namespace merganser::owner {

// main() of the server: `serve FILE --spawned-pipe-fd N [MODE]`. It writes its pid as a line into <db>.owners once it
// has won the election. Modes:
//   ""            serves until it is told to stop
//   "idle MS"     leaves after so many milliseconds without use
//   "slow MS"     takes so long to become ready
//   "crash"       says something on standard error and dies before it is ready
//   "crash-until N"  crashes until <db>.crashes has N lines, then serves
//   "fail"        reports an orderly error
//   "hang"        says one progress line and nothing more
//   "deaf"        holds the lock without ever becoming ready, and lets go of the pipe
//   "drain MS"    takes so long to leave when it is told to stop
int small_server(const std::vector<std::string>& arguments);

FilePlace place_of(const std::string& path);
StartOptions start_options(const std::string& mode = "");
// Lines of a file; none when it is missing.
std::vector<std::string> lines_of(const std::string& path);
bool eventually(const std::function<bool()>& condition);

// A forked process that runs something and exits with what it returns (0 to 99); 100 and more when it dies.
class Forked {
 public:
  explicit Forked(const std::function<int()>& body);
  ~Forked();
  Forked(Forked&& other) noexcept;
  Forked(const Forked&) = delete;
  int wait();
  void kill(int signal);
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
};

// Runs as another user from here on; for use inside Forked.
bool become(uid_t uid);
constexpr uid_t kNobody = 65534;

}  // namespace merganser::owner

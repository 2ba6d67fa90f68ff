// The private directory with an owner's sockets: the one that PostgreSQL clients name as host, and the control socket.
//
// It is found by the database's path, not stored beside the database: socket paths are short and file systems may not
// take sockets. Threads: one at a time. Lifetime: holds a lock on the directory until it goes; closing removes nothing.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "os/lock.h"

namespace merganser::owner {

constexpr int kDefaultPort = 5432;

// Where such directories are made; tests pass their own.
struct RuntimeRoots {
  std::string xdg_runtime_dir;  // empty: not set
  std::string temporary = "/tmp";
  static RuntimeRoots from_environment();
};

// The default directory for a database: $XDG_RUNTIME_DIR/merganser/<hash> or /tmp/merganser-<uid>/<hash>. Makes it with
// mode 0700. Each level must be ours, no symbolic link, and closed to others; 42501 when it is not (somebody else could
// have made /tmp/merganser-<uid> first).
Result<std::string> make_runtime_dir(const std::string& database_path,
                                     const RuntimeRoots& roots = RuntimeRoots::from_environment());

class SocketDir {
 public:
  struct Options {
    std::string override_dir;  // --socket-dir; empty: the default directory
    int port = kDefaultPort;   // only names the socket: .s.PGSQL.<port>
    RuntimeRoots roots = RuntimeRoots::from_environment();
    // How long an owner that has lost its file, and serves from here, may take to notice: its fence looks every second.
    Duration wait = std::chrono::seconds(3);
  };

  // Makes the directory, locks it, checks that the socket paths fit and clears stale sockets away. 55006 when another
  // program serves from it, 54000 when the path is too long.
  static Result<SocketDir> open(const std::string& database_path, const Options& options);

  const std::string& path() const { return path_; }  // the value for host=
  int port() const { return port_; }
  std::string postgres_socket() const { return path_ + "/.s.PGSQL." + std::to_string(port_); }
  std::string control_socket() const { return path_ + "/control"; }

  // Only for the owner that is leaving in order. The directory and its lock file stay.
  Status remove_sockets() const;
  // Lets the next owner use the directory.
  void release() { lock_.release(); }

 private:
  SocketDir(std::string path, int port, os::FileLock lock)
      : path_(std::move(path)), port_(port), lock_(std::move(lock)) {}
  std::string path_;
  int port_;
  os::FileLock lock_;
};

}  // namespace merganser::owner

// Unix stream sockets: listen, connect, and who is on the other side.
//
// Threads: free functions, safe from any.
#pragma once

#include <cstddef>
#include <string>
#include <sys/types.h>

#include "base/clock.h"
#include "base/result.h"
#include "os/unique_fd.h"

namespace merganser::os {

constexpr size_t kSocketPathLimit = 107;  // sun_path less its terminating zero

struct PeerCredentials {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

// 54000 with the length when the path does not fit an address.
Status check_socket_path(const std::string& path);

// Binds and listens, non-blocking, close-on-exec. The path must be free: see remove_stale_socket.
Result<UniqueFd> listen_unix(const std::string& path, int backlog, mode_t mode);

// Removes a socket file that nobody listens on. 55006 when somebody answers, 58P02 when it is not a socket. A missing
// file is fine. Callers hold a lock that keeps other starters away, or two could remove each other's sockets.
Status remove_stale_socket(const std::string& path);

// Connects; waits while the listener's queue is full. 08006 when nobody listens (refused or no such socket), 57014
// when the deadline passes. The descriptor is non-blocking and close-on-exec.
Result<UniqueFd> connect_unix(const std::string& path, Deadline deadline);

// SO_PEERCRED: of the process that connected, or that called listen.
Result<PeerCredentials> peer_credentials(int socket);

}  // namespace merganser::os

// Waiting reads and writes with a deadline on pipes and sockets, and lines with a limit.
//
// Threads: one at a time per descriptor.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "os/unique_fd.h"

namespace merganser::os {

// Waits until poll(2) reports one of the events (or an error or hang-up); false when the deadline passes first.
Result<bool> wait_for(int fd, short events, Deadline deadline);

// Sends everything over a socket without raising SIGPIPE; 57014 when the deadline passes.
Status send_all(int socket, std::string_view bytes, Deadline deadline);

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};
// Both ends close on exec.
Result<Pipe> make_pipe();

// Lines that end with '\n', from a pipe or a socket it does not own.
class LineReader {
 public:
  LineReader(int fd, size_t limit) : fd_(fd), limit_(limit) {}

  // Without the newline; nullopt at the end of the stream (an unfinished last line is dropped: its writer died).
  // 57014 when the deadline passes, 54000 for a line longer than the limit.
  Result<std::optional<std::string>> next(Deadline deadline);

 private:
  int fd_;
  size_t limit_;
  std::string buffer_;
};

}  // namespace merganser::os

// Ctrl-C as something to wait for: while it lives, SIGINT is held back and makes a descriptor readable.
//
// Threads: made and used by main's thread, before there are others. The mask of before comes back at its end.
#pragma once

#include <csignal>

namespace merganser::cli {

class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  int fd() const { return fd_; }  // -1 when the system gave none: then SIGINT ends the process as usual
  void take();                    // forgets the signals that came

 private:
  int fd_ = -1;
  sigset_t before_{};
};

}  // namespace merganser::cli

#include "cli/interrupts.h"

#include <sys/signalfd.h>
#include <unistd.h>

namespace merganser::cli {

Interrupts::Interrupts() {
  sigset_t interrupt;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  sigprocmask(SIG_BLOCK, &interrupt, &before_);
  fd_ = signalfd(-1, &interrupt, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd_ < 0) sigprocmask(SIG_SETMASK, &before_, nullptr);
}

Interrupts::~Interrupts() {
  if (fd_ >= 0) close(fd_);
  sigprocmask(SIG_SETMASK, &before_, nullptr);
}

void Interrupts::take() {
  struct signalfd_siginfo info;
  while (fd_ >= 0 && read(fd_, &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) {
  }
}

}  // namespace merganser::cli

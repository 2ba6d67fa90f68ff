#include "os/signals.h"

#include <cerrno>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

namespace merganser::os {

void ignore_sigpipe() {
  ::signal(SIGPIPE, SIG_IGN);
}

void reset_signals() {
  for (int signal = 1; signal < NSIG; signal++) ::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

Result<std::unique_ptr<SignalWatcher>> SignalWatcher::start(std::initializer_list<int> signals, Callback callback) {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int signal : signals) sigaddset(&wanted, signal);
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  UniqueFd fd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd || !stop) return errno_error(errno, "cannot watch for signals");
  sigset_t before;
  const int failed = ::pthread_sigmask(SIG_BLOCK, &wanted, &before);
  if (failed != 0) return errno_error(failed, "cannot block signals");
  return std::unique_ptr<SignalWatcher>(new SignalWatcher(before, std::move(fd), std::move(stop), std::move(callback)));
}

SignalWatcher::SignalWatcher(sigset_t before, UniqueFd signals, UniqueFd stop, Callback callback)
    : before_(before),
      signal_fd_(std::move(signals)),
      stop_fd_(std::move(stop)),
      callback_(std::move(callback)),
      thread_([this] { run(); }) {}

SignalWatcher::~SignalWatcher() {
  ::eventfd_write(stop_fd_.get(), 1);
  thread_.join();
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void SignalWatcher::run() {
  int count = 0;
  while (true) {
    pollfd entries[2] = {{signal_fd_.get(), POLLIN, 0}, {stop_fd_.get(), POLLIN, 0}};
    if (::poll(entries, 2, -1) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    if (entries[1].revents != 0) return;
    signalfd_siginfo info{};
    if (::read(signal_fd_.get(), &info, sizeof info) != sizeof info) continue;
    callback_(static_cast<int>(info.ssi_signo), ++count);
  }
}

}  // namespace merganser::os

// Signals that end the program, delivered as calls on an ordinary thread.
//
// A signal handler may do next to nothing; a thread that reads a signalfd may do everything. Threads: construct it in
// main before any other thread starts, since threads inherit the blocked mask; the callback runs on the watcher's own
// thread. Lifetime: the destructor stops that thread and gives the signals back.
#pragma once

#include <csignal>
#include <functional>
#include <initializer_list>
#include <memory>
#include <thread>

#include "base/result.h"
#include "os/unique_fd.h"

namespace merganser::os {

// The process ignores SIGPIPE from now on; writes to closed pipes and sockets fail with EPIPE instead.
void ignore_sigpipe();
// Default actions, nothing blocked: for a child between fork and exec. Async-signal-safe.
void reset_signals();

class SignalWatcher {
 public:
  // nth counts the signals so far, from 1: the first asks to drain, the second forces.
  using Callback = std::function<void(int signal, int nth)>;

  static Result<std::unique_ptr<SignalWatcher>> start(std::initializer_list<int> signals, Callback callback);
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

 private:
  SignalWatcher(sigset_t before, UniqueFd signals, UniqueFd stop, Callback callback);
  void run();

  sigset_t before_;  // the constructing thread's mask
  UniqueFd signal_fd_;
  UniqueFd stop_fd_;
  Callback callback_;
  std::thread thread_;
};

}  // namespace merganser::os

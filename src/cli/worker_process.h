// One worker of a probe as its parent sees it: a child process and the pipe on which it reports.
//
// Threads: one. Lifetime: move-only; the destructor ends a child that still runs and waits for it.
#pragma once

#include <string>
#include <sys/types.h>

#include "base/result.h"
#include "cli/probe_task.h"
#include "os/unique_fd.h"

namespace merganser::cli {

class WorkerProcess {
 public:
  // Starts this program anew as a worker.
  static Result<WorkerProcess> start(const ProbeTask& task);
  ~WorkerProcess();
  WorkerProcess(WorkerProcess&& other) noexcept;
  WorkerProcess& operator=(WorkerProcess&&) = delete;

  int fd() const { return reports_.get(); }
  bool ready() const { return ready_; }
  bool finished() const { return finished_; }
  ProbeRole role() const { return role_; }
  const ProbeCounts& counts() const { return counts_; }

  // Call when fd() is readable. At the end of the pipe the worker is finished; one that ended without a result has an
  // error in its counts that says how it ended.
  void receive();
  void kill();

 private:
  WorkerProcess(pid_t pid, os::UniqueFd reports, ProbeRole role)
      : pid_(pid), reports_(std::move(reports)), role_(role) {}
  void take_lines();
  std::string reap();  // how it ended; empty for an orderly end

  pid_t pid_;
  os::UniqueFd reports_;
  ProbeRole role_;
  std::string pending_;  // a line whose end has not come
  ProbeCounts counts_;
  bool ready_ = false;
  bool has_result_ = false;
  bool finished_ = false;
};

}  // namespace merganser::cli

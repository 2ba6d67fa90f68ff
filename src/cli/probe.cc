#include "cli/probe.h"

#include <cerrno>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>
#include <vector>

#include "base/clock.h"
#include "cli/probe_data.h"
#include "cli/probe_database.h"
#include "cli/probe_report.h"
#include "cli/report.h"
#include "cli/worker_process.h"

namespace merganser::cli {
namespace {

constexpr std::chrono::seconds kPatience{60};  // for workers that start slowly or hang at their end

class ProgressLine {
 public:
  explicit ProgressLine(bool shown) : shown_(shown && on_terminal(STDERR_FILENO)) {}
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const std::string& text) {
    if (!shown_) return;
    write_all(STDERR_FILENO, "\r\x1b[K" + text);
    dirty_ = true;
  }
  void clear() {
    if (dirty_) write_all(STDERR_FILENO, "\r\x1b[K");
    dirty_ = false;
  }

 private:
  bool shown_;
  bool dirty_ = false;
};

// Only a table of an earlier probe is replaced.
Status check_table(ProbeDatabase& database) {
  MERGANSER_ASSIGN(const auto rows, database.run("SELECT table_name FROM information_schema.tables WHERE table_name IN "
                                                 "('chunks', 'merganser_probe')"));
  bool chunks = false;
  bool ours = false;
  for (const ProbeDatabase::Row& row : rows) {
    chunks = chunks || row[0] == "chunks";
    ours = ours || row[0] == "merganser_probe";
  }
  if (!chunks || ours) return {};
  return make_error(ErrorCode::kDuplicateTable, "the file has a table named chunks that no probe has made", {},
                    "give probe a file of its own: it makes, fills and replaces that table");
}

Status seed(const ProbeOptions& options, ProgressLine& progress) {
  auto database = ProbeDatabase::open(options, "seed");
  if (!database.ok()) {
    Error error = database.error();
    if (options.backend == ProbeBackend::kDuckdb && error.hint.empty()) {
      error.hint = "another process has the file: see merganser doctor " + options.file;
    }
    return error;
  }
  MERGANSER_TRY(check_table(**database));
  const std::vector<std::string> statements = seed_statements(options);
  for (size_t i = 0; i < statements.size(); ++i) {
    progress.show(fmt::format("seeding {} rows: {} %", options.rows, 100 * i / statements.size()));
    const auto done = (*database)->run(statements[i]);
    if (!done.ok()) return done.error();
  }
  return {};
}

class Run {
 public:
  Run(const ProbeOptions& options, ProgressLine& progress) : options_(options), progress_(progress) {}

  // Writers come first, and have the file before the first reader starts.
  Status go() {
    start_ = SteadyClock::now();
    give_up_ = Deadline::in(options_.duration + kPatience);
    MERGANSER_TRY(start(ProbeRole::kWriter, options_.writers));
    while (!all(&WorkerProcess::ready) && !give_up_.expired()) follow();
    MERGANSER_TRY(start(ProbeRole::kReader, options_.readers));
    while (!all(&WorkerProcess::finished) && !give_up_.expired()) follow();
    end_hung_workers();
    return {};
  }

  ProbeReport report() const {
    ProbeReport report;
    report.options = options_;
    report.seconds = std::chrono::duration<double>(SteadyClock::now() - start_).count();
    for (const WorkerProcess& worker : workers_) {
      (worker.role() == ProbeRole::kReader ? report.readers : report.writers).push_back(worker.counts());
    }
    return report;
  }

 private:
  Status start(ProbeRole role, int64_t count) {
    for (int64_t number = 0; number < count; ++number) {
      MERGANSER_ASSIGN(WorkerProcess worker, WorkerProcess::start({role, number, options_}));
      workers_.push_back(std::move(worker));
    }
    return {};
  }

  bool all(bool (WorkerProcess::*is)() const) const {
    for (const WorkerProcess& worker : workers_) {
      if (!(worker.*is)()) return false;
    }
    return true;
  }

  void follow() {
    std::vector<struct pollfd> waiting;
    std::vector<WorkerProcess*> sources;
    for (WorkerProcess& worker : workers_) {
      if (worker.finished()) continue;
      waiting.push_back({worker.fd(), POLLIN, 0});
      sources.push_back(&worker);
    }
    if (poll(waiting.data(), waiting.size(), 1000) > 0) {
      for (size_t i = 0; i < waiting.size(); ++i) {
        if (waiting[i].revents != 0) sources[i]->receive();
      }
    }
    show_progress();
  }

  void show_progress() {
    const TimePoint now = SteadyClock::now();
    if (now - shown_ < std::chrono::seconds(1)) return;
    shown_ = now;
    int64_t done[2] = {0, 0};
    int64_t errors = 0;
    for (const WorkerProcess& worker : workers_) {
      done[worker.role() == ProbeRole::kReader ? 0 : 1] += worker.counts().ok;
      errors += worker.counts().errors;
    }
    progress_.show(fmt::format("{} s  reads {}  writes {}  errors {}",
                               std::chrono::duration_cast<std::chrono::seconds>(now - start_).count(), done[0], done[1],
                               errors));
  }

  // A worker that does not end by itself is ended, and its missing result is an error.
  void end_hung_workers() {
    for (WorkerProcess& worker : workers_) {
      if (worker.finished()) continue;
      worker.kill();
      while (!worker.finished()) worker.receive();
    }
  }

  const ProbeOptions& options_;
  ProgressLine& progress_;
  std::vector<WorkerProcess> workers_;
  TimePoint start_;
  TimePoint shown_;
  Deadline give_up_;
};

}  // namespace

int probe_command(const ProbeOptions& options) {
  ProgressLine progress(!options.json);
  if (const Status seeded = seed(options, progress); !seeded.ok()) {
    progress.clear();
    return report(seeded.error());
  }
  Run run(options, progress);
  if (const Status done = run.go(); !done.ok()) {
    progress.clear();
    return report(done.error());
  }
  progress.clear();
  const ProbeReport found = run.report();
  if (!print(options.json ? probe_json(found) : probe_text(found))) return kExitFailed;
  return broken_promises(found).empty() ? kExitOk : kExitFailed;
}

}  // namespace merganser::cli

// One reader or writer of a probe, in a process of its own.
#include <fmt/format.h>
#include <optional>
#include <string>
#include <thread>
#include <unistd.h>

#include "base/clock.h"
#include "cli/probe_data.h"
#include "cli/probe_database.h"
#include "cli/probe_task.h"
#include "cli/report.h"
#include "cli/units.h"

namespace merganser::cli {
namespace {

constexpr int kReportFd = 3;
constexpr std::chrono::seconds kProgressEvery{1};
constexpr std::chrono::milliseconds kPauseAfterError{10};

class Worker {
 public:
  explicit Worker(const ProbeTask& task)
      : task_(task),
        options_(task.options),
        random_(static_cast<uint64_t>(options_.seed) * 1000 + static_cast<uint64_t>(task.number) * 2 +
                (task.role == ProbeRole::kReader ? 1 : 0)) {}

  void run() {
    if (!open()) {
      counts_.connect_failed = true;
      tell(ProbeLine::kReady);
      tell(ProbeLine::kResult);
      return;
    }
    tell(ProbeLine::kReady);
    const Deadline end = Deadline::in(options_.duration);
    TimePoint next_progress = SteadyClock::now() + kProgressEvery;
    const auto interval = task_.role == ProbeRole::kReader ? options_.read_interval : options_.write_interval;
    while (!end.expired()) {
      step();
      if (SteadyClock::now() >= next_progress) {
        next_progress += kProgressEvery;
        // The parent has gone: nobody wants the result.
        if (!tell(ProbeLine::kProgress)) return;
      }
      std::this_thread::sleep_for(std::min<Duration>(interval, end.remaining()));
    }
    tell(ProbeLine::kResult);
  }

 private:
  bool tell(ProbeLine kind) { return write_all(kReportFd, line_text(kind, counts_)); }

  bool open() {
    const char* role = task_.role == ProbeRole::kReader ? "reader" : "writer";
    auto opened = ProbeDatabase::open(options_, fmt::format("{} {}", role, task_.number + 1));
    if (!opened.ok()) {
      counts_.add_error("connect: " + opened.error().to_string());
      return false;
    }
    database_ = std::move(*opened);
    return true;
  }

  void step() {
    if (!database_->alive() && !open()) {
      std::this_thread::sleep_for(kPauseAfterError);
      return;
    }
    const TimePoint start = SteadyClock::now();
    const Status done = task_.role == ProbeRole::kReader ? read() : write();
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - start);
    if (!done.ok()) {
      counts_.add_error(done.error().to_string());
      std::this_thread::sleep_for(kPauseAfterError);
      return;
    }
    ++counts_.ok;
    if (counts_.latencies_us.size() < ProbeCounts::kMaxLatencies) {
      counts_.latencies_us.push_back(static_cast<uint32_t>(std::min<int64_t>(took.count(), UINT32_MAX)));
    }
  }

  // Searches in turn anywhere and near what writers write. Every row must be of the provider and model asked for.
  Status read() {
    const bool near_news = iteration_++ % 2 == 1;
    const Vector vector =
        near_news ? vector_near_news(random_, options_.dims, options_.seed) : random_vector(random_, options_.dims);
    MERGANSER_ASSIGN(const auto rows, database_->run(search_statement(options_, vector)));
    int64_t fresh = 0;
    for (const ProbeDatabase::Row& row : rows) {
      if (row.size() != 3 || !row[0] || row[1] != options_.provider || row[2] != options_.model) {
        return make_error(ErrorCode::kDataCorrupted, "a search returned a row that it did not ask for");
      }
      if (parse_integer(*row[0]).value_or(0) > options_.rows) ++fresh;
    }
    // Ten of the rows that were there from the beginning could always be found.
    const int64_t seeded = options_.rows - options_.rows / 10;
    if (static_cast<int64_t>(rows.size()) < std::min(options_.limit, seeded)) {
      return make_error(ErrorCode::kDataCorrupted,
                        fmt::format("a search returned {} rows instead of {}", rows.size(), options_.limit));
    }
    counts_.fresh_results += fresh;
    counts_.fresh_iterations += fresh > 0 ? 1 : 0;
    return {};
  }

  // In turn a new id and a new embedding for an old one.
  Status write() {
    const Vector vector = vector_near_news(random_, options_.dims, options_.seed);
    const bool insert = iteration_++ % 2 == 0;
    std::string statement;
    if (insert) {
      // Writers take turns in the ids above the seeded ones, so none takes another's.
      const int64_t id = options_.rows + 1 + task_.number + inserted_++ * options_.writers;
      statement = insert_statement(options_, id, vector);
    } else {
      std::uniform_int_distribution<int64_t> old(1, options_.rows);
      statement = update_statement(options_, old(random_), random_vector(random_, options_.dims));
    }
    const auto result = database_->run(statement);
    return result.ok() ? Status() : Status(result.error());
  }

  const ProbeTask& task_;
  const ProbeOptions& options_;
  Random random_;
  std::unique_ptr<ProbeDatabase> database_;
  ProbeCounts counts_;
  int64_t iteration_ = 0;
  int64_t inserted_ = 0;
};

}  // namespace

int probe_worker_command(const std::string& task_json) {
  const auto task = parse_task(task_json);
  if (!task.ok()) return report(task.error());
  Worker(*task).run();
  return kExitOk;
}

}  // namespace merganser::cli

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "base/log.h"
#include "os/process.h"
#include "os/temp_dir_for_test.h"
#include "owner/ownership.h"
#include "owner/small_server_for_test.h"
#include "owner/startup_report.h"

namespace merganser::owner {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

void append_line(const std::string& path, const std::string& line) {
  std::ofstream out(path, std::ios::app);
  out << line << "\n";
}

struct Mode {
  std::string name;
  int number = 0;
};

Mode mode_of(const std::vector<std::string>& arguments) {
  Mode mode;
  if (arguments.size() > 4) mode.name = arguments[4];
  if (arguments.size() > 5) mode.number = std::atoi(arguments[5].c_str());
  return mode;
}

[[noreturn]] void crash() {
  std::fputs("the small server fell over\n", stderr);
  std::signal(SIGABRT, SIG_DFL);
  std::abort();
}

void wait_for_ever() {
  while (true) ::pause();
}

int serve_until_told(const FilePlace& place, const Mode& mode, StartupReporter& reporter) {
  SocketDir::Options sockets;
  Result<std::unique_ptr<Ownership>> won = Ownership::acquire(place, sockets, Deadline::in(seconds(5)));
  if (!won.ok()) {
    reporter.failed(won.error());
    return 1;
  }
  Ownership& ownership = **won;
  append_line(place.path() + ".owners", std::to_string(::getpid()));
  std::ofstream(place.path(), std::ios::app).flush();
  if (mode.name == "slow") {
    reporter.progress("taking its time");
    std::this_thread::sleep_for(milliseconds(mode.number));
  }
  std::atomic<bool> leave{false};
  Ownership::Publication publication;
  publication.handler = [&](std::string_view op, const std::string&) -> Result<std::string> {
    if (op == "stop") leave = true;
    if (op == "status") return std::string(R"({"sessions":0})");
    if (op == "stop") return std::string("{}");
    return make_error(ErrorCode::kUndefinedObject, "no such operation");
  };
  publication.on_lost = [&](const Error&) { leave = true; };
  publication.fence_interval = milliseconds(50);
  const Result<Endpoint> published = ownership.publish(std::move(publication));
  if (!published.ok()) {
    reporter.failed(published.error());
    return 1;
  }
  if (mode.name == "idle") {
    const TimePoint begin = SteadyClock::now();
    ownership.watch_idle(
        milliseconds(mode.number),
        [begin] {
          return Activity{0, begin};
        },
        [&] { leave = true; });
  }
  reporter.ready();
  while (!leave) std::this_thread::sleep_for(milliseconds(2));
  ownership.begin_leaving();
  if (mode.name == "drain") std::this_thread::sleep_for(milliseconds(mode.number));
  ownership.stop_watching();
  return ownership.leave().ok() ? 0 : 1;
}

}  // namespace

int small_server(const std::vector<std::string>& arguments) {
  log_init(LogLevel::kError, "");
  const Mode mode = mode_of(arguments);
  const FilePlace place = place_of(arguments.at(1));
  Result<StartupReporter> reporter = StartupReporter::spawned(std::atoi(arguments.at(3).c_str()), place);
  if (!reporter.ok()) return 2;
  append_line(place.path() + ".starts", std::to_string(::getpid()));
  if (mode.name == "crash") crash();
  if (mode.name == "crash-until" && static_cast<int>(lines_of(place.path() + ".starts").size()) <= mode.number) crash();
  if (mode.name == "fail") {
    reporter->failed(make_error(ErrorCode::kDataCorrupted, "it is broken", "quite\nbroken", "mend it"));
    return 1;
  }
  if (mode.name == "hang") {
    reporter->progress("reading the write-ahead log");
    wait_for_ever();
  }
  if (mode.name == "deaf") {
    Result<std::unique_ptr<Ownership>> won = Ownership::acquire(place, {}, Deadline::in(seconds(5)));
    reporter->failed(make_error(ErrorCode::kInternalError, "deaf"));
    wait_for_ever();
  }
  return serve_until_told(place, mode, *reporter);
}

FilePlace place_of(const std::string& path) {
  Result<FilePlace> place = FilePlace::resolve(path);
  if (!place.ok()) {
    std::fprintf(stderr, "%s\n", place.error().to_string().c_str());
    std::abort();
  }
  return std::move(place).value();
}

StartOptions start_options(const std::string& mode) {
  StartOptions options;
  options.executable = os::this_executable();
  std::istringstream words(mode);
  for (std::string word; words >> word;) options.serve_arguments.push_back(word);
  options.first_backoff = milliseconds(10);
  return options;
}

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 2000; i++) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return false;
}

Forked::Forked(const std::function<int()>& body) {
  std::fflush(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) ::_exit(body());
}
Forked::Forked(Forked&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
Forked::~Forked() {
  if (pid_ <= 0) return;
  kill(SIGKILL);
  wait();
}
int Forked::wait() {
  if (pid_ <= 0) return 100;
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}
void Forked::kill(int signal) {
  ::kill(pid_, signal);
}

bool become(uid_t uid) {
  return ::setgid(uid) == 0 && ::setuid(uid) == 0;
}

}  // namespace merganser::owner

int main(int argc, char** argv) {
  if (argc > 3 && std::string(argv[1]) == "serve") {
    return merganser::owner::small_server(std::vector<std::string>(argv + 1, argv + argc));
  }
  testing::InitGoogleTest(&argc, argv);
  // Nothing of the tests may land among the sockets of real owners.
  const merganser::os::TempDir runtime;
  ::setenv("XDG_RUNTIME_DIR", runtime.path().c_str(), 1);
  merganser::log_init(merganser::LogLevel::kError, "");
  return RUN_ALL_TESTS();
}

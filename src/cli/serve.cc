#include "cli/serve.h"

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <unistd.h>

#include "base/log.h"
#include "cli/owner_process.h"
#include "os/signals.h"
#include "owner/database_header.h"
#include "owner/file_place.h"
#include "owner/ownership.h"
#include "owner/startup_report.h"

namespace merganser::cli {
namespace {

void say(const std::string& text) {
  fprintf(stderr, "%s\n", text.c_str());
}

void start_log(const ServeOptions& options, const std::string& default_path) {
  LogLevel level = LogLevel::kInfo;
  parse_log_level(options.settings.log_level, level);
  log_init(level, !options.settings.log_file.empty() ? options.settings.log_file
                  : options.foreground               ? std::string()
                                                     : default_path);
}

Status check_place(const owner::FilePlace& place, const Settings& settings) {
  MERGANSER_TRY(owner::check_user(place));
  MERGANSER_TRY(owner::check_access(place));
  if (!settings.allow_network_fs) MERGANSER_TRY(owner::check_file_system(place));
  if (place.path().find('?') != std::string::npos) {
    return make_error(ErrorCode::kInvalidParameterValue, "the file name " + place.path() + " holds a question mark",
                      "DuckDB would take what follows it for options and put the write-ahead log elsewhere.",
                      "Rename the file.");
  }
  if (place.file()) {
    MERGANSER_ASSIGN(const owner::DatabaseHeader header, owner::read_database_header(place.path()));
    if (header.encrypted) {
      return make_error(ErrorCode::kFeatureNotSupported, place.path() + " is encrypted", {},
                        "Encrypted DuckDB files are not served.");
    }
  }
  return {};
}

void announce(const owner::Endpoint& endpoint, const std::string& database) {
  say("serving " + endpoint.database);
  say("  psql \"host=" + endpoint.socket_dir + " dbname=" + database + "\"");
  if (!endpoint.tcp.empty()) say("  TCP on " + endpoint.tcp);
  say("stop with Ctrl-C, or: merganser stop " + endpoint.database);
}

struct Served {
  std::unique_ptr<OwnerProcess> process;
  owner::Endpoint endpoint;
};

Result<Served> start(const ServeOptions& options, const owner::FilePlace& place,
                     const std::function<void(const std::string&)>& progress) {
  MERGANSER_TRY(check_place(place, options.settings));
  owner::SocketDir::Options sockets;
  sockets.override_dir = options.settings.socket_dir;
  sockets.port = static_cast<int>(options.settings.port);
  MERGANSER_ASSIGN(auto ownership,
                   owner::Ownership::acquire(place, sockets, Deadline::in(options.settings.start_timeout)));
  start_log(options, ownership->sockets().path() + "/log");
  Served served;
  served.process = std::make_unique<OwnerProcess>(options.settings, std::move(ownership));
  MERGANSER_TRY(served.process->open(place.path(), progress));
  MERGANSER_ASSIGN(served.endpoint, served.process->publish());
  return served;
}

}  // namespace

int serve_command(const ServeOptions& options) {
  os::ignore_sigpipe();
  const auto fail = [](const Error& error) {
    say("merganser: " + error.to_string());
    return 1;
  };
  const auto place = owner::FilePlace::resolve(options.file, {options.settings.create_parents});
  if (!place.ok()) return fail(place.error());
  const auto progress = [&](const std::string& text) { say(text); };
  auto reporter = options.startup_pipe_fd >= 0 ? owner::StartupReporter::spawned(options.startup_pipe_fd, *place)
                                               : owner::StartupReporter::foreground(
                                                     *place, Deadline::in(options.settings.start_timeout), progress);
  if (!reporter.ok()) return fail(reporter.error());

  // Before any other thread starts, so that all of them inherit the blocked signals.
  std::atomic<OwnerProcess*> running = nullptr;
  std::atomic<int> early = 0;
  // SIGHUP of a terminal that closes means leave; of a service manager it means read certificates again.
  const bool on_terminal = ::isatty(STDIN_FILENO) == 1;
  int hangups = 0;
  auto signals = os::SignalWatcher::start({SIGTERM, SIGINT, SIGHUP}, [&](int signal, int nth) {
    OwnerProcess* process = running;
    if (signal == SIGHUP && !on_terminal) {
      hangups++;
      if (process != nullptr) process->reload_tls();
      return;
    }
    nth -= hangups;
    if (process == nullptr) {
      if (++early > 1) _exit(1);
      return;
    }
    if (nth > 2) _exit(1);
    process->ask_to_leave(Leaving::kSignal);
  });
  if (!signals.ok()) return fail(signals.error());

  auto served = start(options, *place, [&](const std::string& text) { reporter->progress(text); });
  if (!served.ok()) {
    reporter->failed(served.error());
    return options.startup_pipe_fd >= 0 ? 1 : fail(served.error());
  }
  OwnerProcess& process = *served->process;
  running = &process;
  reporter->ready();
  log(LogLevel::kInfo, "owner.ready",
      {{"file", place->path()},
       {"socket_dir", served->endpoint.socket_dir},
       {"tcp", served->endpoint.tcp},
       {"generation", served->endpoint.generation}});
  if (options.foreground) {
    announce(served->endpoint, process.database_name());
  } else {
    process.watch_idle();
  }
  if (early > 0) process.ask_to_leave(Leaving::kSignal);
  const int code = process.run();
  running = nullptr;
  signals->reset();
  return code;
}

}  // namespace merganser::cli

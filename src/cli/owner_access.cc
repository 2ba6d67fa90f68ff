#include "cli/owner_access.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/report.h"
#include "os/process.h"
#include "owner/connect_or_start.h"
#include "owner/file_place.h"
#include "owner/startup_report.h"

namespace merganser::cli {
namespace {

// The owner reads files and environment itself; what was said by flags must be handed on.
std::vector<std::string> serve_arguments(const FileOptions& options) {
  std::vector<std::string> arguments;
  if (!options.config_flag.empty()) {
    // The owner works in another directory.
    char* absolute = ::realpath(options.config_flag.c_str(), nullptr);
    arguments.push_back(fmt::format("--config={}", absolute == nullptr ? options.config_flag : std::string(absolute)));
    std::free(absolute);
  }
  for (const auto& [name, text] : options.setting_flags) {
    arguments.push_back(fmt::format("{}={}", setting_flag(*find_setting(name)), text));
  }
  return arguments;
}

}  // namespace

Result<LoadedSettings> settings_for(const FileOptions& options) {
  SettingsInput input;
  input.environment = environment_map();
  input.flags = options.setting_flags;
  input.config_flag = options.config_flag;
  input.database_file = options.file;
  MERGANSER_ASSIGN(LoadedSettings loaded, load_settings(input));
  for (const std::string& warning : loaded.warnings) write_all(STDERR_FILENO, fmt::format("merganser: {}\n", warning));
  return loaded;
}

Result<owner::Endpoint> reach_owner(const FileOptions& options) {
  // Without a flag the common case, a running owner, needs no settings: the files are read only before a start.
  owner::ResolveOptions resolve;
  auto place = owner::FilePlace::resolve(options.file, resolve);
  if (place.ok()) {
    owner::Probe found = owner::probe(*place, owner::wire::Intent::kUse, Deadline::in(std::chrono::seconds(2)));
    if (found.state == owner::ProbeState::kLive) return *std::move(found.endpoint);
  }
  MERGANSER_ASSIGN(const LoadedSettings loaded, settings_for(options));
  if (!place.ok()) {
    if (!loaded.settings.create_parents) return std::move(place).error();
    resolve.create_directory = true;
    place = owner::FilePlace::resolve(options.file, resolve);
    if (!place.ok()) return std::move(place).error();
  }
  owner::StartOptions start;
  start.executable = os::this_executable();
  start.serve_arguments = serve_arguments(options);
  if (on_terminal(STDERR_FILENO)) {
    start.progress = [](const std::string& text) { write_all(STDERR_FILENO, fmt::format("merganser: {}\n", text)); };
  }
  return owner::connect_or_start(*place, start, Deadline::in(loaded.settings.start_timeout));
}

Address address_of(const owner::Endpoint& endpoint) {
  return Address{endpoint.socket_dir, std::to_string(endpoint.port), database_name(endpoint.database), user_name()};
}

Result<ClientConnection> connect_to_owner(const FileOptions& options, std::string_view application) {
  if (!options.conninfo.empty()) return ClientConnection::open_conninfo(options.conninfo);
  MERGANSER_ASSIGN(const owner::Endpoint endpoint, reach_owner(options));
  return ClientConnection::open(address_of(endpoint), application);
}

int report_start_failure(int startup_pipe_fd, const std::string& file, const Error& error) {
  if (startup_pipe_fd >= 0) {
    if (const auto place = owner::FilePlace::resolve(file); place.ok()) {
      if (auto reporter = owner::StartupReporter::spawned(startup_pipe_fd, *place); reporter.ok()) {
        reporter->failed(error);
      }
    }
  }
  return report(error);
}

}  // namespace merganser::cli

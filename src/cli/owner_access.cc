#include "cli/owner_access.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/report.h"
#include "os/process.h"
#include "owner/connect_or_start.h"
#include "owner/file_place.h"
#include "owner/startup_report.h"

namespace merganser::cli {
StartArguments start_arguments(const FileOptions& options, const std::map<std::string, std::string>& environment,
                               const std::string& directory) {
  StartArguments arguments;
  if (!options.config_flag.empty()) {
    arguments.flags.push_back("--config=" + absolute_path(options.config_flag, directory));
  }
  for (const auto& [name, text] : options.setting_flags) {
    const SettingSpec& spec = *find_setting(name);
    const std::string value = spec.rule == TextRule::kPath ? absolute_path(text, directory) : text;
    arguments.flags.push_back(fmt::format("{}={}", setting_flag(spec), value));
  }
  const auto make_absolute = [&](const std::string& variable) {
    const auto found = environment.find(variable);
    if (found == environment.end() || found->second.empty() || found->second.front() == '/') return;
    arguments.environment.emplace_back(variable, absolute_path(found->second, directory));
  };
  make_absolute("MERGANSER_CONFIG");
  for (const SettingSpec& spec : setting_specs()) {
    if (spec.rule == TextRule::kPath) make_absolute(setting_variable(spec));
  }
  return arguments;
}

Result<LoadedSettings> settings_for(const FileOptions& options) {
  SettingsInput input;
  input.environment = environment_map();
  input.flags = options.setting_flags;
  input.config_flag = options.config_flag;
  input.database_file = options.file;
  input.directory = working_directory();
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
  StartArguments arguments = start_arguments(options, environment_map(), working_directory());
  start.serve_arguments = std::move(arguments.flags);
  start.environment = std::move(arguments.environment);
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

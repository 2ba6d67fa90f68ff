#include "cli/settings_load.h"

#include <array>
#include <cstdlib>
#include <fmt/format.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace merganser::cli {
namespace {

constexpr std::string_view kPrefix = "MERGANSER_";
// Variables that are no settings but belong to us.
constexpr std::array<std::string_view, 2> kOtherVariables{"MERGANSER_CONFIG", "MERGANSER_URL"};

std::string lookup(const std::map<std::string, std::string>& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

// A settings file decides who may connect: in a shared directory it must not come from somebody else.
Status check_trusted(const std::string& path, const struct stat& info) {
  if (info.st_uid != geteuid() && info.st_uid != 0) {
    return make_error(ErrorCode::kConfigFileError, fmt::format("settings file {} belongs to another user", path),
                      fmt::format("it is owned by uid {}, this is uid {}", info.st_uid, geteuid()),
                      "remove it, or take ownership of it after reading it");
  }
  if ((info.st_mode & S_IWOTH) != 0) {
    return make_error(ErrorCode::kConfigFileError, fmt::format("settings file {} can be written by everyone", path), {},
                      fmt::format("chmod o-w {}", path));
  }
  return {};
}

Status apply_file(const std::string& path, bool must_exist, LoadedSettings& loaded) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    if (!must_exist && (errno == ENOENT || errno == ENOTDIR || errno == EACCES)) return {};
    return errno_error(errno, fmt::format("cannot read the settings file {}", path),
                       "check --config and MERGANSER_CONFIG");
  }
  MERGANSER_TRY(check_trusted(path, info));
  MERGANSER_TRY(apply_toml_file(path, loaded));
  loaded.files.push_back(path);
  return {};
}

Status apply_files(const SettingsInput& input, LoadedSettings& loaded) {
  std::string named = input.config_flag;
  if (named.empty()) named = lookup(input.environment, "MERGANSER_CONFIG");
  if (!named.empty()) return apply_file(named, true, loaded);

  std::string config_home = lookup(input.environment, "XDG_CONFIG_HOME");
  const std::string home = lookup(input.environment, "HOME");
  if (config_home.empty() && !home.empty()) config_home = home + "/.config";
  MERGANSER_TRY(apply_file(input.system_file, false, loaded));
  if (!config_home.empty()) MERGANSER_TRY(apply_file(config_home + "/merganser/config.toml", false, loaded));
  if (!input.database_file.empty()) MERGANSER_TRY(apply_file(input.database_file + ".merganser.toml", false, loaded));
  return {};
}

bool is_other_variable(std::string_view name) {
  for (const std::string_view other : kOtherVariables) {
    if (name == other) return true;
  }
  return false;
}

Status apply_environment(const SettingsInput& input, LoadedSettings& loaded) {
  for (const SettingSpec& spec : setting_specs()) {
    const std::string variable = setting_variable(spec);
    const auto found = input.environment.find(variable);
    if (found == input.environment.end()) continue;
    if (Status set = set_setting_in(loaded.settings, spec, found->second, input.directory); !set.ok()) {
      set.error().message = fmt::format("environment variable {}: {}", variable, set.error().message);
      return set;
    }
    loaded.origins[std::string(spec.name)] = {Origin::kEnvironment, variable};
  }
  for (const auto& [name, value] : input.environment) {
    if (!name.starts_with(kPrefix) || is_other_variable(name)) continue;
    std::string setting = name.substr(kPrefix.size());
    for (char& c : setting) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (find_setting(setting) == nullptr && is_likely_slip(setting)) {
      loaded.warnings.push_back(fmt::format("environment variable {} names no setting; the nearest is {}", name,
                                            setting_variable(*find_setting(nearest_setting(setting)))));
    }
  }
  return {};
}

Status apply_flags(const SettingsInput& input, LoadedSettings& loaded) {
  for (const auto& [name, text] : input.flags) {
    const SettingSpec* spec = find_setting(name);
    if (spec == nullptr) {
      return make_error(ErrorCode::kInvalidParameterValue, fmt::format("there is no setting \"{}\"", name), {},
                        fmt::format("did you mean {}?", nearest_setting(name)));
    }
    const std::string flag = setting_flag(*spec);
    if (Status set = set_setting_in(loaded.settings, *spec, text, input.directory); !set.ok()) {
      set.error().message = fmt::format("{}: {}", flag, set.error().message);
      return set;
    }
    loaded.origins[name] = {Origin::kFlag, flag};
  }
  return {};
}

}  // namespace

Result<LoadedSettings> load_settings(const SettingsInput& input) {
  LoadedSettings loaded;
  MERGANSER_TRY(apply_files(input, loaded));
  MERGANSER_TRY(apply_environment(input, loaded));
  MERGANSER_TRY(apply_flags(input, loaded));
  return loaded;
}

std::string absolute_path(const std::string& path, const std::string& directory) {
  if (path.empty() || path.front() == '/' || directory.empty()) return path;
  return directory + "/" + path;
}

std::string working_directory() {
  const std::unique_ptr<char, void (*)(void*)> path(getcwd(nullptr, 0), &std::free);
  return path ? path.get() : "";
}

Status set_setting_in(Settings& settings, const SettingSpec& spec, std::string_view text,
                      const std::string& directory) {
  if (spec.rule != TextRule::kPath) return set_setting(settings, spec, text);
  return set_setting(settings, spec, absolute_path(std::string(text), directory));
}

std::map<std::string, std::string> environment_map() {
  std::map<std::string, std::string> result;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string_view::npos) result.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return result;
}

}  // namespace merganser::cli

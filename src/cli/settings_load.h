// Where settings come from, in rising order: defaults, TOML files, environment variables, flags.
//
// Files: /etc/merganser.toml, then $XDG_CONFIG_HOME/merganser/config.toml, then <database>.merganser.toml; one named by
// --config or MERGANSER_CONFIG takes the place of all three.
// A relative path in a file starts from the file's directory; in a variable or flag, from the working directory.
// Threads: a function of its input and the files it reads.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cli/settings.h"

namespace merganser::cli {

struct SettingsInput {
  std::map<std::string, std::string> environment;
  std::vector<std::pair<std::string, std::string>> flags;  // setting name and text, as they were given
  std::string config_flag;                                 // --config; empty when not given
  std::string database_file;                               // empty when the command has none
  std::string system_file = "/etc/merganser.toml";
  std::string directory;  // that relative paths of flags and variables start from
};

enum class Origin : uint8_t { kDefault, kFile, kEnvironment, kFlag };

struct SettingOrigin {
  Origin origin = Origin::kDefault;
  std::string where;  // "/etc/merganser.toml:3", "MERGANSER_PORT", "--port"; empty for a default
};

struct LoadedSettings {
  Settings settings;
  std::map<std::string, SettingOrigin, std::less<>> origins;  // only of what is not a default
  std::vector<std::string> files;                             // that were read, in rising order
  std::vector<std::string> warnings;                          // e.g. environment variables that look like typing errors
};

// The error names file and line, variable or flag, and what is accepted there.
Result<LoadedSettings> load_settings(const SettingsInput& input);

// This process's environment as a map.
std::map<std::string, std::string> environment_map();

// The same path, but absolute: "a/b" under a directory. An empty path stays empty.
std::string absolute_path(const std::string& path, const std::string& directory);
std::string working_directory();

// set_setting for a text that was written in, or in a file of, this directory.
Status set_setting_in(Settings& settings, const SettingSpec& spec, std::string_view text, const std::string& directory);

// Applies one TOML file; exposed for tests.
Status apply_toml_file(const std::string& path, LoadedSettings& loaded);

}  // namespace merganser::cli

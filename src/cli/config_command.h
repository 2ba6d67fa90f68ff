// `merganser config`: every setting, its value, and where it came from.
//
// Threads: main's.
#pragma once

#include <string>

#include "cli/settings_load.h"

namespace merganser::cli {

int config_command(const LoadedSettings& loaded, bool json);

std::string config_text(const LoadedSettings& loaded);
std::string config_json(const LoadedSettings& loaded);

}  // namespace merganser::cli

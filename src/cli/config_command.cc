#include "cli/config_command.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "cli/report.h"

namespace merganser::cli {
namespace {

constexpr std::string_view kOriginNames[] = {"default", "file", "environment", "flag"};

SettingOrigin origin_of(const LoadedSettings& loaded, const SettingSpec& spec) {
  const auto found = loaded.origins.find(spec.name);
  return found == loaded.origins.end() ? SettingOrigin{} : found->second;
}

}  // namespace

std::string config_text(const LoadedSettings& loaded) {
  size_t name_width = 0;
  size_t value_width = 0;
  for (const SettingSpec& spec : setting_specs()) {
    name_width = std::max(name_width, spec.name.size());
    value_width = std::max(value_width, std::min<size_t>(setting_text(loaded.settings, spec).size(), 30));
  }
  std::string text;
  for (const SettingSpec& spec : setting_specs()) {
    const SettingOrigin origin = origin_of(loaded, spec);
    std::string value = setting_text(loaded.settings, spec);
    if (value.empty()) value = "\"\"";
    const std::string_view where = origin.origin == Origin::kDefault ? "default" : std::string_view(origin.where);
    text += fmt::format("{:<{}}  {:<{}}  {:<14}  {}\n", spec.name, name_width, value, value_width, where, spec.doc);
  }
  return text;
}

std::string config_json(const LoadedSettings& loaded) {
  auto settings = nlohmann::ordered_json::array();
  for (const SettingSpec& spec : setting_specs()) {
    const SettingOrigin origin = origin_of(loaded, spec);
    settings.push_back({{"name", spec.name},
                        {"value", setting_text(loaded.settings, spec)},
                        {"type", setting_kind(spec)},
                        {"default", setting_text(Settings(), spec)},
                        {"accepts", accepted_values(spec)},
                        {"source", kOriginNames[static_cast<size_t>(origin.origin)]},
                        {"where", origin.where},
                        {"doc", spec.doc}});
  }
  const nlohmann::ordered_json whole = {{"settings", settings}, {"files", loaded.files}, {"warnings", loaded.warnings}};
  return whole.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

int config_command(const LoadedSettings& loaded, bool json) {
  return print(json ? config_json(loaded) : config_text(loaded)) ? kExitOk : kExitFailed;
}

}  // namespace merganser::cli

// The one file that includes toml++ (a heavy header).
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <toml++/toml.h>
#include <unistd.h>

#include "cli/settings_load.h"
#include "os/file.h"

namespace merganser::cli {
namespace {

constexpr size_t kMaxFileBytes = 1 << 20;

Error file_error(const std::string& path, uint32_t line, std::string_view what, std::string hint = {}) {
  return make_error(ErrorCode::kConfigFileError, fmt::format("{}:{}: {}", path, line, what), {}, std::move(hint));
}

Result<std::string> read_text(const std::string& path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "re"), &std::fclose);
  if (!file) return errno_error(errno, fmt::format("cannot read the settings file {}", path));
  std::string text(kMaxFileBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return errno_error(errno, fmt::format("cannot read the settings file {}", path));
  if (text.size() > kMaxFileBytes) {
    return make_error(ErrorCode::kConfigFileError,
                      fmt::format("settings file {} is larger than {} bytes", path, kMaxFileBytes));
  }
  return text;
}

// The text that set_setting reads, or nothing when the TOML type does not fit the setting's kind.
std::optional<std::string> value_text(const SettingSpec& spec, const toml::node& node) {
  if (const auto* text = node.as_string()) {
    const bool wants_text = std::holds_alternative<std::string Settings::*>(spec.field) ||
                            std::holds_alternative<Settings::Duration Settings::*>(spec.field) ||
                            std::holds_alternative<Settings::Bytes Settings::*>(spec.field);
    return wants_text ? std::optional(text->get()) : std::nullopt;
  }
  if (const auto* flag = node.as_boolean()) {
    if (std::holds_alternative<bool Settings::*>(spec.field)) return flag->get() ? "true" : "false";
    return std::nullopt;
  }
  if (const auto* number = node.as_integer()) {
    const bool takes_number =
        std::holds_alternative<int64_t Settings::*>(spec.field) ||
        std::holds_alternative<Settings::Bytes Settings::*>(spec.field) ||
        (std::holds_alternative<Settings::Duration Settings::*>(spec.field) && number->get() == 0);
    return takes_number ? std::optional(std::to_string(number->get())) : std::nullopt;
  }
  return std::nullopt;
}

std::string shown(const toml::node& node) {
  if (const auto* text = node.as_string()) return fmt::format("the text \"{}\"", text->get().substr(0, 60));
  if (const auto* flag = node.as_boolean()) return flag->get() ? "the boolean true" : "the boolean false";
  if (const auto* number = node.as_integer()) return fmt::format("the number {}", number->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("the number {}", number->get());
  return node.is_table() ? "a table" : node.is_array() ? "an array" : "a date or time";
}

Status apply_entry(const std::string& path, std::string_view key, const toml::node& node, uint32_t line,
                   LoadedSettings& loaded) {
  const SettingSpec* spec = find_setting(key);
  if (spec == nullptr) {
    return file_error(path, line, fmt::format("unknown setting \"{}\"", key.substr(0, 100)),
                      fmt::format("did you mean {}? All are listed by: merganser config", nearest_setting(key)));
  }
  const auto text = value_text(*spec, node);
  if (!text) {
    return file_error(path, line,
                      fmt::format("{} cannot be {}; it takes {}", spec->name, shown(node), accepted_values(*spec)));
  }
  if (Status set = set_setting_in(loaded.settings, *spec, *text, os::directory_of(path)); !set.ok()) {
    return file_error(path, line, set.error().message);
  }
  loaded.origins[std::string(spec->name)] = {Origin::kFile, fmt::format("{}:{}", path, line)};
  return {};
}

}  // namespace

Status apply_toml_file(const std::string& path, LoadedSettings& loaded) {
  MERGANSER_ASSIGN(const std::string text, read_text(path));
  try {
    const toml::table table = toml::parse(text);
    for (const auto& [key, node] : table) {
      MERGANSER_TRY(apply_entry(path, key.str(), node, key.source().begin.line, loaded));
    }
  } catch (const toml::parse_error& error) {
    return file_error(path, error.source().begin.line, fmt::format("not valid TOML: {}", error.description()),
                      "a setting is written as: name = \"text\", name = 12 or name = true");
  }
  return {};
}

}  // namespace merganser::cli

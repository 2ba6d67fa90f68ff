// What `merganser doctor` prints.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/doctor.h"
#include "cli/lock_text.h"
#include "cli/report.h"

namespace merganser::cli {
namespace {

constexpr const char* kSeverityNames[] = {"ok", "note", "warning", "problem"};

std::string holder_text(const std::optional<Holder>& holder) {
  if (!holder) return "nobody";
  const std::string who = holder->name.empty() ? "a process that cannot be named" : holder->name;
  const std::string pid = holder->pid > 0 ? fmt::format(" (pid {})", holder->pid) : "";
  if (!holder->merganser) return who + pid + ", which is not Merganser";
  return who + pid +
         (holder->answers ? ", owner through merganser; it answers" : ", owner through merganser; it does not answer");
}

}  // namespace

std::string diagnosis_text(const Diagnosis& diagnosis) {
  std::string text = fmt::format("file    {}\nholder  {}\n\n", diagnosis.file, holder_text(diagnosis.holder));
  for (const Finding& finding : diagnosis.findings) {
    text += fmt::format("{:<8} {}\n", kSeverityNames[static_cast<size_t>(finding.severity)], finding.what);
    if (!finding.advice.empty()) text += fmt::format("         what to do: {}\n", finding.advice);
  }
  return text;
}

std::string diagnosis_json(const Diagnosis& diagnosis) {
  using Json = nlohmann::ordered_json;
  Json holder = nullptr;
  if (diagnosis.holder) {
    holder = {{"pid", diagnosis.holder->pid > 0 ? Json(diagnosis.holder->pid) : Json(nullptr)},
              {"name", diagnosis.holder->name},
              {"kind", diagnosis.holder->merganser ? "merganser" : "foreign"},
              {"answers", diagnosis.holder->answers}};
  }
  Json findings = Json::array();
  for (const Finding& finding : diagnosis.findings) {
    findings.push_back({{"severity", kSeverityNames[static_cast<size_t>(finding.severity)]},
                        {"check", finding.check},
                        {"what", finding.what},
                        {"advice", finding.advice}});
  }
  const Json whole = {{"file", diagnosis.file},
                      {"ok", diagnosis.worst() != Severity::kProblem},
                      {"holder", holder},
                      {"findings", findings}};
  return whole.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

int doctor_command(const std::string& file, const Settings& settings, bool json) {
  const Diagnosis diagnosis = examine(file, settings);
  if (!print(json ? diagnosis_json(diagnosis) : diagnosis_text(diagnosis))) return kExitFailed;
  return diagnosis.worst() == Severity::kProblem ? kExitFailed : kExitOk;
}

int explain_command(const std::string& text) {
  const auto conflict = parse_lock_conflict(text);
  if (!conflict) {
    return report(make_error(ErrorCode::kInvalidParameterValue, "this text is none that doctor understands", {},
                             "it knows DuckDB's errors about a file that another process has open"));
  }
  return print(explain_lock_conflict(*conflict)) ? kExitOk : kExitFailed;
}

}  // namespace merganser::cli

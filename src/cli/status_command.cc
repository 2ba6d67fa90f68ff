#include "cli/status_command.h"

#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <unistd.h>
#include <vector>

#include "cli/interrupts.h"
#include "cli/report.h"
#include "cli/status_rates.h"
#include "owner/control_client.h"
#include "owner/file_place.h"
#include "owner/socket_dir.h"

namespace merganser::cli {
namespace {

constexpr std::chrono::seconds kAnswerWithin{5};
constexpr size_t kMaxOwners = 1000;

Result<std::string> status_of(const std::string& file) {
  MERGANSER_ASSIGN(const owner::FilePlace place, owner::FilePlace::resolve(file));
  // Only looking: an idle owner that is about to leave may leave.
  const owner::Probe found = owner::probe(place, owner::wire::Intent::kLook, Deadline::in(kAnswerWithin));
  if (found.state == owner::ProbeState::kLive || found.state == owner::ProbeState::kLeaving) {
    return owner::control_request(*found.endpoint, "status", "", Deadline::in(kAnswerWithin));
  }
  Error error = found.error;
  if (error.hint.empty()) error.hint = fmt::format("start one with: merganser url {}", file);
  return error;
}

// The control sockets of this user's owners: those in the default directories.
std::vector<std::string> control_sockets() {
  const owner::RuntimeRoots roots = owner::RuntimeRoots::from_environment();
  std::vector<std::string> places;
  if (!roots.xdg_runtime_dir.empty()) places.push_back(roots.xdg_runtime_dir + "/merganser");
  places.push_back(fmt::format("{}/merganser-{}", roots.temporary, geteuid()));
  std::vector<std::string> sockets;
  for (const std::string& place : places) {
    std::error_code error;
    for (std::filesystem::directory_iterator entry(place, error), end; !error && entry != end; entry.increment(error)) {
      const std::string socket = entry->path().string() + "/control";
      std::error_code missing;
      if (std::filesystem::is_socket(socket, missing) && sockets.size() < kMaxOwners) sockets.push_back(socket);
    }
  }
  return sockets;
}

std::vector<std::string> status_of_all() {
  std::vector<std::string> all;
  for (const std::string& socket : control_sockets()) {
    owner::Endpoint endpoint;
    endpoint.control = socket;
    // A socket that nobody answers is left over from an owner that was killed: not running, so not listed.
    if (auto status = owner::control_request(endpoint, "status", "", Deadline::in(std::chrono::seconds(2)));
        status.ok()) {
      all.push_back(std::move(*status));
    }
  }
  return all;
}

// As the owner sent it, indented for people and programs alike.
std::string indented(const std::string& json) {
  const auto parsed = nlohmann::ordered_json::parse(json, nullptr, false);
  if (parsed.is_discarded()) return json;
  return parsed.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

// Waits until then; true when Ctrl-C came instead.
bool interrupted_before(Interrupts& interrupts, TimePoint then) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(then - SteadyClock::now()).count();
  pollfd waiting{interrupts.fd(), POLLIN, 0};
  if (::poll(&waiting, 1, static_cast<int>(std::max<int64_t>(left, 0))) <= 0) return false;
  interrupts.take();
  return true;
}

int show_all(bool json) {
  const std::vector<std::string> all = status_of_all();
  std::string text;
  for (const std::string& status : all) {
    if (json) {
      text += (text.empty() ? "" : ",\n") + indented(status);
    } else {
      text += (text.empty() ? "" : "\n") + status_text(status);
    }
  }
  if (json) return print("[" + text + "]\n") ? kExitOk : kExitFailed;
  if (all.empty()) text = "No owner of yours is running in the default places. Start one with: merganser url FILE\n";
  return print(text) ? kExitOk : kExitFailed;
}

}  // namespace

int status_command(const std::string& file, bool json) {
  if (file.empty()) return show_all(json);
  const auto status = status_of(file);
  if (!status.ok()) return report(status.error());
  return print(json ? indented(*status) + "\n" : status_text(*status)) ? kExitOk : kExitFailed;
}

int watch_command(const std::string& file, bool json, int64_t count) {
  constexpr std::chrono::seconds kInterval{1};
  constexpr int64_t kLinesAPage = 20;
  Interrupts interrupts;
  std::string earlier;
  TimePoint next = SteadyClock::now();
  for (int64_t look = 0; count == 0 || look < count; look++) {
    auto status = status_of(file);
    if (!status.ok()) return report(status.error());
    const std::string now = with_rates(earlier, *status);
    earlier = std::move(*status);
    const std::string text = json ? now + "\n" : (look % kLinesAPage == 0 ? watch_header() : "") + watch_line(now);
    if (!print(text)) return kExitFailed;
    if (count > 0 && look + 1 == count) break;
    next += kInterval;
    if (interrupted_before(interrupts, next)) break;
  }
  return kExitOk;
}

}  // namespace merganser::cli

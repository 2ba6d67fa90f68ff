#include "base/kill_point.h"

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <unistd.h>

namespace merganser::kill_point_detail {
namespace {

// What the environment asked for when the process began. The count is the one thing here that changes, and only in
// processes that are about to die.
struct Target {
  std::string name;
  std::string text;
  mutable std::atomic<uint64_t> left = 0;

  Target() {
    const char* const asked = getenv("MERGANSER_KILL_POINT");
    if (asked == nullptr) return;
    const std::string_view whole = asked;
    const size_t colon = whole.find(':');
    name = whole.substr(0, colon);
    uint64_t count = 1;
    if (colon != std::string_view::npos) std::from_chars(whole.data() + colon + 1, whole.data() + whole.size(), count);
    left = count;
    if (const char* const part = getenv("MERGANSER_KILL_TEXT"); part != nullptr) text = part;
  }
};

const Target& target() {
  static const Target from_environment;
  return from_environment;
}

}  // namespace

bool active() {
  static const bool asked_for = !target().name.empty();
  return asked_for;
}

void reached(std::string_view name) {
  const Target& wanted = target();
  if (name != wanted.name || wanted.left.fetch_sub(1) != 1) return;
  kill(getpid(), SIGKILL);
  while (true) pause();  // the signal may be handled on another thread a moment later; nothing may go on here
}

void reached(std::string_view name, std::string_view text) {
  const Target& wanted = target();
  if (name != wanted.name || text.find(wanted.text) == std::string_view::npos) return;
  if (wanted.left.fetch_sub(1) == 1) raise(SIGSEGV);
}

}  // namespace merganser::kill_point_detail

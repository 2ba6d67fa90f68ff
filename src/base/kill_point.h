// Named places at which the process can be made to die, so that tests can look at what is left: the same program that
// ships, not another build.
//
// MERGANSER_KILL_POINT=name[:n] in the environment ends the process with SIGKILL when the place is reached for the n-th
// time (default the first). Without the variable a place costs one load and a branch. Threads: any.
#pragma once

#include <string_view>

namespace merganser {

namespace kill_point_detail {
bool active();
void reached(std::string_view name);
void reached(std::string_view name, std::string_view text);
}  // namespace kill_point_detail

inline void kill_point(std::string_view name) {
  if (kill_point_detail::active()) [[unlikely]]
    kill_point_detail::reached(name);
}

// The same, only for a text that contains MERGANSER_KILL_TEXT, and by SIGSEGV, as a crash would.
inline void kill_point(std::string_view name, std::string_view text) {
  if (kill_point_detail::active()) [[unlikely]]
    kill_point_detail::reached(name, text);
}

}  // namespace merganser

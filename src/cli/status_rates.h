// What happened between two looks at an owner's status: rates a second, and the mean of what was measured meanwhile.
//
// Threads: pure functions over values.
#pragma once

#include <string>

namespace merganser::cli {

// The later status object with "rates" in it: {"queue.units": 1200.5, "queue.wait_us": {"per_s": …, "mean": …}, …}.
// Empty rates when there is no earlier one, or it is of another owner. The text itself when it is not an object.
std::string with_rates(const std::string& earlier, const std::string& later);

// One line for people of an object that has rates, as wide as the header.
std::string watch_header();
std::string watch_line(const std::string& status_with_rates);

}  // namespace merganser::cli

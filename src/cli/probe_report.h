// What a probe found, whether it is what the backend promises, and how it is shown.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <vector>

#include "cli/probe_task.h"

namespace merganser::cli {

struct ProbeReport {
  ProbeOptions options;
  double seconds = 0;
  std::vector<ProbeCounts> readers;  // one a process
  std::vector<ProbeCounts> writers;
};

// Empty when everything is as promised; else what is not.
std::vector<std::string> broken_promises(const ProbeReport& report);
std::string probe_text(const ProbeReport& report);
std::string probe_json(const ProbeReport& report);

// The value below which the share (0 … 1) of the values lies; 0 when there are none.
uint32_t percentile(std::vector<uint32_t> values, double share);

}  // namespace merganser::cli

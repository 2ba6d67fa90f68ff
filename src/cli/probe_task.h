// What a probe's processes tell each other: the task of a worker, and the lines that it sends back.
//
// Threads: values. Kept apart from those who use it, so that the JSON library is compiled once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/probe.h"

namespace merganser::cli {

enum class ProbeRole : uint8_t { kReader, kWriter };

struct ProbeTask {
  ProbeRole role = ProbeRole::kReader;
  int64_t number = 0;  // among those of its role, from 0
  ProbeOptions options;
};

std::string task_text(const ProbeTask& task);
Result<ProbeTask> parse_task(std::string_view text);

// What one worker has done so far; also the sum of several.
struct ProbeCounts {
  int64_t ok = 0;
  int64_t errors = 0;
  int64_t fresh_iterations = 0;  // reads that saw rows which were not there at the beginning
  int64_t fresh_results = 0;     // those rows
  bool connect_failed = false;
  std::vector<std::string> first_errors;  // a few, each text once
  std::vector<uint32_t> latencies_us;     // of what was ok; the first kMaxLatencies of them

  static constexpr size_t kMaxErrors = 5;
  static constexpr size_t kMaxLatencies = 200'000;
  void add_error(const std::string& text);
  void add(const ProbeCounts& other);
};

// A worker sends "ready" once, then "progress" about each second, and one "result" at its end.
enum class ProbeLine : uint8_t { kReady, kProgress, kResult };
std::string line_text(ProbeLine kind, const ProbeCounts& counts);
Result<std::pair<ProbeLine, ProbeCounts>> parse_line(std::string_view text);

}  // namespace merganser::cli

#include "cli/probe_report.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/units.h"

namespace merganser::cli {
namespace {

ProbeCounts sum(const std::vector<ProbeCounts>& parts) {
  ProbeCounts whole;
  for (const ProbeCounts& part : parts) whole.add(part);
  return whole;
}

const char* backend_name(ProbeBackend backend) {
  return backend == ProbeBackend::kDuckdb ? "duckdb" : "merganser";
}

bool is_lock_error(const ProbeCounts& reader) {
  return reader.connect_failed && !reader.first_errors.empty() &&
         std::ranges::all_of(reader.first_errors, [](const std::string& text) {
           return text.find("Could not set lock on file") != std::string::npos &&
                  text.find("Conflicting lock is held") != std::string::npos;
         });
}

std::vector<std::string> broken_by_duckdb(const ProbeReport& report, const ProbeCounts& reads,
                                          const ProbeCounts& writes) {
  std::vector<std::string> broken;
  if (writes.ok == 0) broken.emplace_back("the writer wrote nothing");
  if (reads.ok != 0) broken.emplace_back("a reader could read, although DuckDB lets one process have the file");
  if (report.readers.empty() || !std::ranges::all_of(report.readers, is_lock_error)) {
    broken.emplace_back("not every reader failed to connect with DuckDB's lock error");
  }
  return broken;
}

std::vector<std::string> broken_by_owner(const ProbeCounts& reads, const ProbeCounts& writes) {
  std::vector<std::string> broken;
  if (reads.ok == 0) broken.emplace_back("no read worked");
  if (writes.ok == 0) broken.emplace_back("no write worked");
  if (reads.fresh_iterations == 0 || reads.fresh_results == 0) broken.emplace_back("no reader saw a new row");
  if (reads.errors != 0) broken.push_back(fmt::format("{} reads failed", reads.errors));
  if (writes.errors != 0) broken.push_back(fmt::format("{} writes failed", writes.errors));
  return broken;
}

std::string process_lines(const char* role, const std::vector<ProbeCounts>& processes) {
  std::string text;
  for (size_t i = 0; i < processes.size(); ++i) {
    const ProbeCounts& one = processes[i];
    text += fmt::format("  {:<8} {:>9} {:>9} {:>10} {:>10} {:>11}\n", fmt::format("{} {}", role, i + 1),
                        human_count(one.ok), human_count(one.errors),
                        one.ok == 0 ? "-" : human_duration(percentile(one.latencies_us, 0.5) / 1e6),
                        one.ok == 0 ? "-" : human_duration(percentile(one.latencies_us, 0.99) / 1e6),
                        std::string_view(role) == "reader" ? human_count(one.fresh_results) : "");
  }
  return text;
}

}  // namespace

uint32_t percentile(std::vector<uint32_t> values, double share) {
  if (values.empty()) return 0;
  // Nearest rank: the first value that at least this share of them does not exceed.
  const auto rank = static_cast<size_t>(std::max(std::ceil(share * static_cast<double>(values.size())), 1.0)) - 1;
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(rank), values.end());
  return values[rank];
}

std::vector<std::string> broken_promises(const ProbeReport& report) {
  const ProbeCounts reads = sum(report.readers);
  const ProbeCounts writes = sum(report.writers);
  return report.options.backend == ProbeBackend::kDuckdb ? broken_by_duckdb(report, reads, writes)
                                                         : broken_by_owner(reads, writes);
}

std::string probe_text(const ProbeReport& report) {
  const ProbeCounts reads = sum(report.readers);
  const ProbeCounts writes = sum(report.writers);
  std::string text = fmt::format(
      "backend {}, {} rows of {} dimensions, {} readers, {} writers, {:.1f} s\n\n"
      "  process         ok    errors        p50        p99  fresh rows\n",
      backend_name(report.options.backend), human_count(report.options.rows), report.options.dims,
      report.readers.size(), report.writers.size(), report.seconds);
  text += process_lines("writer", report.writers) + process_lines("reader", report.readers);
  text += fmt::format(
      "\nreads_ok {}\nreads_err {}\nwrites_ok {}\nwrites_err {}\nfresh_read_iterations {}\nfresh_read_results {}\n",
      reads.ok, reads.errors, writes.ok, writes.errors, reads.fresh_iterations, reads.fresh_results);
  for (const std::string& error : writes.first_errors) text += fmt::format("first write errors: {}\n", error);
  for (const std::string& error : reads.first_errors) text += fmt::format("first read errors: {}\n", error);
  const std::vector<std::string> broken = broken_promises(report);
  if (!broken.empty()) {
    text += "\nThis is not as it should be:\n";
    for (const std::string& promise : broken) text += fmt::format("  - {}\n", promise);
  } else if (report.options.backend == ProbeBackend::kDuckdb) {
    text += "\nAs expected of plain DuckDB: one process has the file, every other fails to open it.\n";
  } else {
    text += "\nAs it should be: every process read and wrote, and readers saw what writers wrote.\n";
  }
  return text;
}

std::string probe_json(const ProbeReport& report) {
  using Json = nlohmann::ordered_json;
  const ProbeCounts reads = sum(report.readers);
  const ProbeCounts writes = sum(report.writers);
  const std::vector<std::string> broken = broken_promises(report);
  Json errors = Json::array();
  for (const ProbeCounts* counts : {&writes, &reads}) {
    for (const std::string& error : counts->first_errors) errors.push_back(error);
  }
  const Json whole = {{"backend", backend_name(report.options.backend)},
                      {"file", report.options.file},
                      {"rows", report.options.rows},
                      {"dims", report.options.dims},
                      {"readers", report.readers.size()},
                      {"writers", report.writers.size()},
                      {"duration_s", report.seconds},
                      {"reads_ok", reads.ok},
                      {"reads_err", reads.errors},
                      {"writes_ok", writes.ok},
                      {"writes_err", writes.errors},
                      {"fresh_read_iterations", reads.fresh_iterations},
                      {"fresh_read_results", reads.fresh_results},
                      {"read_p50_us", percentile(reads.latencies_us, 0.5)},
                      {"read_p99_us", percentile(reads.latencies_us, 0.99)},
                      {"write_p50_us", percentile(writes.latencies_us, 0.5)},
                      {"write_p99_us", percentile(writes.latencies_us, 0.99)},
                      {"first_errors", errors},
                      {"first_read_errors", reads.first_errors},
                      {"first_write_errors", writes.first_errors},
                      {"holds", broken.empty()},
                      {"broken", broken}};
  return whole.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace merganser::cli

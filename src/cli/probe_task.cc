#include "cli/probe_task.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace merganser::cli {
namespace {

using Json = nlohmann::json;

constexpr const char* kLineNames[] = {"ready", "progress", "result"};

std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Error bad_text(const char* what) {
  return make_error(ErrorCode::kProtocolViolation, std::string("a probe process sent a text that is no ") + what);
}

}  // namespace

std::string task_text(const ProbeTask& task) {
  const ProbeOptions& options = task.options;
  return dumped({{"role", task.role == ProbeRole::kReader ? "reader" : "writer"},
                 {"number", task.number},
                 {"file", options.file},
                 {"backend", options.backend == ProbeBackend::kDuckdb ? "duckdb" : "merganser"},
                 {"rows", options.rows},
                 {"writers", options.writers},
                 {"duration_us", options.duration.count()},
                 {"write_interval_us", options.write_interval.count()},
                 {"read_interval_us", options.read_interval.count()},
                 {"dims", options.dims},
                 {"limit", options.limit},
                 {"seed", options.seed},
                 {"provider", options.provider},
                 {"model", options.model},
                 {"config", options.config_flag},
                 {"conninfo", options.conninfo}});
}

Result<ProbeTask> parse_task(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    ProbeTask task;
    task.role = json.at("role") == "reader" ? ProbeRole::kReader : ProbeRole::kWriter;
    task.number = json.at("number");
    ProbeOptions& options = task.options;
    options.file = json.at("file");
    options.backend = json.at("backend") == "duckdb" ? ProbeBackend::kDuckdb : ProbeBackend::kMerganser;
    options.rows = json.at("rows");
    options.writers = json.at("writers");
    options.duration = std::chrono::microseconds(json.at("duration_us").get<int64_t>());
    options.write_interval = std::chrono::microseconds(json.at("write_interval_us").get<int64_t>());
    options.read_interval = std::chrono::microseconds(json.at("read_interval_us").get<int64_t>());
    options.dims = json.at("dims");
    options.limit = json.at("limit");
    options.seed = json.at("seed");
    options.provider = json.at("provider");
    options.model = json.at("model");
    options.config_flag = json.at("config");
    options.conninfo = json.at("conninfo");
    return task;
  } catch (const Json::exception&) {
    return bad_text("task");
  }
}

void ProbeCounts::add_error(const std::string& text) {
  ++errors;
  if (first_errors.size() < kMaxErrors && std::ranges::find(first_errors, text) == first_errors.end()) {
    first_errors.push_back(text);
  }
}

void ProbeCounts::add(const ProbeCounts& other) {
  ok += other.ok;
  errors += other.errors;
  fresh_iterations += other.fresh_iterations;
  fresh_results += other.fresh_results;
  connect_failed = connect_failed || other.connect_failed;
  for (const std::string& text : other.first_errors) {
    const bool known = std::ranges::find(first_errors, text) != first_errors.end();
    if (!known && first_errors.size() < kMaxErrors) first_errors.push_back(text);
  }
  latencies_us.insert(latencies_us.end(), other.latencies_us.begin(), other.latencies_us.end());
}

std::string line_text(ProbeLine kind, const ProbeCounts& counts) {
  Json json = {{"line", kLineNames[static_cast<size_t>(kind)]}, {"ok", counts.ok}, {"errors", counts.errors}};
  if (kind == ProbeLine::kResult) {
    json["fresh_iterations"] = counts.fresh_iterations;
    json["fresh_results"] = counts.fresh_results;
    json["connect_failed"] = counts.connect_failed;
    json["first_errors"] = counts.first_errors;
    json["latencies_us"] = counts.latencies_us;
  }
  return dumped(json) + "\n";
}

Result<std::pair<ProbeLine, ProbeCounts>> parse_line(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    const std::string name = json.at("line");
    const auto kind = std::ranges::find(kLineNames, name) - std::begin(kLineNames);
    if (kind == std::ssize(kLineNames)) return bad_text("line");
    ProbeCounts counts;
    counts.ok = json.at("ok");
    counts.errors = json.at("errors");
    if (static_cast<ProbeLine>(kind) == ProbeLine::kResult) {
      counts.fresh_iterations = json.at("fresh_iterations");
      counts.fresh_results = json.at("fresh_results");
      counts.connect_failed = json.at("connect_failed");
      counts.first_errors = json.at("first_errors").get<std::vector<std::string>>();
      counts.latencies_us = json.at("latencies_us").get<std::vector<uint32_t>>();
    }
    return std::pair(static_cast<ProbeLine>(kind), std::move(counts));
  } catch (const Json::exception&) {
    return bad_text("line");
  }
}

}  // namespace merganser::cli

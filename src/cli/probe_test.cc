#include "cli/probe.h"

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/probe_data.h"
#include "cli/probe_database.h"
#include "cli/probe_report.h"

namespace merganser::cli {
namespace {

ProbeCounts counts(int64_t ok, int64_t errors, const std::string& error = {}) {
  ProbeCounts result;
  result.ok = ok;
  result.errors = errors;
  if (!error.empty()) result.first_errors.push_back(error);
  return result;
}

TEST(ProbeTask, SurvivesTheWayToAWorker) {
  ProbeTask task;
  task.role = ProbeRole::kWriter;
  task.number = 3;
  task.options.file = "/tmp/ü \"x\".db";
  task.options.backend = ProbeBackend::kDuckdb;
  task.options.write_interval = std::chrono::microseconds(1500);
  const auto parsed = parse_task(task_text(task));
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(task_text(*parsed), task_text(task));
  EXPECT_EQ(parsed->options.file, task.options.file);
  EXPECT_FALSE(parse_task("{}").ok());
  EXPECT_FALSE(parse_task("nonsense").ok());
}

TEST(ProbeTask, LinesKeepCountsAndErrors) {
  ProbeCounts some = counts(5, 0);
  some.add_error("lost");
  some.add_error("lost");
  some.latencies_us = {1, 2, 3};
  some.connect_failed = true;
  const auto line = parse_line(line_text(ProbeLine::kResult, some));
  ASSERT_TRUE(line.ok());
  EXPECT_EQ(line->first, ProbeLine::kResult);
  EXPECT_EQ(line->second.errors, 2);
  EXPECT_EQ(line->second.first_errors, (std::vector<std::string>{"lost"}));
  EXPECT_EQ(line->second.latencies_us.size(), 3U);
  EXPECT_FALSE(parse_line(R"({"line":"other","ok":1,"errors":0})").ok());
}

TEST(ProbeReport, PromisesOfPlainDuckdb) {
  ProbeReport report;
  report.options.backend = ProbeBackend::kDuckdb;
  ProbeCounts locked =
      counts(0, 1, "connect: IO Error: Could not set lock on file \"x\": Conflicting lock is held in y (PID 1)");
  locked.connect_failed = true;
  report.writers = {counts(10, 0)};
  report.readers = {locked, locked};
  EXPECT_TRUE(broken_promises(report).empty());
  report.readers.push_back(counts(3, 0));
  EXPECT_EQ(broken_promises(report).size(), 2U);
  report.readers = {};
  EXPECT_EQ(broken_promises(report).size(), 1U);
}

TEST(ProbeReport, PromisesOfAnOwner) {
  ProbeReport report;
  ProbeCounts reader = counts(7, 0);
  reader.fresh_iterations = 2;
  reader.fresh_results = 9;
  report.readers = {reader};
  report.writers = {counts(4, 0), counts(4, 0)};
  EXPECT_TRUE(broken_promises(report).empty());
  const auto json = nlohmann::json::parse(probe_json(report));
  EXPECT_EQ(json["reads_ok"], 7);
  EXPECT_EQ(json["writes_ok"], 8);
  EXPECT_EQ(json["fresh_read_iterations"], 2);
  EXPECT_EQ(json["fresh_read_results"], 9);
  EXPECT_TRUE(json["holds"]);
  report.writers.push_back(counts(0, 1, "boom"));
  EXPECT_FALSE(broken_promises(report).empty());
  EXPECT_NE(probe_text(report).find("boom"), std::string::npos);
  report.readers = {};
  EXPECT_GE(broken_promises(report).size(), 3U);
}

TEST(ProbeReport, Percentiles) {
  EXPECT_EQ(percentile({}, 0.5), 0U);
  EXPECT_EQ(percentile({5, 1, 9}, 0.5), 5U);
  EXPECT_EQ(percentile({5, 1, 9}, 1), 9U);
}

TEST(ProbeData, StatementsWorkOnPlainDuckdb) {
  char name[] = "/tmp/merganser-probe-XXXXXX";
  ASSERT_NE(mkdtemp(name), nullptr);
  const std::string dir = name;
  ProbeOptions options;
  options.file = dir + "/p.duckdb";
  options.backend = ProbeBackend::kDuckdb;
  options.rows = 2500;
  options.dims = 8;
  options.provider = "o'neil";
  {
    auto database = ProbeDatabase::open(options, "test");
    ASSERT_TRUE(database.ok());
    for (const std::string& statement : seed_statements(options)) {
      const auto done = (*database)->run(statement);
      ASSERT_TRUE(done.ok()) << statement << ": " << done.error().message;
    }
    EXPECT_EQ((*(*database)->run("SELECT count(*), count(DISTINCT embedding), count(*) FILTER (model = 'random') "
                                 "FROM chunks"))[0],
              (ProbeDatabase::Row{"2500", "2500", "2250"}));
    Random random(1);
    const Vector news = vector_near_news(random, options.dims, options.seed);
    ASSERT_TRUE((*database)->run(insert_statement(options, 2501, news)).ok());
    ASSERT_TRUE((*database)->run(update_statement(options, 1, random_vector(random, options.dims))).ok());
    const auto found =
        (*database)->run(search_statement(options, vector_near_news(random, options.dims, options.seed)));
    ASSERT_TRUE(found.ok()) << found.error().message;
    ASSERT_EQ(found->size(), 10U);
    EXPECT_EQ((*found)[0], (ProbeDatabase::Row{"2501", "o'neil", "random"}));
  }
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace merganser::cli

#include "cli/status_rates.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace merganser::cli {
namespace {

using Json = nlohmann::json;

std::string status(double uptime, int units, int count, int sum, int pid = 7) {
  return Json{{"pid", pid},
              {"uptime_s", uptime},
              {"writer", "idle"},
              {"queue", {{"units", units}, {"waiting", 3}, {"wait_us", {{"count", count}, {"sum", sum}, {"p99", 9}}}}}}
      .dump();
}

TEST(StatusRates, AreDifferencesASecond) {
  const Json now = Json::parse(with_rates(status(10, 100, 50, 1000), status(12, 300, 150, 3000)));
  EXPECT_EQ(now["rates"]["queue.units"], 100.0);
  EXPECT_EQ(now["rates"]["queue.wait_us"]["per_s"], 50.0);
  EXPECT_EQ(now["rates"]["queue.wait_us"]["mean"], 20.0);
  EXPECT_FALSE(now["rates"].contains("queue.waiting"));
  EXPECT_EQ(now["queue"]["units"], 300);
}

TEST(StatusRates, NoneWithoutAnEarlierLookOrOfAnotherOwner) {
  EXPECT_TRUE(Json::parse(with_rates("", status(10, 1, 1, 1)))["rates"].empty());
  EXPECT_TRUE(Json::parse(with_rates(status(10, 1, 1, 1), status(1, 0, 0, 0, 8)))["rates"].empty());
  EXPECT_TRUE(Json::parse(with_rates(status(10, 1, 1, 1), status(10, 1, 1, 1)))["rates"].empty());
  EXPECT_EQ(with_rates("{}", "no object"), "no object");
}

TEST(StatusRates, LinesFitTheirHeader) {
  const std::string line = watch_line(with_rates(status(10, 0, 0, 0), status(11, 123456, 1000, 2500000)));
  const std::string header = watch_header();
  EXPECT_EQ(line.size(), header.size()) << header << line;
  EXPECT_NE(line.find("123.5k"), std::string::npos) << line;
  EXPECT_NE(line.find("2.5ms"), std::string::npos) << line;
  EXPECT_EQ(line.substr(header.find("queue") + 4, 1), "3") << header << line;
}

}  // namespace
}  // namespace merganser::cli

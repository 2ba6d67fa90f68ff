#include "cli/address.h"

#include <gtest/gtest.h>

namespace merganser::cli {
namespace {

TEST(Address, UriOfASocket) {
  const Address address{"/run/user/0/merganser/a b", "5432", "flights", "ann"};
  EXPECT_EQ(address.uri(), "postgresql://ann@/flights?host=/run/user/0/merganser/a%20b&port=5432");
}

TEST(Address, UriEscapesWhatClientsWouldMisread) {
  const Address address{"/tmp/m&x", "5432", "50% a@b?c#d", "o'neil/x@y"};
  EXPECT_EQ(address.uri(), "postgresql://o%27neil%2Fx%40y@/50%25%20a@b%3Fc%23d?host=/tmp/m%26x&port=5432");
}

TEST(Address, TcpForms) {
  const Address base{"", "", "flights", "ann"};
  EXPECT_EQ(tcp_address("127.0.0.1:99", base)->uri(), "postgresql://ann@127.0.0.1:99/flights");
  EXPECT_EQ(tcp_address("[::]:99", base)->uri(), "postgresql://ann@[::1]:99/flights");
  EXPECT_EQ(tcp_address("0.0.0.0:7", base)->host, "127.0.0.1");
  EXPECT_FALSE(tcp_address("", base).ok());
}

TEST(Address, DatabaseNameIsTheStem) {
  EXPECT_EQ(database_name("/data/flights.duckdb"), "flights");
  EXPECT_EQ(database_name("my.data.db"), "my.data");
  EXPECT_EQ(database_name("/x/.hidden"), ".hidden");
  EXPECT_EQ(database_name("plain"), "plain");
  EXPECT_EQ(database_name("/x/main.duckdb"), "main_db");
  EXPECT_EQ(database_name("/x/mainly.duckdb"), "mainly");
}

TEST(Address, Environment) {
  const Address address{"/s", "5433", "d", "u"};
  const auto environment = address.environment();
  ASSERT_EQ(environment.size(), 5U);
  EXPECT_EQ(environment[0], (std::pair<std::string, std::string>("PGHOST", "/s")));
  EXPECT_EQ(environment[4], (std::pair<std::string, std::string>("DATABASE_URL", address.uri())));
}

}  // namespace
}  // namespace merganser::cli

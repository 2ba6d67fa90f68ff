// Where clients reach an owner: what goes into a URI, into the PG* environment and into a connection of our own.
//
// Threads: a value.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace merganser::cli {

struct Address {
  std::string host;  // a directory (Unix socket) or a TCP host, without brackets
  std::string port;
  std::string database;  // see database_name()
  std::string user;

  // postgresql://user@/database?host=/dir&port=5432 for a socket, postgresql://user@host:port/database for TCP. libpq,
  // psycopg and node-postgres take both forms as they are.
  std::string uri() const;
  // PGHOST, PGPORT, PGDATABASE, PGUSER and DATABASE_URL.
  std::vector<std::pair<std::string, std::string>> environment() const;
};

// "flights" for /data/flights.duckdb: the name by which clients connect. Names that mean something else to DuckDB
// ("main", "memory", "system", "temp") get "_db" behind them.
std::string database_name(std::string_view file);
// The name of the account that runs this process; its uid as digits when it has none.
std::string user_name();
// Splits "127.0.0.1:5432" or "[::1]:5432"; an address that stands for all interfaces becomes its loopback one.
Result<Address> tcp_address(std::string_view listen, Address address);
std::string percent_encoded(std::string_view text, std::string_view also_kept = {});

}  // namespace merganser::cli

// The rival inside the process: DuckDB's C API with nothing around it, doing what the clients of the servers do.
//
//   inprocess sql FILE                                        statements from standard input, one a line; each timed
//   inprocess select FILE --rows N --clients C --seconds S    prepared point selects by primary key
//   inprocess insert FILE --clients C --seconds S             prepared one-row inserts, each its own transaction
//
// DuckDB's own defaults hold: durable commits, a checkpoint when the WAL reaches 16 MiB, a thread a core. Every client
// is a thread with a connection of its own. Answers are JSON lines on standard output.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "duck.h"

namespace {

using namespace bench;

struct Options {
  std::string verb;
  std::string file;
  uint64_t rows = 1'000'000;
  int clients = 1;
  double seconds = 1;
};

void bind(Connection& connection, idx_t index, uint64_t value) {
  if (duckdb_bind_int64(connection.prepared(), index, static_cast<int64_t>(value)) != DuckDBSuccess) die("bind failed");
}

void select_once(Connection& connection, Random& random, const Options& options) {
  bind(connection, 1, 1 + random.below(options.rows));
  if (connection.execute() != 1) die("a key was not found");
}

void insert_once(Connection& connection, Random& random, int client) {
  bind(connection, 1, random.below(1'000'000'000));
  // A value of another type than the column would make DuckDB plan the statement anew at every execution.
  if (duckdb_bind_int32(connection.prepared(), 2, client) != DuckDBSuccess) die("bind failed");
  if (duckdb_bind_varchar(connection.prepared(), 3, kPayload) != DuckDBSuccess) die("bind failed");
  (void)connection.execute();
}

// Every client works until the same moment; the time of each operation is kept.
int run_clients(const Options& options) {
  const Database database(options.file);
  const bool select = options.verb == "select";
  const auto clients = static_cast<size_t>(options.clients);
  std::vector<std::vector<float>> latencies(clients);
  std::latch ready(options.clients + 1);
  std::atomic<Clock::rep> until = 0;
  std::vector<std::thread> threads;
  threads.reserve(clients);
  for (size_t client = 0; client < clients; client++) {
    threads.emplace_back([&, client] {
      Connection connection(database);
      connection.prepare(select ? "SELECT id, amount, label FROM points WHERE id = $1"
                                : "INSERT INTO events VALUES ($1, $2, $3)");
      Random random(static_cast<uint64_t>(Clock::now().time_since_epoch().count()) + client);
      const auto once = [&] {
        if (select) {
          select_once(connection, random, options);
        } else {
          insert_once(connection, random, static_cast<int>(client));
        }
      };
      once();  // the first one reads what stays in memory afterwards
      latencies[client].reserve(1 << 16);
      ready.arrive_and_wait();
      while (until.load() == 0) std::this_thread::yield();
      const Clock::time_point end{Clock::duration(until.load())};
      for (Clock::time_point before = Clock::now(); before < end;) {
        once();
        const Clock::time_point after = Clock::now();
        latencies[client].push_back(static_cast<float>(microseconds(after - before)));
        before = after;
      }
    });
  }
  ready.arrive_and_wait();
  const Clock::time_point start = Clock::now();
  const auto length = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.seconds));
  until.store((start + length).time_since_epoch().count());
  for (std::thread& thread : threads) thread.join();
  const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();

  std::vector<float> all;
  for (const auto& of_one : latencies) all.insert(all.end(), of_one.begin(), of_one.end());
  if (all.empty()) die("nothing was done in the time given");
  std::sort(all.begin(), all.end());
  const auto quantile = [&](double q) { return all[static_cast<size_t>(q * static_cast<double>(all.size() - 1))]; };
  std::cout << R"({"operations": )" << all.size() << R"(, "tps": )" << static_cast<double>(all.size()) / elapsed
            << R"(, "p50_us": )" << quantile(0.5) << R"(, "p99_us": )" << quantile(0.99) << "}" << std::endl;
  return 0;
}

int run_sql(const Options& options) {
  const Database database(options.file);
  Connection connection(database);
  for (std::string line; std::getline(std::cin, line);) {
    if (line.empty()) continue;
    const Clock::time_point before = Clock::now();
    const uint64_t rows = connection.query(line);
    const double elapsed_ms = microseconds(Clock::now() - before) / 1000;
    std::cout << R"({"rows": )" << rows << R"(, "ms": )" << elapsed_ms << R"(, "checksum": )" << connection.checksum()
              << "}" << std::endl;
  }
  return 0;
}

Options read_options(int argc, char** argv) {
  static const char* const kUsage =
      "usage: inprocess sql|select|insert FILE [--rows N] [--clients C] [--seconds S]\n"
      "       inprocess --version\n";
  Options out;
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0) {
    std::cout << duckdb_library_version() << std::endl;
    std::exit(0);
  }
  bool wrong = argc < 3 || argc % 2 != 1;
  for (int i = 3; !wrong && i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--rows") {
      out.rows = std::strtoull(argv[i + 1], nullptr, 10);
    } else if (name == "--clients") {
      out.clients = std::atoi(argv[i + 1]);
    } else if (name == "--seconds") {
      out.seconds = std::atof(argv[i + 1]);
    } else {
      wrong = true;
    }
  }
  if (!wrong) {
    out.verb = argv[1];
    out.file = argv[2];
    wrong = (out.verb != "sql" && out.verb != "select" && out.verb != "insert") || out.rows < 1 || out.clients < 1 ||
            out.clients > kMaxClients || !(out.seconds > 0);
  }
  if (!wrong) return out;
  std::cerr << kUsage;
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  return options.verb == "sql" ? run_sql(options) : run_clients(options);
}

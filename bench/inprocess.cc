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

#include "duckdb.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMaxClients = 1024;
constexpr char kPayload[] = "a row of the size that an application writes about itself: 80 characters of text..";

[[noreturn]] void die(const std::string& what) {
  std::cerr << "inprocess: " << what << "\n";
  std::_Exit(1);  // other threads may still use the database
}

double microseconds(Clock::duration elapsed) {
  return std::chrono::duration<double, std::micro>(elapsed).count();
}

class Database {
 public:
  explicit Database(const std::string& path) {
    char* problem = nullptr;
    if (duckdb_open_ext(path.c_str(), &database_, nullptr, &problem) != DuckDBSuccess) {
      die("cannot open " + path + ": " + (problem != nullptr ? problem : "no reason given"));
    }
  }
  ~Database() { duckdb_close(&database_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  duckdb_database get() const { return database_; }

 private:
  duckdb_database database_ = nullptr;
};

class Connection {
 public:
  explicit Connection(const Database& database) {
    if (duckdb_connect(database.get(), &connection_) != DuckDBSuccess) die("cannot connect");
  }
  ~Connection() {
    duckdb_destroy_prepare(&prepared_);
    duckdb_disconnect(&connection_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void prepare(const char* sql) {
    if (duckdb_prepare(connection_, sql, &prepared_) != DuckDBSuccess) die(duckdb_prepare_error(prepared_));
  }
  duckdb_prepared_statement prepared() const { return prepared_; }

  // Both answer how many rows were read: every byte of every value, as a client that shows them would.
  uint64_t execute() {
    duckdb_result result;
    if (duckdb_execute_prepared(prepared_, &result) != DuckDBSuccess) die(duckdb_result_error(&result));
    return read(result);
  }
  uint64_t query(const std::string& sql) {
    duckdb_result result;
    if (duckdb_query(connection_, sql.c_str(), &result) != DuckDBSuccess)
      die(sql + ": " + duckdb_result_error(&result));
    return read(result);
  }
  uint64_t checksum() const { return checksum_; }

 private:
  uint64_t read(duckdb_result& result) {
    uint64_t rows = 0;
    const idx_t columns = duckdb_column_count(&result);
    while (duckdb_data_chunk chunk = duckdb_fetch_chunk(result)) {
      const idx_t size = duckdb_data_chunk_get_size(chunk);
      for (idx_t column = 0; column < columns; column++) {
        const duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, column);
        const bool text = duckdb_column_type(&result, column) == DUCKDB_TYPE_VARCHAR;
        for (idx_t row = 0; text && row < size; row++) {
          duckdb_string_t value = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector))[row];
          checksum_ += duckdb_string_t_length(value) + static_cast<unsigned char>(*duckdb_string_t_data(&value));
        }
        if (!text && size > 0) checksum_ += *static_cast<unsigned char*>(duckdb_vector_get_data(vector));
      }
      rows += size;
      duckdb_destroy_data_chunk(&chunk);
    }
    duckdb_destroy_result(&result);
    return rows;
  }

  duckdb_connection connection_ = nullptr;
  duckdb_prepared_statement prepared_ = nullptr;
  uint64_t checksum_ = 0;
};

struct Options {
  std::string verb;
  std::string file;
  uint64_t rows = 1'000'000;
  int clients = 1;
  double seconds = 1;
};

// xorshift64*: cheap enough not to be part of what is measured.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 1) {}
  uint64_t below(uint64_t limit) {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return (state_ * 0x2545F4914F6CDD1DULL >> 16) % limit;
  }

 private:
  uint64_t state_;
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

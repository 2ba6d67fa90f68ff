// DuckDB's own client-server protocol, Quack: a server that does nothing else, and clients that insert through it.
//
//   quack serve FILE PORT TOKEN EXTENSION…                            until standard input ends; then answers with the
//   rows quack insert PORT TOKEN --clients C --seconds S EXTENSION…        one-row inserts, each its own transaction
//
// The extensions are files, loaded in this order. Every client is a thread with a DuckDB of its own, as another process
// would have, attached to the server. A statement is sent whole with the attached catalog's query(): one round trip,
// three times as fast here as INSERT INTO the attached table. Answers are JSON lines on standard output.
//
// With many clients the server drops connections; such a statement counts as failed, its outcome is unknown, and the
// client goes on with the next.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "duck.h"

namespace {

using namespace bench;

constexpr int kAttachAttempts = 20;

struct Options {
  std::string verb;
  std::string file;
  std::string port;
  std::string token;
  int clients = 1;
  double seconds = 1;
  std::vector<std::string> extensions;
};

void load(Connection& connection, const Options& options) {
  for (const std::string& extension : options.extensions) connection.query("LOAD '" + extension + "'");
}

std::string address(const Options& options) {
  return "quack:127.0.0.1:" + options.port;
}

int serve(const Options& options) {
  const Database database(options.file);
  Connection connection(database);
  load(connection, options);
  connection.query("CREATE TABLE events (id BIGINT, client INTEGER, payload VARCHAR)");
  connection.query("CALL quack_serve('" + address(options) + "', token := '" + options.token + "')");
  std::cout << R"({"listening": )" << options.port << "}" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
  }
  std::cout << R"({"rows": )" << connection.query("SELECT 1 FROM events") << "}" << std::endl;
  std::_Exit(0);  // the server's threads may hold connections that no client ends
}

// One client: a DuckDB of its own that is attached to the server.
class Client {
 public:
  Client(const Options& options, size_t number) : database_(":memory:"), connection_(database_), number_(number) {
    load(connection_, options);
    connection_.query("CREATE SECRET (TYPE quack, TOKEN '" + options.token + "')");
    std::string why;
    for (int attempt = 1; !connection_.try_query("ATTACH '" + address(options) + "' AS server", why); attempt++) {
      if (attempt == kAttachAttempts) die("cannot attach: " + why);
    }
  }
  void insert(uint64_t id) {
    std::string why;
    const bool ok = connection_.try_query("FROM server.query('INSERT INTO events VALUES (" + std::to_string(id) + ", " +
                                              std::to_string(number_) + ", ''" + kPayload + "'')')",
                                          why);
    (ok ? done_ : failed_)++;
  }
  uint64_t done() const { return done_; }
  uint64_t failed() const { return failed_; }

 private:
  Database database_;
  Connection connection_;
  size_t number_;
  uint64_t done_ = 0;
  uint64_t failed_ = 0;
};

int insert(const Options& options) {
  const auto clients = static_cast<size_t>(options.clients);
  std::atomic<uint64_t> done = 0;
  std::atomic<uint64_t> failed = 0;
  std::latch ready(options.clients + 1);
  std::atomic<Clock::rep> until = 0;
  std::vector<std::thread> threads;
  threads.reserve(clients);
  for (size_t number = 0; number < clients; number++) {
    threads.emplace_back([&, number] {
      Client client(options, number);
      Random random(static_cast<uint64_t>(Clock::now().time_since_epoch().count()) + number);
      ready.arrive_and_wait();
      while (until.load() == 0) std::this_thread::yield();
      const Clock::time_point end{Clock::duration(until.load())};
      while (Clock::now() < end) client.insert(random.below(1'000'000'000));
      done += client.done();
      failed += client.failed();
    });
  }
  ready.arrive_and_wait();
  const Clock::time_point start = Clock::now();
  const auto length = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.seconds));
  until.store((start + length).time_since_epoch().count());
  for (std::thread& thread : threads) thread.join();
  const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
  std::cout << R"({"operations": )" << done.load() << R"(, "failed": )" << failed.load() << R"(, "tps": )"
            << static_cast<double>(done.load()) / elapsed << "}" << std::endl;
  std::_Exit(0);  // what the extension keeps open does not matter any more
}

Options read_options(int argc, char** argv) {
  Options out;
  out.verb = argc > 1 ? argv[1] : "";
  const bool server = out.verb == "serve";
  int at = 2;
  const auto next = [&] { return at < argc ? std::string(argv[at++]) : std::string(); };
  if (server) out.file = next();
  out.port = next();
  out.token = next();
  while (!server && at + 1 < argc && std::strncmp(argv[at], "--", 2) == 0) {
    const std::string name = next();
    if (name == "--clients") {
      out.clients = std::atoi(next().c_str());
    } else if (name == "--seconds") {
      out.seconds = std::atof(next().c_str());
    } else {
      out.clients = 0;
    }
  }
  while (at < argc) out.extensions.push_back(next());
  const bool known = server || out.verb == "insert";
  if (known && !out.extensions.empty() && out.clients > 0 && out.clients <= kMaxClients && out.seconds > 0) return out;
  std::cerr << "usage: quack serve FILE PORT TOKEN EXTENSION…\n"
               "       quack insert PORT TOKEN [--clients C] [--seconds S] EXTENSION…\n";
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  return options.verb == "serve" ? serve(options) : insert(options);
}

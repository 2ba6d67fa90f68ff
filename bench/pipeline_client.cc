// One connection that inserts without waiting: libpq's pipeline mode.
//
//   pipeline_client CONNINFO --seconds S --sync-every K
//
// Rows are sent as prepared statements with parameters in text, with a Sync after every K, so K rows share a
// transaction. Replies are read while sending; no more than a few thousand rows wait for theirs. The answer is a JSON
// line: rows, all of them acknowledged, and the seconds until the last was.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <libpq-fe.h>
#include <poll.h>
#include <string>

namespace {

constexpr char kPayload[] = "a row of the size that an application writes about itself: 80 characters of text..";

[[noreturn]] void die(const std::string& what) {
  std::cerr << "pipeline_client: " << what << "\n";
  std::exit(1);
}

class Client {
 public:
  explicit Client(const char* conninfo) : connection_(PQconnectdb(conninfo)) {
    if (PQstatus(connection_) != CONNECTION_OK) die(PQerrorMessage(connection_));
    PGresult* prepared = PQprepare(connection_, "i", "INSERT INTO events VALUES ($1, $2, $3)", 0, nullptr);
    if (PQresultStatus(prepared) != PGRES_COMMAND_OK) die(PQresultErrorMessage(prepared));
    PQclear(prepared);
    if (PQsetnonblocking(connection_, 1) != 0 || PQenterPipelineMode(connection_) != 1) die("no pipeline mode");
  }
  ~Client() { PQfinish(connection_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void insert(uint64_t row) {
    const std::string id = std::to_string(row);
    const char* values[] = {id.c_str(), "1", kPayload};
    if (PQsendQueryPrepared(connection_, "i", 3, values, nullptr, nullptr, 0) != 1) die(PQerrorMessage(connection_));
  }
  void sync() {
    if (PQpipelineSync(connection_) != 1) die(PQerrorMessage(connection_));
    waiting_syncs_++;
  }
  uint64_t waiting_syncs() const { return waiting_syncs_; }
  uint64_t waiting(uint64_t sent) const { return sent - acknowledged_ - unsynced_; }
  uint64_t acknowledged() const { return acknowledged_; }

  // Sends and reads what can be; with `block` waits for something to read.
  void exchange(bool block) {
    const int unsent = PQflush(connection_);
    if (unsent < 0) die(PQerrorMessage(connection_));
    pollfd socket{PQsocket(connection_), static_cast<short>(POLLIN | (unsent > 0 ? POLLOUT : 0)), 0};
    if (poll(&socket, 1, block ? -1 : 0) < 0) die("poll");
    if ((socket.revents & POLLIN) != 0 && PQconsumeInput(connection_) != 1) die(PQerrorMessage(connection_));
    while (waiting_syncs_ > 0 && PQisBusy(connection_) == 0) read_one();
  }

 private:
  void read_one() {
    PGresult* result = PQgetResult(connection_);
    if (result == nullptr) return;  // the end of one statement's results
    switch (PQresultStatus(result)) {
      case PGRES_COMMAND_OK:
        unsynced_++;
        break;
      case PGRES_PIPELINE_SYNC:
        acknowledged_ += unsynced_;
        unsynced_ = 0;
        waiting_syncs_--;
        break;
      default:
        die(PQresultErrorMessage(result));
    }
    PQclear(result);
  }

  PGconn* connection_;
  uint64_t waiting_syncs_ = 0;
  uint64_t unsynced_ = 0;
  uint64_t acknowledged_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  double limit = 0;
  uint64_t every = 0;
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--seconds") limit = std::atof(argv[i + 1]);
    if (name == "--sync-every") every = std::strtoull(argv[i + 1], nullptr, 10);
  }
  if (argc != 6 || !(limit > 0) || every == 0) {
    std::cerr << "usage: pipeline_client CONNINFO --seconds S --sync-every K\n";
    return 2;
  }
  Client client(argv[1]);
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  constexpr uint64_t kExchangeEvery = 64;  // rows; a system call for each would be the limit
  constexpr uint64_t kLeastWindow = 1024;
  const uint64_t window = std::max(kLeastWindow, 2 * every);
  uint64_t rows = 0;
  while (rows == 0 || elapsed() < limit) {
    for (uint64_t i = 0; i < every; i++) {
      client.insert(++rows);
      if (rows % kExchangeEvery == 0) client.exchange(false);
    }
    client.sync();
    while (client.waiting(rows) > window) client.exchange(true);
  }
  while (client.waiting_syncs() > 0) client.exchange(true);
  const double seconds = elapsed();
  if (client.acknowledged() != rows) die("not all rows were acknowledged");
  std::cout << R"({"rows": )" << rows << R"(, "seconds": )" << seconds << "}" << std::endl;
  return 0;
}

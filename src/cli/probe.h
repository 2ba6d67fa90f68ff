// `merganser probe`: several processes read and write one table of embeddings for a while; does it work?
//
// Threads: main's. Processes are started with fork and exec of this program, so that none shares state with another.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace merganser::cli {

enum class ProbeBackend : uint8_t { kDuckdb, kMerganser };

struct ProbeOptions {
  std::string file;
  ProbeBackend backend = ProbeBackend::kMerganser;
  int64_t rows = 5000;
  int64_t readers = 4;
  int64_t writers = 1;
  std::chrono::microseconds duration = std::chrono::seconds(10);
  std::chrono::microseconds write_interval = std::chrono::milliseconds(10);
  std::chrono::microseconds read_interval = std::chrono::milliseconds(10);
  int64_t dims = 384;
  int64_t limit = 10;  // rows of a search
  int64_t seed = 1;
  std::string provider = "probe";
  std::string model = "random";
  std::string config_flag;
  std::string conninfo;  // hidden: another PostgreSQL server instead of an owner
  bool json = false;
};

// 0 when what the backend promises holds: duckdb — writes work and every reader fails to connect with the lock error;
// merganser — reads, writes and fresh reads, and no error.
int probe_command(const ProbeOptions& options);

// The hidden `probe-worker` command: one reader or writer, told what to do by a JSON text; writes JSON lines to
// descriptor 3.
int probe_worker_command(const std::string& task_json);

}  // namespace merganser::cli

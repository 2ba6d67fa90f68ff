// How much of the write-ahead log has been acknowledged, remembered beside the database (<file>.mark).
//
// DuckDB takes a damaged entry in the middle of its log for a torn end and opens, silently, with less (fact 4). The
// mark knows better: up to its size the log must be whole. It is a page of memory backed by a file: it survives the
// death of the process, and costs a commit no system call for itself. After a power cut it may be behind, never ahead.
//
// Threads: set() from whoever commits, one at a time. Lifetime: open for as long as the database is.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"

namespace merganser::engine {

class WalMark {
 public:
  static Result<std::unique_ptr<WalMark>> open(const std::string& database_file);
  ~WalMark();
  WalMark(const WalMark&) = delete;
  WalMark& operator=(const WalMark&) = delete;

  // The log held this many bytes when the last commit was acknowledged.
  void set(uint64_t wal_bytes);
  // A checkpoint emptied the log, or nothing is known: the database file's checkpoint number goes with it.
  void reset();

  // What is wrong with the log on disk, in words; nullopt when it holds what was acknowledged, or when somebody else
  // has checkpointed the file since. Before the engine opens the file.
  std::optional<std::string> complaint() const;

 private:
  struct Page;
  WalMark(std::string database_file, Page* page) : file_(std::move(database_file)), page_(page) {}
  std::string file_;
  Page* page_;
};

// Whether a chain of entries (each 16 bytes of size and checksum, then its payload) leads exactly to `end`. The log
// begins with a version entry of unknown length, so the first offsets are tried in turn.
bool wal_chain_reaches(const std::string& wal_file, uint64_t end);

}  // namespace merganser::engine

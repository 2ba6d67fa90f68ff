// Threads that help DuckDB with long statements, and leave short ones alone.
//
// DuckDB's own background threads take the single task of a one-row statement away from the thread that runs it, which
// then spins until they are done: half of the processor time of small writes. So it gets none (external_threads), and
// these work on its queue only while somebody says that a statement is long.
//
// Threads: Help from any. Lifetime: ends before the duckdb_database does, after all Helps.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace merganser::engine {

// A statement that has run for so long is worth the threads' waking up.
constexpr std::chrono::microseconds kLongStatement{300};

class TaskThreads {
 public:
  TaskThreads(void* database, size_t count);  // a duckdb_database
  ~TaskThreads();
  TaskThreads(const TaskThreads&) = delete;
  TaskThreads& operator=(const TaskThreads&) = delete;

  // Since the start, by all of them together.
  uint64_t tasks_done() const { return tasks_done_.load(std::memory_order_relaxed); }

  // While one lives, the threads work.
  class Help {
   public:
    Help() = default;
    explicit Help(TaskThreads& threads) : threads_(&threads) { threads_->begin(); }
    ~Help() {
      if (threads_ != nullptr) threads_->end();
    }
    Help(Help&& other) noexcept : threads_(std::exchange(other.threads_, nullptr)) {}
    Help& operator=(Help&& other) noexcept {
      std::swap(threads_, other.threads_);
      return *this;
    }
    explicit operator bool() const { return threads_ != nullptr; }

   private:
    TaskThreads* threads_ = nullptr;
  };

 private:
  void begin();
  void end() { wanted_.fetch_sub(1, std::memory_order_release); }
  void work();

  void* database_;
  std::atomic<int> wanted_ = 0;
  std::atomic<uint64_t> tasks_done_ = 0;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<int> asleep_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace merganser::engine

#include "engine/task_threads.h"

#include "engine/raw.h"

namespace merganser::engine {
namespace {

constexpr std::chrono::microseconds kPause{50};     // when there was nothing to do a few times in a row
constexpr std::chrono::microseconds kLinger{1000};  // a streaming statement asks again for every chunk
constexpr int kTriesBeforePause = 50;

}  // namespace

TaskThreads::TaskThreads(void* database, size_t count) : database_(database) {
  for (size_t i = 0; i < count; i++) threads_.emplace_back([this] { work(); });
}

TaskThreads::~TaskThreads() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void TaskThreads::begin() {
  // Sequentially consistent with the other side: either it sees wanted_, or we see it asleep.
  wanted_.fetch_add(1);
  if (asleep_.load() == 0) return;
  { const std::lock_guard lock(mutex_); }
  wake_.notify_all();
}

void TaskThreads::work() {
  duckdb_task_state state = duckdb_create_task_state(static_cast<duckdb_database>(database_));
  while (!stopping_) {
    {
      std::unique_lock lock(mutex_);
      asleep_++;
      wake_.wait(lock, [&] { return stopping_ || wanted_.load() > 0; });
      asleep_--;
    }
    auto last_wanted = std::chrono::steady_clock::now();
    int idle = 0;
    while (!stopping_) {
      if (wanted_.load(std::memory_order_acquire) == 0) {
        if (std::chrono::steady_clock::now() - last_wanted > kLinger) break;
        std::this_thread::sleep_for(kPause);
        continue;
      }
      if (duckdb_execute_n_tasks_state(state, 1) > 0) {
        tasks_done_.fetch_add(1, std::memory_order_relaxed);
        idle = 0;
      } else if (++idle < kTriesBeforePause) {
        std::this_thread::yield();
      } else {
        std::this_thread::sleep_for(kPause);
      }
      last_wanted = std::chrono::steady_clock::now();
    }
  }
  duckdb_destroy_task_state(state);
}

}  // namespace merganser::engine

// What an append and its fsync take while other threads compute: whether a machine gains from syncing one commit while
// the next is executed (docs/adr/0010). Usage: sync_overlap [FILE] [SECONDS]
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

// Microseconds of one append with its fsync; below 0 when the disk refuses.
double measure(const std::string& file, int busy, double seconds) {
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < busy; i++) {
    threads.emplace_back([&stop] {
      while (!stop.load(std::memory_order_relaxed)) {
      }
    });
  }
  const int fd = ::open(file.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
  const std::string entry(3000, 'x');  // about a batch of 32 rows
  const auto begun = Clock::now();
  std::chrono::duration<double> took{};
  long synced = 0;
  bool works = fd >= 0;
  while (works && took.count() < seconds) {
    works = ::write(fd, entry.data(), entry.size()) == static_cast<ssize_t>(entry.size()) && ::fsync(fd) == 0;
    synced++;
    took = Clock::now() - begun;
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  if (fd >= 0) ::close(fd);
  ::unlink(file.c_str());
  return works ? took.count() * 1e6 / static_cast<double>(synced) : -1;
}

}  // namespace

int main(int count, char** arguments) {
  const std::string file = count > 1 ? arguments[1] : "sync_overlap.tmp";
  const double seconds = count > 2 ? std::atof(arguments[2]) : 1.5;
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  std::printf("%d processors\n", cores);
  for (int busy = 0; busy <= cores + 1; busy++) {
    const double micros = measure(file, busy, seconds);
    if (micros < 0) return std::perror(file.c_str()), 1;
    std::printf("%d busy threads: %.0f us for an append and its fsync\n", busy, micros);
  }
  return 0;
}

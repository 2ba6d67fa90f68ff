#include "engine/wal_mark.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace merganser::engine {
namespace {

constexpr uint64_t kMagic = 0x314b52414d47524dULL;  // "MRGMARK1"
constexpr size_t kPageBytes = 4096;
constexpr uint64_t kLongestVersionEntry = 256;
constexpr uint64_t kEntryHeader = 16;
constexpr size_t kPrefix = 256;  // of the log, where a damaged version entry would make it look empty

uint64_t size_of(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

// Up to `wanted` bytes of the beginning of a file.
std::string prefix_of(const std::string& path, size_t wanted) {
  std::string bytes(wanted, '\0');
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const ssize_t got = fd < 0 ? 0 : ::pread(fd, bytes.data(), wanted, 0);
  if (fd >= 0) ::close(fd);
  bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return bytes;
}

bool read_at(int fd, uint64_t offset, void* into, size_t bytes) {
  return ::pread(fd, into, bytes, static_cast<off_t>(offset)) == static_cast<ssize_t>(bytes);
}

// DuckDB keeps two headers, in the blocks of 4096 bytes after the first; each begins with a checksum and the number of
// the checkpoint that wrote it.
uint64_t checkpoint_number(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  uint64_t newest = 0;
  for (const uint64_t block : {4096, 8192}) {
    uint64_t number = 0;
    if (read_at(fd, block + 8, &number, sizeof number)) newest = std::max(newest, number);
  }
  ::close(fd);
  return newest;
}

}  // namespace

struct WalMark::Page {
  uint64_t magic;
  uint64_t checkpoint;
  std::atomic<uint64_t> wal_bytes;
  uint64_t prefix_bytes;  // how much of the log's beginning is kept here
  char prefix[kPrefix];
};

Result<std::unique_ptr<WalMark>> WalMark::open(const std::string& database_file) {
  const std::string path = database_file + ".mark";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return errno_error(errno, "cannot open " + path);
  // Allocated now: a write into a hole on a full disk would end the process.
  const int failed = size_of(path) < kPageBytes ? ::posix_fallocate(fd, 0, kPageBytes) : 0;
  void* memory = failed == 0 ? ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
  const int error = failed != 0 ? failed : errno;
  ::close(fd);
  if (memory == MAP_FAILED) return errno_error(error, "cannot use " + path);
  std::unique_ptr<WalMark> mark(new WalMark(database_file, static_cast<Page*>(memory)));
  if (mark->page_->magic != kMagic) {
    mark->page_->wal_bytes = 0;
    mark->page_->checkpoint = 0;
    mark->page_->prefix_bytes = 0;
    mark->page_->magic = kMagic;
  }
  return mark;
}

WalMark::~WalMark() {
  ::munmap(page_, kPageBytes);
}

void WalMark::set(uint64_t wal_bytes) {
  // The log only grows, so its beginning is read for the first few commits alone.
  if (page_->prefix_bytes < kPrefix && page_->prefix_bytes < wal_bytes) {
    const std::string prefix = prefix_of(file_ + ".wal", std::min<uint64_t>(kPrefix, wal_bytes));
    std::memcpy(page_->prefix, prefix.data(), prefix.size());
    page_->prefix_bytes = prefix.size();
  }
  page_->wal_bytes.store(wal_bytes, std::memory_order_release);
}

void WalMark::reset() {
  page_->wal_bytes.store(0, std::memory_order_release);
  page_->prefix_bytes = 0;
  page_->checkpoint = checkpoint_number(file_);
}

std::optional<std::string> WalMark::complaint() const {
  const uint64_t acknowledged = page_->wal_bytes.load(std::memory_order_acquire);
  if (acknowledged == 0 || checkpoint_number(file_) != page_->checkpoint) return std::nullopt;
  const std::string wal = file_ + ".wal";
  const uint64_t present = size_of(wal);
  const std::string held = std::to_string(acknowledged) + " bytes of " + wal + " were acknowledged";
  if (present < acknowledged) return held + ", and it has only " + std::to_string(present);
  const size_t known = std::min<uint64_t>(page_->prefix_bytes, kPrefix);
  if (prefix_of(wal, known) != std::string_view(page_->prefix, known)) return held + ", and its beginning is damaged";
  if (!wal_chain_reaches(wal, acknowledged)) return held + ", and an entry among them is damaged";
  return std::nullopt;
}

bool wal_chain_reaches(const std::string& wal_file, uint64_t end) {
  const int fd = ::open(wal_file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool reached = false;
  for (uint64_t start = 0; start < std::min(end, kLongestVersionEntry) && !reached; start++) {
    uint64_t at = start;
    uint64_t payload = 0;
    while (at + kEntryHeader <= end && read_at(fd, at, &payload, sizeof payload) &&
           payload <= end - at - kEntryHeader) {
      at += kEntryHeader + payload;
    }
    reached = at == end;
  }
  ::close(fd);
  return reached;
}

}  // namespace merganser::engine

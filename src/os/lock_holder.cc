#include "os/lock_holder.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <memory>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "os/process.h"

namespace merganser::os {
namespace {

struct LockLine {
  LockKind kind;
  bool write;
  pid_t pid;
  FileId file;
};

// "1: POSIX  ADVISORY  WRITE 4711 fe:00:9977914 0 EOF"; lines of waiters ("1: -> ...") and leases are left out.
std::optional<LockLine> parse_lock_line(const std::string& line) {
  char kind[16], mode[16], access[16];
  int pid = 0;
  unsigned major_number = 0, minor_number = 0;
  uint64_t inode = 0;
  if (std::sscanf(line.c_str(), "%*d: %15s %15s %15s %d %x:%x:%" SCNu64, kind, mode, access, &pid, &major_number,
                  &minor_number, &inode) != 7) {
    return std::nullopt;
  }
  LockLine lock{};
  const std::string name = kind;
  if (name == "POSIX") {
    lock.kind = LockKind::kPosix;
  } else if (name == "OFDLCK") {
    lock.kind = LockKind::kOfd;
  } else if (name == "FLOCK") {
    lock.kind = LockKind::kFlock;
  } else {
    return std::nullopt;
  }
  lock.write = std::string(access) == "WRITE";
  lock.pid = pid;
  lock.file = {static_cast<uint64_t>(makedev(major_number, minor_number)), inode};
  return lock;
}

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};
using Dir = std::unique_ptr<DIR, DirCloser>;

void add(std::vector<LockHolder>& holders, LockHolder holder) {
  const bool known = std::any_of(holders.begin(), holders.end(), [&](const LockHolder& other) {
    return other.pid == holder.pid && other.kind == holder.kind;
  });
  if (!known) holders.push_back(std::move(holder));
}

// A plain stat() of a file on a network server that is gone would wait for ever; this answers from what is cached.
std::optional<FileId> id_without_sync(const std::string& path) {
  struct statx st {};
  if (::statx(AT_FDCWD, path.c_str(), AT_STATX_DONT_SYNC, STATX_INO, &st) != 0) return std::nullopt;
  return FileId{static_cast<uint64_t>(makedev(st.stx_dev_major, st.stx_dev_minor)), st.stx_ino};
}

// The locks that a process holds through descriptors of the file. This sees OFD locks, which have no pid elsewhere,
// and file systems whose device number differs between stat and /proc/locks.
void add_locks_of_process(pid_t pid, FileId file, std::vector<LockHolder>& holders) {
  const std::string base = "/proc/" + std::to_string(pid);
  Dir dir(::opendir((base + "/fd").c_str()));
  if (!dir) return;  // another user's process, or gone
  while (const dirent* entry = ::readdir(dir.get())) {
    if (entry->d_name[0] == '.') continue;
    if (id_without_sync(base + "/fd/" + entry->d_name) != file) continue;
    std::ifstream info(base + "/fdinfo/" + entry->d_name);
    for (std::string line; std::getline(info, line);) {
      if (!line.starts_with("lock:")) continue;
      const std::optional<LockLine> lock = parse_lock_line(line.substr(5));
      if (lock) add(holders, {pid, process_name(pid), lock->kind, lock->write});
    }
  }
}

void add_locks_of_all_processes(FileId file, std::vector<LockHolder>& holders) {
  Dir proc(::opendir("/proc"));
  if (!proc) return;
  while (const dirent* entry = ::readdir(proc.get())) {
    const pid_t pid = std::atoi(entry->d_name);
    if (pid > 0) add_locks_of_process(pid, file, holders);
  }
}

void add_locks_of_table(FileId file, std::vector<LockHolder>& holders) {
  std::ifstream table("/proc/locks");
  for (std::string line; std::getline(table, line);) {
    const std::optional<LockLine> lock = parse_lock_line(line);
    if (!lock || lock->file != file) continue;
    const pid_t pid = std::max(lock->pid, 0);
    const bool seen =
        std::any_of(holders.begin(), holders.end(), [&](const LockHolder& other) { return other.kind == lock->kind; });
    // An flock belongs to whoever has the descriptor now; the table names the process that took it, perhaps long gone.
    if (seen && (pid == 0 || lock->kind == LockKind::kFlock)) continue;
    add(holders, {pid, pid > 0 ? process_name(pid) : "", lock->kind, lock->write});
  }
}

}  // namespace

std::string describe(const LockHolder& holder) {
  if (holder.pid <= 0) return "a process that cannot be seen from here";
  if (holder.name.empty()) return "pid " + std::to_string(holder.pid);
  return holder.name + " (pid " + std::to_string(holder.pid) + ")";
}

std::vector<LockHolder> find_lock_holders(FileId file) {
  std::vector<LockHolder> holders;
  add_locks_of_all_processes(file, holders);
  add_locks_of_table(file, holders);
  return holders;
}

std::optional<LockHolder> find_lock_holder(const std::string& path) {
  const Result<std::optional<FileFacts>> facts = file_facts(path);
  if (!facts.ok() || !*facts) return std::nullopt;
  for (LockHolder& holder : find_lock_holders((*facts)->id)) {
    if (holder.pid != ::getpid()) return std::move(holder);
  }
  return std::nullopt;
}

std::optional<LockHolder> foreign_holder(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return std::nullopt;
  struct flock question {};
  question.l_type = F_WRLCK;
  question.l_whence = SEEK_SET;
  if (::fcntl(fd.get(), F_OFD_GETLK, &question) != 0 || question.l_type == F_UNLCK) return std::nullopt;
  const bool write = question.l_type == F_WRLCK;
  if (question.l_pid > 0 && question.l_pid != ::getpid()) {
    return LockHolder{question.l_pid, process_name(question.l_pid), LockKind::kPosix, write};
  }
  // An OFD lock, a lock from another pid namespace, or a POSIX lock of our own with perhaps another reader behind it.
  const Result<FileFacts> facts = file_facts(fd.get());
  if (!facts.ok()) return std::nullopt;
  bool ours = question.l_pid == ::getpid();
  for (LockHolder& holder : find_lock_holders(facts->id)) {
    if (holder.kind == LockKind::kFlock) continue;
    if (holder.pid != ::getpid()) return std::move(holder);
    ours = true;
  }
  if (ours) return std::nullopt;
  return LockHolder{0, "", LockKind::kOfd, write};
}

}  // namespace merganser::os

#include "os/lock.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <sys/file.h>
#include <thread>

#include "os/lock_holder.h"

namespace merganser::os {
namespace {

constexpr size_t kNoteLimit = 4096;
constexpr int kReopenLimit = 16;  // a lock file that is replaced faster than this is somebody's mistake
constexpr std::chrono::milliseconds kFirstPause{1};
constexpr std::chrono::milliseconds kLongestPause{20};

struct flock whole_file(short type) {
  struct flock lock {};  // length 0: to the end, wherever that is; l_pid must be 0 for OFD locks
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

Error held_error(ErrorCode code, const std::string& path) {
  const std::optional<LockHolder> holder = find_lock_holder(path);
  return make_error(code, path + " is locked by another process",
                    holder ? describe(*holder) : "its name cannot be seen");
}

}  // namespace

Result<std::optional<FileLock>> FileLock::try_take(const std::string& path) {
  for (int i = 0; i < kReopenLimit; i++) {
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return errno_error(errno, "cannot open the lock file " + path);
    while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return std::optional<FileLock>();
      if (errno != EINTR) return errno_error(errno, "cannot lock " + path);
    }
    FileLock lock(std::move(fd), path);
    // Between open and flock somebody may have removed the file; a lock on a nameless inode excludes nobody.
    if (lock.verify_in_place().ok()) return std::optional<FileLock>(std::move(lock));
  }
  return make_error(ErrorCode::kIoError, "the lock file " + path + " is replaced again and again");
}

Result<FileLock> FileLock::take(const std::string& path, Deadline deadline) {
  Duration pause = kFirstPause;
  while (true) {
    MERGANSER_ASSIGN(std::optional<FileLock> lock, try_take(path));
    if (lock) return *std::move(lock);
    if (deadline.expired()) return held_error(ErrorCode::kLockNotAvailable, path);
    std::this_thread::sleep_for(std::min(pause, deadline.remaining()));
    pause = std::min<Duration>(pause * 2, kLongestPause);
  }
}

Result<bool> FileLock::is_held(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) {
    if (errno == ENOENT) return false;
    return errno_error(errno, "cannot open the lock file " + path);
  }
  while (::flock(fd.get(), LOCK_SH | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return true;
    if (errno != EINTR) return errno_error(errno, "cannot ask for the lock on " + path);
  }
  return false;
}

Status FileLock::verify_in_place() const {
  MERGANSER_ASSIGN(const FileFacts mine, file_facts(fd_.get()));
  MERGANSER_ASSIGN(const std::optional<FileFacts> now, link_facts(path_));
  if (!now || now->id != mine.id) {
    return make_error(ErrorCode::kObjectNotInState, "the lock file " + path_ + " was removed or replaced");
  }
  return {};
}

Status FileLock::write_note(const std::string& text) {
  if (::ftruncate(fd_.get(), 0) != 0) return errno_error(errno, "cannot write " + path_);
  if (::pwrite(fd_.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    return errno_error(errno, "cannot write " + path_);
  }
  return {};
}

Result<std::string> FileLock::read_note() const {
  std::string text(kNoteLimit, '\0');
  const ssize_t n = ::pread(fd_.get(), text.data(), text.size(), 0);
  if (n < 0) return errno_error(errno, "cannot read " + path_);
  text.resize(static_cast<size_t>(n));
  return text;
}

Result<OfdLock> OfdLock::take(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd) return errno_error(errno, "cannot open " + path);
  return take(std::move(fd), path);
}

Result<OfdLock> OfdLock::take(UniqueFd fd, const std::string& path) {
  struct flock lock = whole_file(F_WRLCK);
  while (::fcntl(fd.get(), F_OFD_SETLK, &lock) != 0) {
    if (errno == EAGAIN || errno == EACCES) return held_error(ErrorCode::kObjectInUse, path);
    if (errno != EINTR) return errno_error(errno, "cannot lock " + path);
  }
  MERGANSER_ASSIGN(const FileFacts facts, file_facts(fd.get()));
  return OfdLock(std::move(fd), path, facts.id);
}

Status OfdLock::verify() const {
  // Taking the lock once more does nothing while it is ours, and fails when another holder got in between.
  struct flock lock = whole_file(F_WRLCK);
  while (::fcntl(fd_.get(), F_OFD_SETLK, &lock) != 0) {
    if (errno == EAGAIN || errno == EACCES) return held_error(ErrorCode::kObjectInUse, path_);
    if (errno != EINTR) return errno_error(errno, "cannot lock " + path_);
  }
  MERGANSER_ASSIGN(const std::optional<FileFacts> now, file_facts(path_));
  if (!now || now->id != id_) return make_error(ErrorCode::kObjectNotInState, path_ + " was removed or replaced");
  return {};
}

}  // namespace merganser::os

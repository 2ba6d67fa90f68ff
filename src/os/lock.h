// Two kinds of file lock: flock on a lock file of our own, and an open-file-description lock on a foreign file.
//
// Both belong to the open file description: they go when the last descriptor of it is closed (a kill does that too),
// and a child that inherits the descriptor shares them. Neither is lost by a stray close() of the same inode, as
// POSIX record locks are. Threads: one at a time per object.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "os/file.h"
#include "os/unique_fd.h"

namespace merganser::os {

// Holding an object of this class proves that the lock is held. The lock file is created with mode 0600 and never
// renamed or unlinked: whoever unlinked it would let a second holder lock a new file of the same name.
class FileLock {
 public:
  // nullopt when somebody else holds it.
  static Result<std::optional<FileLock>> try_take(const std::string& path);
  // Waits; 55P03 naming the holder when the deadline passes.
  static Result<FileLock> take(const std::string& path, Deadline deadline);
  // A lock that was inherited with its descriptor.
  static FileLock adopt(UniqueFd fd, std::string path) { return FileLock(std::move(fd), std::move(path)); }
  // Whether anybody (this process too) holds it; a missing file is not held. Creates nothing. For an instant the
  // question itself takes a shared lock, so takers retry instead of believing one failure.
  static Result<bool> is_held(const std::string& path);

  // An error when the file at the path is no longer the one locked here (removed or replaced).
  Status verify_in_place() const;
  // Replaces what the lock file says; for people and for the next holder.
  Status write_note(const std::string& text);
  Result<std::string> read_note() const;

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }
  // Releases by closing, never by LOCK_UN: that would take the lock from an inheriting child as well.
  void release() { fd_.reset(); }

 private:
  FileLock(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  UniqueFd fd_;
  std::string path_;
};

// A write lock on the whole of a file (F_OFD_SETLK). It conflicts with the POSIX locks that other programs take.
class OfdLock {
 public:
  // Opens the path for reading and writing and locks it; 55006 naming the holder when somebody else has a lock.
  static Result<OfdLock> take(const std::string& path);
  // Locks a descriptor that is already open for writing.
  static Result<OfdLock> take(UniqueFd fd, const std::string& path);

  // An error when the lock is not ours any more or the path means another file now. Cheap: two system calls.
  Status verify() const;
  FileId id() const { return id_; }
  int fd() const { return fd_.get(); }

 private:
  OfdLock(UniqueFd fd, std::string path, FileId id) : fd_(std::move(fd)), path_(std::move(path)), id_(id) {}
  UniqueFd fd_;
  std::string path_;
  FileId id_;
};

}  // namespace merganser::os

#include "os/file.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

namespace merganser::os {
namespace {

FileFacts facts_of(const struct stat& st) {
  FileFacts facts;
  facts.id = {static_cast<uint64_t>(st.st_dev), static_cast<uint64_t>(st.st_ino)};
  facts.uid = st.st_uid;
  facts.mode = st.st_mode;
  facts.size = static_cast<uint64_t>(st.st_size);
  facts.modified_ns = static_cast<int64_t>(st.st_mtim.tv_sec) * 1'000'000'000 + st.st_mtim.tv_nsec;
  return facts;
}

Result<std::optional<FileFacts>> facts_at(const std::string& path, int flags) {
  struct stat st {};
  if (::fstatat(AT_FDCWD, path.c_str(), &st, flags) != 0) {
    if (errno == ENOENT) return std::optional<FileFacts>();
    return errno_error(errno, "cannot look at " + path);
  }
  return std::optional<FileFacts>(facts_of(st));
}

Status write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno_error(errno, "cannot write " + path);
    }
    content.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace

Result<std::optional<FileFacts>> file_facts(const std::string& path) {
  return facts_at(path, 0);
}
Result<std::optional<FileFacts>> link_facts(const std::string& path) {
  return facts_at(path, AT_SYMLINK_NOFOLLOW);
}

Result<FileFacts> file_facts(int fd) {
  struct stat st {};
  if (::fstat(fd, &st) != 0) return errno_error(errno, "cannot look at an open file");
  return facts_of(st);
}

Result<std::string> read_small_file(const std::string& path, size_t limit) {
  // O_NONBLOCK: opening a fifo must not wait for a writer.
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd) return errno_error(errno, "cannot open " + path);
  MERGANSER_ASSIGN(const FileFacts facts, file_facts(fd.get()));
  if (!S_ISREG(facts.mode)) return make_error(ErrorCode::kIoError, path + " is not a regular file");
  std::string content;
  char buffer[4096];
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno_error(errno, "cannot read " + path);
    }
    if (n == 0) return content;
    content.append(buffer, static_cast<size_t>(n));
    if (content.size() > limit) {
      return make_error(ErrorCode::kProgramLimitExceeded, path + " is longer than " + std::to_string(limit) + " bytes");
    }
  }
}

Status write_file_atomically(const std::string& path, std::string_view content, mode_t mode) {
  MERGANSER_ASSIGN(const std::string suffix, random_hex(4));
  const std::string temporary = path + "." + suffix + ".tmp";
  UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd) return errno_error(errno, "cannot create " + temporary);
  Status written = write_all(fd.get(), content, temporary);
  // The umask may have taken bits away that the caller asked for.
  if (written.ok() && ::fchmod(fd.get(), mode) != 0)
    written = errno_error(errno, "cannot set the mode of " + temporary);
  if (written.ok() && ::fsync(fd.get()) != 0) written = errno_error(errno, "cannot flush " + temporary);
  if (written.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) {
    written = errno_error(errno, "cannot replace " + path);
  }
  if (!written.ok()) {
    ::unlink(temporary.c_str());
    return written;
  }
  return fsync_directory(directory_of(path));
}

Status fsync_directory(const std::string& directory) {
  UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return errno_error(errno, "cannot open the directory " + directory);
  if (::fsync(fd.get()) != 0) return errno_error(errno, "cannot flush the directory " + directory);
  return {};
}

Status remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return errno_error(errno, "cannot remove " + path);
  return {};
}

std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<std::string> random_hex(size_t bytes) {
  std::string hex;
  hex.reserve(bytes * 2);
  for (size_t i = 0; i < bytes; i++) {
    unsigned char byte = 0;
    while (::getrandom(&byte, 1, 0) != 1) {
      if (errno != EINTR) return errno_error(errno, "cannot get random bytes");
    }
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    hex += digits;
  }
  return hex;
}

}  // namespace merganser::os

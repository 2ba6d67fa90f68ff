// What kind of file system a file lies on: locks and inodes of network file systems cannot be trusted.
//
// Threads: free functions, safe from any.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace merganser::os {

struct FileSystem {
  std::string type;  // "ext4", "nfs", "fuse.sshfs", or the magic number in hexadecimal when it has no name here
  bool network = false;
};

// How callers ask; tests pass their own.
using FileSystemProbe = std::function<Result<FileSystem>(const std::string& path)>;

// Of an existing file or directory, by statfs; for FUSE also by the mount table, since one magic number serves all.
Result<FileSystem> file_system_of(const std::string& path);

// Pure parts, for tests. `mount_type` is what the mount table says, or empty.
FileSystem classify_file_system(uint64_t magic, const std::string& mount_type);
// The type in a line of /proc/self/mountinfo when the line is about that device; otherwise empty.
std::string mount_type_of_line(const std::string& line, uint64_t device);

}  // namespace merganser::os

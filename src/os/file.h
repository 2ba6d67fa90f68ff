// Small files: read with a limit, replace atomically, and know which file a path or descriptor means.
//
// Threads: free functions, safe from any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

#include "base/result.h"
#include "os/unique_fd.h"

namespace merganser::os {

// Device and inode: the identity of a file, whatever it is called.
struct FileId {
  uint64_t device = 0;
  uint64_t inode = 0;
  bool operator==(const FileId&) const = default;
};

struct FileFacts {
  FileId id;
  uid_t uid = 0;
  mode_t mode = 0;  // type and permission bits
  uint64_t size = 0;
  int64_t modified_ns = 0;  // wall clock, since 1970
};

// nullopt when there is no such file. Follows symbolic links.
Result<std::optional<FileFacts>> file_facts(const std::string& path);
// Does not follow a symbolic link in the last component.
Result<std::optional<FileFacts>> link_facts(const std::string& path);
Result<FileFacts> file_facts(int fd);

// The whole content; 54000 when it is longer than limit. Refuses symbolic links and anything but a regular file, so
// that a planted fifo or device cannot hang the reader.
Result<std::string> read_small_file(const std::string& path, size_t limit);

// Writes a temporary file beside path, fsyncs it, renames it over path and fsyncs the directory: readers see the old
// content or the new, also after a power cut.
Status write_file_atomically(const std::string& path, std::string_view content, mode_t mode);

Status fsync_directory(const std::string& directory);

// Removes a file; a missing one is no error.
Status remove_file(const std::string& path);

// "/a/b" of "/a/b/c"; "." of "c"; "/" of "/c".
std::string directory_of(const std::string& path);

// Hexadecimal digits of so many random bytes from the kernel.
Result<std::string> random_hex(size_t bytes);

}  // namespace merganser::os

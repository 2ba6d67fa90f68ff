// Where a database is: its canonical path, the files that stand beside it, and whether we may serve it from there.
//
// Threads: a value. What it says about the file is of the moment of resolve().
#pragma once

#include <optional>
#include <string>
#include <sys/types.h>

#include "base/result.h"
#include "os/file.h"
#include "os/file_system.h"

namespace merganser::owner {

struct ResolveOptions {
  bool create_directory = false;  // make a missing parent directory (and its parents)
};

class FilePlace {
 public:
  // Follows symbolic links. The file may be missing, its directory may not. Errors: 58P01 missing directory, 42501 no
  // permission to look, 22023 for a directory or a special file, 0A000 for ":memory:" and URLs, 54000 for a name that
  // leaves no room for the side files.
  static Result<FilePlace> resolve(const std::string& path, ResolveOptions options = {});

  const std::string& path() const { return path_; }            // absolute and canonical
  const std::string& directory() const { return directory_; }  // of path
  const std::optional<os::FileFacts>& file() const { return file_; }
  const os::FileFacts& directory_facts() const { return directory_facts_; }

  // Never renamed or unlinked: held by the owner as long as it lives.
  std::string lock_path() const { return path_ + ".lock"; }
  // Held by whoever is starting an owner or leaving as one.
  std::string spawn_path() const { return path_ + ".spawn"; }
  std::string endpoint_path() const { return path_ + ".endpoint"; }
  // Why starting failed last; see StartBreaker.
  std::string breaker_path() const { return path_ + ".endpoint.error"; }

  // The user who may own the database: the file's, or the directory's when there is no file yet.
  uid_t rightful_user() const { return file_ ? file_->uid : directory_facts_.uid; }

 private:
  std::string path_;
  std::string directory_;
  std::optional<os::FileFacts> file_;
  os::FileFacts directory_facts_;
};

// Whether this process can read and write the file and make files beside it. 42501 with the reason and a hint.
Status check_access(const FilePlace& place);

// Whether this process runs as the right user to own the file. A missing file in a sticky directory that everybody
// may write to (/tmp) is anybody's. 42501 with a hint.
Status check_user(const FilePlace& place);

// 0A000 on a network file system: neither locks nor inodes can be trusted there.
Status check_file_system(const FilePlace& place, const os::FileSystemProbe& probe = os::file_system_of);

}  // namespace merganser::owner

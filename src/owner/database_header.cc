#include "owner/database_header.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "os/unique_fd.h"

namespace merganser::owner {
namespace {

// MainHeader in DuckDB's storage_info.hpp: checksum, magic, version, four flags, library version. Little-endian.
constexpr size_t kMagicAt = 8;
constexpr size_t kVersionAt = 12;
constexpr size_t kFlagsAt = 20;
constexpr size_t kLibraryAt = 52;
constexpr size_t kLibrarySize = 32;
constexpr size_t kNeeded = kLibraryAt + kLibrarySize;
constexpr uint64_t kEncryptedFlag = 1;

struct Foreign {
  std::string_view prefix;
  std::string_view what;
};
constexpr std::array kForeign = {
    Foreign{"SQLite format 3", "it is an SQLite database"},
    Foreign{"PAR1", "it is a Parquet file"},
    Foreign{"ARROW1", "it is an Arrow file"},
    Foreign{"\x1f\x8b", "it is a gzip file"},
    Foreign{"PK\x03\x04", "it is a zip file"},
};

uint64_t read_u64(std::string_view bytes, size_t at) {
  uint64_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

Error not_a_database(std::string_view bytes, const std::string& path) {
  std::string detail = "its first bytes are not those of a DuckDB file";
  for (const Foreign& foreign : kForeign) {
    if (bytes.starts_with(foreign.prefix)) detail = foreign.what;
  }
  return make_error(ErrorCode::kDataCorrupted, path + " is not a DuckDB database", detail,
                    "check the path; a new database needs a name that does not exist yet");
}

}  // namespace

Result<DatabaseHeader> parse_database_header(std::string_view bytes, const std::string& path) {
  DatabaseHeader header;
  header.empty = bytes.empty();
  if (header.empty) return header;
  if (bytes.size() < kNeeded || bytes.substr(kMagicAt, 4) != "DUCK") return not_a_database(bytes, path);
  header.storage_version = read_u64(bytes, kVersionAt);
  header.encrypted = (read_u64(bytes, kFlagsAt) & kEncryptedFlag) != 0;
  const std::string_view library = bytes.substr(kLibraryAt, kLibrarySize);
  header.written_by = library.substr(0, library.find('\0'));
  if (!std::all_of(header.written_by.begin(), header.written_by.end(),
                   [](unsigned char c) { return std::isgraph(c) != 0; })) {
    header.written_by.clear();
  }
  if (header.storage_version >= kOldestStorageVersion && header.storage_version <= kNewestStorageVersion) return header;
  const bool newer = header.storage_version > kNewestStorageVersion;
  const std::string writer = header.written_by.empty() ? "" : ", written by DuckDB " + header.written_by;
  return make_error(ErrorCode::kFeatureNotSupported,
                    path + " has a storage version that is too " + (newer ? "new" : "old"),
                    "version " + std::to_string(header.storage_version) + writer + "; this program reads " +
                        std::to_string(kOldestStorageVersion) + " to " + std::to_string(kNewestStorageVersion),
                    newer ? "update merganser, or export the database with the DuckDB that wrote it"
                          : "export the database with the DuckDB that wrote it (EXPORT DATABASE) and import it here");
}

Result<DatabaseHeader> read_database_header(const std::string& path) {
  const os::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) {
    if (errno == ENOENT)
      return DatabaseHeader{.empty = true, .storage_version = 0, .encrypted = false, .written_by = {}};
    return errno_error(errno, "cannot open " + path);
  }
  std::string bytes(kNeeded, '\0');
  size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t n = ::pread(fd.get(), bytes.data() + have, bytes.size() - have, static_cast<off_t>(have));
    if (n == 0) break;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(errno, "cannot read " + path);
    have += static_cast<size_t>(n);
  }
  return parse_database_header(std::string_view(bytes).substr(0, have), path);
}

}  // namespace merganser::owner

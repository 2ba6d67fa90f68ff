#include "owner/socket_dir.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

#include "os/process.h"
#include "os/unix_socket.h"

namespace merganser::owner {
namespace {

// FNV-1a, 64 bit: only has to spread names; the directory's lock tells when two databases fall on one.
std::string hash_of(std::string_view text) {
  uint64_t hash = 14695981039346656037ULL;
  for (const unsigned char c : text) hash = (hash ^ c) * 1099511628211ULL;
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash));
  return digits;
}

Status check_private(const std::string& path) {
  MERGANSER_ASSIGN(const std::optional<os::FileFacts> facts, os::link_facts(path));
  if (!facts) return make_error(ErrorCode::kUndefinedFile, path + " was removed again");
  std::string reason;
  if (!S_ISDIR(facts->mode)) {
    reason = S_ISLNK(facts->mode) ? "it is a symbolic link" : "it is not a directory";
  } else if (facts->uid != ::geteuid()) {
    reason = "it belongs to " + os::user_name(facts->uid);
  } else if ((facts->mode & 0077) != 0) {
    reason = "others may enter it";
  }
  if (reason.empty()) return {};
  return make_error(ErrorCode::kInsufficientPrivilege, path + " cannot be trusted with sockets", reason,
                    "remove it or set it right (owner " + os::user_name(::geteuid()) +
                        ", mode 0700), or choose another directory with --socket-dir");
}

Status make_private(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return errno_error(errno, "cannot make the directory " + path, "choose another directory with --socket-dir");
  }
  return check_private(path);
}

Result<std::string> make_under(const std::string& root, const std::string& hash) {
  MERGANSER_TRY(make_private(root));
  const std::string path = root + "/" + hash;
  MERGANSER_TRY(make_private(path));
  return path;
}

// A sudo that keeps the environment leaves another user's directory in it: then it is as if it were not set.
bool is_usable(const std::string& xdg_runtime_dir) {
  if (xdg_runtime_dir.empty() || xdg_runtime_dir.front() != '/') return false;
  constexpr size_t kRoom = sizeof("/merganser/0123456789abcdef/.s.PGSQL.65535") - 1;
  if (xdg_runtime_dir.size() + kRoom > os::kSocketPathLimit) return false;
  const Result<std::optional<os::FileFacts>> facts = os::file_facts(xdg_runtime_dir);
  return facts.ok() && *facts && S_ISDIR((*facts)->mode) && (*facts)->uid == ::geteuid();
}

// A directory that the user named: it may be shared with a group, so only its owner is checked.
Result<std::string> make_named(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return errno_error(errno, "cannot make the socket directory " + path);
  }
  MERGANSER_ASSIGN(const std::optional<os::FileFacts> facts, os::file_facts(path));
  if (!facts || !S_ISDIR(facts->mode)) {
    return make_error(ErrorCode::kInvalidParameterValue, "the socket directory " + path + " is not a directory");
  }
  if (facts->uid != ::geteuid() && facts->uid != 0) {
    return make_error(ErrorCode::kInsufficientPrivilege,
                      "the socket directory " + path + " belongs to " + os::user_name(facts->uid), {},
                      "choose a directory of your own");
  }
  char* absolute = ::realpath(path.c_str(), nullptr);
  if (absolute == nullptr) return errno_error(errno, "cannot find the socket directory " + path);
  std::string result = absolute;
  std::free(absolute);
  return result;
}

}  // namespace

RuntimeRoots RuntimeRoots::from_environment() {
  const char* xdg = std::getenv("XDG_RUNTIME_DIR");
  return RuntimeRoots{xdg == nullptr ? "" : xdg, "/tmp"};
}

Result<std::string> make_runtime_dir(const std::string& database_path, const RuntimeRoots& roots) {
  const std::string hash = hash_of(database_path);
  if (is_usable(roots.xdg_runtime_dir)) return make_under(roots.xdg_runtime_dir + "/merganser", hash);
  return make_under(roots.temporary + "/merganser-" + std::to_string(::geteuid()), hash);
}

Result<SocketDir> SocketDir::open(const std::string& database_path, const Options& options) {
  Result<std::string> made =
      options.override_dir.empty() ? make_runtime_dir(database_path, options.roots) : make_named(options.override_dir);
  if (!made.ok()) return std::move(made).error();
  const std::string path = std::move(made).value();
  MERGANSER_TRY(os::check_socket_path(path + "/.s.PGSQL." + std::to_string(options.port)));
  Result<os::FileLock> lock = os::FileLock::take(path + "/lock", Deadline::in(options.wait));
  if (!lock.ok() && lock.error().code == ErrorCode::kLockNotAvailable) {
    return make_error(ErrorCode::kObjectInUse, "another owner serves from the socket directory " + path,
                      "it is " + lock.error().detail, "choose another directory with --socket-dir");
  }
  if (!lock.ok()) return std::move(lock).error();
  SocketDir dir(path, options.port, std::move(lock).value());
  MERGANSER_TRY(os::remove_stale_socket(dir.postgres_socket()));
  MERGANSER_TRY(os::remove_stale_socket(dir.control_socket()));
  return dir;
}

Status SocketDir::remove_sockets() const {
  MERGANSER_TRY(os::remove_file(postgres_socket()));
  return os::remove_file(control_socket());
}

}  // namespace merganser::owner

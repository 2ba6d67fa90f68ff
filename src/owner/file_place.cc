#include "owner/file_place.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

#include "os/process.h"

namespace merganser::owner {
namespace {

// The longest name beside the database is ".endpoint.error" with the suffix of its temporary file.
constexpr size_t kNameLimit = 255 - 15 - 13;

Result<std::string> canonical(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> text(::realpath(path.c_str(), nullptr), &std::free);
  if (!text) {
    if (errno == EACCES) {
      return errno_error(errno, "no permission to look at " + path, "ask for execute permission on its directories");
    }
    return errno_error(errno, "cannot find " + path);
  }
  return std::string(text.get());
}

Error missing_directory(const std::string& directory, const std::string& path) {
  return make_error(ErrorCode::kUndefinedFile, "the directory " + directory + " does not exist",
                    "it would hold the database " + path, "create it: mkdir -p '" + directory + "'");
}

Status check_text(const std::string& path) {
  if (path.empty()) return make_error(ErrorCode::kInvalidParameterValue, "the path of the database is empty");
  if (path.find('\0') != std::string::npos) {
    return make_error(ErrorCode::kInvalidParameterValue, "the path of the database holds a zero byte");
  }
  if (path == ":memory:" || path.find("://") != std::string::npos) {
    return make_error(ErrorCode::kFeatureNotSupported, "only database files on this machine can be served", path,
                      "give the path of a .duckdb file");
  }
  return {};
}

Status check_kind(const std::string& path, mode_t mode) {
  if (S_ISREG(mode)) return {};
  if (S_ISDIR(mode)) {
    return make_error(ErrorCode::kInvalidParameterValue, path + " is a directory", {},
                      "give the path of a database file, for example " + path + "/main.duckdb");
  }
  return make_error(ErrorCode::kInvalidParameterValue, path + " is not a regular file");
}

std::string who_am_i() {
  return os::user_name(::geteuid());
}

Error access_error(int errnum, const std::string& what, const os::FileFacts& facts) {
  if (errnum == EROFS) {
    return make_error(ErrorCode::kInsufficientPrivilege, what + " lies on a read-only file system", {},
                      "copy the database to a place that can be written");
  }
  char mode[8];
  std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(facts.mode & 07777));
  return make_error(ErrorCode::kInsufficientPrivilege, "no permission to read and write " + what,
                    "it belongs to " + os::user_name(facts.uid) + " (mode " + mode + "), this is " + who_am_i(),
                    "run as " + os::user_name(facts.uid) + " or have the permissions changed");
}

}  // namespace

Result<FilePlace> FilePlace::resolve(const std::string& path, ResolveOptions options) {
  MERGANSER_TRY(check_text(path));
  FilePlace place;
  if (path.back() == '/') return make_error(ErrorCode::kInvalidParameterValue, path + " is a directory");
  MERGANSER_ASSIGN(const std::optional<os::FileFacts> named, os::link_facts(path));
  if (named) {
    Result<std::string> found = canonical(path);
    if (!found.ok() && S_ISLNK(named->mode)) {
      return make_error(ErrorCode::kUndefinedFile, path + " is a symbolic link to a file that does not exist", {},
                        "give the path of the database itself");
    }
    if (!found.ok()) return std::move(found).error();
    place.path_ = std::move(found).value();
  } else {
    const std::string parent = os::directory_of(path);
    if (options.create_directory) {
      std::error_code failed;
      std::filesystem::create_directories(parent, failed);
      if (failed) return errno_error(failed.value(), "cannot create the directory " + parent);
    }
    Result<std::string> found = canonical(parent);
    if (!found.ok() && found.error().code == ErrorCode::kUndefinedFile) return missing_directory(parent, path);
    if (!found.ok()) return std::move(found).error();
    const std::string name = path.substr(path.rfind('/') + 1);
    place.path_ = (*found == "/" ? "" : *found) + "/" + name;
  }
  place.directory_ = os::directory_of(place.path_);
  if (place.path_.size() - place.path_.rfind('/') - 1 > kNameLimit) {
    return make_error(ErrorCode::kProgramLimitExceeded, "the file name is too long for the files beside it",
                      place.path_, "use a name of at most " + std::to_string(kNameLimit) + " bytes");
  }
  MERGANSER_ASSIGN(place.file_, os::file_facts(place.path_));
  if (place.file_) MERGANSER_TRY(check_kind(place.path_, place.file_->mode));
  MERGANSER_ASSIGN(const std::optional<os::FileFacts> directory, os::file_facts(place.directory_));
  if (!directory) return missing_directory(place.directory_, path);
  place.directory_facts_ = *directory;
  return place;
}

Status check_access(const FilePlace& place) {
  if (place.file() && ::faccessat(AT_FDCWD, place.path().c_str(), R_OK | W_OK, AT_EACCESS) != 0) {
    return access_error(errno, place.path(), *place.file());
  }
  // DuckDB keeps its write-ahead log beside the file.
  if (::faccessat(AT_FDCWD, place.directory().c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    return access_error(errno, "the directory " + place.directory(), place.directory_facts());
  }
  return {};
}

Status check_user(const FilePlace& place) {
  const uid_t me = ::geteuid();
  if (place.rightful_user() == me) return {};
  if (!place.file() && (place.directory_facts().mode & S_ISVTX) && (place.directory_facts().mode & S_IWOTH)) return {};
  const std::string rightful = os::user_name(place.rightful_user());
  return make_error(ErrorCode::kInsufficientPrivilege,
                    (place.file() ? place.path() : "the directory " + place.directory()) + " belongs to " + rightful +
                        ", and this is " + os::user_name(me),
                    "an owner that runs as another user would leave files that " + rightful + " cannot use",
                    "start it as " + rightful + ": sudo -u '" + rightful + "' merganser serve '" + place.path() + "'");
}

Status check_file_system(const FilePlace& place, const os::FileSystemProbe& probe) {
  MERGANSER_ASSIGN(const os::FileSystem found, probe(place.file() ? place.path() : place.directory()));
  if (!found.network) return {};
  return make_error(
      ErrorCode::kFeatureNotSupported, place.path() + " lies on a network file system (" + found.type + ")",
      "locks and file identities cannot be trusted there, and two owners would destroy the file",
      "move the database to a local disk and let other machines connect to its owner over TCP; or, if only "
      "this machine ever uses the file, pass --allow-network-fs");
}

}  // namespace merganser::owner

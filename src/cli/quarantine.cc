#include "cli/quarantine.h"

#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/report.h"
#include "engine/plain.h"
#include "os/lock.h"
#include "owner/file_place.h"
#include "owner/ownership.h"

namespace merganser::cli {
namespace {

constexpr std::string_view kLogs[] = {".wal", ".wal.checkpoint", ".wal.recovery"};

bool exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(std::filesystem::symlink_status(path, ignored));
}

// ".quarantine-20260131T120000Z", with a number when that is taken.
std::string free_suffix(const std::string& file) {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, ".quarantine-%Y%m%dT%H%M%SZ", &utc);
  std::string suffix = text;
  const auto taken = [&] {
    for (const std::string_view log : kLogs) {
      if (exists(file + std::string(log) + suffix)) return true;
    }
    return false;
  };
  for (int i = 2; taken(); i++) suffix = fmt::format("{}-{}", text, i);
  return suffix;
}

Status sync_directory(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno_error(errno, "cannot open directory " + directory);
  const int failed = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  if (failed != 0) return errno_error(error, "cannot sync directory " + directory);
  return {};
}

struct Move {
  std::string from;
  std::string to;
};

void move_back(const std::vector<Move>& moves) {
  for (const Move& move : moves) ::rename(move.to.c_str(), move.from.c_str());
}

}  // namespace

Result<Quarantined> quarantine_wal(const std::string& file) {
  MERGANSER_ASSIGN(const owner::FilePlace place, owner::FilePlace::resolve(file));
  MERGANSER_TRY(owner::check_access(place));
  MERGANSER_TRY(owner::check_user(place));
  // Held to the end: no owner can start meanwhile.
  MERGANSER_ASSIGN(const auto lock, os::FileLock::try_take(place.lock_path()));
  if (!lock) {
    return make_error(ErrorCode::kObjectInUse, "an owner has " + place.path() + " open", {},
                      "Its log is in use, not broken. merganser status " + place.path() + " shows it.");
  }
  MERGANSER_TRY(owner::check_foreign_holder(place));
  std::vector<Move> moves;
  const std::string suffix = free_suffix(place.path());
  for (const std::string_view log : kLogs) {
    const std::string path = place.path() + std::string(log);
    if (exists(path)) moves.push_back({path, path + suffix});
  }
  if (!place.file() || moves.empty()) {
    return make_error(ErrorCode::kObjectNotInState, place.path() + " has no write-ahead log", "Nothing was moved.");
  }
  if (engine::PlainDatabase::open_read_only(place.path()).ok()) {
    return make_error(ErrorCode::kObjectNotInState, "the write-ahead log of " + place.path() + " can be replayed",
                      "Nothing was moved: it holds acknowledged writes.",
                      "Start an owner as usual: merganser url " + place.path());
  }
  for (size_t i = 0; i < moves.size(); i++) {
    if (::rename(moves[i].from.c_str(), moves[i].to.c_str()) == 0) continue;
    const Error error = errno_error(errno, "cannot move " + moves[i].from);
    moves.resize(i);
    move_back(moves);
    return error;
  }
  if (const auto opened = engine::PlainDatabase::open_read_only(place.path()); !opened.ok()) {
    move_back(moves);
    return make_error(ErrorCode::kDataCorrupted, place.path() + " cannot be opened without its log either",
                      opened.error().message, "Everything is where it was. Copy all files before you try further.");
  }
  MERGANSER_TRY(sync_directory(place.directory()));
  Quarantined done;
  for (const Move& move : moves) done.moved.push_back(move.to);
  return done;
}

int quarantine_command(const std::string& file) {
  const auto done = quarantine_wal(file);
  if (!done.ok()) return report(done.error());
  for (const std::string& path : done->moved) print(path + "\n");
  print(
      "The log was moved there, and the file opens with what its last checkpoint held.\n"
      "Writes that were acknowledged since are in the moved log alone: keep it.\n");
  return kExitOk;
}

}  // namespace merganser::cli

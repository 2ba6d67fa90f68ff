#include "cli/doctor.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cli/units.h"
#include "os/file_system.h"
#include "os/lock_holder.h"
#include "os/process.h"
#include "os/unix_socket.h"
#include "owner/control_client.h"
#include "owner/database_header.h"
#include "owner/file_place.h"
#include "owner/socket_dir.h"
#include "owner/start_breaker.h"

namespace merganser::cli {
namespace {

constexpr std::chrono::seconds kAnswerWithin{2};
constexpr uint64_t kLittleSpace = 256ULL << 20;
constexpr double kLittleShare = 0.05;

// One examination: each check adds findings, and knows what those before it found.
class Examination {
 public:
  Examination(Diagnosis& diagnosis, const owner::FilePlace& place, const Settings& settings)
      : diagnosis_(diagnosis), place_(place), settings_(settings) {}

  void run() {
    check_owner();
    check_holder();
    check_permissions();
    check_content();
    check_wal();
    check_side_files();
    check_socket_path();
    check_disk();
    check_last_start();
  }

 private:
  void add(Severity severity, std::string check, std::string what, std::string advice = {}) {
    diagnosis_.findings.push_back({severity, std::move(check), std::move(what), std::move(advice)});
  }
  void add(Severity severity, std::string check, const Error& error) {
    add(severity, std::move(check), error.detail.empty() ? error.message : error.message + ": " + error.detail,
        error.hint);
  }

  void check_owner();
  void check_holder();
  void check_permissions();
  void check_content();
  void check_wal();
  void check_side_files();
  void check_socket_path();
  void check_disk();
  void check_last_start();

  Diagnosis& diagnosis_;
  const owner::FilePlace& place_;
  const Settings& settings_;
};

void Examination::check_owner() {
  const owner::Probe found = owner::probe(place_, owner::wire::Intent::kLook, Deadline::in(kAnswerWithin));
  const auto holder = [&] {
    return Holder{found.endpoint->process.pid, os::process_name(found.endpoint->process.pid), true, true};
  };
  switch (found.state) {
    case owner::ProbeState::kAbsent:
      add(Severity::kNote, "owner", "no owner is running", "merganser url starts one");
      break;
    case owner::ProbeState::kStale:
      add(Severity::kNote, "endpoint", "a stale endpoint file is left over: " + found.error.to_string(),
          "nothing: the next owner replaces it");
      break;
    case owner::ProbeState::kLeaving:
      diagnosis_.holder = holder();
      add(Severity::kNote, "owner", "its owner is leaving: " + owner::describe_owner(*found.endpoint),
          "try again in a moment");
      break;
    case owner::ProbeState::kSilent:
      diagnosis_.holder = holder();
      diagnosis_.holder->answers = false;
      add(Severity::kProblem, "owner", found.error);
      break;
    case owner::ProbeState::kRefused:
      add(Severity::kProblem, "owner", found.error);
      break;
    case owner::ProbeState::kLive:
      diagnosis_.holder = holder();
      add(Severity::kOk, "owner", owner::describe_owner(*found.endpoint) + " owns the file and answers");
      break;
  }
}

// Who has a lock on the database, or on the file that owners lock.
void Examination::check_holder() {
  if (diagnosis_.holder) return;
  if (const auto foreign = os::foreign_holder(place_.path())) {
    diagnosis_.holder = Holder{foreign->pid, foreign->name, false, false};
    const std::string look = foreign->pid > 0 ? fmt::format(" (ps -fp {} shows it)", foreign->pid) : "";
    add(Severity::kProblem, "holder", os::describe(*foreign) + " has the file open, without Merganser",
        "end that program or let it close the file" + look +
            "; then every program can share it through: merganser url " + place_.path());
    return;
  }
  if (const auto owner = os::find_lock_holder(place_.lock_path())) {
    diagnosis_.holder = Holder{owner->pid, owner->name, true, false};
    add(Severity::kProblem, "holder", os::describe(*owner) + " holds the owner's lock and cannot be reached",
        "wait a moment: it may be starting or leaving; if it stays: merganser stop --force " + place_.path());
    return;
  }
  add(Severity::kOk, "holder", "no process holds a lock on the file");
}

void Examination::check_permissions() {
  const Status access = owner::check_access(place_);
  if (!access.ok()) add(Severity::kProblem, "permission", access.error());
  const Status user = owner::check_user(place_);
  if (!user.ok()) add(Severity::kProblem, "permission", user.error());
  const Status file_system = owner::check_file_system(place_);
  if (!file_system.ok()) {
    add(settings_.allow_network_fs ? Severity::kWarning : Severity::kProblem, "file_system", file_system.error());
  }
  if (access.ok() && user.ok() && file_system.ok()) {
    add(Severity::kOk, "permission", "the file and its directory can be read and written");
  }
}

void Examination::check_content() {
  if (!place_.file()) {
    add(Severity::kNote, "header", "there is no file yet", "the first owner makes a new database");
    return;
  }
  const auto header = owner::read_database_header(place_.path());
  if (!header.ok()) {
    add(Severity::kProblem, "header", header.error());
  } else if (header->empty) {
    add(Severity::kNote, "header", "the file is empty: it will become a new database");
  } else {
    add(header->encrypted ? Severity::kProblem : Severity::kOk, "header",
        fmt::format("a DuckDB database of {}, storage version {}{}{}", human_size(place_.file()->size),
                    header->storage_version, header->written_by.empty() ? "" : ", written by " + header->written_by,
                    header->encrypted ? ", encrypted" : ""),
        header->encrypted ? "encrypted databases cannot be served; copy it into one that is not" : "");
  }
}

// DuckDB's write-ahead logs: the usual one and two that only an interrupted checkpoint leaves.
void Examination::check_wal() {
  struct Wal {
    std::string_view suffix;
    std::string_view meaning;
  };
  static constexpr std::array<Wal, 3> kWals{{{".wal", "writes that are not in the file yet"},
                                             {".wal.checkpoint", "writes that came while a checkpoint ran"},
                                             {".wal.recovery", "writes of an interrupted recovery"}}};
  const bool owned = diagnosis_.holder && diagnosis_.holder->answers;
  for (const Wal& wal : kWals) {
    const std::string path = place_.path() + std::string(wal.suffix);
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) continue;
    const bool large = static_cast<uint64_t>(info.st_size) > 4 * settings_.checkpoint_wal_bytes;
    add(large ? Severity::kWarning : Severity::kNote, "wal",
        fmt::format("{} holds {}: {}", path, human_size(static_cast<uint64_t>(info.st_size)), wal.meaning),
        owned ? "nothing: its owner brings it into the file"
              : "keep it beside the file when you copy or move it, and never delete it; the next owner replays it");
  }
}

void Examination::check_side_files() {
  for (const std::string& path : {place_.lock_path(), place_.spawn_path(), place_.endpoint_path()}) {
    struct stat info {};
    if (lstat(path.c_str(), &info) != 0) continue;
    if (!S_ISREG(info.st_mode)) {
      add(Severity::kProblem, "side_file", path + " is not a regular file", "look at what it is, and remove it");
    } else if (info.st_uid != place_.rightful_user() && info.st_uid != 0) {
      add(Severity::kProblem, "side_file", fmt::format("{} belongs to {}", path, os::user_name(info.st_uid)),
          fmt::format("give it to {}: chown {} {}", os::user_name(place_.rightful_user()),
                      os::user_name(place_.rightful_user()), path));
    } else if ((info.st_mode & 0077) != 0) {
      add(Severity::kWarning, "side_file",
          fmt::format("{} has mode {:04o}, others can touch it", path, info.st_mode & 07777), "chmod 0600 " + path);
    }
  }
}

void Examination::check_socket_path() {
  if (settings_.socket_dir.empty()) return;
  const std::string socket = fmt::format("{}/.s.PGSQL.{}", settings_.socket_dir, settings_.port);
  if (socket.size() <= os::kSocketPathLimit) return;
  add(Severity::kProblem, "socket_path",
      fmt::format("{} has {} bytes; a socket's path may have {}", socket, socket.size(), os::kSocketPathLimit),
      "choose a shorter socket_dir");
}

void Examination::check_disk() {
  struct statvfs info {};
  if (statvfs(place_.directory().c_str(), &info) != 0) return;
  const uint64_t free = static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
  const uint64_t total = static_cast<uint64_t>(info.f_blocks) * info.f_frsize;
  const bool little = free < kLittleSpace || static_cast<double>(free) < kLittleShare * static_cast<double>(total);
  add(free == 0 ? Severity::kProblem
      : little  ? Severity::kWarning
                : Severity::kOk,
      "disk", fmt::format("{} of {} free on the disk of {}", human_size(free), human_size(total), place_.directory()),
      little ? "make room: writes fail with 53100 when the disk is full" : "");
}

void Examination::check_last_start() {
  if (const auto stored = owner::StartBreaker(place_).open_error()) {
    add(Severity::kProblem, "last_start", *stored);
  }
}

}  // namespace

Severity Diagnosis::worst() const {
  Severity worst = Severity::kOk;
  for (const Finding& finding : findings) worst = std::max(worst, finding.severity);
  return worst;
}

Diagnosis examine(const std::string& file, const Settings& settings) {
  Diagnosis diagnosis;
  diagnosis.file = file;
  const auto place = owner::FilePlace::resolve(file);
  if (!place.ok()) {
    const Error& error = place.error();
    diagnosis.findings.push_back({Severity::kProblem, "path",
                                  error.detail.empty() ? error.message : error.message + ": " + error.detail,
                                  error.hint});
    return diagnosis;
  }
  diagnosis.file = place->path();
  Examination(diagnosis, *place, settings).run();
  return diagnosis;
}

}  // namespace merganser::cli

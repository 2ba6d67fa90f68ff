#include "os/process.h"

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <pwd.h>
#include <sstream>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

#include "os/unique_fd.h"

namespace merganser::os {
namespace {

struct StatLine {
  char state = '?';
  uint64_t start_ticks = 0;
};

std::optional<StatLine> read_stat(pid_t pid) {
  if (pid <= 0) return std::nullopt;
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  // The name is in parentheses and may itself hold spaces and parentheses: count from the last one.
  const size_t end = text.rfind(')');
  if (end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(end + 1));
  StatLine line;
  fields >> line.state;
  std::string skipped;
  for (int field = 4; field <= 21; field++) fields >> skipped;
  if (!(fields >> line.start_ticks)) return std::nullopt;  // field 22, proc(5)
  return line;
}

}  // namespace

ProcessIdentity this_process() {
  const pid_t pid = ::getpid();
  return {pid, process_start_ticks(pid).value_or(0), boot_id()};
}

std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

std::optional<uint64_t> process_start_ticks(pid_t pid) {
  const std::optional<StatLine> line = read_stat(pid);
  if (!line) return std::nullopt;
  return line->start_ticks;
}

std::string process_name(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

bool is_running(const ProcessIdentity& identity) {
  if (identity.boot_id != boot_id()) return false;
  const std::optional<StatLine> line = read_stat(identity.pid);
  return line && line->start_ticks == identity.start_ticks && line->state != 'Z' && line->state != 'X';
}

Status kill_process(const ProcessIdentity& identity) {
  const std::string name = "process " + std::to_string(identity.pid);
  // The descriptor pins the process: the check and the kill are about the same one. glibc 2.36 declares the wrappers
  // without C linkage, hence the bare system calls.
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, identity.pid, 0)));
  if (!process && errno != ESRCH) return errno_error(errno, "cannot reach " + name);
  if (!process || !is_running(identity)) return make_error(ErrorCode::kObjectNotInState, name + " is gone");
  if (::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0) != 0) {
    return errno_error(errno, "cannot kill " + name);
  }
  return {};
}

std::string user_name(uid_t uid) {
  std::vector<char> buffer(16 * 1024);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) return found->pw_name;
  return "uid " + std::to_string(uid);
}

std::string this_executable() {
  char path[PATH_MAX];
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  return n > 0 ? std::string(path, static_cast<size_t>(n)) : std::string();
}

size_t raise_descriptor_limit() {
  constexpr size_t kUsual = 1024;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kUsual;
  if (limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{limit.rlim_max, limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return limit.rlim_cur;
}

}  // namespace merganser::os

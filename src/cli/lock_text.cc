#include "cli/lock_text.h"

#include <charconv>
#include <fmt/format.h>

namespace merganser::cli {
namespace {

constexpr std::string_view kPosix = "Could not set lock on file ";
constexpr std::string_view kPosixHolder = "Conflicting lock is held in ";
constexpr std::string_view kWindows = "being used by another process";
constexpr std::string_view kWindowsHolder = "File is already open in";
constexpr std::string_view kWindowsFile = "Cannot open file ";

// The text between quotes that begins `text`; empty when there are none.
std::string quoted_front(std::string_view text) {
  if (text.empty() || text.front() != '"') return {};
  const size_t end = text.find('"', 1);
  return end == std::string_view::npos ? std::string() : std::string(text.substr(1, end - 1));
}

// "PROGRAM (PID n)" at the front of `text`.
void read_holder(std::string_view text, LockConflict& conflict) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n' || text.front() == '\r')) text.remove_prefix(1);
  const size_t mark = text.find("(PID ");
  const size_t line_end = std::min(text.find('\n'), text.size());
  if (mark == std::string_view::npos || mark > line_end) {
    // The program is not known: DuckDB writes only the number then ("PID n").
    const size_t bare = text.find("PID ");
    if (bare == 0) std::from_chars(text.data() + 4, text.data() + text.size(), conflict.pid);
    return;
  }
  std::string_view program = text.substr(0, mark);
  while (!program.empty() && program.back() == ' ') program.remove_suffix(1);
  conflict.program = program;
  const char* number = text.data() + mark + 5;
  const auto [end, error] = std::from_chars(number, text.data() + text.size(), conflict.pid);
  const std::string_view rest(end, static_cast<size_t>(text.data() + text.size() - end));
  constexpr std::string_view kByUser = ") by user ";
  if (error == std::errc() && rest.starts_with(kByUser)) {
    const std::string_view user = rest.substr(kByUser.size());
    conflict.user = user.substr(0, user.find_first_of(". \r\n"));
  }
}

std::string holder_name(const LockConflict& conflict) {
  std::string name = conflict.program.empty() ? "another process" : conflict.program;
  if (conflict.pid > 0) name += fmt::format(" (pid {})", conflict.pid);
  if (!conflict.user.empty()) name += fmt::format(" of user {}", conflict.user);
  return name;
}

}  // namespace

std::optional<LockConflict> parse_lock_conflict(std::string_view text) {
  LockConflict conflict;
  if (const size_t at = text.find(kPosix); at != std::string_view::npos) {
    conflict.file = quoted_front(text.substr(at + kPosix.size()));
    if (const size_t held = text.find(kPosixHolder, at); held != std::string_view::npos) {
      read_holder(text.substr(held + kPosixHolder.size()), conflict);
    }
    conflict.same_process = text.find("already held in current process", at) != std::string_view::npos;
    return conflict;
  }
  const size_t used = text.find(kWindows);
  const size_t held = text.find(kWindowsHolder);
  if (used == std::string_view::npos && held == std::string_view::npos) return std::nullopt;
  conflict.windows = true;
  if (const size_t file = text.find(kWindowsFile); file != std::string_view::npos) {
    conflict.file = quoted_front(text.substr(file + kWindowsFile.size()));
  }
  if (held != std::string_view::npos) read_holder(text.substr(held + kWindowsHolder.size()), conflict);
  return conflict;
}

std::string explain_lock_conflict(const LockConflict& conflict) {
  const std::string file = conflict.file.empty() ? "FILE" : conflict.file;
  if (conflict.same_process) {
    return fmt::format(
        "The program itself has {} open already, under another path or through another DuckDB library.\n"
        "What to do:\n  - open it once and share that database object inside the program.\n",
        file);
  }
  std::string text = fmt::format("{} has {} open, and DuckDB lets only one process write a file.\n",
                                 holder_name(conflict), conflict.file.empty() ? "the database" : file);
  text += "What to do:\n";
  // An owner's lock belongs to an open file, not to a process: the kernel then names the pid -1.
  if (conflict.program.find("merganser") != std::string::npos || conflict.pid == -1) {
    text += fmt::format(
        "  - {}: reach it through PostgreSQL instead of opening it,\n"
        "    with the address that this prints:  merganser url {}\n"
        "  - or let go of it:                    merganser stop {}\n",
        conflict.pid == -1 ? "Most likely Merganser owns the file (merganser doctor says)" : "Merganser owns the file",
        file, file);
    return text;
  }
  text += fmt::format("  - end that program, or close its connection to the file{};\n",
                      conflict.pid <= 0  ? ""
                      : conflict.windows ? fmt::format(" (tasklist /fi \"PID eq {}\" shows it)", conflict.pid)
                                         : fmt::format(" (ps -fp {} shows it)", conflict.pid));
  text += fmt::format(
      "  - then let every program share the file through Merganser:  merganser run {} -- PROGRAM\n"
      "    or give each the address that this prints:                merganser url {}\n",
      file, file);
  return text;
}

}  // namespace merganser::cli

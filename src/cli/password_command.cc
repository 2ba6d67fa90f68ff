#include "cli/password_command.h"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include "auth/password_file.h"
#include "auth/scram_verifier.h"
#include "cli/address.h"
#include "cli/report.h"
#include "os/unique_fd.h"

namespace merganser::cli {
namespace {

// Turns the terminal's echo off while it lives.
class Silence {
 public:
  explicit Silence(int fd) : fd_(fd) {
    if (tcgetattr(fd_, &before_) != 0) return;
    struct termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = tcsetattr(fd_, TCSAFLUSH, &silent) == 0;
  }
  ~Silence() {
    if (changed_) tcsetattr(fd_, TCSAFLUSH, &before_);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  int fd_;
  bool changed_ = false;
  struct termios before_ {};
};

// One line without its end; byte by byte, so that nothing after it is taken.
Result<std::string> read_line(int fd) {
  std::string line;
  while (line.size() <= auth::kMaxPasswordBytes) {
    char byte;
    const ssize_t got = read(fd, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(errno, "cannot read the password");
    if (got == 0 || byte == '\n') break;
    line += byte;
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

Result<std::string> ask(int terminal, std::string_view question) {
  write_all(terminal, question);
  const Silence silence(terminal);
  auto line = read_line(terminal);
  write_all(terminal, "\n");
  return line;
}

Result<std::string> read_password(const std::string& user) {
  if (!on_terminal(STDIN_FILENO)) return read_line(STDIN_FILENO);
  const os::UniqueFd terminal(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!terminal.valid()) return errno_error(errno, "cannot open the terminal", "write the password to standard input");
  MERGANSER_ASSIGN(std::string first, ask(terminal.get(), fmt::format("Password for {}: ", user)));
  MERGANSER_ASSIGN(const std::string second, ask(terminal.get(), "The same again: "));
  if (first != second) {
    return make_error(ErrorCode::kInvalidPassword, "the two passwords differ; nothing was stored", {}, "try again");
  }
  return first;
}

Status make_and_store(const PasswordOptions& options) {
  const std::string user = options.user.empty() ? user_name() : options.user;
  MERGANSER_TRY(auth::check_user_name(user));
  MERGANSER_ASSIGN(const std::string password, read_password(user));
  MERGANSER_ASSIGN(const auth::ScramVerifier verifier, auth::make_verifier(password));
  if (options.file.empty()) {
    print(fmt::format("{}:{}\n", user, verifier.format()));
    return {};
  }
  MERGANSER_TRY(auth::set_password(options.file, user, verifier));
  write_all(STDERR_FILENO, fmt::format("merganser: the verifier of {} is in {}; use it with: merganser serve FILE "
                                       "--listen ADDRESS:PORT --password-file {}\n",
                                       user, options.file, options.file));
  return {};
}

}  // namespace

int password_command(const PasswordOptions& options) {
  const Status stored = make_and_store(options);
  return stored.ok() ? kExitOk : report(stored.error());
}

}  // namespace merganser::cli

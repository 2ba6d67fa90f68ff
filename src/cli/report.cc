#include "cli/report.h"

#include <cerrno>
#include <fmt/format.h>
#include <langinfo.h>
#include <poll.h>
#include <unistd.h>

namespace merganser::cli {

std::string error_text(const Error& error) {
  std::string text = fmt::format("merganser: {}\n", error.message);
  if (!error.detail.empty()) text += fmt::format("  detail: {}\n", error.detail);
  if (!error.hint.empty()) text += fmt::format("  what to do: {}\n", error.hint);
  return text;
}

int report(const Error& error) {
  write_all(STDERR_FILENO, error_text(error));
  return kExitFailed;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      // Somebody before us left the terminal or pipe non-blocking.
      struct pollfd ready {
        fd, POLLOUT, 0
      };
      poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

bool print(std::string_view text) {
  return write_all(STDOUT_FILENO, text);
}

bool on_terminal(int fd) {
  return isatty(fd) == 1;
}

bool utf8_locale() {
  return std::string_view(nl_langinfo(CODESET)) == "UTF-8";
}

}  // namespace merganser::cli

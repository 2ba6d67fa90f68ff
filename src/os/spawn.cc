#include "os/spawn.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>

#include "os/io.h"
#include "os/signals.h"
#include "os/unique_fd.h"

extern char** environ;

namespace merganser::os {
namespace {

constexpr int kFirstPassed = 3;

// Everything the child needs, allocated before fork: after it, malloc may be locked by a thread that is not there.
struct Image {
  std::vector<std::string> texts;
  std::vector<char*> argv;
  std::vector<char*> envp;
};

Image make_image(const SpawnOptions& options) {
  Image image;
  image.texts.push_back(options.executable);
  for (const std::string& argument : options.arguments) image.texts.push_back(argument);
  const size_t argument_count = image.texts.size();
  for (const auto& [name, value] : options.environment) image.texts.push_back(name + "=" + value);
  for (char** entry = environ; *entry != nullptr; entry++) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    bool replaced = false;
    for (const auto& added : options.environment) replaced = replaced || added.first == name;
    if (!replaced) image.texts.emplace_back(text);
  }
  for (size_t i = 0; i < image.texts.size(); i++) {
    (i < argument_count ? image.argv : image.envp).push_back(image.texts[i].data());
  }
  image.argv.push_back(nullptr);
  image.envp.push_back(nullptr);
  return image;
}

void close_from(int first) {
  if (::close_range(static_cast<unsigned>(first), ~0U, 0) == 0) return;
  const long limit = ::sysconf(_SC_OPEN_MAX);  // kernels before 5.9
  for (int fd = first; fd < limit; fd++) ::close(fd);
}

struct Message {
  pid_t pid;
  int error;  // 0: about to exec
};

[[noreturn]] void fail(int status_fd) {
  const Message message{::getpid(), errno};
  const ssize_t ignored = ::write(status_fd, &message, sizeof message);
  (void)ignored;
  ::_exit(127);
}

// Only async-signal-safe calls from here to exec.
[[noreturn]] void run_child(const SpawnOptions& options, const Image& image, std::vector<int>& fds, int status_fd) {
  const int passed = static_cast<int>(fds.size());
  const int status_target = kFirstPassed + passed;
  // First out of the way of the numbers that are about to be given out, then into their places.
  status_fd = ::fcntl(status_fd, F_DUPFD_CLOEXEC, status_target + 1);
  for (int& fd : fds) {
    fd = ::fcntl(fd, F_DUPFD_CLOEXEC, status_target + 1);
    if (fd < 0) fail(status_fd);
  }
  const int output = options.output_path.empty()
                         ? ::open("/dev/null", O_WRONLY)
                         : ::open(options.output_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
  const int input = ::open("/dev/null", O_RDONLY);
  if (output < 0 || input < 0) fail(status_fd);
  if (::dup2(input, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(output, 2) < 0) fail(status_fd);
  for (int i = 0; i < passed; i++) {
    if (::dup2(fds[static_cast<size_t>(i)], kFirstPassed + i) < 0) fail(status_fd);
  }
  if (::dup3(status_fd, status_target, O_CLOEXEC) < 0) fail(status_fd);
  close_from(status_target + 1);
  if (::chdir(options.working_directory.c_str()) != 0) fail(status_target);
  reset_signals();
  const Message message{::getpid(), 0};
  if (::write(status_target, &message, sizeof message) != sizeof message) fail(status_target);
  ::execve(image.argv[0], image.argv.data(), image.envp.data());
  fail(status_target);
}

Result<Message> read_message(int fd) {
  Message message{};
  ssize_t n = 0;
  do {
    n = ::read(fd, &message, sizeof message);
  } while (n < 0 && errno == EINTR);
  if (n != sizeof message) return make_error(ErrorCode::kSystemError, "the child went away before it could start");
  return message;
}

}  // namespace

Result<pid_t> spawn_detached(const SpawnOptions& options) {
  MERGANSER_ASSIGN(Pipe status, make_pipe());
  const Image image = make_image(options);
  std::vector<int> fds = options.pass_fds;
  const pid_t middle = ::fork();
  if (middle < 0) return errno_error(errno, "cannot fork");
  if (middle == 0) {
    // The process in the middle leads the new session and leaves at once: its child can never get a terminal again.
    ::setsid();
    const pid_t child = ::fork();
    if (child < 0) fail(status.write_end.get());
    if (child > 0) ::_exit(0);
    run_child(options, image, fds, status.write_end.get());
  }
  status.write_end.reset();
  while (::waitpid(middle, nullptr, 0) < 0 && errno == EINTR) {
  }
  MERGANSER_ASSIGN(const Message first, read_message(status.read_end.get()));
  const std::string failed = "cannot start " + options.executable;
  if (first.error != 0) return errno_error(first.error, failed);
  // The pipe closes on exec; anything that still comes through it is the reason why there was none.
  const Result<Message> second = read_message(status.read_end.get());
  if (second.ok()) return errno_error(second->error, failed);
  return first.pid;
}

}  // namespace merganser::os

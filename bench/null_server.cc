// A PostgreSQL server that does nothing: canned replies, one thread, epoll. See null_session.h for why.
//
//   null_server --socket-dir DIR [--port N] [--tcp] [--reply by-word|insert|select] [--rows N] [--password-file FILE]
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <getopt.h>
#include <iostream>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <unordered_map>

#include "bench/null_session.h"

#include "os/unique_fd.h"

namespace {

using namespace merganser;
using bench::NullOptions;
using bench::NullSession;

constexpr size_t kReadBytes = 64 * 1024;

struct Settings {
  std::string socket_dir;
  int port = 5432;
  bool tcp = false;
  std::string password_file;
  NullOptions session;
};

struct Client {
  os::UniqueFd fd;
  std::string input;   // an unfinished message
  std::string output;  // what the kernel did not take yet
  bool closing = false;
  bool stalled = false;  // waits for room in the socket
  NullSession session;
};

[[noreturn]] void die(const std::string& what) {
  std::cerr << "null_server: " << what << "\n";
  std::exit(1);
}
[[noreturn]] void die_errno(const std::string& what) {
  die(what + ": " + std::strerror(errno));
}

class Server {
 public:
  Server(const Settings& settings, int signals)
      : settings_(settings), signals_(signals), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (!epoll_) die_errno("epoll_create1");
    if (!settings_.socket_dir.empty()) listen_unix();
    if (settings_.tcp) listen_tcp();
    watch(signals_, EPOLLIN, EPOLL_CTL_ADD);
  }
  ~Server() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void run() {
    epoll_event events[256];
    while (true) {
      const int n = ::epoll_wait(epoll_.get(), events, 256, -1);
      if (n < 0 && errno != EINTR) die_errno("epoll_wait");
      for (int i = 0; i < n; i++) {
        const int fd = events[i].data.fd;
        if (fd == signals_) return;
        if (fd == unix_.get() || fd == tcp_.get()) {
          accept_all(fd);
        } else {
          serve(fd);
        }
      }
    }
  }

 private:
  void watch(int fd, uint32_t events, int operation) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (::epoll_ctl(epoll_.get(), operation, fd, &event) != 0) die_errno("epoll_ctl");
  }

  void start_listening(os::UniqueFd& fd, const sockaddr* address, socklen_t size) {
    if (::bind(fd.get(), address, size) != 0) die_errno("bind");
    if (::listen(fd.get(), 1024) != 0) die_errno("listen");
    watch(fd.get(), EPOLLIN, EPOLL_CTL_ADD);
  }

  void listen_unix() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = settings_.socket_dir + "/.s.PGSQL." + std::to_string(settings_.port);
    if (path.size() >= sizeof address.sun_path) die("the socket path is too long: " + path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    unix_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    ::unlink(path.c_str());
    start_listening(unix_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    path_ = path;
  }

  void listen_tcp() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(settings_.port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    tcp_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int on = 1;
    ::setsockopt(tcp_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    start_listening(tcp_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }

  void accept_all(int listener) {
    while (true) {
      os::UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!fd) return;
      const int on = 1;
      ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // fails on Unix sockets, which need none
      const int number = fd.get();
      watch(number, EPOLLIN, EPOLL_CTL_ADD);
      clients_.emplace(number, new Client{std::move(fd), {}, {}, false, false, NullSession(settings_.session)});
    }
  }

  void serve(int fd) {
    const auto found = clients_.find(fd);
    if (found == clients_.end()) return;
    Client& client = *found->second;
    // A client that does not read its answers is not read from either.
    const bool alive = client.output.empty() ? receive(client) && flush(client) : flush(client);
    if (!alive || (client.closing && client.output.empty())) clients_.erase(found);
  }

  bool receive(Client& client) {
    char buffer[kReadBytes];
    const ssize_t n = ::recv(client.fd.get(), buffer, sizeof buffer, 0);
    if (n == 0) return false;
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    std::string_view fresh(buffer, static_cast<size_t>(n));
    if (client.input.empty()) {
      client.closing = !client.session.feed(fresh);
      client.input.assign(fresh);
    } else {
      client.input.append(fresh);
      std::string_view rest = client.input;
      client.closing = !client.session.feed(rest);
      client.input.erase(0, client.input.size() - rest.size());
    }
    client.output.swap(client.session.output());  // read only when all was sent, so there was nothing left in it
    return true;
  }

  bool flush(Client& client) {
    while (!client.output.empty()) {
      const ssize_t n = ::send(client.fd.get(), client.output.data(), client.output.size(), MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) {
        watch(client.fd.get(), EPOLLOUT, EPOLL_CTL_MOD);
        client.stalled = true;
        return true;
      }
      if (n < 0) return false;
      client.output.erase(0, static_cast<size_t>(n));
    }
    if (client.stalled) watch(client.fd.get(), EPOLLIN, EPOLL_CTL_MOD);
    client.stalled = false;
    return true;
  }

  const Settings& settings_;
  int signals_;
  os::UniqueFd epoll_;
  os::UniqueFd unix_;
  os::UniqueFd tcp_;
  std::string path_;
  std::unordered_map<int, std::unique_ptr<Client>> clients_;
};

Settings read_settings(int argc, char** argv) {
  static const char* const kUsage =
      "usage: null_server --socket-dir DIR [--port N] [--tcp] [--reply by-word|insert|select] [--rows N]\n"
      "                   [--password-file FILE]\n"
      "Answers every statement with a canned reply. --tcp listens on 127.0.0.1 too (or alone, without --socket-dir).\n";
  static const option kOptions[] = {{"socket-dir", required_argument, nullptr, 's'},
                                    {"port", required_argument, nullptr, 'p'},
                                    {"tcp", no_argument, nullptr, 't'},
                                    {"reply", required_argument, nullptr, 'r'},
                                    {"rows", required_argument, nullptr, 'n'},
                                    {"password-file", required_argument, nullptr, 'w'},
                                    {"help", no_argument, nullptr, 'h'},
                                    {nullptr, 0, nullptr, 0}};
  Settings out;
  std::string reply = "by-word";
  for (int c = 0; (c = ::getopt_long(argc, argv, "h", kOptions, nullptr)) != -1;) {
    switch (c) {
      case 's':
        out.socket_dir = optarg;
        break;
      case 'p':
        out.port = std::atoi(optarg);
        break;
      case 't':
        out.tcp = true;
        break;
      case 'r':
        reply = optarg;
        break;
      case 'n':
        out.session.rows = std::atoi(optarg);
        break;
      case 'w':
        out.password_file = optarg;
        break;
      case 'h':
        std::cout << kUsage;
        std::exit(0);
      default:
        std::cerr << kUsage;
        std::exit(2);
    }
  }
  const bool known = reply == "by-word" || reply == "insert" || reply == "select";
  if (!known || out.port < 1 || out.port > 65535 || out.session.rows < 0 || (out.socket_dir.empty() && !out.tcp)) {
    std::cerr << kUsage;
    std::exit(2);
  }
  if (reply == "insert") out.session.reply = bench::Reply::kInsert;
  if (reply == "select") out.session.reply = bench::Reply::kSelect;
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings = read_settings(argc, argv);
  std::optional<auth::PasswordFile> passwords;
  if (!settings.password_file.empty()) {
    auto loaded = auth::PasswordFile::load(settings.password_file);
    if (!loaded.ok()) die(loaded.error().to_string());
    passwords = std::move(*loaded);
    settings.session.passwords = &*passwords;
  }
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &stop, nullptr);
  const os::UniqueFd signals(::signalfd(-1, &stop, SFD_CLOEXEC));
  Server server(settings, signals.get());
  std::cout << "listening port=" << settings.port << " socket_dir=" << settings.socket_dir << std::endl;
  server.run();
  return 0;
}

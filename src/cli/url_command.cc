#include "cli/url_command.h"

#include <cerrno>
#include <cstdlib>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/report.h"

namespace merganser::cli {
namespace {

// What a shell answers for a program that is not there, and for one that cannot be run.
constexpr int kExitNotFound = 127;
constexpr int kExitNotExecutable = 126;

}  // namespace

int url_command(const FileOptions& options, bool tcp) {
  const auto endpoint = reach_owner(options);
  if (!endpoint.ok()) return report(endpoint.error());
  Address address = address_of(*endpoint);
  if (tcp) {
    auto over_tcp = tcp_address(endpoint->tcp, std::move(address));
    if (!over_tcp.ok()) return report(over_tcp.error());
    address = std::move(*over_tcp);
  }
  return print(address.uri() + "\n") ? kExitOk : kExitFailed;
}

int run_command(const FileOptions& options, const std::vector<std::string>& program) {
  const auto endpoint = reach_owner(options);
  if (!endpoint.ok()) return report(endpoint.error());
  for (const auto& [name, value] : address_of(*endpoint).environment()) setenv(name.c_str(), value.c_str(), 1);
  // A service or options that were set for another server would win over what was just set.
  for (const char* other : {"PGSERVICE", "PGHOSTADDR"}) unsetenv(other);

  std::vector<char*> arguments;
  arguments.reserve(program.size() + 1);
  for (const std::string& argument : program) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  const int reason = errno;
  report(errno_error(reason, fmt::format("cannot run {}", program[0]), "check the name and the PATH"));
  return reason == ENOENT ? kExitNotFound : kExitNotExecutable;
}

}  // namespace merganser::cli

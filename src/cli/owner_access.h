// How commands reach the owner of a file: find it, start it when none runs, connect to it.
//
// Threads: main's.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cli/address.h"
#include "cli/client_connection.h"
#include "cli/settings_load.h"
#include "owner/endpoint.h"

namespace merganser::cli {

// What every command with a FILE was given.
struct FileOptions {
  std::string file;
  std::string config_flag;
  std::vector<std::pair<std::string, std::string>> setting_flags;
  std::string conninfo;  // hidden: another PostgreSQL server instead of an owner
};

// Settings as the owner of this file will see them. Warnings go to standard error.
Result<LoadedSettings> settings_for(const FileOptions& options);

// What an owner that is started now is told beside its file: flags, and the variables that hold relative paths, both
// with absolute paths, since it works in another directory. Pure, for tests.
struct StartArguments {
  std::vector<std::string> flags;
  std::vector<std::pair<std::string, std::string>> environment;
};
StartArguments start_arguments(const FileOptions& options, const std::map<std::string, std::string>& environment,
                               const std::string& directory);

// The endpoint of the running owner, or of one that is started now.
Result<owner::Endpoint> reach_owner(const FileOptions& options);

Address address_of(const owner::Endpoint& endpoint);

Result<ClientConnection> connect_to_owner(const FileOptions& options, std::string_view application);

// For `serve`, before there is an owner: says why it cannot start, also to whoever started it through a pipe.
int report_start_failure(int startup_pipe_fd, const std::string& file, const Error& error);

}  // namespace merganser::cli

// `merganser password`: makes the line that lets a user log in over TCP.
//
// Threads: main's.
#pragma once

#include <string>

namespace merganser::cli {

struct PasswordOptions {
  std::string user;  // empty: the account that runs the command
  std::string file;  // empty: the line is printed
};

int password_command(const PasswordOptions& options);

}  // namespace merganser::cli

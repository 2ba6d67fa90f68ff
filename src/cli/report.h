// How commands speak to people: errors on standard error, exit codes, colour only on a terminal.
//
// Threads: main's only.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace merganser::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

// "merganser: what happened" with detail and what to do next on lines of their own, to standard error.
// Returns kExitFailed, so that a command can end with `return report(error)`.
int report(const Error& error);
std::string error_text(const Error& error);

// Writes everything; false when the reader has gone (then a command ends quietly) or the disk is full.
bool write_all(int fd, std::string_view text);
bool print(std::string_view text);  // to standard output

bool on_terminal(int fd);
bool utf8_locale();

}  // namespace merganser::cli

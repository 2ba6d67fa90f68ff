// The command line as a whole: parses arguments, runs one command, returns the exit code.
//
// Threads: main's.
#pragma once

namespace merganser::cli {

// 0: it worked; 1: it failed; 2: the arguments are wrong. `run` becomes another program and has that one's exit code.
int run_app(int argc, char** argv);

}  // namespace merganser::cli

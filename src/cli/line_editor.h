// Reads lines from the terminal with editing, history and completion (libedit).
//
// Threads: main's. The terminal is given back in the state in which it was found.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/interrupts.h"

namespace merganser::cli {

class LineEditor {
 public:
  // The names that may stand where `word` begins.
  using Complete = std::function<std::vector<std::string>(std::string_view word)>;

  // `history_file` is read now and appended to line by line, so that several prompts can share it; empty keeps none.
  LineEditor(std::string history_file, Complete complete);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  enum class Kind { kLine, kInterrupted, kEnd };
  struct Line {
    Kind kind = Kind::kEnd;
    std::string text;  // with its line end
  };
  Line read(const std::string& prompt);
  // Lines that begin with a blank are not kept, nor is the same line twice in a row.
  void remember(std::string_view line);

 private:
  struct Editor;  // libedit's state
  void load_history();

  std::unique_ptr<Editor> editor_;
  std::string history_file_;
  std::string last_line_;
};

// $XDG_STATE_HOME/merganser/history or ~/.local/state/merganser/history, its directory made; empty when that fails.
std::string default_history_file();

}  // namespace merganser::cli

#include "cli/line_editor.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <histedit.h>
#include <poll.h>
#include <unistd.h>

#include "cli/report.h"
#include "cli/text_width.h"

namespace merganser::cli {
namespace {

constexpr int kHistoryLines = 5000;
constexpr size_t kMaxHistoryBytes = 4 << 20;
constexpr size_t kMaxShownCandidates = 100;

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '\\' ||
         (c & 0x80) != 0;
}

std::string common_prefix(const std::vector<std::string>& names) {
  std::string prefix = names.front();
  for (const std::string& name : names) {
    const auto differs = std::mismatch(prefix.begin(), prefix.end(), name.begin(), name.end()).first;
    prefix.erase(differs, prefix.end());
  }
  return prefix;
}

}  // namespace

struct LineEditor::Editor {
  EditLine* line = nullptr;
  History* history = nullptr;
  Complete complete;
  std::string prompt;
  int interrupt_fd = -1;
  bool interrupted = false;
  bool at_end = false;

  static Editor* of(EditLine* line) {
    void* data = nullptr;
    el_get(line, EL_CLIENTDATA, &data);
    return static_cast<Editor*>(data);
  }
  static char* show_prompt(EditLine* line) { return of(line)->prompt.data(); }

  // libedit's own reader retries after a signal; this one hears Ctrl-C through a descriptor and gives up the line.
  static int read_character(EditLine* line, wchar_t* character) { return of(line)->read_one(character); }
  int read_one(wchar_t* character);
  bool read_byte(char& byte);

  static unsigned char complete_word(EditLine* line, int) { return of(line)->complete_at_cursor(); }
  unsigned char complete_at_cursor();
};

bool LineEditor::Editor::read_byte(char& byte) {
  while (true) {
    std::array<struct pollfd, 2> ready{{{STDIN_FILENO, POLLIN, 0}, {interrupt_fd, POLLIN, 0}}};
    if (poll(ready.data(), ready.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    if (ready[1].revents != 0) {
      interrupted = true;
      return false;
    }
    const ssize_t got = ::read(STDIN_FILENO, &byte, 1);
    if (got == 1) return true;
    if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
      at_end = got == 0;
      return false;
    }
  }
}

int LineEditor::Editor::read_one(wchar_t* character) {
  std::string bytes(1, '\0');
  if (!read_byte(bytes[0])) return at_end ? 0 : -1;
  const auto lead = static_cast<unsigned char>(bytes[0]);
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  while (bytes.size() < length) {
    char next;
    if (!read_byte(next)) return at_end ? 0 : -1;
    bytes += next;
  }
  const CodePoint decoded = decode_front(bytes);
  *character = decoded.value < 0 ? L'?' : static_cast<wchar_t>(decoded.value);
  return 1;
}

unsigned char LineEditor::Editor::complete_at_cursor() {
  const LineInfo* info = el_line(line);
  const std::string_view before(info->buffer, static_cast<size_t>(info->cursor - info->buffer));
  size_t start = before.size();
  while (start > 0 && is_word_byte(before[start - 1])) --start;
  const std::string word(before.substr(start));
  std::vector<std::string> names = complete(word);
  if (names.empty()) return CC_REFRESH_BEEP;

  const std::string prefix = common_prefix(names);
  const bool one = names.size() == 1;
  if (one || prefix.size() > word.size()) {
    // What was typed may differ in case: the whole word is written anew.
    el_deletestr(line, static_cast<int>(display_width(word)));
    if (el_insertstr(line, (prefix + (one ? " " : "")).c_str()) != 0) return CC_REFRESH_BEEP;
    return CC_REFRESH;
  }
  std::string list = "\n";
  for (size_t i = 0; i < std::min(names.size(), kMaxShownCandidates); ++i) list += printable(names[i]) + "  ";
  if (names.size() > kMaxShownCandidates) list += "…";
  print(list + "\n");
  return CC_REDISPLAY;
}

LineEditor::LineEditor(std::string history_file, Complete complete)
    : editor_(std::make_unique<Editor>()), history_file_(std::move(history_file)) {
  editor_->complete = std::move(complete);
  editor_->line = el_init("merganser", stdin, stdout, stderr);
  editor_->history = history_init();
  EditLine* line = editor_->line;
  el_set(line, EL_CLIENTDATA, editor_.get());
  el_set(line, EL_SIGNAL, 0);
  el_set(line, EL_PROMPT, &Editor::show_prompt);
  el_set(line, EL_EDITOR, "emacs");
  el_set(line, EL_GETCFN, &Editor::read_character);
  el_set(line, EL_ADDFN, "merganser-complete", "Complete the word", &Editor::complete_word);
  el_set(line, EL_BIND, "^I", "merganser-complete", nullptr);
  el_set(line, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  HistEvent event;
  history(editor_->history, &event, H_SETSIZE, kHistoryLines);
  el_set(line, EL_HIST, &history, editor_->history);
  el_source(line, nullptr);
  load_history();
}

LineEditor::~LineEditor() {
  history_end(editor_->history);
  el_end(editor_->line);
}

LineEditor::Line LineEditor::read(const std::string& prompt) {
  Interrupts interrupts;
  editor_->interrupt_fd = interrupts.fd();
  editor_->prompt = prompt;
  editor_->interrupted = editor_->at_end = false;
  el_resize(editor_->line);
  // libedit would switch the terminal only after it has shown the prompt: what is typed in between would be lost.
  el_set(editor_->line, EL_PREP_TERM, 1);
  int length = 0;
  const char* text = el_gets(editor_->line, &length);
  if (editor_->interrupted) {
    interrupts.take();
    el_reset(editor_->line);
    return {Kind::kInterrupted, {}};
  }
  if (text == nullptr || length <= 0) return {Kind::kEnd, {}};
  return {Kind::kLine, std::string(text, static_cast<size_t>(length))};
}

void LineEditor::remember(std::string_view line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.remove_suffix(1);
  if (line.empty() || line.front() == ' ' || line == last_line_) return;
  last_line_ = line;
  HistEvent event;
  history(editor_->history, &event, H_ENTER, last_line_.c_str());
  if (history_file_.empty()) return;
  const int fd = open(history_file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return;  // a history that cannot be kept is no reason to stop
  write_all(fd, last_line_ + "\n");
  close(fd);
}

void LineEditor::load_history() {
  if (history_file_.empty()) return;
  std::ifstream file(history_file_, std::ios::binary | std::ios::ate);
  if (!file) return;
  const auto size = static_cast<size_t>(std::max<std::streamoff>(file.tellg(), 0));
  file.seekg(static_cast<std::streamoff>(size > kMaxHistoryBytes ? size - kMaxHistoryBytes : 0));
  HistEvent event;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) history(editor_->history, &event, H_ENTER, line.c_str());
  }
}

std::string default_history_file() {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  std::string directory;
  if (state != nullptr && state[0] == '/') {
    directory = state;
  } else if (home != nullptr && home[0] == '/') {
    directory = std::string(home) + "/.local/state";
  } else {
    return {};
  }
  directory += "/merganser";
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return {};
  return directory + "/history";
}

}  // namespace merganser::cli

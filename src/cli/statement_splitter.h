// Cuts SQL text into statements at semicolons that stand outside of quotes and comments; text may come in pieces.
//
// Threads: one.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace merganser::cli {

struct SqlStatement {
  std::string text;  // without leading blanks and without the semicolon
  size_t line = 1;   // where it begins, counted from 1
};

class StatementSplitter {
 public:
  void feed(std::string_view text);
  // The next whole statement, if there is one. `final` says that no more text comes: what is left is a statement too.
  std::optional<SqlStatement> next(bool final = false);
  // Nothing but blanks and comments waits: a new statement may begin.
  bool empty();
  size_t pending_bytes() const { return buffer_.size() - begin_; }
  // What the end of the text is inside of: ' " $ * or 0. For the prompt.
  char open_quote() const;
  void clear();

 private:
  enum class State : unsigned char { kPlain, kSingle, kEscapeString, kDouble, kDollar, kLineComment, kBlockComment };

  bool step(bool final);  // consumes one token at at_; false when it cannot be told yet
  bool step_plain(bool final);
  bool begin_dollar_quote(bool final);
  void scan(bool final);
  SqlStatement take(size_t end, size_t next_begin);

  std::string buffer_;
  size_t begin_ = 0;  // of the waiting statement; what stands before it is dropped when more text comes
  size_t at_ = 0;     // how far the scan came
  size_t line_ = 1;   // of the byte at begin_
  State state_ = State::kPlain;
  int comment_depth_ = 0;     // block comments nest
  std::string dollar_tag_;    // "$tag$"
  bool has_content_ = false;  // something besides blanks and comments was seen
  bool found_end_ = false;    // at_ stands on the semicolon
};

}  // namespace merganser::cli

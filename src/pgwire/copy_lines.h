// Where the lines of COPY data end: PostgreSQL's rules for text and CSV (CopyReadLineText), with its errors.
//
// Threads: one at a time. Does not own the data: a line that is not complete is looked at again with more of it.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace merganser::pgwire {

struct CopyLineFormat {
  bool csv = false;
  char quote = '"';
  char escape = '"';
};

class CopyLineScanner {
 public:
  explicit CopyLineScanner(CopyLineFormat format) : format_(format) {}

  enum class Found : uint8_t { kLine, kMore, kEnd, kError };
  // The next line of data[at, …), without its end; `at` moves behind it. kMore: there is no whole line yet, and `at`
  // stays. kEnd: the data's end, or its end marker. `last`: no more data will come.
  Found next(std::string_view data, size_t& at, bool last, std::string_view& line);
  Error take_error() { return std::move(error_); }
  // Where in the data the error is.
  size_t looked_at() const { return looked_at_; }
  // How many line ends stood inside the quotes of the last line: they count as lines too.
  uint64_t inner_lines() const { return inner_lines_; }

 private:
  enum class LineEnd : uint8_t { kUnknown, kNewline, kReturn, kBoth };
  enum class Marker : uint8_t { kNone, kEnd, kMore, kError };
  Found carriage_return(std::string_view data, size_t& at, size_t begin, size_t found, bool last,
                        std::string_view& line);
  Found fail(const char* message, const char* hint = "");
  Marker end_marker(std::string_view data, size_t backslash, bool last);

  const CopyLineFormat format_;
  LineEnd line_end_ = LineEnd::kUnknown;
  bool ended_ = false;
  uint64_t inner_lines_ = 0;
  size_t looked_at_ = 0;
  Error error_;
};

}  // namespace merganser::pgwire

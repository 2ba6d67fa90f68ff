#include "pgwire/copy_lines.h"

#include "pgwire/find_any.h"

namespace merganser::pgwire {

using Found = CopyLineScanner::Found;

Found CopyLineScanner::fail(const char* message, const char* hint) {
  error_ = make_error(ErrorCode::kBadCopyFileFormat, message, {}, hint);
  return Found::kError;
}

Found CopyLineScanner::next(std::string_view data, size_t& at, bool last, std::string_view& line) {
  if (ended_ || (last && at == data.size())) return Found::kEnd;
  const size_t begin = at;
  const bool csv = format_.csv;
  // In quotes the escape character takes away the meaning of a quote; where both are the same, doubling does it.
  const char escape = format_.escape == format_.quote ? '\0' : format_.escape;
  bool in_quote = false;
  bool escaped = false;
  inner_lines_ = 0;
  size_t i = begin;
  while (true) {
    const char* const found =
        csv ? find_any<5>(data.data() + i, data.data() + data.size(), {'\n', '\r', format_.quote, format_.escape, '\\'})
            : find_any<3>(data.data() + i, data.data() + data.size(), {'\n', '\r', '\\'});
    const auto here = static_cast<size_t>(found - data.data());
    if (here > i) escaped = false;
    i = looked_at_ = here;
    if (i == data.size()) {
      if (!last) return Found::kMore;
      line = data.substr(begin);
      at = data.size();
      return Found::kLine;
    }
    const char c = data[i];
    if (csv) {
      if (in_quote && escape != '\0' && c == escape) escaped = !escaped;
      if (c == format_.quote && !escaped) in_quote = !in_quote;
      if (c != escape || escape == '\0') escaped = false;
      if (in_quote && c == (line_end_ == LineEnd::kNewline ? '\n' : '\r')) inner_lines_++;
    }
    if (c == '\r' && !in_quote) return carriage_return(data, at, begin, i, last, line);
    if (c == '\n' && !in_quote) {
      if (line_end_ == LineEnd::kReturn || line_end_ == LineEnd::kBoth) {
        return csv ? fail("unquoted newline found in data", "Use quoted CSV field to represent newline.")
                   : fail("literal newline found in data", "Use \"\\n\" to represent newline.");
      }
      line_end_ = LineEnd::kNewline;
      line = data.substr(begin, i - begin);
      at = i + 1;
      return Found::kLine;
    }
    if (c == '\\' && (!csv || i == begin)) {
      if (i + 1 == data.size() && !last) return Found::kMore;
      if (i + 1 < data.size() && data[i + 1] == '.') {
        const Marker marker = end_marker(data, i, last);
        if (marker == Marker::kMore) return Found::kMore;
        if (marker == Marker::kError) return Found::kError;
        if (marker == Marker::kEnd) {
          ended_ = true;
          at = data.size();
          line = data.substr(begin, i - begin);
          return line.empty() ? Found::kEnd : Found::kLine;
        }
      } else if (!csv && i + 1 < data.size()) {
        i++;  // what follows a backslash has no meaning of its own
      }
    }
    i++;
  }
}

Found CopyLineScanner::carriage_return(std::string_view data, size_t& at, size_t begin, size_t found, bool last,
                                       std::string_view& line) {
  const auto mixed = [this] {
    return format_.csv
               ? fail("unquoted carriage return found in data", "Use quoted CSV field to represent carriage return.")
               : fail("literal carriage return found in data", "Use \"\\r\" to represent carriage return.");
  };
  if (line_end_ == LineEnd::kNewline) return mixed();
  size_t length = 1;
  if (line_end_ != LineEnd::kReturn) {
    if (found + 1 == data.size() && !last) return Found::kMore;
    if (found + 1 < data.size() && data[found + 1] == '\n') {
      line_end_ = LineEnd::kBoth;
      length = 2;
    } else {
      if (line_end_ == LineEnd::kBoth) return mixed();
      line_end_ = LineEnd::kReturn;
    }
  }
  line = data.substr(begin, found - begin);
  at = found + length;
  return Found::kLine;
}

// "\." and the end of a line. In CSV anything else makes it data.
CopyLineScanner::Marker CopyLineScanner::end_marker(std::string_view data, size_t backslash, bool last) {
  size_t at = backslash + 2;
  const auto take = [&]() { return at < data.size() ? data[at++] : '\0'; };
  const size_t wanted = line_end_ == LineEnd::kBoth ? 2 : 1;
  if (data.size() - at < wanted && !last) return Marker::kMore;
  const auto wrong = [this](const char* message) {
    if (format_.csv) return Marker::kNone;
    fail(message);
    return Marker::kError;
  };
  constexpr const char* kCorrupt = "end-of-copy marker corrupt";
  constexpr const char* kMismatch = "end-of-copy marker does not match previous newline style";
  if (line_end_ == LineEnd::kBoth) {
    const char first = take();
    if (first == '\n') return wrong(kMismatch);
    if (first != '\r') return wrong(kCorrupt);
  }
  const char end = take();
  if (end != '\r' && end != '\n') return wrong(kCorrupt);
  const bool newline = line_end_ == LineEnd::kNewline || line_end_ == LineEnd::kBoth;
  if ((newline && end != '\n') || (line_end_ == LineEnd::kReturn && end != '\r')) {
    fail(kMismatch);  // in CSV too
    return Marker::kError;
  }
  return Marker::kEnd;
}

}  // namespace merganser::pgwire

#include "cli/statement_splitter.h"

#include <algorithm>

namespace merganser::cli {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80) != 0;
}

}  // namespace

void StatementSplitter::feed(std::string_view text) {
  buffer_.erase(0, begin_);
  at_ -= begin_;
  begin_ = 0;
  buffer_ += text;
}

std::optional<SqlStatement> StatementSplitter::next(bool final) {
  while (true) {
    scan(final);
    if (found_end_) {
      const bool content = has_content_;
      SqlStatement statement = take(at_, at_ + 1);
      if (content) return statement;
      continue;  // ";;" or a comment alone
    }
    if (final && has_content_) return take(buffer_.size(), buffer_.size());
    if (final) clear();
    return std::nullopt;
  }
}

bool StatementSplitter::empty() {
  scan(false);
  return !has_content_ && !found_end_ && state_ == State::kPlain;
}

char StatementSplitter::open_quote() const {
  switch (state_) {
    case State::kSingle:
    case State::kEscapeString:
      return '\'';
    case State::kDouble:
      return '"';
    case State::kDollar:
      return '$';
    case State::kBlockComment:
      return '*';
    default:
      return 0;
  }
}

void StatementSplitter::clear() {
  *this = StatementSplitter();
}

void StatementSplitter::scan(bool final) {
  while (!found_end_ && at_ < buffer_.size() && step(final)) {
  }
}

SqlStatement StatementSplitter::take(size_t end, size_t next_begin) {
  const auto lines_between = [&](size_t from, size_t to) {
    const auto start = buffer_.begin();
    return static_cast<size_t>(
        std::count(start + static_cast<ptrdiff_t>(from), start + static_cast<ptrdiff_t>(to), '\n'));
  };
  size_t first = begin_;
  while (first < end && is_space(buffer_[first])) ++first;
  size_t last = end;
  while (last > first && is_space(buffer_[last - 1])) --last;
  SqlStatement statement{buffer_.substr(first, last - first), line_ + lines_between(begin_, first)};
  line_ += lines_between(begin_, next_begin);
  begin_ = at_ = next_begin;
  state_ = State::kPlain;
  has_content_ = found_end_ = false;
  return statement;
}

bool StatementSplitter::step(bool final) {
  const char c = buffer_[at_];
  const bool has_next = at_ + 1 < buffer_.size();
  switch (state_) {
    case State::kPlain:
      return step_plain(final);
    case State::kSingle:
    case State::kDouble:
      // A doubled quote closes and opens again: no need to look ahead.
      if (c == (state_ == State::kSingle ? '\'' : '"')) state_ = State::kPlain;
      break;
    case State::kEscapeString:
      if (c == '\\') {
        if (!has_next && !final) return false;
        ++at_;
      } else if (c == '\'') {
        // Here a doubled quote must be seen as such: what follows is still an escape string.
        if (!has_next && !final) return false;
        if (has_next && buffer_[at_ + 1] == '\'') {
          ++at_;
        } else {
          state_ = State::kPlain;
        }
      }
      break;
    case State::kDollar:
      if (c == '$') {
        if (buffer_.size() - at_ < dollar_tag_.size() && !final) return false;
        if (buffer_.compare(at_, dollar_tag_.size(), dollar_tag_) == 0) {
          at_ += dollar_tag_.size() - 1;
          state_ = State::kPlain;
        }
      }
      break;
    case State::kLineComment:
      if (c == '\n') state_ = State::kPlain;
      break;
    case State::kBlockComment:
      if (c == '*' || c == '/') {
        if (!has_next && !final) return false;
        const char after = has_next ? buffer_[at_ + 1] : '\0';
        if (c == '*' && after == '/') {
          ++at_;
          if (--comment_depth_ == 0) state_ = State::kPlain;
        } else if (c == '/' && after == '*') {
          ++at_;
          ++comment_depth_;
        }
      }
      break;
  }
  at_ = std::min(at_ + 1, buffer_.size());
  return true;
}

bool StatementSplitter::step_plain(bool final) {
  const char c = buffer_[at_];
  const bool has_next = at_ + 1 < buffer_.size();
  if (c == ';') {
    found_end_ = true;
    return true;
  }
  if ((c == '-' || c == '/') && !has_next && !final) return false;
  if (c == '-' && has_next && buffer_[at_ + 1] == '-') {
    state_ = State::kLineComment;
    at_ += 2;
    return true;
  }
  if (c == '/' && has_next && buffer_[at_ + 1] == '*') {
    state_ = State::kBlockComment;
    comment_depth_ = 1;
    at_ += 2;
    return true;
  }
  if (c == '$') return begin_dollar_quote(final);
  if (c == '\'') {
    const bool escape = at_ > begin_ && (buffer_[at_ - 1] == 'e' || buffer_[at_ - 1] == 'E') &&
                        (at_ == begin_ + 1 || !is_name_byte(buffer_[at_ - 2]));
    state_ = escape ? State::kEscapeString : State::kSingle;
  } else if (c == '"') {
    state_ = State::kDouble;
  }
  if (!is_space(c)) has_content_ = true;
  ++at_;
  return true;
}

// $$ or $tag$; "$1" and "a$b" are no quotes.
bool StatementSplitter::begin_dollar_quote(bool final) {
  has_content_ = true;
  const bool inside_name = at_ > begin_ && is_name_byte(buffer_[at_ - 1]);
  size_t end = at_ + 1;
  while (end < buffer_.size() && is_name_byte(buffer_[end])) ++end;
  if (end == buffer_.size() && !final && !inside_name) return false;
  const bool digit = end > at_ + 1 && buffer_[at_ + 1] >= '0' && buffer_[at_ + 1] <= '9';
  if (inside_name || digit || end == buffer_.size() || buffer_[end] != '$') {
    ++at_;
    return true;
  }
  dollar_tag_ = buffer_.substr(at_, end + 1 - at_);
  state_ = State::kDollar;
  at_ = end + 1;
  return true;
}

}  // namespace merganser::cli

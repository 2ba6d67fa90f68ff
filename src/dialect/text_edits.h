// Changes to a text, gathered in any order and applied at once.
//
// Threads: a value.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace merganser::dialect {

class TextEdits {
 public:
  // Bytes [begin, end) become `text`. Edits may not overlap: of two that do, the first added counts.
  void replace(size_t begin, size_t end, std::string text) { add(begin, end, std::move(text), next_++); }
  // Puts texts around [begin, end). What is wrapped later lies outside of what was wrapped before.
  void wrap(size_t begin, size_t end, std::string before, std::string after) {
    add(begin, begin, std::move(before), -next_++);
    add(end, end, std::move(after), next_++);
  }
  void remove(size_t begin, size_t end) { replace(begin, end, ""); }
  bool empty() const { return edits_.empty(); }
  // The part [begin, end) of the text with the edits that lie within it.
  std::string apply(std::string_view text, size_t begin, size_t end) const;
  std::string apply(std::string_view text) const { return apply(text, 0, text.size()); }

 private:
  struct Edit {
    size_t begin;
    size_t end;
    std::string text;
    long rank;  // among those that begin at one place
  };
  void add(size_t begin, size_t end, std::string text, long rank) {
    edits_.push_back({begin, end, std::move(text), rank});
  }
  std::vector<Edit> edits_;
  long next_ = 1;
};

}  // namespace merganser::dialect

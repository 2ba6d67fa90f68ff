// Changes to a statement's text, collected in any order and made at once, with the way back for places in errors.
//
// Threads: one at a time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "engine/live_names.h"

namespace merganser::engine {

class TextEdits {
 public:
  // Bytes [begin, end) become `text`. Those of different edits do not overlap.
  void replace(size_t begin, size_t end, std::string text);
  // `text` stands before byte `at`, and before what was put there earlier.
  void insert(size_t at, std::string text);
  // `text` stands after what ends at byte `at`, whatever else is put there.
  void append(size_t at, std::string text);
  bool empty() const { return edits_.empty(); }
  // Whether something changes within bytes [begin, end).
  bool touches(size_t begin, size_t end) const;

  LiveRewrite apply(std::string_view sql) const;

 private:
  struct Edit {
    size_t begin;
    size_t end;
    std::string text;
    bool last = false;  // of those at one place
  };
  std::vector<Edit> edits_;
};

}  // namespace merganser::engine

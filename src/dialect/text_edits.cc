#include "dialect/text_edits.h"

#include <algorithm>
#include <tuple>

namespace merganser::dialect {

std::string TextEdits::apply(std::string_view text, size_t begin, size_t end) const {
  std::vector<const Edit*> sorted;
  for (const Edit& edit : edits_) {
    if (edit.begin >= begin && edit.end <= end) sorted.push_back(&edit);
  }
  // What is put in between goes before what is put in place of something.
  std::sort(sorted.begin(), sorted.end(), [](const Edit* a, const Edit* b) {
    return std::tuple(a->begin, a->begin != a->end, a->rank) < std::tuple(b->begin, b->begin != b->end, b->rank);
  });
  std::string out;
  size_t copied = begin;
  for (const Edit* edit : sorted) {
    if (edit->begin < copied) continue;
    out += text.substr(copied, edit->begin - copied);
    // A blank where something stood: its neighbours must not grow together.
    out += edit->text.empty() ? " " : edit->text;
    copied = edit->end;
  }
  return out += text.substr(copied, end - copied);
}

}  // namespace merganser::dialect

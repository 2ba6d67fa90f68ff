#include "engine/text_edits.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace merganser::engine {
namespace {

int characters(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](unsigned char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

void TextEdits::replace(size_t begin, size_t end, std::string text) {
  edits_.push_back({begin, end, std::move(text), false});
}

void TextEdits::append(size_t at, std::string text) {
  edits_.push_back({at, at, std::move(text), true});
}

void TextEdits::insert(size_t at, std::string text) {
  for (Edit& edit : edits_) {
    if (edit.begin != at || edit.end != at || edit.last) continue;
    edit.text.insert(0, text);
    return;
  }
  edits_.push_back({at, at, std::move(text), false});
}

bool TextEdits::touches(size_t begin, size_t end) const {
  return std::any_of(edits_.begin(), edits_.end(), [&](const Edit& e) { return e.begin >= begin && e.begin < end; });
}

LiveRewrite TextEdits::apply(std::string_view sql) const {
  std::vector<Edit> sorted = edits_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Edit& a, const Edit& b) {
    return std::tuple(a.begin, a.end, a.last) < std::tuple(b.begin, b.end, b.last);
  });
  LiveRewrite out;
  size_t copied = 0;
  int old_at = 0;
  int new_at = 0;
  for (const Edit& edit : sorted) {
    const std::string_view between = sql.substr(copied, edit.begin - copied);
    out.text += between;
    old_at += characters(between);
    new_at += characters(between);
    const int old_length = characters(sql.substr(edit.begin, edit.end - edit.begin));
    const int new_length = characters(edit.text);
    out.edits.push_back({new_at, new_at + new_length, old_at, old_at + old_length});
    out.text += edit.text;
    old_at += old_length;
    new_at += new_length;
    copied = edit.end;
  }
  out.text += sql.substr(copied);
  return out;
}

}  // namespace merganser::engine

#include "pgwire/json_check.h"

#include <string>

namespace merganser::pgwire {

namespace {

constexpr size_t kMaxDepth = 1000;

class JsonChecker {
 public:
  explicit JsonChecker(std::string_view text) : in_(text) {}

  // Without recursion: `open_` holds the brackets that wait for their end.
  bool check() {
    bool want_value = true;
    while (true) {
      skip_spaces();
      if (want_value) {
        if (take('[') || take('{')) {
          if (open_.size() == kMaxDepth) return false;
          open_.push_back(last_);
          skip_spaces();
          if (take(closing())) {
            open_.pop_back();
            want_value = false;
          } else if (!key_if_object()) {
            return false;
          }
          continue;
        }
        if (!scalar()) return false;
        want_value = false;
      } else if (open_.empty()) {
        return in_.empty();
      } else if (take(',')) {
        skip_spaces();
        if (!key_if_object()) return false;
        want_value = true;
      } else if (take(closing())) {
        open_.pop_back();
      } else {
        return false;
      }
    }
  }

 private:
  char closing() const { return open_.back() == '[' ? ']' : '}'; }
  bool take(char c) {
    if (in_.empty() || in_.front() != c) return false;
    last_ = c;
    in_.remove_prefix(1);
    return true;
  }
  void skip_spaces() {
    while (!in_.empty() && (in_[0] == ' ' || in_[0] == '\t' || in_[0] == '\n' || in_[0] == '\r')) in_.remove_prefix(1);
  }
  bool key_if_object() {
    if (open_.back() != '{') return true;
    if (!string()) return false;
    skip_spaces();
    return take(':');
  }
  bool word(std::string_view literal) {
    if (!in_.starts_with(literal)) return false;
    in_.remove_prefix(literal.size());
    return true;
  }
  bool scalar() { return word("true") || word("false") || word("null") || string() || number(); }
  bool string() {
    if (!take('"')) return false;
    while (!in_.empty()) {
      const char c = in_.front();
      in_.remove_prefix(1);
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c == '\\' && !escape()) return false;
    }
    return false;
  }
  bool escape() {
    if (in_.empty()) return false;
    const char c = in_.front();
    in_.remove_prefix(1);
    if (c != 'u') return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
    if (in_.size() < 4 || in_.substr(0, 4).find_first_not_of("0123456789abcdefABCDEF") != in_.npos) return false;
    in_.remove_prefix(4);
    return true;
  }
  bool digits() {
    size_t count = 0;
    while (count < in_.size() && in_[count] >= '0' && in_[count] <= '9') ++count;
    in_.remove_prefix(count);
    return count > 0;
  }
  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      return digits();
    }
    return true;
  }

  std::string_view in_;
  std::string open_;
  char last_ = '\0';
};

}  // namespace

bool is_json(std::string_view text) {
  return JsonChecker(text).check();
}

}  // namespace merganser::pgwire

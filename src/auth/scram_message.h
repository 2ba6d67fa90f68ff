// Reads the attributes of a SCRAM message ("n,,n=user,r=nonce") with PostgreSQL's words for what is wrong.
//
// Threads: one thread at a time. Does not own the message. The first problem sticks; ask ok() after reading.
#pragma once

#include <fmt/format.h>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace merganser::auth {

inline Error malformed_scram(std::string detail) {
  return make_error(ErrorCode::kProtocolViolation, "malformed SCRAM message", std::move(detail));
}

class ScramMessage {
 public:
  explicit ScramMessage(std::string_view message) : all_(message), rest_(message) {}

  bool ok() const { return !problem_.has_value(); }
  Error take_error() { return std::move(*problem_); }
  void fail(std::string detail) {
    if (ok()) problem_ = malformed_scram(std::move(detail));
  }
  bool at_end() const { return rest_.empty(); }
  // How far it has read: the client's final message is signed up to its proof.
  size_t offset() const { return all_.size() - rest_.size(); }

  // The next character without taking it; zero at the end.
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  void skip() {
    if (!rest_.empty()) rest_.remove_prefix(1);
  }
  void comma() {
    if (peek() != ',') return fail(fmt::format("Comma expected, but found character \"{}\".", shown()));
    skip();
  }
  // "name=value", with the comma behind it.
  std::string_view attribute(char name) {
    if (peek() != name) {
      fail(fmt::format("Expected attribute \"{}\" but found \"{}\".", name, shown()));
      return {};
    }
    return any_attribute().second;
  }
  std::pair<char, std::string_view> any_attribute() {
    const char name = peek();
    if (!((name >= 'a' && name <= 'z') || (name >= 'A' && name <= 'Z'))) {
      fail(at_end() ? "Attribute expected, but found end of string."
                    : fmt::format("Attribute expected, but found invalid character \"{}\".", shown()));
      return {};
    }
    skip();
    if (peek() != '=') {
      fail(fmt::format("Expected character \"=\" for attribute \"{}\".", name));
      return {};
    }
    skip();
    const size_t end = rest_.find(',');
    const std::string_view value = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    return {name, value};
  }
  // The next character as PostgreSQL shows it: in quotes; control and high bytes as hexadecimal.
  std::string shown() const {
    const auto c = static_cast<unsigned char>(peek());
    return c >= 0x21 && c <= 0x7E ? fmt::format("'{}'", static_cast<char>(c)) : fmt::format("0x{:02x}", c);
  }

 private:
  std::string_view all_;
  std::string_view rest_;
  std::optional<Error> problem_;
};

}  // namespace merganser::auth

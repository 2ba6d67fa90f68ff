#include "dialect/datetime_pattern.h"

#include <array>
#include <cctype>

namespace merganser::dialect {
namespace {

struct Piece {
  std::string_view postgres;
  std::string_view strftime;
  bool any_case;  // the case of the pattern does not matter to what is written
};
// Longer ones first.
constexpr std::array<Piece, 18> kPieces{{{"HH24", "%H", true},
                                         {"HH12", "%I", true},
                                         {"YYYY", "%Y", true},
                                         {"IYYY", "%G", true},
                                         {"DDD", "%j", true},
                                         {"Mon", "%b", false},
                                         {"YY", "%y", true},
                                         {"MM", "%m", true},
                                         {"DD", "%d", true},
                                         {"HH", "%I", true},
                                         {"MI", "%M", true},
                                         {"SS", "%S", true},
                                         {"MS", "%g", true},
                                         {"US", "%f", true},
                                         {"AM", "%p", false},
                                         {"PM", "%p", false},
                                         {"IW", "%V", true},
                                         {"Dy", "%a", false}}};

bool begins(std::string_view text, const Piece& piece) {
  if (text.size() < piece.postgres.size()) return false;
  for (size_t i = 0; i < piece.postgres.size(); i++) {
    const bool same = piece.any_case ? std::toupper(static_cast<unsigned char>(text[i])) == piece.postgres[i]
                                     : text[i] == piece.postgres[i];
    if (!same) return false;
  }
  return true;
}

}  // namespace

std::optional<std::string> strftime_pattern(std::string_view pattern, bool reading) {
  std::string out;
  for (size_t i = 0; i < pattern.size();) {
    const std::string_view left = pattern.substr(i);
    const Piece* found = nullptr;
    for (const Piece& piece : kPieces) {
      if (begins(left, piece)) {
        found = &piece;
        break;
      }
    }
    // "Month" and "Day" begin like others.
    if (found != nullptr && (left.starts_with("Month") || left.starts_with("DDth"))) return std::nullopt;
    if (found != nullptr) {
      if (reading && (found->strftime == "%G" || found->strftime == "%V" || found->strftime == "%a"))
        return std::nullopt;
      out += found->strftime;
      i += found->postgres.size();
    } else if (left[0] == '"') {
      const size_t end = left.find('"', 1);
      if (end == left.npos || left.substr(1, end - 1).find('%') != left.npos) return std::nullopt;
      out += left.substr(1, end - 1);
      i += end + 1;
    } else if (std::isalnum(static_cast<unsigned char>(left[0])) != 0 || left[0] == '%' || left[0] == '\\') {
      return std::nullopt;
    } else {
      out += left[0];
      i++;
    }
  }
  return out;
}

}  // namespace merganser::dialect

#include "cli/array_json.h"

#include "cli/type_oids.h"

namespace merganser::cli {
namespace {

constexpr int kMaxDepth = 64;

// A recursive descent over array_in's grammar (PostgreSQL manual 8.15.6).
class ArrayText {
 public:
  using Element = std::function<std::string(std::optional<std::string_view>)>;
  ArrayText(std::string_view text, const Element& element) : rest_(text), element_(element) {}

  std::optional<std::string> whole() {
    // Other lower bounds than 1 stand in front: "[0:1]={1,2}".
    if (rest_.starts_with('[')) {
      const size_t equals = rest_.find("]={");
      if (equals == std::string_view::npos) return std::nullopt;
      rest_.remove_prefix(equals + 2);
    }
    auto json = array(0);
    return rest_.empty() ? json : std::nullopt;
  }

 private:
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::optional<std::string> array(int depth) {
    if (depth > kMaxDepth || !take('{')) return std::nullopt;
    std::string json = "[";
    if (take('}')) return json + "]";
    while (true) {
      const auto item = rest_.starts_with('{') ? array(depth + 1) : rest_.starts_with('"') ? quoted() : bare();
      if (!item) return std::nullopt;
      json += *item;
      if (take('}')) return json + "]";
      if (!take(',')) return std::nullopt;
      json += ",";
    }
  }

  std::optional<std::string> quoted() {
    rest_.remove_prefix(1);
    std::string value;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return element_(value);
      if (c == '\\') {
        if (rest_.empty()) return std::nullopt;
        value += rest_.front();
        rest_.remove_prefix(1);
      } else {
        value += c;
      }
    }
    return std::nullopt;
  }

  std::optional<std::string> bare() {
    const size_t end = rest_.find_first_of(",}");
    if (end == std::string_view::npos || end == 0) return std::nullopt;
    const std::string_view value = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return value == "NULL" ? element_(std::nullopt) : element_(value);
  }

  std::string_view rest_;
  const Element& element_;
};

}  // namespace

uint32_t element_type(uint32_t array_type) {
  struct Pair {
    uint32_t array;
    uint32_t element;
  };
  // Types whose values are JSON strings need not be told apart: text stands for them.
  static constexpr uint32_t kText = 25;
  static constexpr Pair kPairs[] = {
      {1000, kBoolOid},   {1005, kInt2Oid},    {1007, kInt4Oid}, {1016, kInt8Oid},  {1028, kOidOid}, {1021, kFloat4Oid},
      {1022, kFloat8Oid}, {1231, kNumericOid}, {199, kJsonOid},  {3807, kJsonbOid}, {1009, kText},   {1015, kText},
      {1014, kText},      {1182, kText},       {1183, kText},    {1270, kText},     {1115, kText},   {1185, kText},
      {1187, kText},      {2951, kText},       {1001, kText},    {1561, kText},     {1563, kText}};
  for (const Pair& pair : kPairs) {
    if (pair.array == array_type) return pair.element;
  }
  return 0;
}

std::optional<std::string> array_json(std::string_view text,
                                      const std::function<std::string(std::optional<std::string_view>)>& element) {
  return ArrayText(text, element).whole();
}

}  // namespace merganser::cli

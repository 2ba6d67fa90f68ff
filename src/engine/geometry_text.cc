// GEOMETRY, which DuckDB stores as well-known binary, as well-known text.
#include <cmath>
#include <optional>

#include "engine/value_text.h"

namespace merganser::engine {

namespace {

constexpr int kMaxDepth = 64;  // collections in collections
constexpr std::string_view kNames[] = {"POINT",           "LINESTRING",   "POLYGON",           "MULTIPOINT",
                                       "MULTILINESTRING", "MULTIPOLYGON", "GEOMETRYCOLLECTION"};
enum Kind : uint32_t { kPoint = 1, kLine, kPolygon, kMultiPoint, kMultiLine, kMultiPolygon, kCollection };

// Every reader answers false when the bytes end too early or make no sense.
class WkbReader {
 public:
  WkbReader(TextSink& sink, std::string_view bytes) : sink_(sink), in_(bytes) {}

  bool geometry(int depth, bool with_name) {
    uint8_t order = 0;
    uint32_t type = 0;
    if (depth > kMaxDepth || !read(order) || order != 1 || !read(type)) return false;
    const uint32_t kind = type % 1000;
    const uint32_t extra = type / 1000;  // 1: z, 2: m, 3: both
    if (kind < kPoint || kind > kCollection || extra > 3) return false;
    width_ = extra == 0 ? 2 : extra == 3 ? 4 : 3;
    if (with_name) {
      sink_.append(kNames[kind - 1]);
      constexpr std::string_view kSuffix[] = {" ", " Z ", " M ", " ZM "};
      sink_.append(kSuffix[extra]);
    }
    if (kind == kPoint) return point(with_name);
    if (kind == kLine) return sequence([this] { return vertex(); });
    if (kind == kPolygon) {
      return sequence([this] { return sequence([this] { return vertex(); }); });
    }
    return sequence([this, depth, kind] { return geometry(depth + 1, kind == kCollection); });
  }
  bool at_end() const { return in_.empty(); }

 private:
  template <typename T>
  bool read(T& value) {
    if (in_.size() < sizeof value) return false;
    std::memcpy(&value, in_.data(), sizeof value);
    in_.remove_prefix(sizeof value);
    return true;
  }
  bool vertex() {
    for (int i = 0; i < width_; ++i) {
      double number = 0;
      if (!read(number)) return false;
      if (i > 0) sink_.put(' ');
      sink_.wrote_to(write_double(sink_.room(), number));
    }
    return true;
  }
  // An empty point is one whose coordinates are all NaN. Inside a MULTIPOINT points have no parentheses of their own.
  bool point(bool parentheses) {
    bool empty = true;
    for (size_t i = 0; i < static_cast<size_t>(width_); ++i) {
      double number = 0;
      if (in_.size() < (i + 1) * sizeof number) return false;
      std::memcpy(&number, in_.data() + i * sizeof number, sizeof number);
      empty = empty && std::isnan(number);
    }
    if (empty) {
      in_.remove_prefix(static_cast<size_t>(width_) * sizeof(double));
      sink_.append("EMPTY");
      return true;
    }
    if (parentheses) sink_.put('(');
    const bool ok = vertex();
    if (parentheses) sink_.put(')');
    return ok;
  }
  template <typename Item>
  bool sequence(Item item) {
    uint32_t count = 0;
    if (!read(count)) return false;
    if (count == 0) {
      sink_.append("EMPTY");
      return true;
    }
    sink_.put('(');
    for (uint32_t i = 0; i < count; ++i) {
      if (i > 0) sink_.append(", ");
      if (!item() || sink_.failed()) return false;
    }
    sink_.put(')');
    return true;
  }

  TextSink& sink_;
  std::string_view in_;
  int width_ = 2;
};

}  // namespace

void append_geometry(TextSink& sink, std::string_view wkb) {
  const size_t start = sink.size();
  WkbReader reader(sink, wkb);
  if ((reader.geometry(0, true) && reader.at_end()) || sink.failed()) return;
  sink.wrote_to(sink.at(start));
  append_blob(sink, wkb);
}

}  // namespace merganser::engine

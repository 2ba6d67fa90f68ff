#include "pgwire/decode_array.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "base/bytes.h"
#include "pgwire/decode_binary.h"
#include "pgwire/decode_text.h"
#include "pgwire/numeric.h"
#include "pgwire/pgtype.h"

namespace merganser::pgwire {

using engine::LogicalType;
using engine::TypeId;
using engine::Value;

namespace {

Error malformed(std::string_view text, std::string detail) {
  return make_error(ErrorCode::kInvalidTextRepresentation, "malformed array literal: \"" + shown(text) + "\"",
                    std::move(detail));
}
Error too_large() {
  return make_error(ErrorCode::kProgramLimitExceeded,
                    "array size exceeds the maximum allowed (" + std::to_string(kMaxArrayElements) + ")");
}
bool is_list(const LogicalType& type) {
  return type.id == TypeId::kList || type.id == TypeId::kArray;
}
bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// Builds the list's text, and finds out how wide a DECIMAL must be for all its numbers.
class ListWriter {
 public:
  ListWriter(int32_t element_oid, const LogicalType* list) : element_oid_(element_oid), list_(list) {
    for (leaf_ = list; leaf_ != nullptr && is_list(*leaf_) && !leaf_->children.empty();) {
      leaf_ = leaf_->children[0].type.get();
    }
    own_leaf_ = element_oid != oid::kUnspecified ? logical_type_of(element_oid) : nullptr;
    if (leaf_ == nullptr) leaf_ = own_leaf_.get();
  }
  const LogicalType* leaf() const { return leaf_; }

  void open() {
    separate();
    out_.push_back('[');
    first_ = true;
    depth_ = std::max(++open_, depth_);
  }
  void close() {
    out_.push_back(']');
    first_ = false;
    --open_;
  }
  void null() {
    separate();
    out_.append("NULL");
  }
  void value(const Value& value) {
    if (const auto* decimal = std::get_if<engine::Decimal>(&value.data)) {
      scale_ = std::max<int>(scale_, decimal->scale);
      whole_ = std::max<int>(whole_, decimal->width - decimal->scale);
    } else if (element_oid_ == oid::kNumeric) {
      inexact_ = true;  // NaN and infinities
    }
    const bool number = value.type >= TypeId::kBoolean && value.type <= TypeId::kBigInt;
    number ? plain(duckdb_text(value)) : quoted(duckdb_text(value));
  }
  void quoted(std::string_view text) {
    separate();
    out_.push_back('"');
    for (const char c : text) {
      if (c == '"' || c == '\\') out_.push_back('\\');
      out_.push_back(c);
    }
    out_.push_back('"');
  }
  ListText finish() {
    if (list_ != nullptr && is_list(*list_)) return {std::move(out_), list_->to_sql()};
    std::string type = "VARCHAR";
    if (element_oid_ == oid::kNumeric) {
      constexpr int kMaxWidth = 38;
      const int width = std::max(whole_ + scale_, 1);
      type = inexact_ || width > kMaxWidth ? "DOUBLE"
                                           : "DECIMAL(" + std::to_string(width) + "," + std::to_string(scale_) + ")";
    } else if (own_leaf_ != nullptr) {
      type = own_leaf_->to_sql();
    }
    for (int i = 0; i < std::max(depth_, 1); ++i) type += "[]";
    return {std::move(out_), std::move(type)};
  }

 private:
  void separate() {
    if (!first_) out_.append(", ");
    first_ = false;
  }
  void plain(std::string_view text) {
    separate();
    out_.append(text);
  }

  int32_t element_oid_;
  const LogicalType* list_;
  const LogicalType* leaf_ = nullptr;
  engine::TypePtr own_leaf_;
  std::string out_;
  bool first_ = true;
  int open_ = 0, depth_ = 0;
  int scale_ = 0, whole_ = 0;
  bool inexact_ = false;
};

// array_in's syntax: braces, commas, quotes, backslashes, the word NULL.
class ArrayScanner {
 public:
  ArrayScanner(std::string_view text, ListWriter& writer, const TimeZone& zone)
      : whole_(text), in_(trim(text)), writer_(writer), zone_(zone) {}

  Status scan() {
    MERGANSER_TRY(skip_bounds());
    if (peek() != '{') return malformed(whole_, "Array value must start with \"{\" or dimension information.");
    // What the scanner expects: after an opening brace a closing one may follow, after a comma it may not.
    bool after_comma = false, after_item = false;
    do {
      skip_spaces();
      const char c = peek();
      if (in_.empty()) return malformed(whole_, "Unexpected end of input.");
      if (c == '}') {
        if (after_comma) return malformed(whole_, "Unexpected \"}\" character.");
        take();
        writer_.close();
        --depth_;
        after_item = true;
      } else if (c == ',') {
        if (!after_item) return malformed(whole_, "Unexpected \",\" character.");
        take();
        after_item = false, after_comma = true;
        continue;
      } else if (after_item) {
        return malformed(whole_, "Unexpected array element.");
      } else if (c == '{') {
        if (++depth_ > kMaxArrayDimensions) return too_deep();
        take();
        writer_.open();
      } else {
        MERGANSER_TRY(item());
        after_item = true;
      }
      after_comma = false;
    } while (depth_ > 0);
    skip_spaces();
    if (!in_.empty()) return malformed(whole_, "Junk after closing right brace.");
    return {};
  }

 private:
  char peek() const { return in_.empty() ? '\0' : in_.front(); }
  void take() { in_.remove_prefix(1); }
  void skip_spaces() {
    while (!in_.empty() && is_space(in_.front())) take();
  }
  static Error too_deep() {
    return make_error(ErrorCode::kProgramLimitExceeded, "number of array dimensions exceeds the maximum allowed (" +
                                                            std::to_string(kMaxArrayDimensions) + ")");
  }
  // [1:3][0:1]= in front: lists always count from one, so it says nothing that the braces do not.
  Status skip_bounds() {
    if (peek() != '[') return {};
    const size_t equals = in_.find('=');
    const std::string_view bounds = in_.substr(0, equals);
    const bool plausible =
        equals != in_.npos && std::all_of(bounds.begin(), bounds.end(), [](char c) {
          return c == '[' || c == ']' || c == ':' || c == '-' || c == '+' || is_space(c) || (c >= '0' && c <= '9');
        });
    if (!plausible) return malformed(whole_, "Missing \"=\" after array dimensions.");
    in_.remove_prefix(equals + 1);
    skip_spaces();
    return {};
  }

  Status item() {
    if (++items_ > kMaxArrayElements) return too_large();
    if (leaf_depth_ == 0) leaf_depth_ = depth_;
    if (depth_ != leaf_depth_) return malformed(whole_, "Elements stand beside sub-arrays.");
    std::string text;
    bool quoted = false;
    if (peek() == '"') {
      quoted = true;
      MERGANSER_TRY(quoted_item(text));
    } else {
      MERGANSER_TRY(bare_item(text, quoted));
    }
    if (!quoted && text.size() == 4 && std::equal(text.begin(), text.end(), "null", [](char a, char b) {
          return std::tolower(static_cast<unsigned char>(a)) == b;
        })) {
      writer_.null();
      return {};
    }
    return emit(text);
  }
  Status quoted_item(std::string& out) {
    take();
    while (true) {
      if (in_.empty()) return malformed(whole_, "Unexpected end of input.");
      char c = peek();
      take();
      if (c == '"') return {};
      if (c == '\\') {
        if (in_.empty()) return malformed(whole_, "Unexpected end of input.");
        c = peek();
        take();
      }
      out.push_back(c);
    }
  }
  // Up to a comma or brace, without the spaces at its end; a backslash makes the next character plain.
  Status bare_item(std::string& out, bool& escaped) {
    size_t keep = 0;
    while (!in_.empty() && peek() != ',' && peek() != '}') {
      char c = peek();
      if (c == '"' || c == '{') return malformed(whole_, "Unexpected array element.");
      take();
      bool space = is_space(c);
      if (c == '\\') {
        if (in_.empty()) return malformed(whole_, "Unexpected end of input.");
        c = peek();
        take();
        escaped = true, space = false;
      }
      out.push_back(c);
      if (!space) keep = out.size();
    }
    out.resize(keep);
    return {};
  }
  Status emit(const std::string& text) {
    if (writer_.leaf() != nullptr && writer_.leaf()->id != TypeId::kDecimal) {
      MERGANSER_ASSIGN(const auto value, read_text(*writer_.leaf(), text, zone_));
      value ? writer_.value(*value) : writer_.quoted(text);
      return {};
    }
    if (writer_.leaf() != nullptr) {
      // Without a target: each number as wide as it is; the list's type follows from all of them.
      MERGANSER_ASSIGN(const auto value, read_numeric(nullptr, text));
      writer_.value(*value);
      return {};
    }
    writer_.quoted(text);
    return {};
  }

  std::string_view whole_;
  std::string_view in_;
  ListWriter& writer_;
  const TimeZone& zone_;
  int depth_ = 0, leaf_depth_ = 0;
  size_t items_ = 0;
};

Error bad_form() {
  return make_error(ErrorCode::kInvalidBinaryRepresentation, "incorrect binary data format",
                    "The parameter is an array.");
}

// Elements come flat; brackets open and close where a dimension is full.
class BinaryArray {
 public:
  BinaryArray(std::string_view bytes, ListWriter& writer, int32_t element_oid)
      : in_(bytes), writer_(writer), element_oid_(element_oid) {}

  Status read() {
    const auto dimensions = in_.get<int32_t>();
    const auto flags = in_.get<int32_t>();
    const auto element = in_.get<int32_t>();
    if (!element || *dimensions < 0 || (*flags != 0 && *flags != 1)) return bad_form();
    if (*dimensions > kMaxArrayDimensions) {
      return make_error(ErrorCode::kProgramLimitExceeded, "number of array dimensions exceeds the maximum allowed (" +
                                                              std::to_string(kMaxArrayDimensions) + ")");
    }
    if (*element != element_oid_) {
      return make_error(ErrorCode::kDatatypeMismatch, "binary data has array element type " + std::to_string(*element) +
                                                          " instead of expected " + std::to_string(element_oid_));
    }
    size_t count = *dimensions == 0 ? 0 : 1;
    for (int32_t i = 0; i < *dimensions; ++i) {
      const auto length = in_.get<int32_t>();
      if (!length || !in_.get<int32_t>() || *length < 0) return bad_form();
      lengths_.push_back(static_cast<size_t>(*length));
      count *= lengths_.back();
      if (count > kMaxArrayElements) return too_large();
    }
    // Each element has at least its length: a short message cannot claim many.
    if (count > in_.remaining() / 4) return bad_form();
    if (count == 0) {
      writer_.open();
      writer_.close();
      return in_.empty() ? Status() : Status(bad_form());
    }
    MERGANSER_TRY(read_dimension(0));
    return in_.empty() ? Status() : Status(bad_form());
  }

 private:
  Status read_dimension(size_t dimension) {
    if (dimension == lengths_.size()) return read_element();
    writer_.open();
    for (size_t i = 0; i < lengths_[dimension]; ++i) MERGANSER_TRY(read_dimension(dimension + 1));
    writer_.close();
    return {};
  }
  Status read_element() {
    const auto length = in_.get<int32_t>();
    if (!length) return bad_form();
    if (*length == -1) {
      writer_.null();
      return {};
    }
    const auto bytes = *length < 0 ? std::nullopt : in_.get_bytes(static_cast<size_t>(*length));
    if (!bytes) return bad_form();
    if (element_oid_ == oid::kNumeric && writer_.leaf() != nullptr && writer_.leaf()->id == TypeId::kBignum) {
      MERGANSER_ASSIGN(const std::string digits, numeric_text(*bytes));
      writer_.quoted(digits);
      return {};
    }
    MERGANSER_ASSIGN(const Value value, read_binary(element_oid_, *bytes));
    writer_.value(value);
    return {};
  }

  ByteReader in_;
  ListWriter& writer_;
  int32_t element_oid_;
  std::vector<size_t> lengths_;
};

}  // namespace

Result<ListText> read_array_text(std::string_view text, int32_t element_oid, const LogicalType* list,
                                 const TimeZone& zone) {
  ListWriter writer(element_oid, list);
  MERGANSER_TRY(ArrayScanner(text, writer, zone).scan());
  return writer.finish();
}

Result<ListText> read_array_binary(std::string_view bytes, int32_t element_oid, const LogicalType* list) {
  ListWriter writer(element_oid, list);
  MERGANSER_TRY(BinaryArray(bytes, writer, element_oid).read());
  return writer.finish();
}

}  // namespace merganser::pgwire

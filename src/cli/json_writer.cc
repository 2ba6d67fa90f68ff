// JSON: one array of objects a result, or one object a line. Numbers, booleans, arrays and JSON columns are JSON
// values.
#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/array_json.h"
#include "cli/result_writer.h"
#include "cli/text_width.h"
#include "cli/type_oids.h"

namespace merganser::cli {
namespace {

std::string json_string(std::string_view text) {
  std::string result = "\"";
  while (!text.empty()) {
    const auto [value, bytes] = decode_front(text);
    if (value < 0) {
      result += "\\ufffd";  // not UTF-8: JSON has no way to write it
    } else if (value == '"' || value == '\\') {
      result += '\\';
      result += static_cast<char>(value);
    } else if (value == '\n') {
      result += "\\n";
    } else if (value < 0x20) {
      result += fmt::format("\\u{:04x}", value);
    } else {
      result += text.substr(0, bytes);
    }
    text.remove_prefix(bytes);
  }
  return result + "\"";
}

// RFC 8259's number; NaN, Infinity and the like are none and become strings.
bool is_json_number(std::string_view text) {
  return !text.empty() && (text[0] == '-' || (text[0] >= '0' && text[0] <= '9')) && nlohmann::json::accept(text);
}

// A JSON text on one line. Raw line ends can only stand between tokens, where a blank means the same.
std::string on_one_line(std::string_view json) {
  std::string result(json);
  std::ranges::replace_if(
      result, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return result;
}

std::string json_value(uint32_t type, const Cell& cell) {
  if (!cell) return "null";
  if (type == kBoolOid && (*cell == "t" || *cell == "true")) return "true";
  if (type == kBoolOid && (*cell == "f" || *cell == "false")) return "false";
  if (is_numeric_type(type) && is_json_number(*cell)) return std::string(*cell);
  if ((type == kJsonOid || type == kJsonbOid) && nlohmann::json::accept(*cell)) return on_one_line(*cell);
  if (const uint32_t element = element_type(type); element != 0) {
    auto array =
        array_json(*cell, [element](std::optional<std::string_view> value) { return json_value(element, value); });
    if (array) return *array;
  }
  return json_string(*cell);
}

class JsonWriter : public ResultWriter {
 public:
  JsonWriter(Output& output, bool one_object_a_line) : output_(output), lines_(one_object_a_line) {}

  void begin(const std::vector<ResultColumn>& columns) override {
    keys_.clear();
    types_.clear();
    rows_ = 0;
    std::vector<std::string> names;
    for (const ResultColumn& column : columns) {
      names.push_back(unique_name(column.name, names));
      keys_.push_back(json_string(names.back()) + ":");
      types_.push_back(column.type);
    }
    if (!lines_) output_.write("[");
  }

  void row(std::span<const Cell> cells) override {
    if (!lines_) output_.write(rows_ == 0 ? "\n" : ",\n");
    ++rows_;
    output_.write("{");
    for (size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) output_.write(",");
      output_.write(keys_[i]);
      output_.write(json_value(types_[i], cells[i]));
    }
    output_.write(lines_ ? "}\n" : "}");
  }

  void end() override {
    if (!lines_) output_.write(rows_ == 0 ? "]\n" : "\n]\n");
    output_.flush();
  }
  void command(std::string_view) override {}

 private:
  // An object has each key once: a second column "a" is written as "a_2".
  static std::string unique_name(const std::string& name, const std::vector<std::string>& taken) {
    std::string candidate = name;
    for (int n = 2; std::ranges::find(taken, candidate) != taken.end(); ++n) candidate = fmt::format("{}_{}", name, n);
    return candidate;
  }

  Output& output_;
  const bool lines_;
  std::vector<std::string> keys_;
  std::vector<uint32_t> types_;
  size_t rows_ = 0;
};

}  // namespace

std::unique_ptr<ResultWriter> make_json_writer(Output& output, bool one_object_a_line) {
  return std::make_unique<JsonWriter>(output, one_object_a_line);
}

}  // namespace merganser::cli

// Aligned tables. The first rows decide the widths; from then on rows are written as they come.
#include <algorithm>
#include <fmt/format.h>

#include "cli/result_writer.h"
#include "cli/text_width.h"
#include "cli/units.h"

namespace merganser::cli {
namespace {

constexpr size_t kRowsThatDecideWidths = 1000;
constexpr size_t kBytesThatDecideWidths = 8 << 20;  // rows with huge cells are not kept for long
constexpr std::string_view kNull = "NULL";

struct Lines {
  std::string_view vertical, horizontal;
  std::string_view top_left, top_mid, top_right, mid_left, mid_mid, mid_right, low_left, low_mid, low_right;
};
constexpr Lines kUnicodeLines{"│", "─", "┌", "┬", "┐", "├", "┼", "┤", "└", "┴", "┘"};

struct ShownCell {
  std::string text;
  size_t width = 0;
  bool is_null = false;
};

class TableWriter : public ResultWriter {
 public:
  TableWriter(Output& output, const TableStyle& style) : output_(output), style_(style) {}

  void begin(const std::vector<ResultColumn>& columns) override {
    held_.clear();
    held_bytes_ = 0;
    widths_.clear();
    right_.clear();
    names_.clear();
    rows_ = 0;
    started_ = false;
    for (const ResultColumn& column : columns) {
      names_.push_back(shown(column.name));
      widths_.push_back(names_.back().width);
      right_.push_back(is_numeric_type(column.type));
    }
  }

  void row(std::span<const Cell> cells) override {
    ++rows_;
    std::vector<ShownCell> line;
    line.reserve(cells.size());
    for (const Cell& cell : cells) line.push_back(cell ? shown_value(*cell) : ShownCell{std::string(kNull), 4, true});
    if (started_) {
      write_row(line);
      return;
    }
    for (size_t i = 0; i < line.size(); ++i) {
      widths_[i] = std::max(widths_[i], line[i].width);
      held_bytes_ += line[i].text.size();
    }
    held_.push_back(std::move(line));
    if (held_.size() >= kRowsThatDecideWidths || held_bytes_ >= kBytesThatDecideWidths) start();
  }

  void end() override {
    if (!started_) start();
    if (style_.unicode_lines && !names_.empty())
      rule(kUnicodeLines.low_left, kUnicodeLines.low_mid, kUnicodeLines.low_right);
    output_.write(rows_ == 1 ? std::string("(1 row)\n")
                             : fmt::format("({} rows)\n", human_count(static_cast<int64_t>(rows_))));
    output_.flush();
  }

  void command(std::string_view tag) override {
    output_.write(printable(tag));
    output_.write("\n");
    output_.flush();
  }

 private:
  ShownCell shown(std::string_view text) const {
    ShownCell cell{printable(text), 0, false};
    if (style_.max_cell != 0) cell.text = cut_to_width(cell.text, style_.max_cell);
    cell.width = display_width(cell.text);
    return cell;
  }
  // The text NULL is quoted, so that it cannot be taken for a missing value.
  ShownCell shown_value(std::string_view text) const { return text == kNull ? shown("'NULL'") : shown(text); }

  void start() {
    started_ = true;
    if (style_.unicode_lines && !names_.empty())
      rule(kUnicodeLines.top_left, kUnicodeLines.top_mid, kUnicodeLines.top_right);
    if (!names_.empty()) {
      write_row(names_);
      style_.unicode_lines ? rule(kUnicodeLines.mid_left, kUnicodeLines.mid_mid, kUnicodeLines.mid_right)
                           : ascii_rule();
    }
    for (const auto& line : held_) write_row(line);
    held_ = {};
  }

  void rule(std::string_view left, std::string_view mid, std::string_view right) {
    output_.write(left);
    for (size_t i = 0; i < widths_.size(); ++i) {
      if (i > 0) output_.write(mid);
      for (size_t n = 0; n < widths_[i] + 2; ++n) output_.write(kUnicodeLines.horizontal);
    }
    output_.write(right);
    output_.write("\n");
  }

  void ascii_rule() {
    for (size_t i = 0; i < widths_.size(); ++i) {
      if (i > 0) output_.write("+");
      output_.write(std::string(widths_[i] + 2, '-'));
    }
    output_.write("\n");
  }

  void write_row(const std::vector<ShownCell>& line) {
    const std::string_view vertical = style_.unicode_lines ? kUnicodeLines.vertical : "|";
    if (style_.unicode_lines && !line.empty()) output_.write(vertical);
    for (size_t i = 0; i < line.size(); ++i) {
      if (i > 0) output_.write(vertical);
      write_cell(line[i], i, i + 1 == line.size());
    }
    if (style_.unicode_lines && !line.empty()) output_.write(vertical);
    output_.write("\n");
  }

  void write_cell(const ShownCell& cell, size_t column, bool last) {
    const std::string padding(widths_[column] > cell.width ? widths_[column] - cell.width : 0, ' ');
    output_.write(" ");
    if (right_[column]) output_.write(padding);
    if (cell.is_null && style_.dim_nulls) {
      output_.write(fmt::format("\x1b[2m{}\x1b[0m", cell.text));
    } else {
      output_.write(cell.text);
    }
    // Nothing follows the last column of a table without a frame: no blanks at the end of lines.
    const bool framed = style_.unicode_lines;
    if (!right_[column] && (!last || framed)) output_.write(padding);
    if (!last || framed) output_.write(" ");
  }

  Output& output_;
  const TableStyle style_;
  std::vector<ShownCell> names_;
  std::vector<size_t> widths_;
  std::vector<bool> right_;
  std::vector<std::vector<ShownCell>> held_;
  size_t held_bytes_ = 0;
  size_t rows_ = 0;
  bool started_ = false;
};

}  // namespace

std::unique_ptr<ResultWriter> make_table_writer(Output& output, const TableStyle& style) {
  return std::make_unique<TableWriter>(output, style);
}

}  // namespace merganser::cli

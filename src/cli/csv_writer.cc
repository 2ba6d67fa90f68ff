// CSV as RFC 4180 writes it, with a header row. NULL is an empty field, the empty string is "".
#include "cli/result_writer.h"

namespace merganser::cli {
namespace {

class CsvWriter : public ResultWriter {
 public:
  explicit CsvWriter(Output& output) : output_(output) {}

  void begin(const std::vector<ResultColumn>& columns) override {
    for (size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) output_.write(",");
      field(columns[i].name);
    }
    output_.write("\n");
  }

  void row(std::span<const Cell> cells) override {
    for (size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) output_.write(",");
      if (cells[i]) field(*cells[i]);
    }
    output_.write("\n");
  }

  void end() override { output_.flush(); }
  void command(std::string_view) override {}

 private:
  void field(std::string_view text) {
    if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos) {
      output_.write(text);
      return;
    }
    output_.write("\"");
    for (size_t quote; (quote = text.find('"')) != std::string_view::npos; text.remove_prefix(quote + 1)) {
      output_.write(text.substr(0, quote + 1));
      output_.write("\"");
    }
    output_.write(text);
    output_.write("\"");
  }

  Output& output_;
};

}  // namespace

std::unique_ptr<ResultWriter> make_csv_writer(Output& output) {
  return std::make_unique<CsvWriter>(output);
}

}  // namespace merganser::cli

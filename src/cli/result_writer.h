// Writes result sets as a table, CSV, JSON or NDJSON.
//
// Threads: one. A writer is used for many results, one after the other; what it writes to must outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/output.h"

namespace merganser::cli {

struct ResultColumn {
  std::string name;
  uint32_t type = 25;  // PostgreSQL's type number, as the row description has it
};

using Cell = std::optional<std::string_view>;  // nothing is NULL; the text form otherwise

class ResultWriter {
 public:
  virtual ~ResultWriter() = default;
  virtual void begin(const std::vector<ResultColumn>& columns) = 0;
  virtual void row(std::span<const Cell> cells) = 0;  // as many as there are columns
  virtual void end() = 0;                             // after the last row, also of a result that failed half way
  virtual void command(std::string_view tag) = 0;     // a statement without rows has worked, e.g. "INSERT 0 1"
};

enum class OutputFormat : uint8_t { kTable, kCsv, kJson, kNdjson };
std::optional<OutputFormat> parse_output_format(std::string_view name);

struct TableStyle {
  bool unicode_lines = false;
  bool dim_nulls = false;  // terminal colours
  size_t max_cell = 0;     // columns a cell may take; 0 is no limit
};

std::unique_ptr<ResultWriter> make_result_writer(OutputFormat format, Output& output, const TableStyle& style);

std::unique_ptr<ResultWriter> make_table_writer(Output& output, const TableStyle& style);
std::unique_ptr<ResultWriter> make_csv_writer(Output& output);
std::unique_ptr<ResultWriter> make_json_writer(Output& output, bool one_object_a_line);

bool is_numeric_type(uint32_t type);

}  // namespace merganser::cli

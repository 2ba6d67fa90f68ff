#include "cli/result_writer.h"

#include "cli/type_oids.h"

namespace merganser::cli {

std::optional<OutputFormat> parse_output_format(std::string_view name) {
  if (name == "table") return OutputFormat::kTable;
  if (name == "csv") return OutputFormat::kCsv;
  if (name == "json") return OutputFormat::kJson;
  if (name == "ndjson") return OutputFormat::kNdjson;
  return std::nullopt;
}

std::unique_ptr<ResultWriter> make_result_writer(OutputFormat format, Output& output, const TableStyle& style) {
  switch (format) {
    case OutputFormat::kTable:
      return make_table_writer(output, style);
    case OutputFormat::kCsv:
      return make_csv_writer(output);
    case OutputFormat::kJson:
      return make_json_writer(output, false);
    case OutputFormat::kNdjson:
      return make_json_writer(output, true);
  }
  return nullptr;
}

bool is_numeric_type(uint32_t type) {
  switch (type) {
    case kInt8Oid:
    case kInt2Oid:
    case kInt4Oid:
    case kOidOid:
    case kFloat4Oid:
    case kFloat8Oid:
    case kNumericOid:
      return true;
    default:
      return false;
  }
}

}  // namespace merganser::cli

// Feeds bytes to the readers of COPY FROM STDIN. The first four bytes choose format and options, the columns, and where
// the data are cut. Whole or in pieces, the data have to give the same rows, or the same error.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pgwire/copy_reader.h"

namespace {

using namespace merganser;
using engine::TypeId;

// Not assert: release builds fuzz too.
void require(bool holds) {
  if (!holds) std::abort();
}

engine::TypePtr decimal() {
  auto type = std::make_shared<engine::LogicalType>();
  type->id = TypeId::kDecimal;
  type->storage = TypeId::kBigInt;
  type->width = 12;
  type->scale = 3;
  return type;
}

std::vector<engine::Column> columns_of(uint8_t choice) {
  using engine::make_type;
  const std::vector<engine::TypePtr> types{
      make_type(TypeId::kInteger),   make_type(TypeId::kVarchar),     make_type(TypeId::kDouble),
      make_type(TypeId::kTimestamp), make_type(TypeId::kTimestampTz), make_type(TypeId::kDate),
      make_type(TypeId::kBlob),      make_type(TypeId::kUuid),        decimal(),
      make_type(TypeId::kBoolean),   make_type(TypeId::kInterval),    make_type(TypeId::kHugeInt)};
  std::vector<engine::Column> columns{{"a", types[choice % types.size()]}};
  if (choice >= 64) columns.push_back({"b", types[1]});
  if (choice >= 128) columns.push_back({"c", types[(choice / 3) % types.size()]});
  return columns;
}

engine::CopyStatementPtr statement_of(uint8_t choice) {
  auto copy = std::make_shared<engine::CopyStatement>();
  copy->from = true;
  copy->table = copy->table_name = "t";
  engine::CopyOptions& options = copy->options;
  options.format = static_cast<engine::CopyFormat>(choice % 3);
  if (options.format == engine::CopyFormat::kCsv) {
    options.delimiter = ',';
    options.null_text = (choice & 16) != 0 ? "N" : "";
    options.escape = (choice & 32) != 0 ? '\\' : '"';
    if ((choice & 64) != 0) options.force_null = {"a"};
    if ((choice & 128) != 0) options.force_not_null = {"a"};
  }
  if (options.format != engine::CopyFormat::kBinary && (choice & 8) != 0) {
    options.header = (choice & 4) != 0 ? engine::CopyHeader::kMatch : engine::CopyHeader::kSkip;
  }
  return copy;
}

struct Outcome {
  uint64_t rows = 0;
  uint64_t nulls = 0;
  uint64_t bytes = 0;  // of texts
  std::string error;
};

Outcome read_all(uint8_t how, uint8_t what, std::string_view data, size_t cut) {
  const auto reader = pgwire::CopyReader::make(statement_of(how), TimeZone::utc());
  const auto layout = reader->begin(columns_of(what));
  Outcome out;
  if (!layout.ok()) {
    out.error = layout.error().message;
    return out;
  }
  std::vector<session::RowBlock> blocks;
  Status status;
  do {
    const bool last = cut >= data.size();
    status = reader->read(std::string(data.substr(0, cut)), last, blocks);
    data.remove_prefix(std::min(cut, data.size()));
    if (last) break;
  } while (status.ok());
  // Not the whole message: of an invalid character it shows as many bytes as have come.
  if (!status.ok()) out.error = std::string(sqlstate(status.error().code)) + "\n" + status.error().context;
  for (const session::RowBlock& block : blocks) {
    require(block.chunk.columns() == layout->cells.size());
    out.rows += block.chunk.rows();
    for (size_t row = 0; row < block.chunk.rows(); row++) {
      require(!reader->where(block, row).empty());
      for (size_t i = 0; i < layout->cells.size(); i++) {
        if (!block.chunk.column(i).valid(row)) {
          out.nulls++;
        } else if (layout->cells[i].type == TypeId::kVarchar || layout->cells[i].type == TypeId::kBlob) {
          for (const char c : block.chunk.column(i).string_at(row)) out.bytes += static_cast<uint8_t>(c);
        }
      }
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size < 4) return 0;
  const std::string_view data(reinterpret_cast<const char*>(bytes) + 4, size - 4);
  const Outcome whole = read_all(bytes[0], bytes[1], data, data.size() + 1);
  const Outcome parts = read_all(bytes[0], bytes[1], data, size_t{1} + bytes[2] % 64);
  // Rows before an error are dropped with it: only what went well has to be the same.
  require(whole.error == parts.error);
  if (!whole.error.empty()) return 0;
  require(whole.rows == parts.rows && whole.nulls == parts.nulls && whole.bytes == parts.bytes);
  return 0;
}

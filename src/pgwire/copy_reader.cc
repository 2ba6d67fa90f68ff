#include "pgwire/copy_reader.h"

#include <new>

#include "pgwire/copy_binary_reader.h"
#include "pgwire/copy_text_reader.h"
#include "pgwire/decode_text.h"

namespace merganser::pgwire {

using session::RowBlock;

std::shared_ptr<CopyReader> CopyReader::make(engine::CopyStatementPtr copy, TimeZone::Ptr zone) {
  if (copy->options.format == engine::CopyFormat::kBinary) {
    return std::make_shared<CopyBinaryReader>(std::move(copy), std::move(zone));
  }
  return std::make_shared<CopyTextReader>(std::move(copy), std::move(zone));
}

Result<session::SourceLayout> CopyReader::begin(const std::vector<engine::Column>& columns) {
  columns_ = columns;
  cells_ = CopyCells::plan(columns, zone_);
  builder_.emplace(cells_.layout().cells);
  MERGANSER_TRY(begin_rows());
  return cells_.layout();
}

Status CopyReader::read(std::string bytes, bool last, std::vector<RowBlock>& out) {
  try {
    if (rest_.empty()) {
      rest_ = std::move(bytes);
    } else {
      rest_ += bytes;
    }
    if (!last && rest_.size() < wait_for_) return {};
    data_ = std::make_shared<std::string>(std::exchange(rest_, {}));
    builder_->keep(data_);
    size_t used = 0;
    MERGANSER_TRY(read_rows(*data_, last, used, out));
    flush(out);  // so that a chunk keeps no more than these bytes
    if (last) return {};
    rest_ = data_->substr(used);
    wait_for_ = used == 0 ? rest_.size() * 2 : 0;
    if (rest_.size() > kMaxCopyRowBytes) {
      line_++;
      return in_line(make_error(ErrorCode::kProgramLimitExceeded,
                                "a row of COPY is larger than " + std::to_string(kMaxCopyRowBytes) + " bytes"));
    }
    return {};
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::kOutOfMemory, "out of memory while reading COPY data");
  }
}

void CopyReader::end_row(std::vector<RowBlock>& out) {
  if (builder_->rows() == 0) first_line_ = line_;
  if (line_ != first_line_ + builder_->rows()) lines_differ_ = true;
  lines_.push_back(line_);
  builder_->end_row();
  if (builder_->full()) flush(out);
}

void CopyReader::flush(std::vector<RowBlock>& out) {
  if (builder_->rows() == 0) return;
  RowBlock& block = out.emplace_back();
  block.chunk = builder_->take();
  block.first_line = first_line_;
  if (std::exchange(lines_differ_, false)) block.lines = lines_;
  lines_.clear();
  builder_->keep(data_);
}

bool CopyReader::is_null(const RowBlock& block, size_t row, size_t column) const {
  return cells_.is_null(block.chunk, row, column);
}

std::string CopyReader::where(const RowBlock& block, size_t row) const {
  const uint64_t line = block.lines.empty() ? block.first_line + row : block.lines[row];
  return "COPY " + copy_->table_name + ", line " + std::to_string(line);
}

Error CopyReader::in_line(Error error, const std::string& more) const {
  error.context = "COPY " + copy_->table_name + ", line " + std::to_string(line_) + more;
  error.position = 0;
  return error;
}

Error CopyReader::in_column(Error error, size_t column, std::string_view value) const {
  return in_line(std::move(error), ", column " + columns_[column].name + ": \"" + shortened(value) + "\"");
}

// As PostgreSQL repeats data: a hundred bytes, and dots for the rest.
std::string CopyReader::shortened(std::string_view text) {
  constexpr size_t kMost = 100;
  if (text.size() <= kMost) return shown(text);
  size_t length = kMost;
  while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) length--;
  return shown(text.substr(0, length)) + "...";
}

}  // namespace merganser::pgwire

#include "pgwire/copy_text_reader.h"

#include <algorithm>

#include "base/utf8.h"

namespace merganser::pgwire {

using engine::CopyHeader;
using session::RowBlock;

namespace {

constexpr size_t kLineStart = 104;  // bytes that messages may repeat, and a few more to see that there were more

}  // namespace

CopyTextReader::CopyTextReader(engine::CopyStatementPtr copy, TimeZone::Ptr zone)
    : CopyReader(std::move(copy), std::move(zone)),
      csv_(copy_->options.format == engine::CopyFormat::kCsv),
      scanner_({csv_, copy_->options.quote, copy_->options.escape}),
      header_due_(copy_->options.header != CopyHeader::kNone) {}

Status CopyTextReader::begin_rows() {
  MERGANSER_TRY(choose(copy_->options.force_not_null, "FORCE_NOT_NULL", force_not_null_));
  MERGANSER_TRY(choose(copy_->options.force_null, "FORCE_NULL", force_null_));
  forces_ = !copy_->options.force_not_null.empty() || !copy_->options.force_null.empty();
  return {};
}

Status CopyTextReader::choose(const std::vector<std::string>& names, const char* option, std::vector<bool>& out) const {
  out.assign(columns_.size(), false);
  for (const std::string& name : names) {
    const auto found = std::find_if(columns_.begin(), columns_.end(), [&](const engine::Column& column) {
      return engine::is_same_name(column.name, name);
    });
    if (found == columns_.end()) {
      return make_error(ErrorCode::kInvalidColumnReference,
                        std::string(option) + " column \"" + name + "\" not referenced by COPY");
    }
    out[static_cast<size_t>(found - columns_.begin())] = true;
  }
  return {};
}

Status CopyTextReader::read_rows(std::string& data, bool last, size_t& used, std::vector<RowBlock>& out) {
  // The encoding is checked ahead of the lines; what comes before a bad byte is read all the same, as its errors come
  // first. A character may be cut at the end.
  auto bad = find_invalid_utf8(data);
  const size_t zero = data.find('\0');
  if (zero != data.npos && (!bad || zero < *bad)) bad = zero;
  const bool may_be_cut = bad && *bad != zero && !last && data.size() - *bad < 4;
  size_t at = 0;
  while (true) {
    const size_t begin = at;
    std::string_view line;
    const CopyLineScanner::Found found = scanner_.next(data, at, last, line);
    if (found == CopyLineScanner::Found::kEnd) {
      used = data.size();
      return {};
    }
    if (found == CopyLineScanner::Found::kMore) {
      if (bad && !may_be_cut) {
        line_++;
        return in_line(invalid_utf8_error(data, *bad));
      }
      used = begin;
      return {};
    }
    line_++;
    // Up to where the line goes, or its error is; what comes after the end marker is nobody's.
    const size_t end = found == CopyLineScanner::Found::kError
                           ? scanner_.looked_at()
                           : static_cast<size_t>(line.data() - data.data()) + line.size();
    if (bad && *bad < end) {
      return in_line(invalid_utf8_error(data, *bad));
    }
    if (found == CopyLineScanner::Found::kError) return in_line(scanner_.take_error());
    line_ += scanner_.inner_lines();
    if (std::exchange(header_due_, false)) {
      if (copy_->options.header == CopyHeader::kSkip) continue;
      MERGANSER_TRY(split(line));
      MERGANSER_TRY(check_header());
      continue;
    }
    MERGANSER_TRY(read_line(line));
    end_row(out);
  }
}

Status CopyTextReader::split(std::string_view line) {
  line_start_.assign(line.substr(0, kLineStart));
  char* const text = data_->data() + (line.data() - data_->data());
  Status status = csv_ ? split_csv_line(text, line.size(), copy_->options, fields_)
                       : split_text_line(text, line.size(), copy_->options, fields_);
  if (!status.ok()) return in_line(std::move(status).error(), ": \"" + shortened(line_start_) + "\"");
  return {};
}

Status CopyTextReader::read_line(std::string_view line) {
  const auto in_this_line = [this](std::string message) {
    return in_line(make_error(ErrorCode::kBadCopyFileFormat, std::move(message)),
                   ": \"" + shortened(line_start_) + "\"");
  };
  MERGANSER_TRY(split(line));
  if (columns_.empty() && line.empty()) return {};
  if (fields_.size() > columns_.size()) return in_this_line("extra data after last expected column");
  if (forces_) apply_forces();
  for (size_t i = 0; i < columns_.size(); i++) {
    if (i >= fields_.size()) return in_this_line("missing data for column \"" + columns_[i].name + "\"");
    const CopyField& field = fields_[i];
    if (field.null) {
      cells_.put_null(*builder_, i);
      continue;
    }
    Status status = cells_.put_text(*builder_, i, field.text);
    if (!status.ok()) return in_column(std::move(status).error(), i, field.text);
  }
  return {};
}

void CopyTextReader::apply_forces() {
  for (size_t i = 0; i < std::min(fields_.size(), columns_.size()); i++) {
    CopyField& field = fields_[i];
    if (field.null && force_not_null_[i]) {
      field.null = false;
      field.text = copy_->options.null_text;
    } else if (!field.null && force_null_[i] && field.text == copy_->options.null_text) {
      field.null = true;
    }
  }
}

Status CopyTextReader::check_header() {
  const auto mismatch = [this](std::string message) {
    return in_line(make_error(ErrorCode::kBadCopyFileFormat, std::move(message)),
                   ": \"" + shortened(line_start_) + "\"");
  };
  if (fields_.size() != columns_.size()) {
    return mismatch("wrong number of fields in header line: got " + std::to_string(fields_.size()) + ", expected " +
                    std::to_string(columns_.size()));
  }
  for (size_t i = 0; i < fields_.size(); i++) {
    const std::string place = "column name mismatch in header line field " + std::to_string(i + 1) + ": got ";
    const std::string expected = ", expected \"" + columns_[i].name + "\"";
    if (fields_[i].null) return mismatch(place + "null value (\"" + copy_->options.null_text + "\")" + expected);
    if (fields_[i].text != columns_[i].name) {
      return mismatch(place + "\"" + std::string(fields_[i].text) + "\"" + expected);
    }
  }
  return {};
}

}  // namespace merganser::pgwire

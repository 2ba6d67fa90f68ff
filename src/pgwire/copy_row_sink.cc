#include "pgwire/copy_row_sink.h"

#include <algorithm>
#include <cstring>

#include "pgwire/backend.h"
#include "pgwire/copy_binary.h"
#include "pgwire/encode_field.h"
#include "pgwire/find_any.h"

namespace merganser::pgwire {

using engine::CopyFormat;
using engine::TextSink;

namespace {

// The letter after the backslash; '\0' for characters that stand for themselves there.
constexpr char escape_letter(char c) {
  switch (c) {
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    case '\v':
      return 'v';
    default:
      return '\0';
  }
}

size_t begin_message(TextSink& sink) {
  const size_t start = sink.size();
  sink.room()[0] = 'd';
  sink.wrote_to(sink.room() + 5);
  return start;
}

void end_message(TextSink& sink, size_t start) {
  if (!sink.failed()) store_big_endian(sink.at(start + 1), static_cast<uint32_t>(sink.size() - start - 1));
}

}  // namespace

CopyRowSink::CopyRowSink(engine::CopyStatementPtr copy, TimeZone::Ptr zone)
    : copy_(std::move(copy)), zone_(std::move(zone)) {
  const engine::CopyOptions& options = copy_->options;
  const std::string_view specials = options.format == CopyFormat::kText ? "\b\f\n\r\t\v\\" : "\n\r";
  for (const char c : specials) special_[static_cast<uint8_t>(c)] = true;
  special_[static_cast<uint8_t>(options.delimiter)] = true;
  if (options.format != CopyFormat::kCsv) return;
  special_[static_cast<uint8_t>(options.quote)] = true;
}

Status CopyRowSink::begin(const engine::Columns& columns, std::string& out) {
  if (columns->size() > RowEncoder::kMaxColumns) {
    return make_error(ErrorCode::kProgramLimitExceeded, "a row cannot have more than 65535 columns");
  }
  const bool binary = copy_->options.format == CopyFormat::kBinary;
  for (const engine::Column& column : *columns) {
    RowEncoder::Column& added = columns_.emplace_back();
    added.type = column.type;
    added.format = binary ? Format::kBinary : Format::kText;
    added.zone = zone_.get();
    binary ? choose_binary_encoder(added) : choose_text_encoder(added);
  }
  MERGANSER_TRY(choose_forced(*columns));
  for (size_t i = 0; i < columns->size(); i++) plain_.push_back(is_plain(*(*columns)[i].type) && !forced_quote_[i]);
  BackendWriter(out).copy_out_response(binary ? 1 : 0, static_cast<uint16_t>(columns->size()));
  if (binary) {
    pending_ = copy_binary_header();
  } else if (copy_->options.header != engine::CopyHeader::kNone) {
    header_line(*columns, out);
  }
  return {};
}

Status CopyRowSink::choose_forced(const std::vector<engine::Column>& columns) {
  forced_quote_.assign(columns.size(), copy_->options.force_quote_all);
  for (const std::string& name : copy_->options.force_quote) {
    const auto found = std::find_if(columns.begin(), columns.end(), [&](const engine::Column& column) {
      return engine::is_same_name(column.name, name);
    });
    if (found == columns.end()) {
      return make_error(ErrorCode::kInvalidColumnReference,
                        "FORCE_QUOTE column \"" + name + "\" not referenced by COPY");
    }
    forced_quote_[static_cast<size_t>(found - columns.begin())] = true;
  }
  return {};
}

// Whether no text of the type can have a character to escape or quote, nor be the NULL text.
bool CopyRowSink::is_plain(const engine::LogicalType& type) const {
  const engine::CopyOptions& options = copy_->options;
  const bool csv = options.format == CopyFormat::kCsv;
  constexpr std::string_view kSafe = "\t,;|";
  if (kSafe.find(options.delimiter) == kSafe.npos || (csv && (options.quote != '"' || !options.null_text.empty()))) {
    return false;
  }
  switch (type.id) {
    case engine::TypeId::kBoolean:
    case engine::TypeId::kTinyInt:
    case engine::TypeId::kSmallInt:
    case engine::TypeId::kInteger:
    case engine::TypeId::kBigInt:
    case engine::TypeId::kUTinyInt:
    case engine::TypeId::kUSmallInt:
    case engine::TypeId::kUInteger:
    case engine::TypeId::kUBigInt:
    case engine::TypeId::kHugeInt:
    case engine::TypeId::kUHugeInt:
    case engine::TypeId::kDecimal:
    case engine::TypeId::kFloat:
    case engine::TypeId::kDouble:
    case engine::TypeId::kDate:
    case engine::TypeId::kTime:
    case engine::TypeId::kTimestamp:
    case engine::TypeId::kTimestampTz:
    case engine::TypeId::kUuid:
      return true;
    default:
      return false;
  }
}

void CopyRowSink::header_line(const std::vector<engine::Column>& columns, std::string& out) {
  TextSink sink(out, kMaxRowBytes);
  sink.mark();
  const size_t message = begin_message(sink);
  for (size_t i = 0; i < columns.size(); i++) {
    if (i > 0) sink.put(copy_->options.delimiter);
    const size_t start = sink.size();
    sink.append(columns[i].name);
    copy_->options.format == CopyFormat::kCsv ? quote(sink, start, false) : escape(sink, start);
  }
  sink.put('\n');
  end_message(sink, message);
}

Status CopyRowSink::rows(const engine::Chunk& chunk, size_t first, size_t count, std::string& out) {
  TextSink sink(out, kMaxRowBytes);
  sink.expect(std::min(count * (6 + columns_.size() * 16), size_t{256} * 1024));
  const bool binary = copy_->options.format == CopyFormat::kBinary;
  for (size_t row = first; row < first + count; row++) {
    sink.mark();
    binary ? binary_row(chunk, row, sink) : text_row(chunk, row, sink);
    if (!sink.within_limit()) return sink.take_error();
  }
  return {};
}

void CopyRowSink::binary_row(const engine::Chunk& chunk, size_t row, TextSink& sink) {
  const size_t message = begin_message(sink);
  if (!pending_.empty()) sink.append(std::exchange(pending_, {}));
  append_big_endian(sink, static_cast<uint16_t>(columns_.size()));
  for (size_t i = 0; i < columns_.size(); i++) {
    const engine::VectorView& view = chunk.column(i);
    if (view.valid(row)) {
      columns_[i].encode(columns_[i], view, row, sink);
    } else {
      write_null(sink);
    }
  }
  end_message(sink, message);
}

void CopyRowSink::text_row(const engine::Chunk& chunk, size_t row, TextSink& sink) const {
  const engine::CopyOptions& options = copy_->options;
  const size_t message = begin_message(sink);
  for (size_t i = 0; i < columns_.size(); i++) {
    if (i > 0) sink.put(options.delimiter);
    const engine::VectorView& view = chunk.column(i);
    if (view.valid(row)) {
      write_text_field(i, view, row, sink);
    } else {
      sink.append(options.null_text);
    }
  }
  sink.put('\n');
  end_message(sink, message);
}

// The encoders of results put a length of four bytes in front. Here it goes where the bytes before the field stand,
// which are put back afterwards.
void CopyRowSink::write_text_field(size_t column, const engine::VectorView& view, size_t row, TextSink& sink) const {
  const size_t start = sink.size();
  char before[4];
  std::memcpy(before, sink.at(start - 4), 4);
  sink.wrote_to(sink.at(start - 4));
  columns_[column].encode(columns_[column], view, row, sink);
  if (sink.failed()) return;
  std::memcpy(sink.at(start - 4), before, 4);
  if (plain_[column]) return;
  if (copy_->options.format == CopyFormat::kCsv) {
    quote(sink, start, forced_quote_[column]);
  } else {
    escape(sink, start);
  }
}

// Doubles the room of what needs a backslash, from the end backwards.
void CopyRowSink::escape(TextSink& sink, size_t start) const {
  const size_t length = sink.size() - start;
  const char* text = sink.at(start);
  if (find_escapable(text, text + length, copy_->options.delimiter) == text + length) return;
  size_t extra = 0;
  for (size_t i = 0; i < length; i++) extra += special_[static_cast<uint8_t>(text[i])] ? 1 : 0;
  sink.expect(extra);
  char* const first = sink.at(start);
  char* to = first + length + extra;
  sink.wrote_to(to);
  for (size_t i = length; i-- > 0;) {
    const char c = first[i];
    const bool special = special_[static_cast<uint8_t>(c)];
    const char letter = special ? escape_letter(c) : '\0';
    *--to = letter != '\0' ? letter : c;
    if (special) *--to = '\\';
  }
}

void CopyRowSink::quote(TextSink& sink, size_t start, bool always) const {
  const engine::CopyOptions& options = copy_->options;
  const std::string_view text(sink.at(start), sink.size() - start);
  bool needed = always || text == options.null_text || (columns_.size() == 1 && text == "\\.");
  size_t escapes = 0;
  for (const char c : text) {
    needed |= special_[static_cast<uint8_t>(c)];
    escapes += c == options.quote || c == options.escape ? 1 : 0;
  }
  if (!needed) return;
  const size_t length = text.size();
  sink.expect(escapes + 2);
  char* const first = sink.at(start);
  char* to = first + length + escapes + 2;
  sink.wrote_to(to);
  *--to = options.quote;
  for (size_t i = length; i-- > 0;) {
    const char c = first[i];
    *--to = c;
    if (c == options.quote || c == options.escape) *--to = options.escape;
  }
  *--to = options.quote;
}

std::string CopyRowSink::finish() {
  std::string out;
  BackendWriter writer(out);
  if (copy_->options.format == CopyFormat::kBinary) {
    writer.copy_data(std::exchange(pending_, {}) + std::string(kCopyBinaryTrailer));
  }
  writer.copy_done();
  return out;
}

}  // namespace merganser::pgwire

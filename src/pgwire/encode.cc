#include "pgwire/encode.h"

#include <new>

#include "pgwire/encode_field.h"

namespace merganser::pgwire {

using engine::Chunk;
using engine::TextSink;
using engine::VectorView;

namespace {

// How much room to make before a batch of rows: guesses that are right for numbers and short texts.
constexpr size_t kExpectedFieldBytes = 16;
constexpr size_t kMaxExpectedBytes = size_t{256} * 1024;

Result<Format> format_of(std::span<const int16_t> formats, size_t column) {
  const int16_t code = formats.empty() ? int16_t{0} : formats[formats.size() == 1 ? 0 : column];
  if (code != 0 && code != 1) {
    return make_error(ErrorCode::kInvalidParameterValue, "unsupported format code: " + std::to_string(code));
  }
  return static_cast<Format>(code);
}

}  // namespace

Result<RowEncoder> RowEncoder::make(std::vector<engine::TypePtr> types, std::span<const int16_t> formats,
                                    EncodeContext context) {
  if (types.size() > kMaxColumns) {
    return make_error(ErrorCode::kProgramLimitExceeded, "a result has at most 65535 columns",
                      std::to_string(types.size()) + " columns were asked for.");
  }
  if (formats.size() > 1 && formats.size() != types.size()) {
    return make_error(ErrorCode::kProtocolViolation, "bind message has " + std::to_string(formats.size()) +
                                                         " result formats but query has " +
                                                         std::to_string(types.size()) + " columns");
  }
  RowEncoder encoder;
  encoder.utc_ = TimeZone::utc();
  encoder.max_row_bytes_ = std::min(context.max_row_bytes, kMaxRowBytes);
  encoder.columns_.reserve(types.size());
  for (size_t i = 0; i < types.size(); ++i) {
    MERGANSER_ASSIGN(const Format format, format_of(formats, i));
    Column column;
    column.type = std::move(types[i]);
    column.format = format;
    column.zone = context.time_zone != nullptr ? context.time_zone : encoder.utc_.get();
    format == Format::kText ? choose_text_encoder(column) : choose_binary_encoder(column);
    encoder.columns_.push_back(std::move(column));
  }
  return encoder;
}

Status RowEncoder::encode(const Chunk& chunk, size_t first, size_t count, std::string& out) const {
  const size_t before = out.size();
  try {
    return encode_rows(chunk, first, count, out);
  } catch (const std::bad_alloc&) {
    out.resize(before);
    return make_error(ErrorCode::kOutOfMemory, "out of memory while encoding rows");
  }
}

Status RowEncoder::encode_rows(const Chunk& chunk, size_t first, size_t count, std::string& out) const {
  TextSink sink(out, max_row_bytes_);
  sink.expect(std::min(count * (7 + columns_.size() * kExpectedFieldBytes), kMaxExpectedBytes));
  const size_t fields = columns_.size();
  for (size_t row = first; row < first + count; ++row) {
    sink.mark();
    const size_t start = sink.size();
    char* at = sink.room();
    at[0] = 'D';
    store_big_endian(at + 5, static_cast<uint16_t>(fields));
    sink.wrote_to(at + 7);
    for (size_t i = 0; i < fields; ++i) {
      const VectorView& view = chunk.column(i);
      if (view.valid(row)) {
        columns_[i].encode(columns_[i], view, row, sink);
      } else {
        write_null(sink);
      }
    }
    if (!sink.within_limit()) return sink.take_error();
    store_big_endian(sink.at(start + 1), static_cast<uint32_t>(sink.size() - start - 1));
  }
  return {};
}

}  // namespace merganser::pgwire

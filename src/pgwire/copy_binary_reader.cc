#include "pgwire/copy_binary_reader.h"

#include "base/bytes.h"
#include "pgwire/copy_binary.h"

namespace merganser::pgwire {

using session::RowBlock;

namespace {

constexpr size_t kFixedHeader = kCopyBinarySignature.size() + 8;  // flags and the extension's length behind it
constexpr uint32_t kOids = 1U << 16;
constexpr uint32_t kCritical = 0xFFFF0000U;

}  // namespace

Error CopyBinaryReader::broken(std::string message) const {
  Error error = make_error(ErrorCode::kBadCopyFileFormat, std::move(message));
  return line_ == 0 ? error : in_line(std::move(error));
}

Status CopyBinaryReader::read_rows(std::string& data, bool last, size_t& used, std::vector<RowBlock>& out) {
  size_t at = 0;
  if (part_ == Part::kHeader) {
    MERGANSER_ASSIGN(const bool whole, read_header(data, last, at));
    if (!whole) return {};
    part_ = Part::kRows;
  }
  used = at;
  while (part_ == Part::kRows) {
    if (last && at == data.size()) return {};  // an end without its trailer, which old servers sent
    line_++;
    const auto whole = read_row(data, last, at);
    if (!whole.ok()) return whole.error();
    if (!*whole) {
      line_--;
      return {};
    }
    used = at;
    if (part_ == Part::kRows) end_row(out);
  }
  if (used < data.size()) return broken("received copy data after EOF marker");
  return {};
}

Result<bool> CopyBinaryReader::read_header(std::string_view data, bool last, size_t& at) {
  const std::string_view signature = data.substr(0, kCopyBinarySignature.size());
  if (signature != kCopyBinarySignature.substr(0, signature.size()) || (last && signature.size() < 11)) {
    return broken("COPY file signature not recognized");
  }
  if (data.size() < kFixedHeader) {
    if (last) return broken("invalid COPY file header (missing flags)");
    return false;
  }
  ByteReader in(data.substr(kCopyBinarySignature.size()));
  const uint32_t flags = *in.get<uint32_t>();
  const int32_t extension = *in.get<int32_t>();
  if ((flags & kOids) != 0) return broken("invalid COPY file header (WITH OIDS)");
  if ((flags & kCritical) != 0) return broken("unrecognized critical flags in COPY file header");
  if (extension < 0) return broken("invalid COPY file header (missing length)");
  if (in.remaining() < static_cast<size_t>(extension)) {
    if (last || static_cast<size_t>(extension) > kMaxCopyRowBytes) {
      return broken("invalid COPY file header (wrong length)");
    }
    return false;
  }
  at = kFixedHeader + static_cast<size_t>(extension);
  return true;
}

Result<bool> CopyBinaryReader::read_row(std::string_view data, bool last, size_t& at) {
  ByteReader in(data.substr(at));
  const auto cut = [&]() -> Result<bool> {
    if (last) return broken("unexpected EOF in COPY data");
    return false;
  };
  const auto count = in.get<int16_t>();
  if (!count) return cut();
  if (*count == -1) {
    part_ = Part::kEnded;
    at += 2;
    return true;
  }
  if (*count < 0 || static_cast<size_t>(*count) != columns_.size()) {
    return broken("row field count is " + std::to_string(*count) + ", expected " + std::to_string(columns_.size()));
  }
  for (size_t i = 0; i < columns_.size(); i++) {
    const auto length = in.get<int32_t>();
    if (!length) return cut();
    if (*length == -1) {
      cells_.put_null(*builder_, i);
      continue;
    }
    if (*length < 0)
      return in_line(make_error(ErrorCode::kBadCopyFileFormat, "invalid field size"), ", column " + columns_[i].name);
    const auto bytes = in.get_bytes(static_cast<size_t>(*length));
    if (!bytes) {
      if (static_cast<size_t>(*length) > kMaxCopyRowBytes) return broken("invalid field size");
      return cut();
    }
    Status status = cells_.put_binary(*builder_, i, *bytes);
    if (!status.ok()) return in_line(std::move(status).error(), ", column " + columns_[i].name);
  }
  at = data.size() - in.remaining();
  return true;
}

}  // namespace merganser::pgwire

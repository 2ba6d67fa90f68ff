#include "engine/copy_options.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace merganser::engine {
namespace {

Error conflicting() {
  return make_error(ErrorCode::kSyntaxError, "conflicting or redundant options");
}
Error wrong(std::string message) {
  return make_error(ErrorCode::kInvalidParameterValue, std::move(message));
}
Error cannot(std::string message) {
  return make_error(ErrorCode::kFeatureNotSupported, std::move(message));
}
Error misplaced(std::string message) {
  return make_error(ErrorCode::kSyntaxError, std::move(message));
}

bool is_utf8_name(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return plain == "utf8" || plain == "unicode";
}

bool has_line_end(std::string_view text) {
  return text.find_first_of("\r\n") != text.npos;
}

}  // namespace

Status CopyOptionList::boolean(std::string_view name, bool value) {
  if (name != "freeze") return misplaced("option \"" + std::string(name) + "\" not recognized");
  if (std::exchange(given_.freeze, true)) return conflicting();
  options_.freeze = value;
  return {};
}

Status CopyOptionList::header(CopyHeader header) {
  if (std::exchange(given_.header, true)) return conflicting();
  options_.header = header;
  return {};
}

Status CopyOptionList::format(CopyFormat format) {
  if (std::exchange(given_.format, true)) return conflicting();
  options_.format = format;
  return {};
}

Status CopyOptionList::text(std::string_view name, std::string value) {
  if (name == "encoding") {
    if (std::exchange(given_.encoding, true)) return conflicting();
    if (is_utf8_name(value)) return {};
    Error error = cannot("COPY in encoding \"" + value + "\" is not supported");
    error.hint = "Everything here is UTF8: convert the data before.";
    return error;
  }
  const auto keep = [&](bool& given, std::string& to) -> Status {
    if (std::exchange(given, true)) return conflicting();
    to = std::move(value);
    return {};
  };
  if (name == "delimiter") return keep(given_.delimiter, delimiter_);
  if (name == "null") return keep(given_.null, null_);
  if (name == "quote") return keep(given_.quote, quote_);
  if (name == "escape") return keep(given_.escape, escape_);
  return misplaced("option \"" + std::string(name) + "\" not recognized");
}

Status CopyOptionList::names(std::string_view name, std::vector<std::string> columns, bool all) {
  const auto keep = [&](bool& given, std::vector<std::string>& to) -> Status {
    if (std::exchange(given, true)) return conflicting();
    to = std::move(columns);
    return {};
  };
  if (name == "force_quote") {
    options_.force_quote_all = all;
    return keep(given_.force_quote, options_.force_quote);
  }
  if (all) return wrong("argument to option \"" + std::string(name) + "\" must be a list of column names");
  if (name == "force_not_null") return keep(given_.force_not_null, options_.force_not_null);
  return keep(given_.force_null, options_.force_null);
}

Status CopyOptionList::check_separators(const CopyOptions& out) const {
  const bool csv = out.format == CopyFormat::kCsv;
  if (has_line_end({&out.delimiter, 1})) return wrong("COPY delimiter cannot be newline or carriage return");
  if (has_line_end(out.null_text)) return wrong("COPY null representation cannot use newline or carriage return");
  // What the text format's escapes and its end marker are made of.
  constexpr std::string_view kTaken = "\\.abcdefghijklmnopqrstuvwxyz0123456789";
  if (!csv && kTaken.find(out.delimiter) != kTaken.npos) {
    return wrong("COPY delimiter cannot be \"" + std::string(1, out.delimiter) + "\"");
  }
  if (!csv && given_.quote) return cannot("COPY quote available only in CSV mode");
  if (csv && quote_.size() != 1 && given_.quote) return cannot("COPY quote must be a single one-byte character");
  if (csv && out.delimiter == out.quote) return wrong("COPY delimiter and quote must be different");
  if (!csv && given_.escape) return cannot("COPY escape available only in CSV mode");
  if (csv && given_.escape && escape_.size() != 1) return cannot("COPY escape must be a single one-byte character");
  return {};
}

Status CopyOptionList::check_csv_only(const CopyOptions& out, bool from) const {
  const bool csv = out.format == CopyFormat::kCsv;
  if (given_.force_quote) {
    if (!csv) return cannot("COPY force quote available only in CSV mode");
    if (from) return cannot("COPY force quote only available using COPY TO");
  }
  if (given_.force_not_null) {
    if (!csv) return cannot("COPY force not null available only in CSV mode");
    if (!from) return cannot("COPY force not null only available using COPY FROM");
  }
  if (given_.force_null) {
    if (!csv) return cannot("COPY force null available only in CSV mode");
    if (!from) return cannot("COPY force null only available using COPY FROM");
  }
  return {};
}

Result<CopyOptions> CopyOptionList::finish(bool from) const {
  CopyOptions out = options_;
  const bool csv = out.format == CopyFormat::kCsv;
  if (out.format == CopyFormat::kBinary) {
    if (given_.delimiter) return misplaced("cannot specify DELIMITER in BINARY mode");
    if (given_.null) return misplaced("cannot specify NULL in BINARY mode");
  }
  if (given_.delimiter && delimiter_.size() != 1) return cannot("COPY delimiter must be a single one-byte character");
  out.delimiter = given_.delimiter ? delimiter_[0] : csv ? ',' : '\t';
  out.null_text = given_.null ? null_ : csv ? "" : "\\N";
  if (given_.quote && !quote_.empty()) out.quote = quote_[0];
  out.escape = given_.escape && !escape_.empty() ? escape_[0] : out.quote;
  MERGANSER_TRY(check_separators(out));
  if (out.format == CopyFormat::kBinary && out.header != CopyHeader::kNone) {
    return cannot("cannot specify HEADER in BINARY mode");
  }
  MERGANSER_TRY(check_csv_only(out, from));
  if (!from && out.header == CopyHeader::kMatch) {
    return cannot("cannot use \"match\" with HEADER in COPY TO");
  }
  if (out.null_text.find(out.delimiter) != out.null_text.npos) {
    return wrong("COPY delimiter must not appear in the NULL specification");
  }
  if (csv && out.null_text.find(out.quote) != out.null_text.npos) {
    return wrong("CSV quote character must not appear in the NULL specification");
  }
  return out;
}

bool is_same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    const auto lower = [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; };
    return lower(x) == lower(y);
  });
}

}  // namespace merganser::engine
